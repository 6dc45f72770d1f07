/* SPDX-License-Identifier: MIT */

/* One table of settings serves three forms: `--drain-timeout=V` on the command line,
 * `GATEWATCH_DRAIN_TIMEOUT=V` in the environment, `DrainTimeout=V` in the [Run] section of a file. The
 * other two names are derived from the option's, so they cannot drift apart. Each row has the one
 * parser of its value; what has to fit together is looked at elsewhere, once all is known. */

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "setting.h"
#include "signals.h"

#define USEC_FINITE_MAX (100 * USEC_PER_YEAR)

static void setting_error_set_part(SettingError *error, const char *part) {
        (void) snprintf(error->part, sizeof(error->part), "%.127s", part ?: "");
}

static int take_string(char **target, const char *value) {
        char *copy;

        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        free(*target);
        *target = copy;
        return 0;
}

/* Returns: 0; -EINVAL: no span, and the error says which part of it is not. */
static int parse_span(const char *value, usec_t *ret_span, SettingError *reterr) {
        const char *bad = NULL;

        if (usec_parse_span(value, ret_span, &bad) >= 0)
                return 0;
        setting_error_set_part(reterr, bad);
        return -EINVAL;
}

static int take_span(usec_t *target, const char *value, SettingError *reterr) {
        usec_t span;

        reterr->fix = "give a time span such as 90, 90s, 1min 30s or 1.5h";
        if (parse_span(value, &span, reterr) < 0)
                return -EINVAL;
        if (span > USEC_FINITE_MAX) {
                reterr->fix = "a stop is always bounded: give a finite time span such as 10min";
                return -EINVAL;
        }
        *target = span;
        return 0;
}

static int parse_name(RunConfig *config, const char *value, SettingError *reterr) {
        reterr->fix = "give 1 to 128 bytes without '/' and control characters";
        if (!*value || strlen(value) > CONFIG_NAME_MAX || strcmp(value, ".") == 0 ||
                strcmp(value, "..") == 0)
                return -EINVAL;
        for (const char *c = value; *c; c++)
                if ((unsigned char) *c < ' ' || *c == 0x7f || *c == '/') {
                        setting_error_set_part(reterr, c);
                        return -EINVAL;
                }
        return take_string(&config->name, value);
}

static int parse_drain_timeout(RunConfig *config, const char *value, SettingError *reterr) {
        config->has_drain = true;
        return take_span(&config->drain_usec, value, reterr);
}

static int parse_headroom(RunConfig *config, const char *value, SettingError *reterr) {
        return take_span(&config->headroom_usec, value, reterr);
}

static int parse_on_short_timeout(RunConfig *config, const char *value, SettingError *reterr) {
        ShortTimeoutAction action = short_timeout_action_from_string(value);

        reterr->fix = "give extend, clamp, warn or refuse";
        if (action < 0)
                return -EINVAL;
        config->on_short_timeout = action;
        return 0;
}

/* Parsed for good at the end, when the drain is known; here only to be refused where it stands. */
static int parse_stop_schedule(RunConfig *config, const char *value, SettingError *reterr) {
        ScheduleError error;
        Schedule schedule;

        if (schedule_parse(value, config->drain_usec, &schedule, &error) < 0) {
                setting_error_set_part(reterr, error.part);
                reterr->fix = error.fix;
                return -EINVAL;
        }
        return take_string(&config->schedule_text, value);
}

static int parse_ready(RunConfig *config, const char *value, SettingError *reterr) {
        ReadyMode mode = ready_mode_from_string(value);

        reterr->fix = "give notify or exec";
        if (mode < 0)
                return -EINVAL;
        config->ready = mode;
        return 0;
}

static int parse_second_signal(RunConfig *config, const char *value, SettingError *reterr) {
        SecondSignal second = second_signal_from_string(value);

        reterr->fix = "give ignore or escalate";
        if (second < 0)
                return -EINVAL;
        config->second_signal = second;
        return 0;
}

/* Whatever systemd would have taken behind the "@" of a unit's line; the empty word too. */
static int parse_argv0(RunConfig *config, const char *value, SettingError *reterr) {
        (void) reterr;
        return take_string(&config->argv0, value);
}

static int parse_state_dir(RunConfig *config, const char *value, SettingError *reterr) {
        reterr->fix = "give an absolute path";
        if (value[0] != '/' || strlen(value) >= PATH_MAX)
                return -EINVAL;
        return take_string(&config->state_dir, value);
}

static int parse_cmdline(RunConfig *config, const char *value, SettingError *reterr) {
        CmdlineMode mode = cmdline_mode_from_string(value);

        reterr->fix = "give redacted, full or comm";
        if (mode < 0)
                return -EINVAL;
        config->cmdline = mode;
        return 0;
}

static int parse_sender_capture(RunConfig *config, const char *value, SettingError *reterr) {
        SenderCapture capture = sender_capture_from_string(value);

        reterr->fix = "give auto, plain or realtime";
        if (capture < 0)
                return -EINVAL;
        config->sender_capture = capture;
        return 0;
}

static int parse_planned_stop_marker(RunConfig *config, const char *value, SettingError *reterr) {
        static const struct {
                const char *word;
                bool value;
        } words[] = {
                { "yes", true },
                { "true", true },
                { "on", true },
                { "1", true },
                { "no", false },
                { "false", false },
                { "off", false },
                { "0", false },
        };

        reterr->fix = "give yes or no";
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(value, words[i].word) == 0) {
                        config->writes_planned_stop = words[i].value;
                        return 0;
                }
        return -EINVAL;
}

