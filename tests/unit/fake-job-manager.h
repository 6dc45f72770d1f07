/* SPDX-License-Identifier: MIT */
#pragma once

/* A fake manager that is asked why a unit stops: its unit, that unit's result, the jobs, the state of the
 * system, other units. Each question has its own way of being answered, or not. With it the fixture of
 * the tests that ask.
 *
 * To be included after cmocka.h. */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "forensics/evidence.h"

#define MANAGER_NAME          "org.freedesktop.systemd1"
#define FIXTURE_DEADLINE_USEC (60 * USEC_PER_SEC)
#define PEERS_MAX             8

typedef enum Question {
        QUESTION_UNIT, /* each property of ours */
        QUESTION_RESULT,
        QUESTION_JOBS,
        QUESTION_STATE,
        QUESTION_BOUND, /* ActiveState of another unit */
        _QUESTION_MAX,
} Question;

typedef enum FakeMode {
        FAKE_ANSWERS,
        FAKE_ERRS,
        FAKE_SAYS_NOTHING,
        FAKE_SAYS_NONSENSE, /* a reply of another type */
        FAKE_HANGS_UP,
        _FAKE_MODE_MAX,
} FakeMode;

typedef struct FakeJob {
        uint32_t id;
        const char *unit;
        const char *type;
} FakeJob;

/* A dependency of our unit; or, of another unit, its state. */
typedef struct FakePair {
        const char *key;
        const char *value;
} FakePair;

typedef struct FakeManager {
        sd_event *event; /* weak */
        char socket_path[108];
        int fd;
        sd_event_source *accept_source;
        sd_bus *peers[PEERS_MAX];
        unsigned n_peers;

        FakeMode modes[_QUESTION_MAX];
        const char *error_name;
        const char *unit; /* weak; ours */
        const char *sub_state;
        const char *active_state;
        uint64_t active_exit_usec;
        const char *result;
        const char *system_state;
        uint32_t job_id;
        const FakeJob *jobs;      /* end in a NULL unit */
        const FakePair *ties;     /* end in a NULL key */
        const FakePair *bound;    /* likewise */
        const char *odd_property; /* is sent as what it never is */
        const char *no_property;  /* there is none of this name */
        unsigned n_more_ties;     /* Requires= units of no other meaning, before the others */
        unsigned n_more_jobs;     /* jobs of no meaning, before the others */

        unsigned n_asked[_QUESTION_MAX]; /* of the unit: for its SubState */
        unsigned n_all_asked;
        char asked[512]; /* the unit's properties, each with a space behind it */
        unsigned n_auto_start;
        unsigned n_hello;
        char result_interface[64];
} FakeManager;

typedef struct Fixture {
        sd_event *event;
        char directory[64];
        FakeManager fake;
        FakeManager other; /* the system manager of a user's, or a second address */
        CgroupUnit unit;
        Evidence *evidence;
        unsigned n_calls;
        int error;
        UnitEvidence told;
        bool is_freed_by_handler;
        bool is_over;
} Fixture;

/* ---- Answers --------------------------------------------------------------------------------- */

