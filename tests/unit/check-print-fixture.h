/* SPDX-License-Identifier: MIT */
#pragma once

/* Units with findings, built by hand, and what is printed about them. Include after cmocka.h. */

#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "check/check-print.h"

#define UNITS_MAX    3
#define FINDINGS_MAX 4
#define DROP_IN      "/etc/systemd/system/a.service.d/60-last.conf"

static const Rule rule_time = { .id = "timeout-too-short" };
static const Rule rule_mode = { .id = "kill-mode" };
static const Rule rule_older = { .id = "running-older" };

typedef struct Fixture {
        UnitView views[UNITS_MAX];
        Finding findings[UNITS_MAX][FINDINGS_MAX];
        Lint lints[UNITS_MAX];
        size_t n_lints;
        FILE *file;
        char *text; /* what was printed */
        size_t size;
        json_object *json; /* the same, read back */
} Fixture;

static const char *const variables[] = { "NO_COLOR", "SYSTEMD_COLORS", "TERM", "COLUMNS" };

_unused_ static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                (void) unsetenv(variables[i]);
        *state = fixture;
        return 0;
}

_unused_ static void forget_text(Fixture *fixture) {
        (void) json_object_put(TAKE_PTR(fixture->json));
        free(TAKE_PTR(fixture->text));
}

_unused_ static int teardown(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < UNITS_MAX; i++) {
                for (size_t j = 0; j < FINDINGS_MAX; j++)
                        finding_done(&fixture->findings[i][j]);
                unit_view_done(&fixture->views[i]);
                (void) strv_free(fixture->lints[i].unknown);
        }
        fclosep(&fixture->file);
        forget_text(fixture);
        free(fixture);
        return 0;
}

_unused_ static Lint *add_unit(Fixture *fixture, const char *name) {
        const size_t i = fixture->n_lints++;

        assert_true(i < UNITS_MAX);
        assert_int_equal(unit_view_init(&fixture->views[i], name, UNIT_MANAGER_SYSTEM), 0);
        fixture->lints[i].view = &fixture->views[i];
        fixture->lints[i].findings = fixture->findings[i];
        return &fixture->lints[i];
}

/* A unit under gatewatch with 3 min of drain. */
_unused_ static Lint *add_gateway(Fixture *fixture, const char *name) {
        Lint *lint = add_unit(fixture, name);

        lint->input = (RuleInput){
                .is_supervised = true,
                .has_drain = true,
                .headroom_usec = 30 * USEC_PER_SEC,
                .budget = { .drain_usec = 180 * USEC_PER_SEC, .required_usec = 210 * USEC_PER_SEC },
        };
        return lint;
}

/* One more finding of a unit, of which only the words are missing. */
_unused_ static FindingWriter add_finding(Lint *lint, const Rule *rule) {
        FindingWriter writer = { .finding = &lint->findings[lint->n_findings++] };

        assert_true(lint->n_findings <= FINDINGS_MAX);
        writer.finding->rule = rule;
        return writer;
}

_unused_ static void assign(
        Fixture *fixture, size_t unit, ViewKey key, const char *value, const char *source) {
        assert_int_equal(unit_view_assign(&fixture->views[unit], key, value,
                                 source ? VIEW_ORIGIN_DROP_IN : VIEW_ORIGIN_DEFAULT, source),
                0);
}

_unused_ static void add_time_finding(Lint *lint) {
        FindingWriter writer = add_finding(lint, &rule_time);

        (void) finding_say(&writer, SEVERITY_ERROR, VIEW_TIMEOUT_STOP_USEC,
                "systemd kills the gateway in its drain");
        (void) finding_mend(&writer, VIEW_TIMEOUT_STOP_USEC, NULL, "3min 30s");
}

_unused_ static void add_mode_finding(Lint *lint) {
        FindingWriter writer = add_finding(lint, &rule_mode);

        (void) finding_say(&writer, SEVERITY_WARNING, VIEW_KILL_MODE, "helpers die first");
        (void) finding_mend(&writer, VIEW_KILL_MODE, NULL, "mixed");
}

_unused_ static void add_older_finding(Lint *lint) {
        FindingWriter writer = add_finding(lint, &rule_older);

        (void) finding_say(&writer, SEVERITY_HINT, _VIEW_KEY_INVALID, "it runs as it was");
        (void) finding_command(&writer, "systemctl restart a.service");
}

_unused_ static const char *print_table(Fixture *fixture, CheckPrintOptions options) {
        forget_text(fixture);
        fixture->file = open_memstream(&fixture->text, &fixture->size);
        assert_non_null(fixture->file);
        assert_int_equal(
                check_print_table(fixture->file, fixture->lints, fixture->n_lints, &options), 0);
        fclosep(&fixture->file);
        fixture->file = NULL;
        return fixture->text;
}

/* Prints, and reads back strictly, as UTF-8, to the last byte. */
_unused_ static json_object *print_json(Fixture *fixture, JsonMode mode) {
        json_tokener *tokener = json_tokener_new();

        forget_text(fixture);
        fixture->file = open_memstream(&fixture->text, &fixture->size);
        assert_non_null(fixture->file);
        assert_int_equal(
                check_print_json(fixture->file, fixture->lints, fixture->n_lints, mode), 0);
        fclosep(&fixture->file);
        fixture->file = NULL;

        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        fixture->json = json_tokener_parse_ex(tokener, fixture->text, (int) fixture->size + 1);
        const enum json_tokener_error error = json_tokener_get_error(tokener);
        json_tokener_free(tokener);
        assert_int_equal(error, json_tokener_success);
        return fixture->json;
}

_unused_ static json_object *member(json_object *object, const char *key) {
        json_object *value = NULL;

        assert_true(json_object_object_get_ex(object, key, &value));
        return value;
}

_unused_ static void assert_member(json_object *object, const char *key, const char *expected) {
        json_object *value = member(object, key);

        if (!expected)
                assert_null(value);
        else
                assert_string_equal(json_object_get_string(value), expected);
}
