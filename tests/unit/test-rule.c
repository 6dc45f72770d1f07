/* SPDX-License-Identifier: MIT */

/* All rules together: the table, and what holds of every finding of every rule, whatever the unit looks
 * like. The views are drawn from fixed seeds. */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check/lint.h"
#include "random-view.h"
#include "units/unit-view-copy.h"

#define N_VIEWS         2000
#define MEND_ROUNDS_MAX 4 /* as many as the drop-in of `gatewatch unit` takes */

/* ---- The table ------------------------------------------------------------------------------- */

static void test_rule_table_rows_are_complete(void **state) {
        const Rule *rule;

        for (size_t i = 0; (rule = rule_get(i)); i++) {
                size_t length = strlen(rule->summary);

                assert_true(*rule->id && rule->id[0] != '-');
                assert_int_equal(strspn(rule->id, "abcdefghijklmnopqrstuvwxyz-"), strlen(rule->id));
                assert_in_range(rule->severity, 0, _SEVERITY_MAX - 1);
                assert_true(length > 0 && rule->summary[length - 1] != '.');
                assert_ptr_equal(rule_find(rule->id), rule);
                assert_non_null(rule->test);
                for (size_t j = 0; j < i; j++) {
                        assert_string_not_equal(rule_get(j)->id, rule->id);
                        assert_string_not_equal(rule_get(j)->summary, rule->summary);
                        assert_true(rule_get(j)->test != rule->test);
                }
        }
        assert_null(rule_find("no-such-rule"));
        assert_null(rule_find(""));
        assert_null(rule_get(SIZE_MAX));
}

/* Each rule has units that trip it and one that does not, but for those whose reason lies around the
 * unit. */
static void test_rule_table_rows_have_unit_files(void **state) {
        static const char *const of_surroundings[] = { "not-loaded", "masked", "ignored-lines",
                "daemon-reload", "running-older", "shadowed", "linger", "user-manager-timeout",
                "proc-hidepid",
                /* systemd 252 does not have the setting. */
                "private-pids" };
        const Rule *rule;

        for (size_t i = 0; (rule = rule_get(i)); i++) {
                bool is_of_surroundings = false;
                char trips[512], passes[512];

                for (size_t j = 0; j < ELEMENTSOF(of_surroundings); j++)
                        is_of_surroundings =
                                is_of_surroundings || strcmp(of_surroundings[j], rule->id) == 0;
                (void) snprintf(trips, sizeof(trips), "%s/%s/trips.service", RULES_DIR, rule->id);
                (void) snprintf(
                        passes, sizeof(passes), "%s/%s/passes.service", RULES_DIR, rule->id);
                if ((access(trips, R_OK) == 0) == is_of_surroundings ||
                        (access(passes, R_OK) == 0) == is_of_surroundings)
                        fail_msg("%s: %s and %s", rule->id, trips, passes);
        }
}

/* ---- Rules over views ------------------------------------------------------------------------ */

typedef struct RuleFixture {
        UnitView view;
        Lint lint;
        UnitView mended;
        Lint mended_lint;
} RuleFixture;

static void rule_clear(RuleFixture *fixture) {
        lint_done(&fixture->lint);
        lint_done(&fixture->mended_lint);
        unit_view_done(&fixture->view);
        unit_view_done(&fixture->mended);
}

static int rule_setup(void **state) {
        *state = calloc(1, sizeof(RuleFixture));
        return *state ? 0 : -1;
}

static int rule_teardown(void **state) {
        rule_clear(*state);
        free(*state);
        return 0;
}

#define rule_test(function) cmocka_unit_test_setup_teardown(function, rule_setup, rule_teardown)

/* For units that do not run gatewatch, half of the seeds know a drain. */
static LintOptions lint_options(uint64_t seed) {
        return (LintOptions){
                .has_drain = seed % 2,
                .drain_usec = 60 * USEC_PER_SEC,
                .headroom_usec = 30 * USEC_PER_SEC,
        };
}

static void rule_lint_random(RuleFixture *fixture, uint64_t seed) {
        LintOptions options = lint_options(seed);

        rule_clear(fixture);
        random_view_fill(&fixture->view, seed);
        assert_int_equal(lint_unit(&fixture->view, &options, &fixture->lint), 0);
}

