/* SPDX-License-Identifier: MIT */

/* Questions about units, sent without waiting for answers.
 *
 * What is asked about a unit: its state (one ListUnitsByNames for all units), GetAll of its Service
 * interface, and Get for the few properties of its Unit interface that somebody needs. GetAll("") would be
 * one call instead of these, but to fill it in the manager also works out UnitFileState and UnitFilePreset:
 * it searches its directories of unit files, some 3 ms a unit after each daemon-reload, and each time for a
 * unit that nothing keeps loaded. For 200 units that was 680 ms against 70. Why a unit is not loaded is
 * asked in a second round about those that are not.
 *
 * Only so many questions are under way at a time that neither side's queue grows and dbus-daemon, which
 * allows a connection 128, is content. Naming a unit in a path loads it, as it does for systemctl show.
 *
 * The first error ends the reading. Slots are kept by their questions, so that what is still under way
 * then finds nobody any more. */

#include "units/unit-reading.h"

#include <string.h>

#include "units/manager-call.h"
#include "units/unit-view-bus.h"

#define UNIT_PATH_PREFIX  "/org/freedesktop/systemd1/unit"
#define UNIT_INTERFACE    "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"

#define QUESTIONS_UNDER_WAY_MAX 64

/* Of the Unit interface, beside the settings that stand in a file's [Unit] section. */
static const char *const unit_properties[] = { "FragmentPath", "DropInPaths", "NeedDaemonReload" };

#define UNIT_QUESTIONS_MAX (2 + ELEMENTSOF(unit_properties) + _VIEW_KEY_MAX)

typedef struct Reading Reading;

typedef struct Question {
        Reading *reading;     /* weak */
        UnitView *view;       /* weak */
        const char *property; /* NULL: all of the Service interface */
        sd_bus_slot *slot;
} Question;

struct Reading {
        sd_bus *bus; /* weak */
        UnitView *views;
        size_t n_views;
        sd_bus_slot *states_slot;
        Question *questions;
        size_t n_questions;
        size_t n_under_way;
        int error; /* the first */
};

static void reading_done(Reading *reading) {
        for (size_t i = 0; i < reading->n_questions; i++)
                (void) sd_bus_slot_unref(reading->questions[i].slot);
        free(reading->questions);
        (void) sd_bus_slot_unref(reading->states_slot);
        unit_views_free(reading->views, reading->n_views);
}

static void reading_fail(Reading *reading, int error) {
        if (error < 0 && reading->error == 0)
                reading->error = error;
}

static int reading_dispatch_states(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Reading *reading = userdata;
        int r;

        reading->n_under_way--;
        if (error) {
                reading_fail(reading, manager_call_error(reading->bus, error));
                return 1;
        }
        r = sd_bus_message_enter_container(reply, 'a', MANAGER_ROW_TYPE);
        if (r <= 0)
                r = -EBADMSG;
        for (size_t i = 0; r >= 0 && i < reading->n_views; i++)
                r = unit_view_read_row(&reading->views[i], reply);
        reading_fail(reading, r);
        return 1;
}

/* One property may be missing in another version of systemd. */
static bool question_may_fail(const Question *question, const sd_bus_error *error) {
        return question->property &&
                sd_bus_error_has_names(error, SD_BUS_ERROR_UNKNOWN_PROPERTY,
                        SD_BUS_ERROR_UNKNOWN_INTERFACE, SD_BUS_ERROR_INVALID_ARGS);
}

/* A unit of which the manager cannot tell its settings: bytes in a command that are no UTF-8, which D-Bus
 * does not carry. That is about this unit alone. */
static int question_note_unreadable(Question *question, const sd_bus_error *error) {
        free(question->view->unreadable);
        question->view->unreadable = strdup(error->message ?: error->name);
        return question->view->unreadable ? 0 : -ENOMEM;
}

static int question_dispatch_answer(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Question *question = userdata;
        Reading *reading = question->reading;
        int r = 0;

        reading->n_under_way--;
        if (!error)
                r = question->property
                        ? unit_view_read_property(question->view, question->property, reply)
                        : unit_view_read_reply(question->view, reply);
        else if (!question->property && sd_bus_error_has_name(error, SD_BUS_ERROR_INVALID_ARGS))
                r = question_note_unreadable(question, error);
        else if (!question_may_fail(question, error))
                r = manager_call_error(reading->bus, error);
        reading_fail(reading, r);
        return 1;
}

