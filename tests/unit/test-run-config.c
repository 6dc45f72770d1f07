/* SPDX-License-Identifier: MIT */

/* Every option in its three forms, their precedence, and every refusal: one line that names the value
 * and the fix. */

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/run-config-load.h"
#include "config/setting.h"

#define ARGUMENTS_MAX 16

typedef struct Fixture {
        RunConfig config;
        ConfigError error;
        ConfigAction action;
        char file[64];
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(Fixture));
        int fd;

        if (!fixture)
                return -1;
        (void) strcpy(fixture->file, "/tmp/gatewatch-config-XXXXXX");
        fd = mkstemp(fixture->file);
        *state = fixture;
        return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        run_config_done(&fixture->config);
        (void) unlink(fixture->file);
        free(fixture);
        return 0;
}

static void fixture_write(const Fixture *fixture, const char *text) {
        FILE *file = fopen(fixture->file, "we");

        assert_non_null(file);
        assert_int_equal(fputs(text, file) < 0, 0);
        assert_int_equal(fclose(file), 0);
}

/* words: without the verb. */
static int load(Fixture *fixture, const char *const words[], const char *const environment[]) {
        static const char *const nothing[] = { NULL };
        char *argv[ARGUMENTS_MAX + 2] = { (char *) "run" };
        int argc = 1;

        run_config_done(&fixture->config);
        fixture->error = (ConfigError){};
        for (; words[argc - 1]; argc++)
                argv[argc] = (char *) words[argc - 1];
        return run_config_load(argc, argv, (char *const *) (environment ?: nothing),
                &fixture->config, &fixture->action, &fixture->error);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_config_load_command_alone_gives_defaults(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(load(fixture, WORDS("--", "gate", "-x", "--name=theirs"), NULL), 0);
        assert_int_equal(fixture->action, CONFIG_RUN);
        assert_int_equal(fixture->config.drain_usec, 60 * USEC_PER_SEC);
        assert_int_equal(fixture->config.headroom_usec, 30 * USEC_PER_SEC);
        assert_int_equal(fixture->config.on_short_timeout, SHORT_TIMEOUT_EXTEND);
        assert_int_equal(fixture->config.ready, READY_EXEC);
        assert_int_equal(fixture->config.second_signal, SECOND_SIGNAL_IGNORE);
        assert_int_equal(fixture->config.cmdline, CMDLINE_REDACTED);
        assert_int_equal(fixture->config.log_target, LOG_TARGET_AUTO);
        assert_int_equal(fixture->config.log_level, 6);
        assert_int_equal(fixture->config.watchdog_usec, 0);
        assert_int_equal(fixture->config.watchdog_signal, SIGABRT);
        assert_int_equal(fixture->config.dump_signal, 0);
        assert_int_equal(fixture->config.step_timeout_usec, 5 * USEC_PER_SEC);
        assert_int_equal(fixture->config.on_step_timeout, STEP_TIMEOUT_ESCALATE);
        assert_int_equal(fixture->config.schedule.n_phases, 4);
        assert_true(fixture->config.schedule.is_default);
        assert_int_equal(fixture->config.schedule.phases[0].duration_usec, 60 * USEC_PER_SEC);
        assert_null(fixture->config.name);
        assert_null(fixture->config.argv0);
        assert_string_equal(fixture->config.argv[0], "gate");
        assert_string_equal(fixture->config.argv[2], "--name=theirs");
        assert_null(fixture->config.argv[3]);
}

static void test_config_load_argv0_leaves_the_command_alone(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(load(fixture, WORDS("--argv0=-gate way", "gate", "-x"), NULL), 0);
        assert_string_equal(fixture->config.argv0, "-gate way");
        assert_string_equal(fixture->config.argv[0], "gate");
        assert_int_equal(load(fixture, WORDS("gate"), WORDS("GATEWATCH_ARGV0=x")), 0);
        assert_string_equal(fixture->config.argv0, "x");
        /* execve(2) takes the empty word, and so does systemd. */
        assert_int_equal(load(fixture, WORDS("--argv0=", "gate"), NULL), 0);
        assert_string_equal(fixture->config.argv0, "");
}

static void test_config_load_options_end_at_the_command(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(load(fixture, WORDS("--name", "a", "gate", "--name", "b"), NULL), 0);
        assert_string_equal(fixture->config.name, "a");
        assert_string_equal(fixture->config.argv[1], "--name");
}

static void test_config_load_notify_socket_makes_notify_the_default(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(load(fixture, WORDS("gate"), WORDS("NOTIFY_SOCKET=/run/x")), 0);
        assert_int_equal(fixture->config.ready, READY_NOTIFY);
        assert_int_equal(
                load(fixture, WORDS("--ready=exec", "gate"), WORDS("NOTIFY_SOCKET=/run/x")), 0);
        assert_int_equal(fixture->config.ready, READY_EXEC);
}

static void test_config_load_command_line_beats_environment_beats_file(void **state) {
        Fixture *fixture = *state;
        char option[96];

        fixture_write(fixture,
                "# comment\n\n[Run]\n DrainTimeout = 1min\nHeadroom=31\n; more\nName=file\n"
                "StopSchedule=TERM/60/KILL/5\n");
        (void) snprintf(option, sizeof(option), "--config=%s", fixture->file);
        assert_int_equal(load(fixture, WORDS(option, "--name=line", "gate"),
                                 WORDS("GATEWATCH_HEADROOM=32s", "GATEWATCH_NAME=environment")),
                0);
        assert_string_equal(fixture->config.name, "line");
        assert_int_equal(fixture->config.headroom_usec, 32 * USEC_PER_SEC);
        assert_int_equal(fixture->config.drain_usec, 60 * USEC_PER_SEC);
        assert_int_equal(fixture->config.schedule.n_phases, 2);
        assert_false(fixture->config.schedule.is_default);
}

static void test_config_load_file_named_by_the_environment(void **state) {
        Fixture *fixture = *state;
        char variable[96];

        fixture_write(fixture,
                "[Run]\nLogLevel=debug\nLogTarget=null\nCmdline=comm\nReady=notify\n"
                "SecondSignal=escalate\nOnShortTimeout=clamp\nStateDir=/var/x\n");
        (void) snprintf(variable, sizeof(variable), "GATEWATCH_CONFIG=%s", fixture->file);
        assert_int_equal(load(fixture, WORDS("gate"), WORDS(variable)), 0);
        assert_int_equal(fixture->config.log_level, 7);
        assert_int_equal(fixture->config.log_target, LOG_TARGET_NULL);
        assert_int_equal(fixture->config.cmdline, CMDLINE_COMM);
        assert_int_equal(fixture->config.ready, READY_NOTIFY);
        assert_int_equal(fixture->config.second_signal, SECOND_SIGNAL_ESCALATE);
        assert_int_equal(fixture->config.on_short_timeout, SHORT_TIMEOUT_CLAMP);
        assert_string_equal(fixture->config.state_dir, "/var/x");
}

static void test_config_load_schedule_with_its_own_drain_sets_it(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(
                load(fixture, WORDS("--stop-schedule=drain:QUIT@main/3min,kill:KILL@all/5s", "g"),
                        NULL),
                0);
        assert_int_equal(fixture->config.drain_usec, 180 * USEC_PER_SEC);
        assert_int_equal(fixture->config.schedule.phases[0].signo, SIGQUIT);
}

static void test_config_load_help_and_version_win_over_errors_behind_them(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(load(fixture, WORDS("--help"), NULL), 0);
        assert_int_equal(fixture->action, CONFIG_SHOW_HELP);
        assert_int_equal(load(fixture, WORDS("--version", "--bogus"), NULL), 0);
        assert_int_equal(fixture->action, CONFIG_SHOW_VERSION);
        assert_int_equal(load(fixture, WORDS("-h"), NULL), 0);
        assert_int_equal(fixture->action, CONFIG_SHOW_HELP);
}

/* ---- Heartbeat, steps, dumps ---- */

enum {
        WATCHDOG,
        WATCHDOG_SIGNAL,
        STEP_TIMEOUT,
        ON_STEP_TIMEOUT,
        DUMP_SIGNAL,
        N_LIVENESS,
};

static const struct {
        const char *option, *variable, *key;
        const char *other; /* a value that gives way in the last form */
} liveness[N_LIVENESS] = {
        [WATCHDOG] = { "--watchdog", "GATEWATCH_WATCHDOG", "Watchdog", "77s" },
        [WATCHDOG_SIGNAL] = { "--watchdog-signal", "GATEWATCH_WATCHDOG_SIGNAL", "WatchdogSignal",
                "XCPU" },
        [STEP_TIMEOUT] = { "--step-timeout", "GATEWATCH_STEP_TIMEOUT", "StepTimeout", "77s" },
        [ON_STEP_TIMEOUT] = { "--on-step-timeout", "GATEWATCH_ON_STEP_TIMEOUT", "OnStepTimeout",
                "log" },
        [DUMP_SIGNAL] = { "--dump-signal", "GATEWATCH_DUMP_SIGNAL", "DumpSignal", "XCPU" },
};

static uint64_t liveness_value(const RunConfig *config, size_t setting) {
        switch (setting) {
        case WATCHDOG:
                return config->watchdog_usec;
        case WATCHDOG_SIGNAL:
                return (uint64_t) config->watchdog_signal;
        case STEP_TIMEOUT:
                return config->step_timeout_usec;
        case ON_STEP_TIMEOUT:
                return (uint64_t) config->on_step_timeout;
        default:
                return (uint64_t) config->dump_signal;
        }
}

static const struct {
        size_t setting;
        const char *text;
        uint64_t value;
} liveness_rows[] = {
        { WATCHDOG, "10", 10 * USEC_PER_SEC },
        { WATCHDOG, "1min 30s", 90 * USEC_PER_SEC },
        { WATCHDOG, "1ms", USEC_PER_MSEC },        /* the shortest */
        { WATCHDOG, "100y", 100 * USEC_PER_YEAR }, /* the longest */
        { WATCHDOG, "0", 0 },
        { WATCHDOG, "infinity", 0 },
        { WATCHDOG_SIGNAL, "ABRT", SIGABRT },
        { WATCHDOG_SIGNAL, "SIGTERM", SIGTERM },
        { WATCHDOG_SIGNAL, "9", SIGKILL },
        { WATCHDOG_SIGNAL, "quit", SIGQUIT },
        { STEP_TIMEOUT, "250ms", 250 * USEC_PER_MSEC },
        { STEP_TIMEOUT, "1us", 1 },
        { STEP_TIMEOUT, "0", USEC_INFINITY },
        { STEP_TIMEOUT, "infinity", USEC_INFINITY },
        { ON_STEP_TIMEOUT, "escalate", STEP_TIMEOUT_ESCALATE },
        { ON_STEP_TIMEOUT, "log", STEP_TIMEOUT_LOG },
        { ON_STEP_TIMEOUT, "stop", STEP_TIMEOUT_STOP },
        { DUMP_SIGNAL, "none", 0 },
        { DUMP_SIGNAL, "SIGUSR1", SIGUSR1 },
        { DUMP_SIGNAL, "QUIT", SIGQUIT },
};

static void test_config_load_liveness_value_read_in_every_form(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(liveness_rows); i++) {
                const size_t setting = liveness_rows[i].setting;
                const char *text = liveness_rows[i].text;
                char word[64], variable[64], lines[64], file[96], other[64];

                (void) snprintf(word, sizeof(word), "%s=%s", liveness[setting].option, text);
                (void) snprintf(
                        variable, sizeof(variable), "%s=%s", liveness[setting].variable, text);
                (void) snprintf(other, sizeof(other), "%s=%s", liveness[setting].variable,
                        liveness[setting].other);
                (void) snprintf(
                        lines, sizeof(lines), "[Run]\n%s=%s\n", liveness[setting].key, text);
                (void) snprintf(file, sizeof(file), "--config=%s", fixture->file);
                fixture_write(fixture, lines);

                const struct {
                        const char *words[4], *environment;
                } forms[] = {
                        { { word, "g" }, NULL },
                        { { liveness[setting].option, text, "g" }, NULL },
                        { { "g" }, variable },
                        { { file, "g" }, NULL },
                        { { word, "g" }, other },
                };
                for (size_t form = 0; form < ELEMENTSOF(forms); form++) {
                        const char *const environment[] = { forms[form].environment, NULL };
                        if (load(fixture, forms[form].words, environment) != 0)
                                fail_msg("%s, form %zu: %s", word, form, fixture->error.text);
                        if (liveness_value(&fixture->config, setting) != liveness_rows[i].value)
                                fail_msg("%s, form %zu: %" PRIu64, word, form,
                                        liveness_value(&fixture->config, setting));
                }
        }
}