static inline int fake_append_ties(
        sd_bus_message *reply, const FakeManager *fake, const char *bond) {
        bool has_more = strcmp(bond, "Requires") == 0;

        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (unsigned i = 0; has_more && i < fake->n_more_ties && r >= 0; i++) {
                char unit[32];

                (void) snprintf(unit, sizeof(unit), "more-%u.service", i);
                r = sd_bus_message_append(reply, "s", unit);
        }
        for (const FakePair *tie = fake->ties; tie && tie->key && r >= 0; tie++)
                if (strcmp(tie->key, bond) == 0)
                        r = sd_bus_message_append(reply, "s", tie->value);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static inline int fake_append_list(
        sd_bus_message *reply, const FakeManager *fake, const char *bond) {
        int r = sd_bus_message_open_container(reply, 'v', "as");
        if (r >= 0)
                r = fake_append_ties(reply, fake, bond);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static inline int fake_append_property(
        sd_bus_message *reply, const FakeManager *fake, const char *property) {
        if (fake->odd_property && strcmp(fake->odd_property, property) == 0)
                return sd_bus_message_append(reply, "v", "u", 7);
        if (strcmp(property, "SubState") == 0)
                return sd_bus_message_append(reply, "v", "s", fake->sub_state);
        if (strcmp(property, "ActiveState") == 0)
                return sd_bus_message_append(reply, "v", "s", fake->active_state);
        if (strcmp(property, "Job") == 0)
                return sd_bus_message_append(reply, "v", "(uo)", fake->job_id, "/");
        if (strcmp(property, "ActiveExitTimestampMonotonic") == 0)
                return sd_bus_message_append(reply, "v", "t", fake->active_exit_usec);
        return fake_append_list(reply, fake, property);
}

static inline int fake_append_jobs(sd_bus_message *reply, const FakeManager *fake) {
        int r = sd_bus_message_open_container(reply, 'a', "(usssoo)");

        for (unsigned i = 0; i < fake->n_more_jobs && r >= 0; i++)
                r = sd_bus_message_append(reply, "(usssoo)", 100000 + i, "more.service", "start",
                        "waiting", "/", "/");
        for (const FakeJob *job = fake->jobs; job && job->unit && r >= 0; job++)
                r = sd_bus_message_append(
                        reply, "(usssoo)", job->id, job->unit, job->type, "running", "/", "/");
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static inline int fake_append_bound(
        sd_bus_message *reply, const FakeManager *fake, const char *name) {
        for (const FakePair *unit = fake->bound; unit && unit->key; unit++)
                if (strcmp(unit->key, name) == 0)
                        return sd_bus_message_append(reply, "v", "s", unit->value);
        return sd_bus_message_append(reply, "v", "s", "active");
}

/* what: the property, or the other unit. */
static inline int fake_append(
        sd_bus_message *reply, const FakeManager *fake, Question question, const char *what) {
        switch (question) {
        case QUESTION_UNIT:
                return fake_append_property(reply, fake, what);
        case QUESTION_RESULT:
                return sd_bus_message_append(reply, "v", "s", fake->result);
        case QUESTION_JOBS:
                return fake_append_jobs(reply, fake);
        case QUESTION_STATE:
                return sd_bus_message_append(reply, "v", "s", fake->system_state);
        default:
                return fake_append_bound(reply, fake, what);
        }
}

static inline int fake_answer(
        FakeManager *fake, sd_bus_message *call, Question question, const char *what) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        fake->n_asked[question] += question != QUESTION_UNIT || strcmp(what, "SubState") == 0;
        switch (fake->modes[question]) {
        case FAKE_SAYS_NOTHING:
                return 1;
        case FAKE_ERRS:
                return sd_bus_reply_method_errorf(call, fake->error_name, "As told");
        case FAKE_SAYS_NONSENSE:
                return sd_bus_reply_method_return(call, "v", "ai", 1, 7);
        case FAKE_HANGS_UP:
                sd_bus_close(sd_bus_message_get_bus(call));
                return 1;
        default:
                break;
        }
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = fake_append(reply, fake, question, what);
        return r < 0 ? r : sd_bus_message_send(reply);
}

/* ---- Questions ------------------------------------------------------------------------------- */

static inline int fake_take_get_of_unit(
        FakeManager *fake, sd_bus_message *call, const char *property) {
        _cleanup_free_ char *name = NULL;
        size_t n = strlen(fake->asked);

        if (sd_bus_path_decode(
                    sd_bus_message_get_path(call), "/org/freedesktop/systemd1/unit", &name) <= 0)
                return -EINVAL;
        if (strcmp(name, fake->unit) != 0)
                return strcmp(property, "ActiveState") == 0
                        ? fake_answer(fake, call, QUESTION_BOUND, name)
                        : -EINVAL;
        (void) snprintf(fake->asked + n, sizeof(fake->asked) - n, "%s ", property);
        if (fake->no_property && strcmp(fake->no_property, property) == 0)
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_PROPERTY, "Not here");
        return fake_answer(fake, call, QUESTION_UNIT, property);
}

static inline int fake_take_get(FakeManager *fake, sd_bus_message *call) {
        const char *interface, *property;

        if (sd_bus_message_read(call, "ss", &interface, &property) < 0)
                return -EINVAL;
        if (strcmp(interface, MANAGER_NAME ".Unit") == 0)
                return fake_take_get_of_unit(fake, call, property);
        if (strcmp(property, "SystemState") == 0)
                return fake_answer(fake, call, QUESTION_STATE, property);
        if (strcmp(property, "Result") != 0)
                return -EINVAL;
        (void) snprintf(fake->result_interface, sizeof(fake->result_interface), "%s", interface);
        return fake_answer(fake, call, QUESTION_RESULT, property);
}

static inline int fake_dispatch_call(
        sd_bus_message *call, void *userdata, sd_bus_error *reterr_error) {
        const char *member = sd_bus_message_get_member(call);
        FakeManager *fake = userdata;
        int r = -EINVAL;

        if (!sd_bus_message_is_method_call(call, NULL, NULL))
                return 0;
        if (strcmp(member, "Hello") == 0) {
                fake->n_hello++;
                return sd_bus_reply_method_return(call, "s", ":1.7");
        }
        fake->n_auto_start += sd_bus_message_get_auto_start(call) != 0;
        if (strcmp(member, "ListJobs") == 0)
                r = fake_answer(fake, call, QUESTION_JOBS, /* what= */ NULL);
        else if (strcmp(member, "GetAll") == 0)
                fake->n_all_asked++;
        else if (strcmp(member, "Get") == 0)
                r = fake_take_get(fake, call);
        return r < 0 ? r : 1;
}

static inline int fake_dispatch_accept(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        FakeManager *fake = userdata;
        sd_bus *peer = NULL;
        sd_id128_t id;
        int peer_fd, r;

        peer_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (peer_fd < 0 || fake->n_peers == PEERS_MAX || sd_bus_new(&peer) < 0)
                return sd_event_exit(fake->event, EXIT_FAILURE);
        fake->peers[fake->n_peers++] = peer;
        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_set_fd(peer, peer_fd, peer_fd);
        if (r >= 0)
                r = sd_bus_set_server(peer, true, id);
        if (r >= 0)
                r = sd_bus_set_sender(peer, MANAGER_NAME);
        if (r >= 0)
                r = sd_bus_add_filter(peer, NULL, fake_dispatch_call, fake);
        if (r >= 0)
                r = sd_bus_start(peer);
        if (r >= 0)
                r = sd_bus_attach_event(peer, fake->event, 0);
        return r < 0 ? sd_event_exit(fake->event, EXIT_FAILURE) : 0;
}

static inline int fake_listen(FakeManager *fake, sd_event *event, const char *socket_path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        fake->event = event;
        if (strlen(socket_path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(fake->socket_path, socket_path);
        strcpy(address.sun_path, socket_path);
        fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fake->fd < 0 || bind(fake->fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
                listen(fake->fd, SOMAXCONN) < 0)
                return -errno;
        return sd_event_add_io(
                event, &fake->accept_source, fake->fd, EPOLLIN, fake_dispatch_accept, fake);
}

static inline void fake_hang_up(FakeManager *fake) {
        for (unsigned i = 0; i < fake->n_peers; i++)
                fake->peers[i] = sd_bus_close_unref(fake->peers[i]);
        fake->n_peers = 0;
}

static inline void fake_stop(FakeManager *fake) {
        fake_hang_up(fake);
        fake->accept_source = sd_event_source_disable_unref(fake->accept_source);
        fake->fd = fd_close(fake->fd);
        if (fake->socket_path[0])
                (void) unlink(fake->socket_path);
}

static inline void fake_set_modes(FakeManager *fake, FakeMode mode) {
        for (Question question = 0; question < _QUESTION_MAX; question++)
                fake->modes[question] = mode;
}

/* ---- The fixture ----------------------------------------------------------------------------- */

static inline void fake_be_plain(FakeManager *fake) {
        fake_set_modes(fake, FAKE_ANSWERS);
        fake->error_name = "org.freedesktop.DBus.Error.UnknownProperty";
        fake->sub_state = "stop-sigterm";
        fake->active_state = "deactivating";
        fake->active_exit_usec = 12345;
        fake->result = "success";
        fake->system_state = "running";
}

static inline int fixture_dispatch_over(sd_event_source *source, uint64_t usec, void *userdata) {
        ((Fixture *) userdata)->is_over = true;
        return 0;
}

static inline int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        char path[96];

        if (!fixture)
                return -1;
        *state = fixture;
        fixture->fake.fd = fixture->other.fd = -EBADF;
        fixture->unit = (CgroupUnit){ UNIT_MANAGER_SYSTEM, "hermes.service", (uid_t) -1 };
        fake_be_plain(&fixture->fake);
        fake_be_plain(&fixture->other);
        fixture->fake.unit = fixture->other.unit = fixture->unit.unit;
        (void) unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
        (void) unsetenv("XDG_RUNTIME_DIR");
        strcpy(fixture->directory, "/tmp/test-evidence-XXXXXX");
        if (!mkdtemp(fixture->directory) || sd_event_new(&fixture->event) < 0)
                return -1;
        (void) snprintf(path, sizeof(path), "%s/manager", fixture->directory);
        if (fake_listen(&fixture->fake, fixture->event, path) < 0)
                return -1;
        (void) snprintf(path, sizeof(path), "%s/bus", fixture->directory);
        if (fake_listen(&fixture->other, fixture->event, path) < 0)
                return -1;
        return sd_event_add_time_relative(fixture->event, NULL, CLOCK_MONOTONIC,
                FIXTURE_DEADLINE_USEC, USEC_PER_SEC, fixture_dispatch_over, fixture);
}

static inline int fixture_teardown(void **state) {
        Fixture *fixture = *state;
        char path[96];

        (void) evidence_free(fixture->evidence);
        fake_stop(&fixture->other);
        fake_stop(&fixture->fake);
        (void) sd_event_unref(fixture->event);
        (void) unsetenv("XDG_RUNTIME_DIR");
        (void) snprintf(path, sizeof(path), "%s/systemd", fixture->directory);
        (void) rmdir(path);
        (void) rmdir(fixture->directory);
        free(fixture);
        return 0;
}

static inline void fixture_handle(
        Evidence *evidence, const UnitEvidence *facts, int error, void *userdata) {
        Fixture *fixture = userdata;

        assert_ptr_equal(evidence, fixture->evidence);
        assert_non_null(facts);
        fixture->n_calls++;
        fixture->error = error;
        fixture->told = *facts;
        if (fixture->is_freed_by_handler)
                fixture->evidence = evidence_free(fixture->evidence);
}

static inline const char *fake_address(const FakeManager *fake, char address[static 128]) {
        (void) snprintf(address, 128, "unix:path=%s", fake->socket_path);
        return address;
}

/* Runs the loop until there is nothing to do at once. */
static inline void fixture_run_dry(Fixture *fixture) {
        int r;

        while ((r = sd_event_run(fixture->event, 0)) > 0)
                assert_false(fixture->is_over);
        assert_return_code(r, 0);
}

static inline void fixture_start_at(
        Fixture *fixture, const char *address, const char *system_address) {
        fixture->evidence = evidence_free(fixture->evidence);
        fake_hang_up(&fixture->fake);
        fake_hang_up(&fixture->other);
        fixture->n_calls = 0;
        fixture->told = (UnitEvidence){};
        assert_return_code(evidence_new(fixture->event, &fixture->unit, address, system_address, 0,
                                   fixture_handle, fixture, &fixture->evidence),
                0);
        assert_int_equal(fixture->n_calls, 0);
}

/* Runs the loop until it is told, or so many times. */
static inline void fixture_run(Fixture *fixture, unsigned n_times) {
        for (unsigned i = 0; i < n_times && fixture->n_calls == 0 && !fixture->is_over; i++)
                assert_return_code(sd_event_run(fixture->event, UINT64_MAX), 0);
}

/* Asks and waits for what is told. */
static inline void fixture_ask_at(
        Fixture *fixture, const char *address, const char *system_address) {
        fixture_start_at(fixture, address, system_address);
        fixture_run(fixture, UINT_MAX);
        assert_int_equal(fixture->n_calls, 1);
}

static inline void fixture_ask(Fixture *fixture) {
        char address[128], system_address[128];

        fixture_ask_at(fixture, fake_address(&fixture->fake, address),
                fake_address(&fixture->other, system_address));
}

/* Asks at two addresses, the second one for when the first is of no use. */
static inline void fixture_ask_both(Fixture *fixture) {
        char address[128], other[128], both[257];

        (void) snprintf(both, sizeof(both), "%s;%s", fake_address(&fixture->fake, address),
                fake_address(&fixture->other, other));
        fixture_ask_at(fixture, both, /* system_address= */ NULL);
}

static inline void fixture_have_stop_job(Fixture *fixture) {
        static const FakeJob jobs[] = { { 77, "hermes.service", "stop" }, {} };

        fixture->fake.job_id = fixture->other.job_id = 77;
        fixture->fake.jobs = fixture->other.jobs = jobs;
}

static inline void fixture_be_user_unit(Fixture *fixture) {
        fixture->unit.manager = UNIT_MANAGER_USER;
        fixture->unit.owner_uid = getuid();
        strcpy(fixture->unit.above, "user@1000.service");
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
