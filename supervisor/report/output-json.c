/* SPDX-License-Identifier: MIT */

/* Past stops for programs: one object a stop, whose keys stay what they are. A key whose value is not known is
 * missing, so that what is there is of one type. Times are numbers of microseconds; the two dates are there
 * as RFC 3339 in UTC as well.
 *
 * Lists in records (phases, steps) are JSON by the supervisor's hand, or by that of anybody: they are taken
 * apart and built anew, and left out when they are no list of plain values, or are cut. Text is made valid
 * UTF-8; control characters json-c escapes, and those that it does not escape have been replaced.
 *
 * An array is written stop by stop: that of a fleet need not be in memory. */

#include <math.h>
#include <string.h>

#include "report-output.h"
#include "text-clean.h"
#include "timestamp.h"

#define LIST_DEPTH_MAX 8

/* json-c has NULL for null, so that a lack of memory has to be remembered. */
typedef struct JsonWriter {
        bool is_out_of_memory;
} JsonWriter;

/* ---- Values ---------------------------------------------------------------------------------- */

/* Hands the value over; NULL: out of memory. */
static void writer_put(
        JsonWriter *writer, json_object *object, const char *key, json_object *value) {
        if (!object || !value || json_object_object_add(object, key, value) < 0) {
                writer->is_out_of_memory = true;
                (void) json_object_put(value);
        }
}

static json_object *writer_text(const char *text) {
        _cleanup_free_ char *clean = text_clean(text, TEXT_JSON);
        return clean ? json_object_new_string(clean) : NULL;
}

static void writer_put_text(
        JsonWriter *writer, json_object *object, const char *key, const char *text) {
        if (text)
                writer_put(writer, object, key, writer_text(text));
}

/* UINT64_MAX, which is also USEC_INFINITY: not known. */
static void writer_put_number(
        JsonWriter *writer, json_object *object, const char *key, uint64_t number) {
        if (number != UINT64_MAX)
                writer_put(writer, object, key, json_object_new_uint64(number));
}

static void writer_put_uid(JsonWriter *writer, json_object *object, const char *key, uid_t uid) {
        if (uid != (uid_t) -1)
                writer_put(writer, object, key, json_object_new_uint64(uid));
}

static void writer_put_pid(JsonWriter *writer, json_object *object, const char *key, pid_t pid) {
        if (pid > 0)
                writer_put(writer, object, key, json_object_new_int(pid));
}

static void writer_put_id(JsonWriter *writer, json_object *object, const char *key, sd_id128_t id) {
        char text[SD_ID128_STRING_MAX];

        if (!sd_id128_is_null(id))
                writer_put_text(writer, object, key, sd_id128_to_string(id, text));
}

/* A date, and the same as a number. */
static void writer_put_instant(JsonWriter *writer, json_object *object, const char *key,
        const char *usec_key, usec_t realtime_usec) {
        char text[TIMESTAMP_MAX];

        if (realtime_usec == USEC_INFINITY)
                return;
        if (realtime_usec > 0)
                writer_put_text(writer, object, key,
                        timestamp_format(
                                text, realtime_usec, TIMESTAMP_RFC3339, /* is_utc= */ true));
        writer_put_number(writer, object, usec_key, realtime_usec);
}

/* ---- Lists of strangers ------------------------------------------------------------------------ */

static json_object *list_copy(JsonWriter *writer, json_object *value);

static json_object *list_copy_text(json_object *value) {
        const size_t size = (size_t) json_object_get_string_len(value);
        _cleanup_free_ char *text = malloc(size + 1);

        if (!text)
                return NULL;
        for (size_t i = 0; i < size; i++)
                text[i] = json_object_get_string(value)[i] ?: '?';
        text[size] = '\0';
        return writer_text(text);
}

static json_object *list_copy_array(JsonWriter *writer, json_object *value) {
        json_object *copy = json_object_new_array();

        for (size_t i = 0; copy && i < json_object_array_length(value); i++) {
                json_object *item = json_object_array_get_idx(value, i);
                json_object *item_copy = list_copy(writer, item);

                if ((item && !item_copy) || json_object_array_add(copy, item_copy) < 0) {
                        writer->is_out_of_memory = true;
                        (void) json_object_put(item_copy);
                }
        }
        return copy;
}