/* ---- Refusals ---- */

static const struct {
        const char *words[4];
        const char *environment;
        int exit_status;
        const char *names; /* must be in the line */
        const char *fix;   /* likewise */
} refusals[] = {
        { { NULL }, NULL, 64, "COMMAND", "gatewatch run [OPTIONS]" },
        { { "--drain-timeout=5x", "g" }, NULL, 64, "--drain-timeout=5x", "time span" },
        { { "--drain-timeout=", "g" }, NULL, 64, "--drain-timeout=", "time span" },
        { { "--drain-timeout=-1", "g" }, NULL, 64, "--drain-timeout=-1", "time span" },
        { { "--drain-timeout=infinity", "g" }, NULL, 64, "infinity", "finite" },
        { { "--drain-timeout=99999999999y", "g" }, NULL, 64, "99999999999y", "time span" },
        { { "--headroom=1fortnight", "g" }, NULL, 64, "1fortnight", "time span" },
        { { "--headroom=3s", "g" }, NULL, 64, "--headroom=3s", "raise" },
        { { "--on-short-timeout=shrink", "g" }, NULL, 64, "shrink",
                "extend, clamp, warn or refuse" },
        { { "--stop-schedule=drain:TERM", "g" }, NULL, 64, "drain:TERM", "KILL" },
        { { "--stop-schedule=drain:FOO,kill:KILL@all/5s", "g" }, NULL, 64, "FOO", "signal" },
        { { "--stop-schedule=", "g" }, NULL, 64, "--stop-schedule=", "" },
        { { "--stop-schedule=drain:TERM@main/1min,kill:KILL@all/5s", "--drain-timeout=2min", "g" },
                NULL, 78, "--drain-timeout=2min", "leave one of them out" },
        { { "--ready=soon", "g" }, NULL, 64, "--ready=soon", "notify or exec" },
        { { "--second-signal=panic", "g" }, NULL, 64, "panic", "ignore or escalate" },
        { { "--state-dir=var", "g" }, NULL, 64, "--state-dir=var", "absolute" },
        { { "--cmdline=secret", "g" }, NULL, 64, "secret", "redacted, full or comm" },
        { { "--log-target=syslog", "g" }, NULL, 64, "syslog", "auto, journal, console or null" },
        { { "--watchdog=5x", "g" }, NULL, 64, "--watchdog=5x is not usable at 'x'",
                "or 0 for none" },
        { { "--watchdog=", "g" }, NULL, 64, "--watchdog=", "time span" },
        { { "--watchdog=-1", "g" }, NULL, 64, "--watchdog=-1", "time span" },
        { { "--watchdog=999us", "g" }, NULL, 64, "--watchdog=999us", "from 1ms to 100 years" },
        { { "--watchdog=101y", "g" }, NULL, 64, "--watchdog=101y", "time span" },
        { { "--watchdog=99999999999y", "g" }, NULL, 64, "99999999999y", "time span" },
        { { "--watchdog-signal=FOO", "g" }, NULL, 64, "--watchdog-signal=FOO", "such as ABRT" },
        { { "--watchdog-signal=", "g" }, NULL, 64, "--watchdog-signal=", "such as ABRT" },
        { { "--watchdog-signal=0", "g" }, NULL, 64, "--watchdog-signal=0", "such as ABRT" },
        { { "--watchdog-signal=none", "g" }, NULL, 64, "--watchdog-signal=none", "such as ABRT" },
        { { "--watchdog-signal=STOP", "g" }, NULL, 64, "--watchdog-signal=STOP", "such as ABRT" },
        { { "--watchdog-signal=CONT", "g" }, NULL, 64, "--watchdog-signal=CONT", "such as ABRT" },
        { { "--watchdog-signal=CHLD", "g" }, NULL, 64, "--watchdog-signal=CHLD", "such as ABRT" },
        { { "--step-timeout=1fortnight", "g" }, NULL, 64, "is not usable at 'fortnight'",
                "0 or infinity" },
        { { "--step-timeout=", "g" }, NULL, 64, "--step-timeout=", "0 or infinity" },
        { { "--step-timeout=-5s", "g" }, NULL, 64, "--step-timeout=-5s", "0 or infinity" },
        { { "--on-step-timeout=kill", "g" }, NULL, 64, "--on-step-timeout=kill",
                "escalate, log or stop" },
        { { "--on-step-timeout=LOG", "g" }, NULL, 64, "--on-step-timeout=LOG",
                "escalate, log or stop" },
        { { "--on-step-timeout=", "g" }, NULL, 64, "--on-step-timeout=", "escalate, log or stop" },
        { { "--dump-signal=KILL", "g" }, NULL, 64, "--dump-signal=KILL", "other than KILL" },
        { { "--dump-signal=STOP", "g" }, NULL, 64, "--dump-signal=STOP", "such as ABRT" },
        { { "--dump-signal=", "g" }, NULL, 64, "--dump-signal=", "such as ABRT" },
        { { "g" }, "GATEWATCH_WATCHDOG=999us", 64, "GATEWATCH_WATCHDOG=999us",
                "from 1ms to 100 years" },
        { { "g" }, "GATEWATCH_WATCHDOG_SIGNAL=FOO", 64, "GATEWATCH_WATCHDOG_SIGNAL=FOO",
                "such as ABRT" },
        { { "g" }, "GATEWATCH_STEP_TIMEOUT=5x", 64, "GATEWATCH_STEP_TIMEOUT=5x", "at 'x'" },
        { { "g" }, "GATEWATCH_ON_STEP_TIMEOUT=x", 64, "GATEWATCH_ON_STEP_TIMEOUT=x",
                "escalate, log or stop" },
        { { "g" }, "GATEWATCH_DUMP_SIGNAL=9", 64, "GATEWATCH_DUMP_SIGNAL=9", "other than KILL" },
        { { "--log-level=loud", "g" }, NULL, 64, "loud", "debug" },
        { { "--name=", "g" }, NULL, 64, "--name=", "128" },
        { { "--name=a/b", "g" }, NULL, 64, "a/b", "128" },
        { { "--name=a\033[2J", "g" }, NULL, 64, "--name=a?[2J", "128" },
        { { "--name" }, NULL, 64, "--name", "needs a value" },
        { { "--bogus", "g" }, NULL, 64, "--bogus", "--help" },
        { { "--bogus=1", "g" }, NULL, 64, "--bogus=1", "--help" },
        { { "--help=1", "g" }, NULL, 64, "--help=1", "no value" },
        { { "-x", "g" }, NULL, 64, "-x", "--help" },
        { { "--config=/nonexistent/file", "g" }, NULL, 64, "/nonexistent/file", "readable file" },
        { { "--config=/dev/null", "g" }, NULL, 64, "/dev/null", "readable file" },
        { { "--config=/tmp", "g" }, NULL, 64, "/tmp", "readable file" },
        { { "g" }, "GATEWATCH_HEADROOM=x", 64, "GATEWATCH_HEADROOM=x", "time span" },
        { { "--headroom=30", "g" }, "GATEWATCH_HEADROOM=x", 64, "GATEWATCH_HEADROOM=x",
                "time span" },
};

