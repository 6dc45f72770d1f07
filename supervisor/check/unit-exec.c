/* SPDX-License-Identifier: MIT */

/* A command moves from the first place of a line to a later one, where systemd reads it a little
 * differently: the program of a line is never expanded, a later word is. So the program's "$" are doubled;
 * all else that the unit's author wrote stays byte for byte, with its specifiers and variables. Prefixes
 * go to the front, where they hold for gatewatch and with it for the gateway; "@" becomes --argv0.
 *
 * What the manager has loaded is the second choice: its specifiers are expanded already, and a drop-in
 * made from it says what they stood for on this day. */

#include "check/unit-exec.h"

#include <string.h>

#include "check/unit-text-internal.h"
#include "units/run-line.h"

void unit_exec_done(UnitExec *exec) {
        free(exec->argv0);
        free(exec->words);
        *exec = (UnitExec){};
}

/* A word that is a variable alone, "$NAME", becomes as many words as its value has. */
static bool word_is_split(const char *word) {
        return word[0] == '$' && word[1] && word[1] != '$' && word[1] != '{';
}

static int refuse_supervised(const UnitView *view, char **ret_why) {
        return unit_text_refuse(ret_why,
                "%s runs under gatewatch already: change the options in its ExecStart=, or take the "
                "drop-in that has them away first",
                view->name);
}

/* Do the words behind the program, called by that name, make it `gatewatch run`? What argv[0] says is no
 * matter. Returns: 1, 0; -ENOMEM. */
static int is_gatewatch_run(const char *program, char *const arguments[]) {
        const size_t n = strv_length(arguments);
        _cleanup_free_ char **argv = calloc(n + 2, sizeof(char *));

        if (!argv)
                return -ENOMEM;
        argv[0] = (char *) program;
        for (size_t i = 0; i < n; i++)
                argv[i + 1] = arguments[i];
        return run_line_find(argv) > 0;
}

/* Returns: 1, 0; -ENOMEM. */
static int line_is_supervised(const ExecLine *line) {
        const size_t first = line->flags & EXEC_ARGV0 ? 2 : 1;
        _cleanup_free_ char **arguments = calloc(line->n_words, sizeof(char *));

        if (!arguments)
                return -ENOMEM;
        for (size_t i = first; i < line->n_words; i++)
                arguments[i - first] = line->words[i].text;
        return is_gatewatch_run(line->words[0].text, arguments);
}

static int exec_from_argv(UnitExec *exec, char *const argv[]) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};

        for (size_t i = 0; argv[i]; i++)
                unit_text_append_word(
                        &buffer, argv[i], EXEC_QUOTE_SPECIFIERS | EXEC_QUOTE_VARIABLES);
        exec->words = byte_buffer_steal(&buffer);
        /* With ":" the doubled "$" would stay two; "|" was for the words of before. */
        exec->flags &= ~(unsigned) (EXEC_NO_EXPAND | EXEC_VIA_SHELL);
        return exec->words ? 0 : -ENOMEM;
}

/* The program as a later word. */
static int append_program(ByteBuffer *buffer, const ExecLine *line) {
        const ExecWord *program = &line->words[0];

        if (strchr(program->text, '$') && !(line->flags & EXEC_NO_EXPAND))
                unit_text_append_word(buffer, program->text, EXEC_QUOTE_VARIABLES);
        else {
                byte_buffer_append_text(buffer, " ");
                byte_buffer_append(buffer, program->span, program->length);
        }
        return buffer->is_failed ? -ENOMEM : 0;
}

static int exec_from_line(UnitExec *exec, const ExecLine *line) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        size_t first = line->flags & EXEC_ARGV0 ? 2 : 1;

        if (line->flags & EXEC_ARGV0) {
                exec->argv0 = strndup(line->words[1].span, line->words[1].length);
                if (!exec->argv0)
                        return -ENOMEM;
        }
        if (append_program(&buffer, line) < 0)
                return -ENOMEM;
        if (line->n_words > first) {
                const ExecWord *last = &line->words[line->n_words - 1];
                const char *begin = line->words[first].span;

                byte_buffer_append_text(&buffer, " ");
                byte_buffer_append(&buffer, begin, (size_t) (last->span + last->length - begin));
        }
        exec->words = byte_buffer_steal(&buffer);
        return exec->words ? 0 : -ENOMEM;
}

