/* SPDX-License-Identifier: MIT */

/* A connection to a manager for programs that ask and leave: how it is made, which units there are, and
 * what belongs to them here.
 *
 * Names and globs are systemctl's: a glob is matched by the manager against what is loaded, of which only
 * services are taken; a name stands for itself, whether there is such a unit or not.
 *
 * Where this machine's own manager is asked, what its files say is added, and for a user's manager what the
 * system manager would allow it when the machine shuts down. What of this cannot be learned stays unknown
 * and is no failure.
 *
 * What is asked about a unit is in check/unit-reading.c. */

#include "units/unit-reader.h"

#include <inttypes.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "bus-link.h"
#include "unit-name.h"
#include "units/manager-call.h"
#include "units/unit-reading.h"
#include "units/unit-surroundings.h"
#include "units/unit-view-files.h"

#define SERVICE_SUFFIX   ".service"
#define CAP_TIMEOUT_USEC (2 * USEC_PER_SEC) /* nobody needs the cap that badly */

struct UnitReader {
        sd_bus *bus;
        UnitManager manager;
        bool has_files;   /* it is this machine's */
        const char *root; /* weak */
        char *system_address;
};

/* ---- Connecting ------------------------------------------------------------------------------ */

static int bus_open_address(const char *address, bool is_message_bus, sd_bus **ret_bus) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, is_message_bus);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                *ret_bus = TAKE_PTR(bus);
        return r;
}

static int bus_open_private(UnitManager manager, sd_bus **ret_bus) {
        BusLink addresses = {};

        if (manager == UNIT_MANAGER_USER)
                bus_link_add_user(&addresses, getuid());
        else
                bus_link_add_system(&addresses);
        for (size_t i = 0; i < addresses.n_addresses; i++)
                if (!addresses.addresses[i].is_message_bus)
                        return bus_open_address(addresses.addresses[i].text, false, ret_bus);
        return -ENOENT;
}

static int bus_open(const UnitReaderTarget *target, sd_bus **ret_bus) {
        bool is_user = target->manager == UNIT_MANAGER_USER;
        int r;

        if (target->address)
                return bus_open_address(target->address, target->is_message_bus, ret_bus);
        if (target->host)
                return is_user ? -EOPNOTSUPP : sd_bus_open_system_remote(ret_bus, target->host);
        if (target->machine)
                return is_user ? sd_bus_open_user_machine(ret_bus, target->machine)
                               : sd_bus_open_system_machine(ret_bus, target->machine);
        r = bus_open_private(target->manager, ret_bus);
        if (r >= 0)
                return r;
        return is_user ? sd_bus_open_user(ret_bus) : sd_bus_open_system(ret_bus);
}

void unit_reader_target_settle(UnitReaderTarget *target) {
        if (target->manager == UNIT_MANAGER_NONE)
                target->manager =
                        geteuid() == 0 || target->host ? UNIT_MANAGER_SYSTEM : UNIT_MANAGER_USER;
}

const char *unit_reader_target_refuse(const UnitReaderTarget *target) {
        if (target->host && target->machine)
                return "--host= and --machine= exclude each other: give one";
        if (target->host && target->manager == UNIT_MANAGER_USER)
                return "--user does not go with --host=: give --machine=USER@HOST there, or log in";
        return NULL;
}

int unit_reader_open(const UnitReaderTarget *target, UnitReader **ret_reader) {
        _cleanup_(unit_reader_freep) UnitReader *reader = NULL;
        int r;

        assert(target && target->manager != UNIT_MANAGER_NONE);

        reader = calloc(1, sizeof(*reader));
        if (!reader)
                return -ENOMEM;
        reader->manager = target->manager;
        reader->has_files = !target->host && !target->machine;
        reader->root = target->root ?: "";
        if (target->system_address) {
                reader->system_address = strdup(target->system_address);
                if (!reader->system_address)
                        return -ENOMEM;
        }
        r = bus_open(target, &reader->bus);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(reader->bus, UNIT_READER_TIMEOUT_USEC);
        if (r < 0)
                return r;
        *ret_reader = TAKE_PTR(reader);
        return 0;
}