static json_object *list_copy_object(JsonWriter *writer, json_object *value) {
        json_object *copy = json_object_new_object();

        json_object_object_foreach(value, key, item) {
                _cleanup_free_ char *clean = text_clean(key, TEXT_JSON);
                json_object *item_copy = list_copy(writer, item);

                if (!copy || !clean || (item && !item_copy) ||
                        json_object_object_add(copy, clean, item_copy) < 0) {
                        writer->is_out_of_memory = true;
                        (void) json_object_put(item_copy);
                }
        }
        return copy;
}

/* Returns: a clean copy; NULL of null, or of what there was no memory for. */
static json_object *list_copy(JsonWriter *writer, json_object *value) {
        switch (json_object_get_type(value)) {
        case json_type_boolean:
                return json_object_new_boolean(json_object_get_boolean(value));
        case json_type_int:
                return json_object_get(value);
        case json_type_double:
                return json_object_new_double(json_object_get_double(value));
        case json_type_string:
                return list_copy_text(value);
        case json_type_array:
                return list_copy_array(writer, value);
        case json_type_object:
                return list_copy_object(writer, value);
        case json_type_null:
                break;
        }
        return NULL;
}

/* json-c reads NaN and 1e999, which are no JSON when it writes them. */
static bool list_is_finite(json_object *value) {
        if (json_object_is_type(value, json_type_double))
                return isfinite(json_object_get_double(value));
        if (json_object_is_type(value, json_type_array))
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        if (!list_is_finite(json_object_array_get_idx(value, i)))
                                return false;
        if (json_object_is_type(value, json_type_object)) {
                json_object_object_foreach(value, key, item) {
                        (void) key;
                        if (!list_is_finite(item))
                                return false;
                }
        }
        return true;
}

static void writer_put_list(
        JsonWriter *writer, json_object *object, const char *key, const char *text) {
        json_tokener *tokener;

        if (!text)
                return;
        tokener = json_tokener_new_ex(LIST_DEPTH_MAX);
        if (!tokener) {
                writer->is_out_of_memory = true;
                return;
        }
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        /* With its NUL: else a number at the end would count as one that goes on. */
        json_object *list = json_tokener_parse_ex(tokener, text, (int) strlen(text) + 1);
        if (json_object_is_type(list, json_type_array) && list_is_finite(list))
                writer_put(writer, object, key, list_copy(writer, list));
        (void) json_object_put(list);
        json_tokener_free(tokener);
}

/* ---- A stop ------------------------------------------------------------------------------------ */

/* Nothing is put when nothing is known of it. */
static void writer_put_party(
        JsonWriter *writer, json_object *object, const char *key, const StopParty *party) {
        json_object *value = json_object_new_object();

        writer_put_pid(writer, value, "pid", party->pid);
        writer_put_uid(writer, value, "uid", party->uid);
        writer_put_text(writer, value, "user", party->user);
        writer_put_uid(writer, value, "loginuid", party->loginuid);
        writer_put_text(writer, value, "comm", party->comm);
        writer_put_text(writer, value, "cmdline", party->cmdline);
        writer_put_text(writer, value, "unit", party->unit);
        writer_put_text(writer, value, "ancestry", party->ancestry);
        writer_put_text(writer, value, "state", party->state);
        writer_put_text(writer, value, "verb", party->verb);
        if (!value || json_object_object_length(value) > 0)
                writer_put(writer, object, key, value);
        else
                (void) json_object_put(value);
}

static void writer_put_vouched(JsonWriter *writer, json_object *object, const PastStop *stop) {
        writer_put_text(writer, object, "state", run_state_to_string(stop->state));
        writer_put_instant(writer, object, "when", "realtime_usec", stop->realtime_usec);
        writer_put_number(writer, object, "monotonic_usec", stop->monotonic_usec);
        writer_put_id(writer, object, "boot_id", stop->boot_id);
        writer_put_id(writer, object, "machine_id", stop->machine_id);
        writer_put_text(writer, object, "host", stop->host);
        writer_put_text(writer, object, "unit", stop->unit);
        writer_put_text(writer, object, "manager", unit_manager_to_string(stop->manager));
        writer_put_uid(writer, object, "uid", stop->uid);
        writer_put_pid(writer, object, "pid", stop->writer_pid);
        writer_put_text(writer, object, "trust", record_trust_to_string(stop->trust));
        writer_put_text(writer, object, "forgery", stop->forgery);
}