static void test_config_load_refused_value_is_named_with_its_fix(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(refusals); i++) {
                const char *const environment[] = { refusals[i].environment, NULL };
                const char *text = fixture->error.text;

                assert_int_equal(load(fixture, refusals[i].words, environment), -EINVAL);
                if (fixture->error.exit_status != refusals[i].exit_status ||
                        !strstr(text, refusals[i].names) || !strstr(text, refusals[i].fix) ||
                        strchr(text, '\n'))
                        fail_msg("row %zu: %d: %s", i, fixture->error.exit_status, text);
        }
}

static const struct {
        const char *text;
        const char *names;
} bad_files[] = {
        { "[Run]\nDrainTimeout=x\n", ":2: DrainTimeout=x" },
        { "[Run]\n\nDrainTime=1\n", ":3: unknown setting 'DrainTime'" },
        { "[Run]\nWatchdog=999us\n", ":2: Watchdog=999us" },
        { "[Run]\nWatchdogSignal=CONT\n", ":2: WatchdogSignal=CONT" },
        { "[Run]\nStepTimeout=5x\n", ":2: StepTimeout=5x is not usable at 'x'" },
        { "[Run]\nOnStepTimeout=kill\n", ":2: OnStepTimeout=kill" },
        { "[Run]\nDumpSignal=KILL\n", ":2: DumpSignal=KILL" },
        { "[Run]\nWatchDog=1\n", ":2: unknown setting 'WatchDog'" },
        { "[Run]\nnonsense\n", ":2: 'nonsense'" },
        { "DrainTimeout=1\n", ":1: 'DrainTimeout=1'" },
        { "[Service]\n", ":1: unknown section '[Service]'" },
        { "[Run]\ndrain-timeout=1\n", "unknown setting 'drain-timeout'" },
};

