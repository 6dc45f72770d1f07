/* SPDX-License-Identifier: MIT */

/* The text of `gatewatch run --help`: what fits a screen; gatewatch-run(1) has the rest. */

#include <stdio.h>

#include "run/help.h"

void run_config_print_help(void) {
        (void) fputs(
                "gatewatch run [OPTIONS…] [--] COMMAND [ARG…]\n"
                "\n"
                "Supervise a gateway: run COMMAND, bound and record its stop.\n"
                "\n"
                "  -h --help                   Show this help\n"
                "     --version                Show the version\n"
                "     --config=FILE            Read settings from the [Run] section of FILE\n"
                "     --name=NAME              Name in records (default: the unit's, else COMMAND's)\n"
                "\n"
                "The stop:\n"
                "     --drain-timeout=TIME     How long the gateway may drain (60s)\n"
                "     --headroom=TIME          What systemd must leave after the drain (30s)\n"
                "     --on-short-timeout=WHAT  When the unit's TimeoutStopSec= is too short:\n"
                "                              extend (default), clamp, warn, refuse\n"
                "     --stop-schedule=LIST     PHASE:SIGNAL[@main|@others|@all][/TIME],… or\n"
                "                              TERM/60/INT/10/KILL/5\n"
                "     --second-signal=WHAT     On a further stop signal: ignore (default), escalate\n"
                "\n"
                "The gateway:\n"
                "     --ready=WHEN             notify (READY=1; default if NOTIFY_SOCKET is set), exec\n"
                "     --argv0=NAME             What the gateway is told it is called (default: COMMAND)\n"
                "     --state-dir=DIR          Where markers and the flight record are kept\n"
                "     --planned-stop-marker    Write the gateway's planned-stop marker before a stop\n"
                "\n"
                "What hangs:\n"
                "     --watchdog=TIME          How often the gateway must say WATCHDOG=1 (0: need not)\n"
                "     --watchdog-signal=SIGNAL  Begins the stop of one that does not (ABRT)\n"
                "     --step-timeout=TIME      Bound of a step that brings none of its own (5s)\n"
                "     --on-step-timeout=WHAT   When a step runs over: escalate (default), log, stop\n"
                "     --dump-signal=SIGNAL     Asks the gateway for a dump 1s before it is killed (none)\n"
                "\n"
                "Records:\n"
                "     --log-target=TARGET      auto (default), journal, console, null\n"
                "     --log-level=LEVEL        emerg … debug (info)\n"
                "     --cmdline=HOW            Command lines in records: redacted (default), full, comm\n"
                "     --sender-capture=HOW     How hard to look for who sent a stop signal:\n"
                "                              auto (default), plain, realtime\n"
                "     --diagnostic-timeout=TIME  Bound of the detached diagnostic (5s; 0: none)\n"
                "\n"
                "TIME is a span of systemd.time(7); a bare number is seconds. Each option can also be\n"
                "given as GATEWATCH_DRAIN_TIMEOUT=… in the environment or DrainTimeout=… in FILE.\n"
                "See gatewatch-run(1).\n",
                stdout);
}