static void writer_put_run(JsonWriter *writer, json_object *object, const PastStop *stop) {
        writer_put_id(writer, object, "run_id", stop->run_id);
        writer_put_text(writer, object, "name", stop->name);
        writer_put_text(writer, object, "command", stop->command);
        writer_put_text(writer, object, "recorded_by", stop->recorded_by);
        writer_put_instant(
                writer, object, "began", "began_realtime_usec", stop->began_realtime_usec);
        writer_put_number(writer, object, "uptime_usec", stop->uptime_usec);
        writer_put_text(writer, object, "cause", stop->cause_word);
        writer_put_text(writer, object, "cause_detail", stop->cause_detail);
        writer_put_text(writer, object, "outcome", stop->outcome_word);
        writer_put_text(writer, object, "exit_code", stop->exit_code);
        writer_put_text(writer, object, "exit_status", stop->exit_status);
        writer_put_text(writer, object, "signal", stop->signal);
        writer_put_party(writer, object, "sender", &stop->sender);
        writer_put_party(writer, object, "requester", &stop->requester);
        writer_put_number(writer, object, "oom_kills", stop->n_oom_kills);
        writer_put_text(writer, object, "service_result", stop->service_result);
        writer_put_text(writer, object, "previous_phase", stop->previous_phase);
        writer_put_text(writer, object, "previous_gateway_phase", stop->previous_gateway_phase);
        writer_put_text(writer, object, "previous_step", stop->previous_step);
}

static void writer_put_course(JsonWriter *writer, json_object *object, const PastStop *stop) {
        writer_put_number(writer, object, "drain_usec", stop->drain_usec);
        writer_put_number(writer, object, "headroom_usec", stop->headroom_usec);
        writer_put_number(writer, object, "timeout_stop_usec", stop->timeout_stop_usec);
        writer_put_number(writer, object, "drain_used_usec", stop->drain_used_usec);
        writer_put_number(writer, object, "total_usec", stop->total_usec);
        if (stop->has_active) {
                writer_put_number(writer, object, "active_at_start", stop->active_at_start);
                writer_put_number(writer, object, "active_now", stop->active_now);
        }
        writer_put_text(writer, object, "active_source", stop->active_source);
        writer_put_list(writer, object, "phases", stop->phases);
        writer_put_list(writer, object, "gateway_phases", stop->gateway_phases);
        writer_put_list(writer, object, "steps", stop->steps);
        writer_put_text(writer, object, "slowest_step", stop->slowest_step);
        writer_put_number(writer, object, "slowest_step_usec", stop->slowest_step_usec);
        writer_put_text(writer, object, "timeline", stop->timeline);
}

json_object *past_stop_to_json(const PastStop *stop) {
        JsonWriter writer = {};
        json_object *object = json_object_new_object();

        assert(stop);

        writer_put_vouched(&writer, object, stop);
        writer_put_run(&writer, object, stop);
        writer_put_course(&writer, object, stop);
        if (!writer.is_out_of_memory)
                return object;
        (void) json_object_put(object);
        return NULL;
}

/* ---- The array --------------------------------------------------------------------------------- */

/* Writes a value; of an indented one each line, one step further in. No line end is within a text. */
static void json_put_indented(FILE *file, const char *text) {
        for (const char *end; *text; text = end) {
                end = strchrnul(text, '\n');
                end += *end == '\n';
                (void) fprintf(file, "  %.*s", (int) (end - text), text);
        }
}

static int json_put_stop(FILE *file, const PastStop *stop, JsonMode mode) {
        const int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
                (mode == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                     : JSON_C_TO_STRING_PLAIN);
        json_object *object = past_stop_to_json(stop);
        const char *text = object ? json_object_to_json_string_ext(object, flags) : NULL;

        if (text && mode == JSON_PRETTY)
                json_put_indented(file, text);
        else if (text)
                (void) fputs(text, file);
        (void) json_object_put(object);
        return text ? 0 : -ENOMEM;
}

int report_print_json(FILE *file, const StopList *list, JsonMode mode) {
        const char *line_end = mode == JSON_PRETTY ? "\n" : "";

        assert(file);
        assert(list);
        assert(mode == JSON_SHORT || mode == JSON_PRETTY);

        (void) fputc('[', file);
        for (size_t i = 0; i < list->n; i++) {
                (void) fprintf(file, "%s%s", i > 0 ? "," : "", line_end);
                int r = json_put_stop(file, &list->stops[i], mode);
                if (r < 0)
                        return r;
        }
        (void) fprintf(file, "%s]\n", list->n > 0 ? line_end : "");
        return 0;
}
