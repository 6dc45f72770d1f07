/* SPDX-License-Identifier: MIT */

/* Values of a view, read and written out. */

#include <string.h>

#include "byte-buffer.h"
#include "signals.h"
#include "units/unit-view-word.h"
#include "units/unit-view.h"

static const ViewValue *view_value(const UnitView *view, ViewKey key, ViewKind kind) {
        assert(key >= 0 && key < _VIEW_KEY_MAX);
        assert(view_key_info(key)->kind == kind);
        return &view->values[key];
}

usec_t unit_view_usec(const UnitView *view, ViewKey key) {
        const ViewValue *value = view_value(view, key, VIEW_KIND_USEC);

        return value->is_known ? value->number : 0;
}

uint64_t unit_view_number(const UnitView *view, ViewKey key) {
        const ViewValue *value = &view->values[key];

        assert(view_key_info(key)->kind == VIEW_KIND_UNSIGNED ||
                view_key_info(key)->kind == VIEW_KIND_SIGNAL);
        return value->is_known ? value->number : 0;
}

bool unit_view_bool(const UnitView *view, ViewKey key) {
        const ViewValue *value = view_value(view, key, VIEW_KIND_BOOL);

        return value->is_known && value->number != 0;
}

const char *unit_view_text(const UnitView *view, ViewKey key) {
        const ViewValue *value = view_value(view, key, VIEW_KIND_STRING);

        return value->is_known && value->text ? value->text : "";
}

bool unit_view_is(const UnitView *view, ViewKey key, const char *text) {
        return strcmp(unit_view_text(view, key), text) == 0;
}

bool unit_view_is_set(const UnitView *view, ViewKey key) {
        assert(key >= 0 && key < _VIEW_KEY_MAX);
        return view->values[key].origin == VIEW_ORIGIN_FRAGMENT ||
                view->values[key].origin == VIEW_ORIGIN_DROP_IN;
}

static void append_word(ByteBuffer *buffer, const char *word) {
        if (buffer->size > 0)
                byte_buffer_append_text(buffer, " ");
        byte_buffer_append_text(buffer, word);
}

static void append_quoted(ByteBuffer *buffer, const char *word) {
        _cleanup_free_ char *quoted = exec_word_quote(word, /* quote= */ 0);

        if (quoted)
                append_word(buffer, quoted);
        else
                buffer->is_failed = true;
}

static void append_strings(ByteBuffer *buffer, char *const strings[]) {
        for (size_t i = 0; strings && strings[i]; i++)
                append_quoted(buffer, strings[i]);
}

static void append_paths(ByteBuffer *buffer, char *const paths[]) {
        for (size_t i = 0; paths && paths[i]; i++)
                append_word(buffer, paths[i]);
}

static void append_status_set(ByteBuffer *buffer, const ExitStatusSet *set) {
        char text[SIGNAL_NAME_MAX];

        for (unsigned code = 0; code < 256; code++)
                if (exit_status_set_has_code(set, code)) {
                        (void) snprintf(text, sizeof(text), "%u", code);
                        append_word(buffer, text);
                }
        for (int signo = 1; signo < 64; signo++)
                if (exit_status_set_has_signal(set, signo))
                        append_word(buffer, signal_to_name(text, signo));
}

/* "~": all there are. */
static void append_capabilities(ByteBuffer *buffer, uint64_t set) {
        const char *name;

        if (set == UINT64_MAX)
                return byte_buffer_append_text(buffer, "~");
        for (size_t bit = 0; (name = unit_capability_name(bit)); bit++)
                if (set >> bit & 1)
                        append_word(buffer, name);
}

static void append_number(ByteBuffer *buffer, const ViewKeyInfo *info, uint64_t number) {
        char span[USEC_SPAN_MAX], text[SIGNAL_NAME_MAX];

        if (info->kind == VIEW_KIND_USEC)
                append_word(buffer, usec_format_span(span, number, 1));
        else if (info->kind == VIEW_KIND_BOOL)
                append_word(buffer, number ? "yes" : "no");
        else if (info->kind == VIEW_KIND_SIGNAL)
                append_word(buffer, signal_to_name(text, (int) number));
        else if (number == UINT64_MAX)
                append_word(buffer, "infinity");
        else {
                (void) snprintf(span, sizeof(span), "%" PRIu64, number);
                append_word(buffer, span);
        }
}

char *unit_view_format(const UnitView *view, ViewKey key) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        const ViewKeyInfo *info = view_key_info(key);
        const ViewValue *value = &view->values[key];

        if (!value->is_known)
                return strdup("");
        switch (info->kind) {
        case VIEW_KIND_STRING:
                byte_buffer_append_text(&buffer, value->text ? value->text : "");
                break;
        case VIEW_KIND_STRINGS:
                if (key == VIEW_ENVIRONMENT_FILES)
                        append_paths(&buffer, value->strings);
                else
                        append_strings(&buffer, value->strings);
                break;
        case VIEW_KIND_STATUS_SET:
                append_status_set(&buffer, &value->set);
                break;
        case VIEW_KIND_COMMANDS:
                if (value->n_commands > 0)
                        append_strings(&buffer, value->commands[0].argv);
                break;
        default:
                if (key == VIEW_CAPABILITY_BOUNDING_SET || key == VIEW_AMBIENT_CAPABILITIES)
                        append_capabilities(&buffer, value->number);
                else
                        append_number(&buffer, info, value->number);
        }
        return byte_buffer_steal(&buffer);
}