/* Waits until no more than so many questions are under way. */
static int reading_pump(Reading *reading, size_t n_allowed) {
        int r;

        while (reading->n_under_way > n_allowed && reading->error == 0) {
                r = sd_bus_process(reading->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(reading->bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return r == -ENOTCONN ? -ECONNRESET : r;
        }
        return reading->error;
}

static int reading_ask(Reading *reading, sd_bus_message *call, sd_bus_slot **slot,
        sd_bus_message_handler_t callback, void *userdata) {
        int r;

        r = reading_pump(reading, QUESTIONS_UNDER_WAY_MAX - 1);
        if (r < 0)
                return r;
        r = sd_bus_call_async(reading->bus, slot, call, callback, userdata, /* usec= */ 0);
        if (r < 0)
                return r == -ENOTCONN ? -ECONNRESET : r;
        reading->n_under_way++;
        return 0;
}

static int reading_ask_states(Reading *reading, char *const names[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = manager_call_new(
                reading->bus, MANAGER_PATH, MANAGER_INTERFACE, "ListUnitsByNames", &call);
        if (r >= 0)
                r = sd_bus_message_append_strv(call, (char **) names);
        if (r < 0)
                return r;
        return reading_ask(reading, call, &reading->states_slot, reading_dispatch_states, reading);
}

static int reading_ask_property(
        Reading *reading, UnitView *view, const char *path, const char *property) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        Question *question = &reading->questions[reading->n_questions];
        int r;

        r = manager_call_new(reading->bus, path, "org.freedesktop.DBus.Properties",
                property ? "Get" : "GetAll", &call);
        if (r >= 0)
                r = sd_bus_message_append_basic(
                        call, 's', property ? UNIT_INTERFACE : SERVICE_INTERFACE);
        if (r >= 0 && property)
                r = sd_bus_message_append_basic(call, 's', property);
        if (r < 0)
                return r;
        *question = (Question){ .reading = reading, .view = view, .property = property };
        reading->n_questions++;
        return reading_ask(reading, call, &question->slot, question_dispatch_answer, question);
}

static int reading_ask_unit(Reading *reading, UnitView *view) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = sd_bus_path_encode(UNIT_PATH_PREFIX, view->name, &path);
        if (r >= 0)
                r = reading_ask_property(reading, view, path, /* property= */ NULL);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(unit_properties); i++)
                r = reading_ask_property(reading, view, path, unit_properties[i]);
        for (ViewKey key = 0; r >= 0 && key < _VIEW_KEY_MAX; key++) {
                const ViewKeyInfo *info = view_key_info(key);

                if (info->section && strcmp(info->section, "Unit") == 0)
                        r = reading_ask_property(reading, view, path, info->property);
        }
        return r;
}

/* Asked for last, as most units have none. */
static int reading_ask_error(Reading *reading, UnitView *view) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (strcmp(view->load_state, "loaded") == 0)
                return 0;
        r = sd_bus_path_encode(UNIT_PATH_PREFIX, view->name, &path);
        return r < 0 ? r : reading_ask_property(reading, view, path, "LoadError");
}

static int reading_start(Reading *reading, UnitManager manager, char *const names[]) {
        size_t n = strv_length(names);

        reading->views = calloc(n, sizeof(*reading->views));
        reading->questions = calloc(n * UNIT_QUESTIONS_MAX, sizeof(*reading->questions));
        if (!reading->views || !reading->questions)
                return -ENOMEM;
        for (; reading->n_views < n; reading->n_views++) {
                UnitView *view = &reading->views[reading->n_views];

                if (unit_view_init(view, names[reading->n_views], manager) < 0)
                        return -ENOMEM;
                unit_view_forget(view);
        }
        return 0;
}

int unit_reading_run(sd_bus *bus, UnitManager manager, char *const names[], UnitView **ret_views,
        size_t *ret_n) {
        _cleanup_(reading_done) Reading reading = { .bus = bus };
        int r;

        assert(bus && names && names[0] && ret_views && ret_n);

        r = reading_start(&reading, manager, names);
        if (r >= 0)
                r = reading_ask_states(&reading, names);
        for (size_t i = 0; r >= 0 && i < reading.n_views; i++)
                r = reading_ask_unit(&reading, &reading.views[i]);
        if (r >= 0)
                r = reading_pump(&reading, 0);
        for (size_t i = 0; r >= 0 && i < reading.n_views; i++)
                r = reading_ask_error(&reading, &reading.views[i]);
        if (r >= 0)
                r = reading_pump(&reading, 0);
        if (r < 0)
                return r;
        *ret_views = TAKE_PTR(reading.views);
        *ret_n = reading.n_views;
        reading.n_views = 0;
        return 0;
}