UnitReader *unit_reader_free(UnitReader *reader) {
        if (!reader)
                return NULL;
        (void) sd_bus_close_unref(reader->bus);
        free(reader->system_address);
        free(reader);
        return NULL;
}

/* ---- Which units ----------------------------------------------------------------------------- */

static bool name_is_glob(const char *name) {
        return name[strcspn(name, "*?[")];
}

static bool name_has_suffix(const char *name, const char *suffix) {
        size_t length = strlen(name), suffix_length = strlen(suffix);

        return length >= suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

static bool name_has_type(const char *name) {
        static const char *const types[] = { SERVICE_SUFFIX, ".socket", ".target", ".device",
                ".mount", ".automount", ".swap", ".timer", ".path", ".slice", ".scope" };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (name_has_suffix(name, types[i]))
                        return true;
        return false;
}

static int names_add(char ***names, const char *name) {
        return strv_contains(*names, name) ? 0 : strv_extend(names, name);
}

static int names_add_plain(char ***names, const char *given) {
        _cleanup_free_ char *name = NULL;

        if (asprintf(&name, "%s%s", given, name_has_type(given) ? "" : SERVICE_SUFFIX) < 0)
                return -ENOMEM;
        if (!name_has_suffix(name, SERVICE_SUFFIX) || !unit_name_is_valid(name) ||
                unit_name_is_template(name))
                return -EINVAL;
        return names_add(names, name);
}

static int name_compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The services in a reply to ListUnitsByPatterns, sorted. A unit that only others speak of is listed too,
 * as not found. */
static int names_read(sd_bus_message *reply, char ***ret_names) {
        _cleanup_strv_ char **names = NULL;
        const char *name, *load;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', MANAGER_ROW_TYPE);
        if (r < 0)
                return -EBADMSG;
        while ((r = sd_bus_message_read(reply, MANAGER_ROW_TYPE, &name, NULL, &load, NULL, NULL,
                        NULL, NULL, NULL, NULL, NULL)) > 0)
                if (name_has_suffix(name, SERVICE_SUFFIX) && strcmp(load, "not-found") != 0 &&
                        strv_extend(&names, name) < 0)
                        return -ENOMEM;
        if (r < 0)
                return -EBADMSG;
        if (names)
                qsort(names, strv_length(names), sizeof(*names), name_compare);
        *ret_names = TAKE_PTR(names);
        return 0;
}

static int reader_add_matches(UnitReader *reader, const char *glob, char ***names) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_strv_ char **matches = NULL;
        int r;

        r = manager_call_new(
                reader->bus, MANAGER_PATH, MANAGER_INTERFACE, "ListUnitsByPatterns", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "asas", 0, 1, glob);
        if (r >= 0)
                r = manager_call_wait(reader->bus, call, /* timeout_usec= */ 0, &reply);
        if (r >= 0)
                r = names_read(reply, &matches);
        if (r < 0)
                return r;
        if (!*names) {
                *names = TAKE_PTR(matches);
                return 0;
        }
        for (size_t i = 0; matches && matches[i]; i++)
                if (names_add(names, matches[i]) < 0)
                        return -ENOMEM;
        return 0;
}

static int reader_list(
        UnitReader *reader, char *const patterns[], char ***ret_names, const char **ret_bad) {
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        if (!patterns || !patterns[0])
                r = reader_add_matches(reader, "*" SERVICE_SUFFIX, &names);
        for (size_t i = 0; r >= 0 && patterns && patterns[i]; i++) {
                if (name_is_glob(patterns[i])) {
                        r = reader_add_matches(reader, patterns[i], &names);
                        continue;
                }
                r = names_add_plain(&names, patterns[i]);
                if (r == -EINVAL)
                        *ret_bad = patterns[i];
        }
        if (r < 0)
                return r;
        *ret_names = TAKE_PTR(names);
        return 0;
}