static int exec_from_view(UnitExec *exec, const ViewCommand *command) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        const char *argv0 = command->argv ? command->argv[0] : NULL;

        unit_text_append_word(&buffer, command->path,
                command->flags & EXEC_NO_EXPAND ? EXEC_QUOTE_SPECIFIERS
                                                : EXEC_QUOTE_SPECIFIERS | EXEC_QUOTE_VARIABLES);
        for (size_t i = 1; argv0 && command->argv[i]; i++)
                unit_text_append_word(&buffer, command->argv[i], EXEC_QUOTE_SPECIFIERS);
        exec->words = byte_buffer_steal(&buffer);
        if (!exec->words)
                return -ENOMEM;
        if (argv0 && strcmp(argv0, command->path) != 0) {
                exec->argv0 = exec_word_quote(argv0, EXEC_QUOTE_SPECIFIERS);
                if (!exec->argv0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_line(const UnitTextRequest *request, const UnitView *view, const ExecLine *line,
        UnitExec *exec, char **ret_why) {
        int r;

        r = line_is_supervised(line);
        if (r != 0)
                return r < 0 ? r : refuse_supervised(view, ret_why);
        exec->flags = line->flags & ~(unsigned) EXEC_ARGV0;
        if (request->run->argv)
                return 0;
        if (line->has_more)
                return unit_text_refuse(ret_why,
                        "%s has several commands in one ExecStart= line (\";\"): give the one that is "
                        "the gateway behind \"--\"",
                        view->name);
        exec->from = "as it stands in the unit's file";
        return exec_from_line(exec, line);
}

static int read_view(
        const UnitTextRequest *request, const UnitView *view, UnitExec *exec, char **ret_why) {
        const ViewValue *value = &view->values[VIEW_EXEC_START];
        const ViewCommand *command = value->commands;
        int r;

        if (!value->is_known || value->n_commands == 0)
                return request->run->argv
                        ? 0
                        : unit_text_refuse(ret_why,
                                  "%s has no ExecStart= to put gatewatch in front of: give the command "
                                  "behind \"--\"",
                                  view->name);
        r = is_gatewatch_run(
                command->path, command->argv && command->argv[0] ? command->argv + 1 : NULL);
        if (r != 0)
                return r < 0 ? r : refuse_supervised(view, ret_why);
        exec->flags = command->flags & ~(unsigned) EXEC_ARGV0;
        if (request->run->argv)
                return 0;
        exec->from = "as systemd has it loaded, its specifiers expanded";
        return exec_from_view(exec, command);
}

/* Fills flags, and argv0 and words where the request brings no command. */
static int read_present(const UnitTextRequest *request, const UnitView *view,
        const char *exec_start, UnitExec *exec, char **ret_why) {
        _cleanup_(exec_line_done) ExecLine line = {};
        int r;

        if (!exec_start)
                return read_view(request, view, exec, ret_why);
        r = exec_line_parse(exec_start, &line);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return request->run->argv
                        ? 0
                        : unit_text_refuse(ret_why,
                                  "%s: ExecStart=%s cannot be read: give the command "
                                  "behind \"--\"",
                                  view->name, exec_start);
        if (line.flags & EXEC_ARGV0 && !(line.flags & EXEC_NO_EXPAND) && !request->run->argv &&
                !request->run->argv0 && word_is_split(line.words[1].text))
                return unit_text_refuse(ret_why,
                        "%s names its command by the variable %s, which may be several words: give "
                        "--argv0=NAME",
                        view->name, line.words[1].text);
        return read_line(request, view, &line, exec, ret_why);
}

int unit_exec_read(const UnitTextRequest *request, const UnitView *view, const char *exec_start,
        UnitExec *ret_exec, char **ret_why) {
        UnitExec exec = { .from = "as it was given" };
        int r;

        r = read_present(request, view, exec_start, &exec, ret_why);
        if (r >= 0 && request->run->argv)
                r = exec_from_argv(&exec, request->run->argv);
        if (r >= 0 && exec.flags & EXEC_VIA_SHELL)
                r = unit_text_refuse(ret_why,
                        "%s runs its command by a shell (\"|\"): give the command itself behind "
                        "\"--\"",
                        view->name);
        if (r < 0) {
                unit_exec_done(&exec);
                return r;
        }
        if (request->run->argv0) { /* among the options already */
                free(exec.argv0);
                exec.argv0 = NULL;
        }
        *ret_exec = exec;
        return 0;
}