static void test_config_parse_file_refused_line_is_named(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(bad_files); i++) {
                RunConfig config = {};

                assert_int_equal(run_config_parse_file(
                                         bad_files[i].text, "x.conf", &config, &fixture->error),
                        -EINVAL);
                if (fixture->error.exit_status != 64 ||
                        strncmp(fixture->error.text, "x.conf:", 7) != 0 ||
                        !strstr(fixture->error.text, bad_files[i].names))
                        fail_msg("row %zu: %s", i, fixture->error.text);
                run_config_done(&config);
        }
}

static void test_setting_names_are_derived_for_every_row(void **state) {
        char key[SETTING_NAME_MAX], variable[SETTING_NAME_MAX];
        const Setting *setting;
        size_t n = 0;

        for (; (setting = setting_get(n)); n++) {
                setting_file_key(setting, key);
                setting_variable(setting, variable);
                assert_null(strpbrk(key, "-_="));
                assert_null(strpbrk(variable, "-=abcdefghijklmnopqrstuvwxyz"));
                assert_int_equal(strncmp(variable, "GATEWATCH_", 10), 0);
        }
        assert_in_range(n, 11, SETTINGS_MAX);

        setting_file_key(setting_get(1), key);
        setting_variable(setting_get(1), variable);
        assert_string_equal(key, "DrainTimeout");
        assert_string_equal(variable, "GATEWATCH_DRAIN_TIMEOUT");
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_config_load_command_alone_gives_defaults),
                TEST(test_config_load_argv0_leaves_the_command_alone),
                TEST(test_config_load_options_end_at_the_command),
                TEST(test_config_load_notify_socket_makes_notify_the_default),
                TEST(test_config_load_command_line_beats_environment_beats_file),
                TEST(test_config_load_file_named_by_the_environment),
                TEST(test_config_load_schedule_with_its_own_drain_sets_it),
                TEST(test_config_load_help_and_version_win_over_errors_behind_them),
                TEST(test_config_load_liveness_value_read_in_every_form),
                TEST(test_config_load_refused_value_is_named_with_its_fix),
                TEST(test_config_parse_file_refused_line_is_named),
                TEST(test_setting_names_are_derived_for_every_row),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