int unit_reader_list(
        UnitReader *reader, char *const patterns[], char ***ret_names, const char **ret_bad) {
        int r;

        assert(reader && ret_names && ret_bad);

        r = reader_list(reader, patterns, ret_names, ret_bad);
        if (r == -ESRCH && manager_await(reader->bus, UNIT_READER_AWAIT_USEC) >= 0)
                r = reader_list(reader, patterns, ret_names, ret_bad);
        return r;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The service of the system manager that runs this user's manager, if it does. */
static int reader_read_above(UnitReader *reader, const char *unit, UnitView **ret_views) {
        const UnitReaderTarget target = {
                .manager = UNIT_MANAGER_SYSTEM,
                .address = reader->system_address,
        };
        _cleanup_(unit_reader_freep) UnitReader *above = NULL;
        char *const names[] = { (char *) unit, NULL };
        size_t n;
        int r;

        r = unit_reader_open(&target, &above);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(above->bus, CAP_TIMEOUT_USEC);
        if (r >= 0)
                r = unit_reading_run(above->bus, UNIT_MANAGER_SYSTEM, names, ret_views, &n);
        return r;
}

/* Not known where the user's manager was started in another way. */
static int reader_find_cap(UnitReader *reader, UnitView views[], size_t n) {
        char unit[sizeof("user@4294967295.service")];
        UnitView *above;
        usec_t cap_usec = USEC_INFINITY;
        int r = 0;

        (void) snprintf(unit, sizeof(unit), "user@%" PRIu32 ".service", (uint32_t) getuid());
        if (reader_read_above(reader, unit, &above) < 0)
                return 0;
        if (above->active_state && strcmp(above->active_state, "inactive") != 0 &&
                above->values[VIEW_TIMEOUT_STOP_USEC].is_known)
                cap_usec = unit_view_usec(above, VIEW_TIMEOUT_STOP_USEC);
        unit_views_free(above, 1);
        for (size_t i = 0; r >= 0 && cap_usec != USEC_INFINITY && i < n; i++) {
                views[i].cap_usec = cap_usec;
                views[i].cap_unit = strdup(unit);
                if (!views[i].cap_unit)
                        r = -ENOMEM;
        }
        return r;
}

int unit_reader_read(UnitReader *reader, char *const names[], UnitView **ret_views, size_t *ret_n) {
        UnitView *views = NULL;
        size_t n = 0;
        int r = 0;

        assert(reader && ret_views && ret_n);

        if (names && names[0])
                r = unit_reading_run(reader->bus, reader->manager, names, &views, &n);
        if (r == -ESRCH && manager_await(reader->bus, UNIT_READER_AWAIT_USEC) >= 0)
                r = unit_reading_run(reader->bus, reader->manager, names, &views, &n);
        if (r >= 0 && reader->has_files)
                r = unit_surroundings_read(views, n, reader->root);
        for (size_t i = 0; r >= 0 && !reader->has_files && i < n; i++)
                r = unit_view_find_origins(&views[i]); /* not known */
        if (r >= 0 && reader->has_files && reader->manager == UNIT_MANAGER_USER && n > 0)
                r = reader_find_cap(reader, views, n);
        if (r < 0) {
                unit_views_free(views, n);
                return r;
        }
        *ret_views = views;
        *ret_n = n;
        return 0;
}

/* ---- Reloading ------------------------------------------------------------------------------- */

int unit_reader_reload(UnitReader *reader) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        assert(reader);

        r = manager_call_new(reader->bus, MANAGER_PATH, MANAGER_INTERFACE, "Reload", &call);
        if (r >= 0)
                r = manager_call_wait(
                        reader->bus, call, UNIT_READER_RELOAD_TIMEOUT_USEC, /* ret_reply= */ NULL);
        return r;
}

const char *unit_reader_explain(const UnitReaderTarget *target, int error) {
        if (error == -ESRCH || error == -ENOENT)
                return "no manager answers there (is systemd running?)";
        if (target->host && (error == -ECONNRESET || error == -EPIPE))
                return "ssh has closed the connection";
        return strerror(-error);
}
