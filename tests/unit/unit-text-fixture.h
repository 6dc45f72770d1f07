/* SPDX-License-Identifier: MIT */
#pragma once

/* A request for a unit as the verb makes it, the text that comes of it, and what the rules say to that
 * text. Include after cmocka.h. */

#include <stdlib.h>
#include <string.h>

#include "check/lint.h"
#include "check/unit-text.h"
#include "config/run-config-load.h"
#include "unit-file.h"
#include "units/unit-view-copy.h"

#define REQUEST_WORDS_MAX 12

typedef struct TextFixture {
        UnitView view; /* the unit that a drop-in is for */
        RunConfig run;
        char *words[REQUEST_WORDS_MAX]; /* the options */
        UnitTextRequest request;
        char *text, *why;
        UnitView result; /* what systemd would make of the text */
        Lint lint;
        char *found; /* ids of what the rules find in it */
} TextFixture;

static void text_fixture_clear(TextFixture *fixture) {
        lint_done(&fixture->lint);
        unit_view_done(&fixture->result);
        unit_view_done(&fixture->view);
        run_config_done(&fixture->run);
        free(fixture->text);
        free(fixture->why);
        free(fixture->found);
        *fixture = (TextFixture){};
}

static int text_setup(void **state) {
        *state = calloc(1, sizeof(TextFixture));
        return *state ? 0 : -1;
}

static int text_teardown(void **state) {
        text_fixture_clear(*state);
        free(*state);
        return 0;
}

#define text_test(test) cmocka_unit_test_setup_teardown(test, text_setup, text_teardown)

/* words: options, then "--" and the command if there is one; NULL-terminated. */
_unused_ static void text_fixture_request(
        TextFixture *fixture, UnitManager manager, const char *const words[]) {
        char *nothing[] = { NULL }, *argv[REQUEST_WORDS_MAX + 4] = { (char *) "run" };
        bool has_ready = false, has_command = false;
        int argc = 1, n_options = 0;
        ConfigAction action;
        ConfigError error;

        run_config_done(&fixture->run);
        memset(fixture->words, 0, sizeof(fixture->words));
        for (; words[argc - 1]; argc++) {
                argv[argc] = (char *) words[argc - 1];
                has_ready |= strncmp(argv[argc], "--ready=", 8) == 0;
                has_command |= strcmp(argv[argc], "--") == 0;
                if (!has_command)
                        fixture->words[n_options++] = argv[argc];
        }
        if (!has_command)
                argv[argc++] = (char *) "gateway";
        assert_int_equal(run_config_load(argc, argv, nothing, &fixture->run, &action, &error), 0);
        if (!has_ready)
                fixture->run.ready = _READY_MODE_INVALID;
        if (!has_command)
                fixture->run.argv = strv_free(fixture->run.argv);
        fixture->request = (UnitTextRequest){
                .program = "/usr/bin/gatewatch",
                .name = "gate",
                .manager = manager,
                .run = &fixture->run,
                .options = fixture->words,
        };
}

static int text_take(const UnitAssignment *assignment, void *userdata) {
        UnitView *view = userdata;
        ViewKey key = view_key_from_setting(assignment->section, assignment->key);

        if (key < 0)
                return 0;
        /* A line that systemd would ignore should not have been written. */
        if (unit_view_assign(view, key, assignment->value, VIEW_ORIGIN_DROP_IN, "x.conf") != 0)
                fail_msg("%s=%s is ignored", assignment->key, assignment->value);
        return 0;
}

/* Lets the rules look at the text, on top of base. Returns: ids of what they find, a space behind each. */
_unused_ static const char *text_fixture_lint(TextFixture *fixture, const UnitView *base) {
        size_t size;
        FILE *file;

        lint_done(&fixture->lint);
        unit_view_done(&fixture->result);
        free(fixture->found);
        fixture->found = NULL;
        assert_int_equal(unit_view_copy(base, &fixture->result), 0);
        assert_int_equal(unit_file_walk(fixture->text, text_take, &fixture->result), 0);
        assert_int_equal(unit_view_settle(&fixture->result), 0);
        assert_int_equal(lint_unit(&fixture->result, &(LintOptions){}, &fixture->lint), 0);
        assert_true(fixture->lint.input.is_supervised);
        assert_non_null(fixture->lint.input.run);

        file = open_memstream(&fixture->found, &size);
        assert_non_null(file);
        for (size_t i = 0; i < fixture->lint.n_findings; i++)
                (void) fprintf(file, "%s ", fixture->lint.findings[i].rule->id);
        assert_int_equal(fclose(file), 0);
        return fixture->found;
}

/* Is this a whole line of the text? */
_unused_ static bool text_has_line(const char *text, const char *line) {
        const size_t length = strlen(line);

        for (const char *c = text; (c = strstr(c, line)); c++)
                if ((c == text || c[-1] == '\n') && c[length] == '\n')
                        return true;
        return false;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_WORDS   ((const char *const[]){ NULL })
