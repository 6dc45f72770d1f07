/* SPDX-License-Identifier: MIT */
#pragma once

/* The perfect unit, what a row of a test changes in it, and what a rule then finds. Include after
 * cmocka.h. */

#include <stdlib.h>
#include <string.h>

#include "check/rule.h"
#include "config/run-config-load.h"

#define ROW_CHANGES_MAX 8
#define ROW_OPTIONS_MAX 8

/* As a change's value: what the manager did not tell. */
#define NOT_KNOWN "?"

typedef struct RuleChange {
        ViewKey key;
        const char *value; /* NULL ends the list */
        ViewOrigin origin; /* 0: the fragment */
} RuleChange;

typedef enum RowFlags {
        ROW_UNSUPERVISED = 1 << 0,    /* ExecStart= runs the gateway itself */
        ROW_RUN_UNKNOWN = 1 << 1,     /* gatewatch run, with settings that cannot be known */
        ROW_DRAIN_GIVEN = 1 << 2,     /* for these two: the caller gave 1min of drain */
        ROW_NOT_LOADED = 1 << 3,      /* systemd refused it (bad-setting); else as it stands here */
        ROW_USER = 1 << 4,            /* a user manager's */
        ROW_ORIGINS_UNKNOWN = 1 << 5, /* of another machine: its files cannot be read */
} RowFlags;

typedef struct RuleRow {
        const char *name;
        unsigned flags;
        RuleChange changes[ROW_CHANGES_MAX];
        const char *options; /* of run, apart by single spaces; NULL: --ready=exec */
        void (*arrange)(UnitView *view, RuleInput *input); /* of what no setting changes; NULL */
        /* "SEVERITY SETTING: MEND; MEND $ COMMAND", a MEND is "Setting=value", outside of [Service]
         * "[Section] Setting=value"; the setting is "-" for none. NULL: nothing is found. */
        const char *finds;
        const char *says; /* a part of the message; NULL: any */
} RuleRow;

typedef struct RuleFixture {
        UnitView view;
        RunConfig run;
        RuleInput input;
        Finding finding;
        char *told;
} RuleFixture;

static const RuleChange rule_perfect_unit[] = {
        { VIEW_START_LIMIT_INTERVAL_USEC, "60s", 0 },
        { VIEW_START_LIMIT_BURST, "5", 0 },
        { VIEW_TYPE, "notify", 0 },
        { VIEW_NOTIFY_ACCESS, "main", 0 },
        { VIEW_EXEC_STOP_POST, "-/usr/bin/gatewatch post", 0 },
        { VIEW_KILL_MODE, "mixed", 0 },
        { VIEW_TIMEOUT_STOP_USEC, "90s", 0 },
        { VIEW_RESTART, "always", 0 },
        { VIEW_RESTART_USEC, "1s", 0 },
        { VIEW_RESTART_PREVENT_EXIT_STATUS, "64 78", 0 },
        { VIEW_OOM_POLICY, "continue", 0 },
        { VIEW_DELEGATE, "yes", 0 },
        { VIEW_LIMIT_RTPRIO, "1", 0 },
};

static void rule_fixture_clear(RuleFixture *fixture) {
        unit_view_done(&fixture->view);
        run_config_done(&fixture->run);
        finding_done(&fixture->finding);
        free(fixture->told);
        *fixture = (RuleFixture){};
}

static int rule_setup(void **state) {
        *state = calloc(1, sizeof(RuleFixture));
        return *state ? 0 : -1;
}

static int rule_teardown(void **state) {
        rule_fixture_clear(*state);
        free(*state);
        return 0;
}

#define rule_test(test) cmocka_unit_test_setup_teardown(test, rule_setup, rule_teardown)

