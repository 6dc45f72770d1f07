/* SPDX-License-Identifier: MIT */
#pragma once

/* What `gatewatch run` was asked to do, as data. */

#include <stdbool.h>

#include "config/sender-capture.h"
#include "record.h"
#include "redact.h"
#include "stop/budget.h"
#include "stop/schedule.h"
#include "usec.h"

#define CONFIG_NAME_MAX 128

typedef enum ReadyMode {
        READY_NOTIFY, /* the gateway says READY=1 */
        READY_EXEC,   /* once it has been executed */
        _READY_MODE_MAX,
        _READY_MODE_INVALID = -EINVAL,
} ReadyMode;

const char *ready_mode_to_string(ReadyMode mode);
ReadyMode ready_mode_from_string(const char *name);

typedef enum SecondSignal {
        SECOND_SIGNAL_IGNORE,
        SECOND_SIGNAL_ESCALATE,
        _SECOND_SIGNAL_MAX,
        _SECOND_SIGNAL_INVALID = -EINVAL,
} SecondSignal;

const char *second_signal_to_string(SecondSignal second);
SecondSignal second_signal_from_string(const char *name);

typedef enum StepTimeoutAction {
        STEP_TIMEOUT_ESCALATE, /* the ladder moves on once all open steps are overdue */
        STEP_TIMEOUT_LOG,
        STEP_TIMEOUT_STOP, /* as ESCALATE, and outside of a stop an overdue step begins one */
        _STEP_TIMEOUT_ACTION_MAX,
        _STEP_TIMEOUT_ACTION_INVALID = -EINVAL,
} StepTimeoutAction;

const char *step_timeout_action_to_string(StepTimeoutAction action);
StepTimeoutAction step_timeout_action_from_string(const char *name);

typedef struct RunConfig {
        char *name;      /* NULL: unit name or base name of COMMAND */
        char *state_dir; /* NULL: the default chain */
        char *schedule_text;
        usec_t drain_usec;
        usec_t headroom_usec;
        ShortTimeoutAction on_short_timeout;
        Schedule schedule; /* parsed, with the drain in it */
        ReadyMode ready;   /* _READY_MODE_INVALID until the default is known */
        SecondSignal second_signal;
        usec_t watchdog_usec;     /* the gateway's heartbeat; 0: none is expected */
        int watchdog_signal;      /* the first signal when it is missed */
        int dump_signal;          /* asks the gateway for a dump of its own; 0: none */
        usec_t step_timeout_usec; /* of steps without a bound of their own; USEC_INFINITY: none */
        StepTimeoutAction on_step_timeout;
        CmdlineMode cmdline;
        SenderCapture sender_capture;
        usec_t diagnostic_usec;   /* bound of the detached diagnostic; 0: none */
        bool writes_planned_stop; /* --planned-stop-marker */
        LogTarget log_target;
        int log_level;
        int console_fd; /* where logfmt lines go; -EBADF: we were started with stderr closed */
        bool has_drain; /* --drain-timeout= was given */
        char *argv0;    /* --argv0=: what the gateway is told it is called; NULL: argv[0] */
        char **argv;    /* the gateway's; owned copy, NULL-terminated */
} RunConfig;

/* Frees what it holds; the struct may be filled anew. */
void run_config_done(RunConfig *config);