static int parse_diagnostic_timeout(RunConfig *config, const char *value, SettingError *reterr) {
        return take_span(&config->diagnostic_usec, value, reterr);
}

static int parse_log_target(RunConfig *config, const char *value, SettingError *reterr) {
        LogTarget target = log_target_from_string(value);

        reterr->fix = "give auto, journal, console or null";
        if (target < 0)
                return -EINVAL;
        config->log_target = target;
        return 0;
}

static int parse_log_level(RunConfig *config, const char *value, SettingError *reterr) {
        int level = log_level_from_string(value);

        reterr->fix = "give emerg, alert, crit, err, warning, notice, info or debug";
        if (level < 0)
                return -EINVAL;
        config->log_level = level;
        return 0;
}

/* 0 and infinity: off. */
static int parse_watchdog(RunConfig *config, const char *value, SettingError *reterr) {
        usec_t span;

        reterr->fix = "give a time span from 1ms to 100 years such as 10s, or 0 for none";
        if (parse_span(value, &span, reterr) < 0)
                return -EINVAL;
        if (span == USEC_INFINITY)
                span = 0;
        if ((span > 0 && span < USEC_PER_MSEC) || span > USEC_FINITE_MAX)
                return -EINVAL;
        config->watchdog_usec = span;
        return 0;
}

static int take_signal(int *target, const char *value, SettingError *reterr) {
        int signo = signal_from_name(value);

        reterr->fix = "give a signal that can be sent to the gateway, such as ABRT or SIGUSR1";
        if (signo <= 0 || signo == SIGSTOP || signo == SIGCONT || signo == SIGCHLD)
                return -EINVAL;
        *target = signo;
        return 0;
}

static int parse_watchdog_signal(RunConfig *config, const char *value, SettingError *reterr) {
        return take_signal(&config->watchdog_signal, value, reterr);
}

static int parse_dump_signal(RunConfig *config, const char *value, SettingError *reterr) {
        if (strcmp(value, "none") == 0) {
                config->dump_signal = 0;
                return 0;
        }
        if (take_signal(&config->dump_signal, value, reterr) < 0)
                return -EINVAL;
        reterr->fix =
                "give a signal other than KILL, at which the gateway dumps what it does, or none";
        return config->dump_signal == SIGKILL ? -EINVAL : 0;
}

/* 0 and infinity: unbounded. */
static int parse_step_timeout(RunConfig *config, const char *value, SettingError *reterr) {
        usec_t span;

        reterr->fix = "give a time span such as 5s, or 0 or infinity for none";
        if (parse_span(value, &span, reterr) < 0)
                return -EINVAL;
        config->step_timeout_usec = span == 0 ? USEC_INFINITY : span;
        return 0;
}

static int parse_on_step_timeout(RunConfig *config, const char *value, SettingError *reterr) {
        StepTimeoutAction action = step_timeout_action_from_string(value);

        reterr->fix = "give escalate, log or stop";
        if (action < 0)
                return -EINVAL;
        config->on_step_timeout = action;
        return 0;
}

static const Setting setting_table[] = {
        { "name", parse_name },
        { "drain-timeout", parse_drain_timeout },
        { "headroom", parse_headroom },
        { "on-short-timeout", parse_on_short_timeout },
        { "stop-schedule", parse_stop_schedule },
        { "second-signal", parse_second_signal },
        { "ready", parse_ready },
        { "watchdog", parse_watchdog },
        { "watchdog-signal", parse_watchdog_signal },
        { "step-timeout", parse_step_timeout },
        { "on-step-timeout", parse_on_step_timeout },
        { "dump-signal", parse_dump_signal },
        { "argv0", parse_argv0 },
        { "state-dir", parse_state_dir },
        { "planned-stop-marker", parse_planned_stop_marker, .is_flag = true },
        { "diagnostic-timeout", parse_diagnostic_timeout },
        { "sender-capture", parse_sender_capture },
        { "cmdline", parse_cmdline },
        { "log-target", parse_log_target },
        { "log-level", parse_log_level },
};

void setting_file_key(const Setting *setting, char buffer[static SETTING_NAME_MAX]) {
        bool is_start = true;
        size_t n = 0;

        for (const char *c = setting->option; *c && n < SETTING_NAME_MAX - 1; c++) {
                if (*c == '-') {
                        is_start = true;
                        continue;
                }
                buffer[n++] = (char) (is_start ? toupper((unsigned char) *c) : *c);
                is_start = false;
        }
        buffer[n] = '\0';
}

void setting_variable(const Setting *setting, char buffer[static SETTING_NAME_MAX]) {
        size_t n = (size_t) snprintf(buffer, SETTING_NAME_MAX, "GATEWATCH_%s", setting->option);

        for (size_t i = 0; i < n && i < SETTING_NAME_MAX; i++)
                buffer[i] = (char) (buffer[i] == '-' ? '_' : toupper((unsigned char) buffer[i]));
}

const Setting *setting_get(size_t index) {
        return index < ELEMENTSOF(setting_table) ? &setting_table[index] : NULL;
}