static void rule_fixture_load_run(RuleFixture *fixture, const char *options) {
        static char *nothing[] = { NULL };
        char words[256], *argv[ROW_OPTIONS_MAX + 6] = { (char *) "run" };
        int argc = 1;
        ConfigAction action;
        ConfigError error;

        assert_in_range(snprintf(words, sizeof(words), "%s", options), 1, sizeof(words) - 1);
        for (char *rest = words, *word; (word = strsep(&rest, " "));) {
                assert_in_range(argc, 1, ROW_OPTIONS_MAX);
                argv[argc++] = word;
        }
        argv[argc++] = (char *) "--";
        argv[argc++] = (char *) "/bin/sleep";
        argv[argc++] = (char *) "infinity";
        if (run_config_load(argc, argv, nothing, &fixture->run, &action, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(action, CONFIG_RUN);
}

static void rule_fixture_change(UnitView *view, const RuleChange *change) {
        ViewOrigin origin = change->origin ?: VIEW_ORIGIN_FRAGMENT;
        const char *source = origin == VIEW_ORIGIN_FRAGMENT ? "/etc/systemd/system/gate.service"
                : origin == VIEW_ORIGIN_DROP_IN ? "/etc/systemd/system/gate.service.d/60-own.conf"
                                                : NULL;

        if (strcmp(change->value, NOT_KNOWN) == 0)
                view->values[change->key].is_known = false;
        else if (unit_view_assign(view, change->key, change->value, origin, source) != 0)
                fail_msg("%s=%s is refused", view_key_info(change->key)->property, change->value);
}

static void rule_fixture_load_view(RuleFixture *fixture, const RuleRow *row) {
        const char *program = row->flags & ROW_UNSUPERVISED ? "" : "/usr/bin/gatewatch run ";
        const char *options = row->flags & ROW_UNSUPERVISED ? "" : row->options ?: "--ready=exec";
        char exec_start[512];
        UnitView *view = &fixture->view;

        assert_int_equal(unit_view_init(view, "gate.service",
                                 row->flags & ROW_USER ? UNIT_MANAGER_USER : UNIT_MANAGER_SYSTEM),
                0);
        if (row->flags & ROW_NOT_LOADED) {
                free(view->load_state);
                view->load_state = strdup("bad-setting");
                assert_non_null(view->load_state);
        }
        view->has_files = !(row->flags & ROW_ORIGINS_UNKNOWN);

        (void) snprintf(exec_start, sizeof(exec_start), "%s%s%s/bin/sleep infinity", program,
                options, *program ? " -- " : "");
        rule_fixture_change(view, &(RuleChange){ VIEW_EXEC_START, exec_start, 0 });
        for (size_t i = 0; i < ELEMENTSOF(rule_perfect_unit); i++)
                rule_fixture_change(view, &rule_perfect_unit[i]);
        for (size_t i = 0; i < ROW_CHANGES_MAX && row->changes[i].value; i++)
                rule_fixture_change(view, &row->changes[i]);
        assert_int_equal(unit_view_settle(view), 0);
        /* What is derived from a value that is not known is not known. */
        for (size_t i = 0; i < ROW_CHANGES_MAX && row->changes[i].value; i++)
                if (strcmp(row->changes[i].value, NOT_KNOWN) == 0)
                        rule_fixture_change(view, &row->changes[i]);
        for (ViewKey key = 0; !view->has_files && key < _VIEW_KEY_MAX; key++)
                view->values[key].origin = VIEW_ORIGIN_UNKNOWN;
}

static void rule_fixture_load_budget(RuleFixture *fixture) {
        const Schedule given = { .n_phases = 1,
                .phases = { { .duration_usec = USEC_PER_MINUTE } } };
        const RunConfig *run = fixture->input.run;
        const ViewValue *timeout = &fixture->view.values[VIEW_TIMEOUT_STOP_USEC];
        BudgetInput budget = {
                .schedule = run ? &run->schedule : &given,
                .headroom_usec = run ? run->headroom_usec : 30 * USEC_PER_SEC,
                .is_timeout_known = timeout->is_known,
                .timeout_stop_usec = timeout->number,
                .cap_usec = USEC_INFINITY,
                .can_extend = run && !unit_view_is(&fixture->view, VIEW_NOTIFY_ACCESS, "none"),
                .action = run ? run->on_short_timeout : SHORT_TIMEOUT_WARN,
        };

        fixture->input.headroom_usec = budget.headroom_usec;
        budget_compute(&budget, &fixture->input.budget);
}

/* The perfect unit, with the row's changes. */
_unused_ static void rule_fixture_load(RuleFixture *fixture, const RuleRow *row) {
        rule_fixture_clear(fixture);
        rule_fixture_load_view(fixture, row);
        fixture->input = (RuleInput){
                .view = &fixture->view,
                .is_supervised = !(row->flags & ROW_UNSUPERVISED),
                .has_drain = row->flags & ROW_DRAIN_GIVEN,
        };
        if (fixture->input.is_supervised && !(row->flags & ROW_RUN_UNKNOWN)) {
                rule_fixture_load_run(fixture, row->options ?: "--ready=exec");
                fixture->input.run = &fixture->run;
                fixture->input.has_drain = true;
        }
        if (fixture->input.has_drain)
                rule_fixture_load_budget(fixture);
        if (row->arrange)
                row->arrange(&fixture->view, &fixture->input);
}

/* Lets a rule look. Returns: what it found, as a row says it; NULL: nothing. The fixture's. */
_unused_ static const char *rule_fixture_ask(RuleFixture *fixture, RuleTest rule) {
        const Finding *finding = &fixture->finding;
        FindingWriter writer = { .finding = &fixture->finding };
        const ViewKeyInfo *info;
        size_t size;
        FILE *file;

        if (!rule(&fixture->input, &writer)) {
                assert_null(finding->message);
                assert_int_equal(finding->n_mends, 0);
                assert_null(finding->command);
                return NULL;
        }
        assert_false(writer.is_out_of_memory);
        assert_non_null(finding->message);

        file = open_memstream(&fixture->told, &size);
        assert_non_null(file);
        info = view_key_info(finding->key);
        (void) fprintf(file, "%s %s", severity_to_string(finding->severity),
                info ? info->setting ?: info->property : "-");
        for (size_t i = 0; i < finding->n_mends; i++) {
                const Mend *mend = &finding->mends[i];

                (void) fprintf(file, i == 0 ? ": " : "; ");
                if (strcmp(mend->section, "Service") != 0)
                        (void) fprintf(file, "[%s] ", mend->section);
                (void) fprintf(file, "%s=%s", mend->setting, mend->value);
        }
        if (finding->command)
                (void) fprintf(file, " $ %s", finding->command);
        assert_int_equal(fclose(file), 0);
        return fixture->told;
}

/* One sentence without a full stop; each line of the drop-in with its reason. */
_unused_ static void assert_rule_wording(const RuleRow *row, const Finding *finding) {
        size_t length = strlen(finding->message);

        if (length == 0 || finding->message[length - 1] == '.' || strchr(finding->message, '\n'))
                fail_msg("%s: \"%s\" is no sentence", row->name, finding->message);
        for (size_t i = 0; i < finding->n_mends; i++)
                if (!finding->mends[i].reason || !*finding->mends[i].reason)
                        fail_msg("%s: %s= without a reason", row->name, finding->mends[i].setting);
}

_unused_ static void assert_rule_row(RuleFixture *fixture, RuleTest rule, const RuleRow *row) {
        const char *told;

        rule_fixture_load(fixture, row);
        told = rule_fixture_ask(fixture, rule);
        if (!!told != !!row->finds || (told && strcmp(told, row->finds) != 0))
                fail_msg("%s: found \"%s\", not \"%s\"", row->name, told ?: "nothing",
                        row->finds ?: "nothing");
        if (!told)
                return;
        assert_rule_wording(row, &fixture->finding);
        if (row->says && !strstr(fixture->finding.message, row->says))
                fail_msg("%s: said \"%s\", not \"%s\"", row->name, fixture->finding.message,
                        row->says);
}

#define assert_rule_rows(state, rule, rows)                           \
        do                                                            \
                for (size_t _i = 0; _i < ELEMENTSOF(rows); _i++)      \
                        assert_rule_row(*(state), rule, &(rows)[_i]); \
        while (0)
