/* SPDX-License-Identifier: MIT */

/* What systemd's own parser made of a unit's files, laid over what we have read in them.
 *
 * A dump is a text of parts, "\t-> Unit NAME:" each, with a line "\t\tLABEL: VALUE" for a setting. Not all
 * settings are in it, commands are named without their prefixes, and spans are rounded down to seconds: what
 * we have read ourselves stays then. It also stays where nothing but a manager's setting decides, because
 * systemd 252 takes the defaults of --test from user.conf, and limits from the process that calls it.
 *
 * Of the complaints those count that say something of the unit's files is ignored, and what ends in a unit
 * that is not loaded; the others are advice (an obsolete setting, KillMode=none) or about the machine.
 *
 * The parser itself is a process: units/unit-parser.h. */

#include "units/unit-view-dump.h"

#include <string.h>
#include <unistd.h>

#include "units/unit-parser.h"
#include "units/unit-view-word.h"

#define UNIT_DUMP_IGNORED_MAX 100

/* ---- The dump -------------------------------------------------------------------------------- */

/* Is this the unit of the view? For a template any instance is. */
static bool dump_name_matches(const char *name, const char *line, size_t length) {
        const char *at = strchr(name, '@');

        if (!at || at[1] != '.')
                return strlen(name) == length && memcmp(name, line, length) == 0;
        size_t prefix = (size_t) (at + 1 - name), suffix = strlen(at + 1);
        return length > prefix + suffix && memcmp(name, line, prefix) == 0 &&
                memcmp(at + 1, line + length - suffix, suffix) == 0;
}

/* Returns: the first line of the unit's part; NULL: it has none. */
static const char *dump_find_unit(const char *dump, const char *name) {
        static const char head[] = "\t-> Unit ";

        for (const char *line = dump; *line;) {
                const char *end = line + strcspn(line, "\n");
                const char *next = *end ? end + 1 : end;

                if (strncmp(line, head, strlen(head)) == 0 && end[-1] == ':' &&
                        dump_name_matches(name, line + strlen(head),
                                (size_t) (end - 1 - line) - strlen(head)))
                        return next;
                line = next;
        }
        return NULL;
}

static int replace_text(char **text, const char *value) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(*text);
        *text = copy;
        return 0;
}

/* Spans are rounded down to seconds in a dump. */
static bool dump_value_is_rounded(const ViewValue *ours, const char *value) {
        usec_t span;

        if (!ours->is_known || usec_parse_span(value, &span, NULL) < 0)
                return false;
        return ours->number >= span && usec_sub(ours->number, span) < USEC_PER_SEC;
}

static int view_take_dumped(UnitView *view, ViewKey key, const char *value) {
        ViewValue *target = &view->values[key];

        if (target->origin == VIEW_ORIGIN_MANAGER ||
                (view_key_info(key)->kind == VIEW_KIND_USEC &&
                        dump_value_is_rounded(target, value)))
                return 0;

        char *source = TAKE_PTR(target->source);
        int r = unit_view_assign(view, key, value, target->origin, NULL);
        free(target->source);
        target->source = source;
        if (r == 0)
                target->is_known = true;
        return r < 0 ? r : 0;
}

/* A list of names; as soon as one is none of these, the set is not known. */
static void view_take_capabilities(ViewValue *target, char *names) {
        uint64_t set = 0;

        for (char *name; (name = strsep(&names, " "));) {
                int bit = *name ? unit_word_to_capability(name) : -ENODATA;

                if (bit == -EINVAL) {
                        target->is_known = false;
                        return;
                }
                if (bit >= 0)
                        set |= UINT64_C(1) << bit;
        }
        target->number = set;
}

static int view_take_label(UnitView *view, const char *label, char *value) {
        if (strcmp(label, "Unit Load State") == 0)
                return replace_text(&view->load_state, value);
        if (strcmp(label, "CapabilityBoundingSet") == 0) {
                view_take_capabilities(&view->values[VIEW_CAPABILITY_BOUNDING_SET], value);
                return 0;
        }
        ViewKey key = view_key_from_dump(label);
        return key < 0 ? 0 : view_take_dumped(view, key, value);
}

/* "\t\tLABEL: VALUE"; what is deeper belongs to jobs and commands. */
static int view_take_line(UnitView *view, const char *line, size_t length) {
        _cleanup_free_ char *copy = NULL;

        if (length < 3 || line[0] != '\t' || line[1] != '\t' || line[2] == '\t')
                return 0;
        copy = strndup(line + 2, length - 2);
        if (!copy)
                return -ENOMEM;
        char *value = strstr(copy, ": ");
        if (!value)
                return 0;
        *value = '\0';
        return view_take_label(view, copy, value + strlen(": "));
}