static bool text_is_sentence(const char *text) {
        size_t length = text ? strlen(text) : 0;

        return length > 0 && text[length - 1] != '.' && text[length - 1] != ' ' &&
                !strchr(text, '\n') && !strstr(text, "(null)");
}

static void assert_mend(const RuleFixture *fixture, const Mend *mend, UnitView *copy) {
        ViewKey key = view_key_from_setting(mend->section, mend->setting);
        size_t length = strlen(mend->reason);

        if (key < 0)
                fail_msg("[%s] %s= is no setting", mend->section, mend->setting);
        if (unit_view_assign(copy, key, mend->value, VIEW_ORIGIN_DROP_IN, "/50.conf") != 0)
                fail_msg("%s=%s is not taken", mend->setting, mend->value);
        assert_true(length > 0 && mend->reason[length - 1] == '.');
}

static void assert_finding(RuleFixture *fixture, const Finding *finding, uint64_t seed) {
        if (!text_is_sentence(finding->message))
                fail_msg("seed %" PRIu64 ", %s: \"%s\"", seed, finding->rule->id,
                        finding->message ?: "");
        assert_in_range(finding->severity, 0, finding->rule->severity);
        assert_true(finding->key == _VIEW_KEY_INVALID || view_key_info(finding->key));
        assert_true(!finding->command || *finding->command);
        assert_in_range(finding->n_mends, 0, FINDING_MENDS_MAX);
        for (size_t i = 0; i < finding->n_mends; i++)
                assert_mend(fixture, &finding->mends[i], &fixture->mended);
}

static void test_rule_each_finding_is_a_sentence_with_usable_mends(void **state) {
        RuleFixture *fixture = *state;
        bool is_found[64] = {};
        const Rule *rule;

        for (uint64_t seed = 0; seed < N_VIEWS; seed++) {
                rule_lint_random(fixture, seed);
                assert_int_equal(unit_view_copy(&fixture->view, &fixture->mended), 0);
                for (size_t i = 0; i < fixture->lint.n_findings; i++) {
                        assert_finding(fixture, &fixture->lint.findings[i], seed);
                        for (size_t j = 0; (rule = rule_get(j)); j++)
                                is_found[j] = is_found[j] || rule == fixture->lint.findings[i].rule;
                }
        }
        /* Such units trip all rules there are. */
        for (size_t i = 0; (rule = rule_get(i)); i++)
                if (!is_found[i])
                        fail_msg("no view trips %s", rule->id);
}

/* A value that is not known trips nothing, and only these are not about values. */
static void test_rule_view_of_which_nothing_is_known_trips_nothing(void **state) {
        static const char *const others[] = { "ignored-lines", "shadowed", "linger",
                "user-manager-timeout", "proc-hidepid" };
        RuleFixture *fixture = *state;
        LintOptions options = lint_options(1);

        for (uint64_t seed = 0; seed < N_VIEWS; seed++) {
                rule_clear(fixture);
                random_view_fill(&fixture->view, seed);
                free(fixture->view.load_state);
                fixture->view.load_state = random_text("loaded");
                for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                        fixture->view.values[key].is_known = false;
                assert_int_equal(lint_unit(&fixture->view, &options, &fixture->lint), 0);
                for (size_t i = 0; i < fixture->lint.n_findings; i++) {
                        const char *id = fixture->lint.findings[i].rule->id;
                        bool is_other = false;

                        for (size_t j = 0; j < ELEMENTSOF(others); j++)
                                is_other = is_other || strcmp(others[j], id) == 0;
                        if (!is_other && strcmp(id, "settings-unusable") != 0)
                                fail_msg("seed %" PRIu64 ": %s", seed, id);
                }
        }
}

