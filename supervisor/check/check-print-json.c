/* SPDX-License-Identifier: MIT */

/* What check found, for programs: everything that the table says, with numbers as numbers and null for what
 * is not known. Text is made valid UTF-8 first, as JSON asks for; control characters json-c escapes. */

#include "check/check-print.h"
#include "check/remedy.h"
#include "text-clean.h"

/* json-c has NULL for null, so that a lack of memory has to be remembered. */
typedef struct JsonWriter {
        bool is_out_of_memory;
} JsonWriter;

static json_object *writer_keep(JsonWriter *writer, json_object *value) {
        if (!value)
                writer->is_out_of_memory = true;
        return value;
}

/* Hands the value over. */
static void writer_put(
        JsonWriter *writer, json_object *object, const char *key, json_object *value) {
        if (!object || json_object_object_add(object, key, value) < 0) {
                writer->is_out_of_memory = true;
                (void) json_object_put(value);
        }
}

static void writer_append(JsonWriter *writer, json_object *array, json_object *value) {
        if (!array || json_object_array_add(array, value) < 0) {
                writer->is_out_of_memory = true;
                (void) json_object_put(value);
        }
}

/* NULL is null. */
static json_object *writer_text(JsonWriter *writer, const char *text) {
        if (!text)
                return NULL;

        _cleanup_free_ char *clean = text_clean(text, TEXT_JSON);
        return writer_keep(writer, clean ? json_object_new_string(clean) : NULL);
}

static json_object *writer_usec(JsonWriter *writer, bool is_known, usec_t usec) {
        if (!is_known || usec == USEC_INFINITY)
                return NULL;
        return writer_keep(writer, json_object_new_uint64(usec));
}

static json_object *writer_bool(JsonWriter *writer, bool value) {
        return writer_keep(writer, json_object_new_boolean(value));
}

/* A value as a file would say it; null where it is not known. */
static json_object *writer_value(JsonWriter *writer, const UnitView *view, ViewKey key) {
        _cleanup_free_ char *text = NULL;

        if (!view_key_info(key) || !view->values[key].is_known)
                return NULL;
        text = unit_view_format(view, key);
        if (!text)
                writer->is_out_of_memory = true;
        return writer_text(writer, text);
}

static json_object *writer_mends(JsonWriter *writer, const Finding *finding) {
        json_object *array = writer_keep(writer, json_object_new_array());

        for (size_t i = 0; i < finding->n_mends; i++) {
                const Mend *mend = &finding->mends[i];
                json_object *object = writer_keep(writer, json_object_new_object());

                writer_put(writer, object, "section", writer_text(writer, mend->section));
                writer_put(writer, object, "setting", writer_text(writer, mend->setting));
                writer_put(writer, object, "value", writer_text(writer, mend->value));
                writer_append(writer, array, object);
        }
        return array;
}

static json_object *writer_finding(
        JsonWriter *writer, const UnitView *view, const Finding *finding) {
        json_object *object = writer_keep(writer, json_object_new_object());
        const ViewKeyInfo *info = view_key_info(finding->key);
        const ViewValue *value = info ? &view->values[finding->key] : NULL;

        writer_put(writer, object, "id", writer_text(writer, finding->rule->id));
        writer_put(writer, object, "severity",
                writer_text(writer, severity_to_string(finding->severity)));
        writer_put(writer, object, "property", writer_text(writer, info ? info->property : NULL));
        writer_put(writer, object, "setting", writer_text(writer, info ? info->setting : NULL));
        writer_put(writer, object, "value", writer_value(writer, view, finding->key));
        writer_put(writer, object, "origin",
                writer_text(writer, value ? view_origin_to_string(value->origin) : NULL));
        writer_put(writer, object, "file", writer_text(writer, value ? value->source : NULL));
        writer_put(writer, object, "message", writer_text(writer, finding->message));
        writer_put(writer, object, "mend", writer_mends(writer, finding));
        writer_put(writer, object, "command", writer_text(writer, finding->command));
        writer_put(writer, object, "fixable",
                writer_bool(writer, remedy_obstacle(view, finding) == REMEDY_POSSIBLE));
        return object;
}

static json_object *writer_findings(JsonWriter *writer, const Lint *lint) {
        json_object *array = writer_keep(writer, json_object_new_array());

        for (size_t i = 0; i < lint->n_findings; i++)
                writer_append(
                        writer, array, writer_finding(writer, lint->view, &lint->findings[i]));
        return array;
}

static json_object *writer_strings(JsonWriter *writer, char *const list[]) {
        json_object *array = writer_keep(writer, json_object_new_array());

        for (; list && *list; list++)
                writer_append(writer, array, writer_text(writer, *list));
        return array;
}

static void writer_put_times(JsonWriter *writer, json_object *object, const Lint *lint) {
        const ViewValue *timeout = &lint->view->values[VIEW_TIMEOUT_STOP_USEC];
        const RuleInput *input = &lint->input;

        writer_put(writer, object, "drain_usec",
                writer_usec(writer, input->has_drain, input->budget.drain_usec));
        writer_put(writer, object, "headroom_usec",
                writer_usec(writer, input->has_drain, input->headroom_usec));
        writer_put(writer, object, "required_usec",
                writer_usec(writer, input->has_drain, input->budget.required_usec));
        writer_put(writer, object, "timeout_stop_usec",
                writer_usec(writer, timeout->is_known, timeout->number));
        writer_put(writer, object, "timeout_stop",
                writer_value(writer, lint->view, VIEW_TIMEOUT_STOP_USEC));
}

static json_object *writer_unit(JsonWriter *writer, const Lint *lint) {
        json_object *object = writer_keep(writer, json_object_new_object());
        const UnitView *view = lint->view;

        writer_put(writer, object, "unit", writer_text(writer, view->name));
        writer_put(writer, object, "manager",
                writer_text(writer, unit_manager_to_string(view->manager)));
        writer_put(writer, object, "load_state", writer_text(writer, view->load_state));
        writer_put(writer, object, "active_state", writer_text(writer, view->active_state));
        writer_put(writer, object, "supervised", writer_bool(writer, lint->input.is_supervised));
        writer_put_times(writer, object, lint);
        writer_put(writer, object, "findings", writer_findings(writer, lint));
        writer_put(writer, object, "unknown", writer_strings(writer, lint->unknown));
        return object;
}

int check_print_json(FILE *file, const Lint lints[], size_t n_lints, JsonMode mode) {
        JsonWriter writer = {};

        assert(file);
        assert(lints || n_lints == 0);

        json_object *array = writer_keep(&writer, json_object_new_array());
        for (size_t i = 0; i < n_lints; i++)
                writer_append(&writer, array, writer_unit(&writer, &lints[i]));

        int r = writer.is_out_of_memory ? -ENOMEM : json_mode_print(file, array, mode);
        (void) json_object_put(array);
        return r;
}
