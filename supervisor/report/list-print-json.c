/* SPDX-License-Identifier: MIT */

/* Units for programs: everything that the table says and more, with numbers as numbers and null for what is not
 * known. Text is made valid UTF-8 first, as JSON asks for; control characters json-c escapes. */

#include <string.h>

#include "report/list-print.h"
#include "text-clean.h"

/* json-c has NULL for null, so that a lack of memory has to be remembered. */
typedef struct ListWriter {
        json_object *object; /* weak: the unit, or a part of it, that is being filled */
        bool is_out_of_memory;
} ListWriter;

/* Takes the value over; NULL is null. */
static void writer_put(ListWriter *writer, const char *key, json_object *value) {
        if (!writer->object || json_object_object_add(writer->object, key, value) < 0) {
                writer->is_out_of_memory = true;
                (void) json_object_put(value);
        }
}

static void writer_put_new(ListWriter *writer, const char *key, json_object *value) {
        if (!value)
                writer->is_out_of_memory = true;
        writer_put(writer, key, value);
}

/* "" is not known either. */
static void writer_put_text(ListWriter *writer, const char *key, const char *text) {
        _cleanup_free_ char *clean = NULL;

        if (!text || !*text) {
                writer_put(writer, key, NULL);
                return;
        }
        clean = text_clean(text, TEXT_JSON);
        writer_put_new(writer, key, clean ? json_object_new_string(clean) : NULL);
}

/* UINT64_MAX, which is USEC_INFINITY too: null. */
static void writer_put_number(ListWriter *writer, const char *key, uint64_t number) {
        if (number == UINT64_MAX)
                writer_put(writer, key, NULL);
        else
                writer_put_new(writer, key, json_object_new_uint64(number));
}

static void writer_put_id(ListWriter *writer, const char *key, sd_id128_t id) {
        char text[SD_ID128_STRING_MAX];

        writer_put_text(writer, key, sd_id128_is_null(id) ? NULL : sd_id128_to_string(id, text));
}

static void writer_put_flight(ListWriter *writer, const ListedUnit *unit) {
        const FlightRecord *flight = unit->has_flight ? &unit->flight : NULL;

        writer_put_id(writer, "run_id", flight ? flight->run_id : SD_ID128_NULL);
        writer_put_number(writer, "gateway_pid",
                flight && flight->gateway_pid ? flight->gateway_pid : UINT64_MAX);
        writer_put_text(writer, "phase", flight ? flight->phase : NULL);
        writer_put_number(writer, "phase_left_usec", unit->phase_left_usec);
        writer_put_text(writer, "gateway_phase", flight ? flight->gateway_phase : NULL);
        writer_put_number(writer, "steps_open", flight ? flight->n_steps_open : UINT64_MAX);
        writer_put_text(writer, "step", flight ? flight->step : NULL);
        writer_put_number(writer, "active", listed_unit_active(unit));
        writer_put_number(writer, "heartbeat_age_usec", unit->heartbeat_age_usec);
        writer_put_number(writer, "watchdog_usec",
                flight && flight->watchdog_usec ? flight->watchdog_usec : UINT64_MAX);
}

static void writer_put_last(ListWriter *writer, const ListedUnit *unit) {
        ListWriter part = {};

        if (!unit->last.outcome) {
                writer_put(writer, "last", NULL);
                return;
        }
        part.object = json_object_new_object();
        writer_put_text(&part, "outcome", unit->last.outcome);
        writer_put_text(&part, "cause", unit->last.cause);
        writer_put_number(&part, "realtime_usec", unit->last.at_realtime_usec);
        writer_put_number(&part, "age_usec", unit->last_age_usec);
        writer_put_id(&part, "run_id", unit->last.run_id);
        writer->is_out_of_memory = writer->is_out_of_memory || part.is_out_of_memory;
        writer_put_new(writer, "last", part.object);
}

/* A TimeoutStopSec=infinity is null as well: then it is "aligned". */
static void writer_put_budget(ListWriter *writer, const ListedUnit *unit) {
        writer_put_text(writer, "budget", listed_budget_to_string(unit->budget));
        writer_put_number(writer, "drain_usec", unit->drain_usec);
        writer_put_number(writer, "headroom_usec", unit->headroom_usec);
        writer_put_number(writer, "timeout_stop_usec", unit->timeout_stop_usec);
}

static json_object *writer_unit(ListWriter *writer, const ListedUnit *unit) {
        json_object *object = json_object_new_object();

        writer->object = object;
        writer_put_text(writer, "unit", unit->view->name);
        writer_put_text(writer, "manager", unit_manager_to_string(unit->view->manager));
        writer_put_text(writer, "state", listed_state_to_string(unit->state));
        writer_put_text(writer, "active_state", unit->view->active_state);
        writer_put_text(writer, "sub_state", unit->view->sub_state);
        writer_put_text(writer, "status", unit->status);
        writer_put_number(
                writer, "main_pid", unit->main_pid > 0 ? (uint64_t) unit->main_pid : UINT64_MAX);
        writer_put_number(writer, "uptime_usec", unit->uptime_usec);
        writer_put_number(writer, "restarts", unit->n_restarts);
        writer_put_flight(writer, unit);
        writer_put_budget(writer, unit);
        writer_put_last(writer, unit);
        return object;
}

int list_print_json(FILE *file, const ListedUnit units[], size_t n_units, JsonMode mode) {
        json_object *array = json_object_new_array();
        ListWriter writer = { .is_out_of_memory = !array };
        int r = 0;

        assert(file);
        assert(units || n_units == 0);

        for (size_t i = 0; i < n_units && !writer.is_out_of_memory; i++) {
                json_object *object = writer_unit(&writer, &units[i]);

                if (json_object_array_add(array, object) < 0) {
                        writer.is_out_of_memory = true;
                        (void) json_object_put(object);
                }
        }
        r = writer.is_out_of_memory ? -ENOMEM : json_mode_print(file, array, mode);
        (void) json_object_put(array);
        return r;
}