static void test_rule_unit_that_is_not_there_trips_nothing(void **state) {
        RuleFixture *fixture = *state;
        LintOptions options = lint_options(1);

        for (unsigned i = 0; i < 4; i++) {
                rule_clear(fixture);
                assert_int_equal(unit_view_init(&fixture->view, "gate.service",
                                         i % 2 ? UNIT_MANAGER_USER : UNIT_MANAGER_SYSTEM),
                        0);
                free(fixture->view.load_state);
                fixture->view.load_state = random_text("not-found");
                fixture->view.linger = 0;
                fixture->view.cap_usec = 1;
                for (ViewKey key = 0; i >= 2 && key < _VIEW_KEY_MAX; key++)
                        fixture->view.values[key].is_known = false;
                assert_int_equal(lint_unit(&fixture->view, &options, &fixture->lint), 0);
                for (size_t j = 0; j < fixture->lint.n_findings; j++)
                        /* It is about the user. */
                        assert_string_equal(fixture->lint.findings[j].rule->id, "linger");
        }
}

/* ---- Mends that mend --------------------------------------------------------------------------- */

static size_t apply_mends(const Lint *lint, UnitView *view) {
        size_t n = 0;

        for (size_t i = 0; i < lint->n_findings; i++)
                for (size_t j = 0; j < lint->findings[i].n_mends; j++) {
                        const Mend *mend = &lint->findings[i].mends[j];
                        ViewKey key = view_key_from_setting(mend->section, mend->setting);

                        assert_int_equal(unit_view_assign(view, key, mend->value,
                                                 VIEW_ORIGIN_DROP_IN, "/50.conf"),
                                0);
                        n++;
                }
        assert_int_equal(unit_view_settle(view), 0);
        return n;
}

static bool mend_is_asked_for(const Lint *lint, const Mend *mend) {
        for (size_t i = 0; i < lint->n_findings; i++)
                for (size_t j = 0; j < lint->findings[i].n_mends; j++)
                        if (strcmp(lint->findings[i].mends[j].setting, mend->setting) == 0)
                                return true;
        return false;
}

/* What was mended is not asked for again. */
static void assert_all_mended(const Lint *before, const Lint *after, uint64_t seed) {
        for (size_t i = 0; i < before->n_findings; i++)
                for (size_t j = 0; j < before->findings[i].n_mends; j++) {
                        const Mend *mend = &before->findings[i].mends[j];

                        if (mend_is_asked_for(after, mend))
                                fail_msg("seed %" PRIu64 ": %s: %s=%s mends nothing", seed,
                                        before->findings[i].rule->id, mend->setting, mend->value);
                }
}

static void test_rule_mends_of_a_unit_mend_it(void **state) {
        RuleFixture *fixture = *state;
        LintOptions options;
        size_t n_mends = 0;

        for (uint64_t seed = 0; seed < N_VIEWS; seed++) {
                options = lint_options(seed);
                rule_lint_random(fixture, seed);
                assert_int_equal(unit_view_copy(&fixture->view, &fixture->mended), 0);
                n_mends += apply_mends(&fixture->lint, &fixture->mended);
                assert_int_equal(lint_unit(&fixture->mended, &options, &fixture->mended_lint), 0);
                assert_all_mended(&fixture->lint, &fixture->mended_lint, seed);
        }
        assert_true(n_mends > N_VIEWS);
}

/* A mend may bring up the next finding, but that comes to an end. */
static void test_rule_mends_of_mends_end(void **state) {
        RuleFixture *fixture = *state;
        LintOptions options;

        for (uint64_t seed = 0; seed < N_VIEWS; seed++) {
                unsigned n_rounds = 0;

                options = lint_options(seed);
                rule_lint_random(fixture, seed);
                while (apply_mends(&fixture->lint, &fixture->view) > 0) {
                        if (++n_rounds > MEND_ROUNDS_MAX)
                                fail_msg("seed %" PRIu64 ": %s", seed,
                                        fixture->lint.findings[0].message);
                        lint_done(&fixture->lint);
                        assert_int_equal(lint_unit(&fixture->view, &options, &fixture->lint), 0);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_table_rows_are_complete),
                cmocka_unit_test(test_rule_table_rows_have_unit_files),
                rule_test(test_rule_each_finding_is_a_sentence_with_usable_mends),
                rule_test(test_rule_view_of_which_nothing_is_known_trips_nothing),
                rule_test(test_rule_unit_that_is_not_there_trips_nothing),
                rule_test(test_rule_mends_of_a_unit_mend_it),
                rule_test(test_rule_mends_of_mends_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
