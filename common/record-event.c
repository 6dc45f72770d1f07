/* SPDX-License-Identifier: MIT */

/* The table of events: for each its name, its MESSAGE_ID, its usual priority and what the journal's
 * catalog says about it. Everything that speaks of events (records, the catalog, documentation)
 * reads this table, so that a name or an id stands in one place.
 *
 * The ids are an interface: programs match on them. A row may get another text, never another id.
 * A text is read by a person at night: what happened, whether it is bad, what to do. Its @FIELD@
 * references are filled in by journalctl, which leaves the field's name where a record lacks the
 * field or where the value is over 256 bytes; so texts refer only to fields that are always there
 * and short, and name the others.
 *
 * This file needs nothing but libc: the catalog's generator is built from it for the machine that
 * builds. */

#include "record.h"

#include <string.h>
#include <syslog.h>

static const RecordEventInfo record_event_table[_RECORD_EVENT_MAX] = {
        [RECORD_STARTED] = {
                .name = "started",
                .message_id = "d540f6a974a5488590271784fa955712",
                .priority = LOG_INFO,
                .subject = "Gateway @GATEWATCH_NAME@ was started under supervision",
                .body =
                        "The supervisor has forked the gateway @GATEWATCH_NAME@ as process\n"
                        "@GATEWATCH_PID@. This is the first record of run @GATEWATCH_RUN_ID@.\n"
                        "\n"
                        "When it is asked to stop, the gateway may drain for\n"
                        "@GATEWATCH_DRAIN_USEC@ microseconds. The whole escalation is:\n"
                        "@GATEWATCH_SCHEDULE@\n"
                        "\n"
                        "Nothing needs to be done. All records of this run:\n"
                        "  journalctl GATEWATCH_RUN_ID=@GATEWATCH_RUN_ID@\n",
        },
        [RECORD_READY] = {
                .name = "ready",
                .message_id = "186155943fe24d42a3890c1379a54d3f",
                .priority = LOG_INFO,
                .subject = "Gateway @GATEWATCH_NAME@ is ready",
                .body =
                        "The gateway @GATEWATCH_NAME@ (process @GATEWATCH_PID@) takes work now.\n"
                        "It needed @GATEWATCH_START_USEC@ microseconds from its start until it\n"
                        "was ready.\n"
                        "\n"
                        "Nothing needs to be done.\n",
        },
        [RECORD_SHORT_TIMEOUT] = {
                .name = "short-timeout",
                .message_id = "c15477208d7b47ff82e9a5b1bbf7c378",
                .priority = LOG_WARNING,
                .subject = "systemd may kill gateway @GATEWATCH_NAME@ before it has drained",
                .body =
                        "The unit of the gateway @GATEWATCH_NAME@ gives it less time to stop than\n"
                        "it needs. systemd kills it after @GATEWATCH_TIMEOUT_STOP_USEC@\n"
                        "microseconds (TimeoutStopSec=), but the drain\n"
                        "(@GATEWATCH_DRAIN_USEC@) and the headroom for the escalation and the\n"
                        "record (@GATEWATCH_HEADROOM_USEC@) together need\n"
                        "@GATEWATCH_REQUIRED_USEC@ microseconds.\n"
                        "\n"
                        "What the supervisor does about it at the next stop:\n"
                        "@GATEWATCH_ACTION@ (see --on-short-timeout= in gatewatch-run(1)).\n"
                        "\n"
                        "Raise TimeoutStopSec= of the unit, or shorten --drain-timeout=. The\n"
                        "field GATEWATCH_SOURCE names the file that the value comes from, and\n"
                        "GATEWATCH_REMEDY has the commands that mend it; to see both:\n"
                        "  journalctl -o verbose MESSAGE_ID=c15477208d7b47ff82e9a5b1bbf7c378\n",
        },
        [RECORD_PREVIOUS] = {
                .name = "previous",
                .message_id = "30c5807de7f94242a2e19b0f15d7cfc7",
                .priority = LOG_NOTICE,
                .subject = "The previous run of gateway @GATEWATCH_NAME@ was lost",
                .body =
                        "The run of the gateway @GATEWATCH_NAME@ before this one could not say\n"
                        "itself how it ended. From the flight record in its state directory it is\n"
                        "known to have ended as: @GATEWATCH_PREVIOUS@\n"
                        "Last heard of in phase: @GATEWATCH_PREVIOUS_PHASE@\n"
                        "\n"
                        "\"lost\" means that the supervisor itself was killed, \"reboot\" that the\n"
                        "machine went down under it. Work that was in flight then may be lost or\n"
                        "half done. The gateway was told, in its variable GATEWATCH_PREVIOUS.\n"
                        "\n"
                        "Its last record was written in its place, by \"gatewatch post\" or by\n"
                        "this run. All records of that run:\n"
                        "  journalctl GATEWATCH_RUN_ID=@GATEWATCH_PREVIOUS_RUN_ID@\n"
                        "Look at the same minutes for the kernel's OOM killer, for systemd-oomd\n"
                        "and for kills by systemd as well. When the unit has no\n"
                        "ExecStopPost=-/usr/bin/gatewatch post, add it: it records such an end at\n"
                        "once, and with systemd's reason.\n",
        },
        [RECORD_SIGNAL] = {
                .name = "signal",
                .message_id = "62449b84221b410e95a1c913b83bb73e",
                .priority = LOG_NOTICE,
                .subject = "Gateway @GATEWATCH_NAME@ received @GATEWATCH_SIGNAL@",
                .body =
                        "A signal arrived that begins a stop of the gateway @GATEWATCH_NAME@, or\n"
                        "that came while it was stopping. The record holds what was known at that\n"
                        "moment: who sent the signal (GATEWATCH_SENDER_*), the load, the markers,\n"
                        "and the whole of it as JSON in GATEWATCH_CONTEXT.\n"
                        "State of the sender: @GATEWATCH_SENDER_STATE@\n"
                        "\n"
                        "alive            a process that was still there: its fields are complete\n"
                        "exited           it had exited: what could still be read is there\n"
                        "manager          systemd, which does not say who asked it; the record\n"
                        "                 \"cause\" names the requester where one can be found\n"
                        "kernel           a terminal; there is no sending process\n"
                        "other-namespace  outside of our pid namespace: it has no pid here\n"
                        "unknown          it could not be read, or not in time\n"
                        "\n"
                        "When senders are often \"exited\" without a command line, the unit lacks\n"
                        "LimitRTPRIO=1.\n"
                        "\n"
                        "Everything about this stop:\n"
                        "  journalctl -o verbose GATEWATCH_RUN_ID=@GATEWATCH_RUN_ID@\n",
        },
        [RECORD_CAUSE] = {
                .name = "cause",
                .message_id = "cddafc33262f4eb9878ba78f6cafed48",
                .priority = LOG_NOTICE,
                .subject = "Why gateway @GATEWATCH_NAME@ is being stopped: @GATEWATCH_CAUSE@",
                .body =
                        "The evidence for the stop of the gateway @GATEWATCH_NAME@ is in. The\n"
                        "verdict is \"@GATEWATCH_CAUSE@\"; the message above says it in a\n"
                        "sentence, which is in the field GATEWATCH_CAUSE_DETAIL as well.\n"
                        "\n"
                        "Where systemd was asked by a process that could still be found, the\n"
                        "fields GATEWATCH_REQUESTER_* name it with its ancestry. Who did not wait\n"
                        "(systemctl --no-block, a call over D-Bus) is not found. \"unknown\" means\n"
                        "that the evidence does not say; nothing is guessed.\n"
                        "\n"
                        "If nobody meant the gateway to stop, begin with those fields, and with\n"
                        "the record \"signal\" just before. Each cause, what it rests on and what to\n"
                        "do about it:\n"
                        "  man 7 gatewatch.journal-fields\n",
        },
        [RECORD_PHASE] = {
                .name = "phase",
                .message_id = "c69e1f2d063540f6a46135675050a82a",
                .priority = LOG_INFO,
                .subject = "Phase @GATEWATCH_PHASE@ of gateway @GATEWATCH_NAME@ has ended",
                .body =
                        "The phase \"@GATEWATCH_PHASE@\" of the gateway @GATEWATCH_NAME@ is over.\n"
                        "It lasted @GATEWATCH_PHASE_USEC@ microseconds.\n"
                        "Timed out: @GATEWATCH_TIMED_OUT@\n"
                        "Whose phase: @GATEWATCH_PHASE_SOURCE@\n"
                        "\n"
                        "ladder   one of the stop schedule. It ends as soon as no process is left\n"
                        "         that it is for. One that timed out did not get that far, and the\n"
                        "         next, harder phase has begun; what the gateway was doing is in\n"
                        "         the record \"stuck\".\n"
                        "gateway  one that the gateway named itself. It is measured and not\n"
                        "         bounded; \"timed out\" means that a phase of the stop schedule\n"
                        "         did so while it ran.\n"
                        "\n"
                        "If the drain times out again and again, the gateway needs a longer\n"
                        "--drain-timeout=, or something in it does not let go of its work:\n"
                        "  journalctl -p warning GATEWATCH_RUN_ID=@GATEWATCH_RUN_ID@\n",
        },
        [RECORD_STEP] = {
                .name = "step",
                .message_id = "af4ff38ddf614ed39537d85bcd3f5a3e",
                .priority = LOG_INFO,
                .subject = "Step @GATEWATCH_STEP@ of @GATEWATCH_NAME@: @GATEWATCH_STEP_END@",
                .body =
                        "The gateway @GATEWATCH_NAME@ had announced the step\n"
                        "\"@GATEWATCH_STEP@\". It has taken @GATEWATCH_STEP_USEC@ microseconds;\n"
                        "its bound is @GATEWATCH_STEP_TIMEOUT_USEC@ (its own, or --step-timeout=).\n"
                        "How it stands: @GATEWATCH_STEP_END@\n"
                        "\n"
                        "done       it ended in time\n"
                        "open       it has run over its bound and goes on\n"
                        "late       it ended after its bound\n"
                        "abandoned  it had not ended when the gateway was gone\n"
                        "\n"
                        "Once all open steps of a stop have run over and no work is reported in\n"
                        "flight, the stop moves on to its next phase (--on-step-timeout=). An\n"
                        "\"open\" record says in GATEWATCH_STALL_DETAIL whether the machine kept\n"
                        "the gateway from running or the gateway hangs; the record \"stuck\" shows\n"
                        "what it waits for. A step that is too slow by nature needs a bound of its\n"
                        "own.\n",
        },
        [RECORD_STUCK] = {
                .name = "stuck",
                .message_id = "6652ac16fcf84771b1fd469f2045c6ac",
                .priority = LOG_WARNING,
                .subject = "Gateway @GATEWATCH_NAME@ missed a deadline: @GATEWATCH_MISSED@",
                .body =
                        "The gateway @GATEWATCH_NAME@ did not meet a deadline. Just before, while\n"
                        "it could still be asked, its processes were looked at: what each thread\n"
                        "was doing, which connections were open, to whom, and how long they had\n"
                        "been silent. The message has what matters most.\n"
                        "What was missed: @GATEWATCH_MISSED@\n"
                        "\n"
                        "heartbeat  WATCHDOG=1 did not come in time (--watchdog=)\n"
                        "step       all open steps have run over, or one outside of a stop\n"
                        "phase      a phase of the stop schedule timed out\n"
                        "\n"
                        "The whole of it is JSON in the field GATEWATCH_STUCK:\n"
                        "  journalctl -o verbose GATEWATCH_RUN_ID=@GATEWATCH_RUN_ID@ \\\n"
                        "      MESSAGE_ID=6652ac16fcf84771b1fd469f2045c6ac\n"
                        "\n"
                        "Begin with the open steps and with the connection that is named. A thread\n"
                        "in state D waits for the kernel (a disk, a network file system) and\n"
                        "cannot be killed before that answers. Give this record to whoever\n"
                        "maintains the gateway; with --dump-signal= its own dump stands near it in\n"
                        "its log.\n",
        },
        [RECORD_WATCHDOG] = {
                .name = "watchdog",
                .message_id = "ff9b6804dbed47eb858a8c2dd957a64c",
                .priority = LOG_ERR,
                .subject = "Gateway @GATEWATCH_NAME@ missed its heartbeat: @GATEWATCH_STALL@",
                .body =
                        "The gateway @GATEWATCH_NAME@ (process @GATEWATCH_PID@) must send a\n"
                        "heartbeat every @GATEWATCH_WATCHDOG_USEC@ microseconds; the last sign of\n"
                        "life was @GATEWATCH_WATCHDOG_AGE_USEC@ microseconds ago. Its stop begins\n"
                        "with @GATEWATCH_WATCHDOG_SIGNAL@; see coredumpctl(1) after SIGABRT.\n"
                        "It gave itself up (WATCHDOG=trigger): @GATEWATCH_WATCHDOG_TRIGGERED@\n"
                        "Why, as far as it could be seen: @GATEWATCH_STALL@\n"
                        "\n"
                        "starved   it wanted to run and could not: CPU, memory or I/O were not to\n"
                        "          be had. Look at the machine, not at the gateway\n"
                        "wedged    it slept all the time: a lock, a peer that does not answer\n"
                        "spinning  it ran all the time: an endless loop, or work in the event loop\n"
                        "working   it ran a good part of the time: too much work for one interval\n"
                        "blocked   it waits in the kernel (state D): a disk, a network file system\n"
                        "stopped   by SIGSTOP\n"
                        "frozen    by the freezer of its control group\n"
                        "traced    a debugger holds it\n"
                        "exited    its main process was gone\n"
                        "unknown   what could be read does not say\n"
                        "\n"
                        "What its threads were doing is in the record \"stuck\" that follows:\n"
                        "  journalctl GATEWATCH_RUN_ID=@GATEWATCH_RUN_ID@\n",
        },
        [RECORD_LEFTOVER] = {
                .name = "leftover",
                .message_id = "62f3345e7c5445589c86bdeec64fb59c",
                .priority = LOG_WARNING,
                .subject = "Processes of gateway @GATEWATCH_NAME@ outlived its main process",
                .body =
                        "The main process of the gateway @GATEWATCH_NAME@ has ended, but\n"
                        "@GATEWATCH_LEFTOVER_COUNT@ of its processes have not. They are stopped\n"
                        "by the remaining phases of the schedule, and the supervisor stays until\n"
                        "they are gone.\n"
                        "\n"
                        "The field GATEWATCH_LEFTOVER lists them as JSON (journalctl -o verbose).\n"
                        "A gateway should end its own helpers before it exits: what they were\n"
                        "doing may be half done.\n",
        },
        [RECORD_DIAGNOSTIC] = {
                .name = "diagnostic",
                .message_id = "73354165ad5f4620aa1522b186066d00",
                .priority = LOG_INFO,
                .subject = "A diagnostic of the stop of @GATEWATCH_NAME@ was written",
                .body =
                        "When the stop of the gateway @GATEWATCH_NAME@ began, a helper process\n"
                        "appended what the machine looked like to\n"
                        "@GATEWATCH_DIAGNOSTIC_FILE@\n"
                        "\n"
                        "It is there for the question what else was going on at that moment: the\n"
                        "gateway's processes, the host's busiest ones, load, pressure and memory,\n"
                        "messages of the kernel. The file is rotated at 1 MiB, one old copy is\n"
                        "kept. A stop that is shorter than the helper cuts it off; there is no\n"
                        "record like this one then.\n",
        },
        [RECORD_STOPPED] = {
                .name = "stopped",
                .message_id = "a0e6684b50c347e985c058a0cf3892a5",
                .priority = LOG_INFO,
                .subject = "Gateway @GATEWATCH_NAME@ has ended: @GATEWATCH_OUTCOME@",
                .body =
                        "This is the last record of run @GATEWATCH_RUN_ID@ of the gateway\n"
                        "@GATEWATCH_NAME@.\n"
                        "Outcome: @GATEWATCH_OUTCOME@\n"
                        "Cause: @GATEWATCH_CAUSE@\n"
                        "Written by: @GATEWATCH_RECORDED_BY@\n"
                        "\n"
                        "clean      it ended within the first phase of its stop\n"
                        "escalated  it needed a later phase, but no SIGKILL\n"
                        "killed     it had to be killed; work in flight is lost\n"
                        "exited     it ended by itself, with success\n"
                        "failed     it ended by itself, with an error\n"
                        "crashed    it died by a signal that nobody here sent\n"
                        "lost       the supervisor itself was killed, or the machine went down\n"
                        "\n"
                        "A record that was not written by \"run\" but by \"post\" (ExecStopPost=) or\n"
                        "\"next-run\" comes from the flight record of a supervisor that could not\n"
                        "write it any more.\n"
                        "\n"
                        "How long each phase of the stop schedule took is in the field\n"
                        "GATEWATCH_PHASES; of a gateway that reports its own work the time is in\n"
                        "GATEWATCH_TIMELINE, GATEWATCH_STEPS and GATEWATCH_SLOWEST_STEP. All\n"
                        "records of the run, and past stops for comparison:\n"
                        "  journalctl GATEWATCH_RUN_ID=@GATEWATCH_RUN_ID@\n"
                        "  journalctl GATEWATCH_NAME=@GATEWATCH_NAME@ \\\n"
                        "      MESSAGE_ID=a0e6684b50c347e985c058a0cf3892a5\n",
        },
        [RECORD_FORWARDED] = {
                .name = "forwarded",
                .message_id = "cb1035c8c190492887153c92c553cd98",
                .priority = LOG_DEBUG,
                .subject = "@GATEWATCH_SIGNAL@ was passed on to gateway @GATEWATCH_NAME@",
                .body =
                        "A signal that does not begin a stop reached the supervisor and was\n"
                        "passed on to the main process of the gateway @GATEWATCH_NAME@\n"
                        "(@GATEWATCH_PID@). Who sent it is in the fields GATEWATCH_SENDER_*.\n"
                        "\n"
                        "Nothing needs to be done.\n",
        },
        [RECORD_DEGRADED] = {
                .name = "degraded",
                .message_id = "02d627c28f0d40d5b130ae1546b19c9e",
                .priority = LOG_WARNING,
                .subject = "Supervision of @GATEWATCH_NAME@ goes on without: @GATEWATCH_WHAT@",
                .body =
                        "Something that the supervisor of the gateway @GATEWATCH_NAME@ relies on\n"
                        "is missing or does not work: @GATEWATCH_WHAT@\n"
                        "Error: @GATEWATCH_ERROR@\n"
                        "\n"
                        "The gateway is not touched by this and keeps running, and it will be\n"
                        "stopped as configured. But less will be known about it:\n"
                        "\n"
                        "bus                  what systemd allows, and why it stops the unit\n"
                        "unit                 the same: systemd has another main process for it\n"
                        "cgroup               processes that leave the gateway's process tree\n"
                        "notify               messages of the gateway to systemd are lost\n"
                        "main-pid             a new main process of the gateway, or its exit status\n"
                        "journal              records may be on the console instead, or missing\n"
                        "state-dir            that a stop was asked for, for the next gateway\n"
                        "flight-record        how this run ends if the supervisor is killed, or\n"
                        "                     how the run before it ended\n"
                        "sender-capture       senders of stop signals that exit at once\n"
                        "requester            who asked systemd for a stop\n"
                        "inquiry              the cause of a stop\n"
                        "marker               a marker of the gateway's: it counts as absent\n"
                        "planned-stop-marker  the gateway takes a planned stop for another one\n"
                        "diagnostic           what the machine looked like when a stop began\n"
                        "stuck                what the gateway was doing when a deadline passed\n"
                        "loop                 the supervisor was held up itself: a heartbeat that\n"
                        "                     is missing was not held against the gateway\n"
                        "step                 a step that the gateway announced wrongly: ignored\n"
                        "phase                the same for a phase\n"
                        "\n"
                        "Mend the cause (permissions, a full disk, a service that is down); a\n"
                        "restart of the gateway is not needed for what comes back by itself.\n",
        },
};

static_assert(ELEMENTSOF(record_event_table) == _RECORD_EVENT_MAX, "one row an event");

const RecordEventInfo *record_event_info(RecordEvent event) {
        assert(event >= 0 && event < _RECORD_EVENT_MAX);

        return &record_event_table[event];
}

const char *record_event_to_string(RecordEvent event) {
        if (event < 0 || event >= _RECORD_EVENT_MAX)
                return NULL;

        return record_event_table[event].name;
}

RecordEvent record_event_from_string(const char *name) {
        if (!name)
                return _RECORD_EVENT_INVALID;

        for (RecordEvent event = 0; event < _RECORD_EVENT_MAX; event++)
                if (strcmp(record_event_table[event].name, name) == 0)
                        return event;

        return _RECORD_EVENT_INVALID;
}