int unit_view_apply_dump(UnitView *view, const char *dump) {
        assert(view);
        assert(dump);

        const char *line = dump_find_unit(dump, view->name);
        if (!line)
                return 0;
        /* Without a line there is no bound. */
        view->values[VIEW_CAPABILITY_BOUNDING_SET].number = UINT64_MAX;
        view->values[VIEW_CAPABILITY_BOUNDING_SET].is_known = true;
        while (*line && strncmp(line, "\t-> ", 4) != 0 && strncmp(line, "-> ", 3) != 0) {
                size_t length = strcspn(line, "\n");
                int r = view_take_line(view, line, length);
                if (r < 0)
                        return r;
                line += length + (line[length] == '\n');
        }
        return 1;
}

/* ---- The complaints --------------------------------------------------------------------------- */

/* Is it about the file, "PATH:LINE: …"? */
static bool complaint_names_file(const char *line, const char *path) {
        const size_t length = strlen(path);

        return strncmp(line, path, length) == 0 && line[length] == ':';
}

static bool complaint_is_ours(const UnitView *view, const char *line) {
        for (size_t i = 0; view->drop_ins && view->drop_ins[i]; i++)
                if (complaint_names_file(line, view->drop_ins[i]))
                        return true;
        return complaint_names_file(line, view->fragment);
}

/* "NAME: Service has no ExecStart=…. Refusing." Returns: the sentence; NULL: it is none. */
static const char *complaint_refusal(const UnitView *view, const char *line) {
        const char *sentence = strstr(line, ": ");

        if (!sentence || !dump_name_matches(view->name, line, (size_t) (sentence - line)) ||
                !strstr(sentence, "Refusing"))
                return NULL;
        return sentence + strlen(": ");
}

static int view_take_complaint(UnitView *view, const char *line) {
        const bool is_refused = strcmp(view->load_state, "loaded") != 0;

        if (!complaint_is_ours(view, line)) {
                const char *refusal = is_refused ? complaint_refusal(view, line) : NULL;
                return refusal ? replace_text(&view->load_error, refusal) : 0;
        }
        if (!strcasestr(line, "ignor"))
                return is_refused ? replace_text(&view->load_error, line) : 0;
        if (strv_length(view->ignored) >= UNIT_DUMP_IGNORED_MAX)
                return 0;
        return strv_extend(&view->ignored, line);
}

static int view_take_complaints(UnitView *view, char *complaints) {
        view->ignored = strv_free(view->ignored);
        free(view->load_error);
        view->load_error = NULL;

        for (char *line; (line = strsep(&complaints, "\n"));) {
                int r = view_take_complaint(view, line);
                if (r < 0)
                        return r;
        }
        if (strcmp(view->load_state, "loaded") == 0 || view->load_error)
                return 0;
        /* It says "ignoring", and gives up all the same (PIDFile=/run/../a.pid). */
        size_t n_ignored = strv_length(view->ignored);
        return replace_text(&view->load_error,
                n_ignored > 0 ? view->ignored[n_ignored - 1] : "systemd does not load it");
}

/* ---- All of it ------------------------------------------------------------------------------- */

const char *unit_dump_program(void) {
        static const char *const paths[] = {
                "/usr/lib/systemd/systemd",
                "/lib/systemd/systemd",
        };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                if (access(paths[i], X_OK) >= 0)
                        return paths[i];
        return NULL;
}

/* The last thing that it said. */
static const char *last_line(char *text) {
        size_t length = strlen(text);

        while (length > 0 && text[length - 1] == '\n')
                text[--length] = '\0';
        const char *end = strrchr(text, '\n');
        return end ? end + 1 : text;
}

static int view_take_answer(UnitView *view, UnitParserAnswer *answer, char **ret_why) {
        int r = unit_view_apply_dump(view, answer->dump);
        if (r < 0)
                return r;
        if (r == 0) {
                r = asprintf(ret_why, "systemd's parser did not say anything of the unit: %s",
                        last_line(answer->complaints));
                return r < 0 ? -ENOMEM : 0;
        }
        r = view_take_complaints(view, answer->complaints);
        return r < 0 ? r : 1;
}

int unit_view_ask_parser(UnitView *view, usec_t timeout_usec, char **ret_why) {
        _cleanup_(unit_parser_answer_done) UnitParserAnswer answer = {};

        assert(view);
        assert(view->fragment);
        assert(ret_why);

        const char *program = unit_dump_program();
        if (!program) {
                *ret_why = strdup("systemd is not installed here");
                return *ret_why ? 0 : -ENOMEM;
        }
        int r = unit_parser_run(view, program, timeout_usec, &answer, ret_why);
        return r <= 0 ? r : view_take_answer(view, &answer, ret_why);
}
