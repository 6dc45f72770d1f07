/* SPDX-License-Identifier: MIT */

/* One table, from the hardest evidence to none. What set the end in motion tells the groups apart, so
 * their order among each other does not matter; within a group it does:
 *
 *  - What the manager noted before it sent its signal (Result= of OOM kill, watchdog, time limit)
 *    comes first: it is written by the one who stops us, about this stop.
 *  - Then what holds for all units (shutdown, exit of the user's manager), since the job that our own
 *    unit gets from it looks like any other; then a job that follows another unit's.
 *  - A takeover marker that names us comes before the job: who takes over may well do it through
 *    systemd, and the job stands in fields of its own. A planned-stop marker comes after the job:
 *    both say that the stop is meant, but the job is systemd's word and the marker is anyone's.
 *  - A sender comes last. That a process sent a signal is certain, yet it says least.
 *
 * A unit that is still up was not being stopped when it was looked at, and the look came after the
 * signal: then the manager passed on somebody's kill, and a job that is there only waits. Our own
 * STOPPING=1 takes that state away within a moment, so the same is read off the times: a unit that
 * has no job and was active until we said so was not being stopped by systemd.
 *
 * A manager outside of our pid namespace (PrivatePIDs=) cannot be told by its pid. It counts as the
 * sender when the unit is being stopped for a reason that is not ours.
 *
 * A marker also explains an end without a signal to us: who takes over signals the gateway itself.
 * It does not explain a fault (SIGSEGV, …), a terminal or a shutdown.
 *
 * Not used, because they prove nothing: parents, environment, texts of messages. */

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cause.h"
#include "signals.h"
#include "utf8.h"

/* ---- What the unit's evidence says ----------------------------------------------------------- */

typedef enum CauseJob {
        CAUSE_JOB_NONE,
        CAUSE_JOB_STOP,
        CAUSE_JOB_RESTART,
        CAUSE_JOB_OTHER,  /* does not stop a unit: "start", "reload", … */
        CAUSE_JOB_UNTOLD, /* there is one, its type is not known */
} CauseJob;

static CauseJob unit_evidence_job(const UnitEvidence *unit) {
        if (unit->job_id == 0)
                return CAUSE_JOB_NONE;
        if (!unit->job_type[0])
                return CAUSE_JOB_UNTOLD;
        if (strcmp(unit->job_type, "stop") == 0)
                return CAUSE_JOB_STOP;
        if (strcmp(unit->job_type, "restart") == 0 || strcmp(unit->job_type, "try-restart") == 0)
                return CAUSE_JOB_RESTART;
        return CAUSE_JOB_OTHER;
}

/* Whether the unit is in a state in which systemd has not begun to stop it.
 * Source: systemctl --state=help, of services and scopes. */
static bool unit_evidence_is_up(const UnitEvidence *unit) {
        static const char *const states[] = { "running", "exited", "abandoned", "mounting" };
        static const char *const prefixes[] = { "start", "reload", "refresh" };

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (strcmp(unit->sub_state, states[i]) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (strncmp(unit->sub_state, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

static bool unit_evidence_is_stopping(const UnitEvidence *unit) {
        return unit->sub_state[0] && !unit_evidence_is_up(unit);
}

static bool unit_evidence_is_success(const UnitEvidence *unit) {
        return !unit->result[0] || strcmp(unit->result, "success") == 0;
}

/* ---- Who sent the signal --------------------------------------------------------------------- */

static const UnitEvidence *cause_unit(const CauseFacts *facts) {
        return facts->unit && facts->unit->has_unit ? facts->unit : NULL;
}

static bool cause_is_by_outer_manager(const CauseFacts *facts) {
        const UnitEvidence *unit = cause_unit(facts);

        return facts->sender == CAUSE_SENDER_OTHER_NAMESPACE && unit &&
                unit_evidence_is_stopping(unit) &&
                (unit_evidence_job(unit) != CAUSE_JOB_NONE || !unit_evidence_is_success(unit));
}

static bool cause_is_by_manager(const CauseFacts *facts) {
        return facts->trigger == CAUSE_TRIGGER_SIGNAL &&
                (facts->sender == CAUSE_SENDER_MANAGER || cause_is_by_outer_manager(facts));
}

/* The unit, if its manager sent the signal and was not seen to leave it up. */
static const UnitEvidence *cause_stopping_unit(const CauseFacts *facts) {
        const UnitEvidence *unit = cause_unit(facts);

        return cause_is_by_manager(facts) && unit && !unit_evidence_is_up(unit) ? unit : NULL;
}

static CauseJob cause_job(const CauseFacts *facts) {
        const UnitEvidence *unit = cause_stopping_unit(facts);

        return unit ? unit_evidence_job(unit) : CAUSE_JOB_NONE;
}

static bool cause_has_result(const CauseFacts *facts, const char *result) {
        const UnitEvidence *unit = cause_stopping_unit(facts);

        return unit && strcmp(unit->result, result) == 0;
}

/* Whether the unit gets its end from something that ends all units. Without evidence of the unit the
 * managers' state alone has to do; a job of another kind than stop is not from there. */
static bool cause_is_ended_with_all(const CauseFacts *facts) {
        CauseJob job = cause_job(facts);

        if (!cause_is_by_manager(facts))
                return false;
        return !cause_unit(facts) || job == CAUSE_JOB_STOP || job == CAUSE_JOB_UNTOLD;
}

/* ---- How main ended -------------------------------------------------------------------------- */

static bool cause_is_end(const CauseFacts *facts) {
        return facts->trigger == CAUSE_TRIGGER_END;
}

static bool cause_is_end_by_signal(const CauseFacts *facts) {
        return cause_is_end(facts) && facts->has_ended && facts->is_signalled;
}

static bool cause_is_end_by_kill(const CauseFacts *facts) {
        return cause_is_end_by_signal(facts) && facts->status == SIGKILL;
}

/* Whether main ended as one does that was asked to. */
static bool cause_is_end_as_asked(const CauseFacts *facts) {
        static const int asking[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGKILL };

        if (!cause_is_end(facts) || !facts->has_ended)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(asking); i++)
                if (facts->is_signalled && facts->status == asking[i])
                        return true;
        return !facts->is_signalled;
}

/* ---- Predicates, one a row ------------------------------------------------------------------- */

static bool cause_is_watchdog(const CauseFacts *facts) {
        return facts->trigger == CAUSE_TRIGGER_WATCHDOG;
}

static bool cause_is_step_timeout(const CauseFacts *facts) {
        return facts->trigger == CAUSE_TRIGGER_STEP;
}

static bool cause_is_lost(const CauseFacts *facts) {
        return facts->trigger == CAUSE_TRIGGER_LOST;
}

static bool cause_is_lost_with(const CauseFacts *facts, const char *result) {
        return cause_is_lost(facts) && facts->service_result &&
                strcmp(facts->service_result, result) == 0;
}

static bool cause_is_lost_to_oomd(const CauseFacts *facts) {
        return cause_is_lost(facts) && facts->n_oomd_kills > 0;
}

static bool cause_is_lost_to_watchdog(const CauseFacts *facts) {
        return cause_is_lost_with(facts, "watchdog");
}

static bool cause_is_lost_to_oom(const CauseFacts *facts) {
        return cause_is_lost_with(facts, "oom-kill") ||
                (cause_is_lost(facts) && facts->n_oom_kills > 0);
}

static bool cause_is_oom_stop(const CauseFacts *facts) {
        return cause_has_result(facts, "oom-kill");
}

static bool cause_is_manager_watchdog(const CauseFacts *facts) {
        return cause_has_result(facts, "watchdog");
}

/* With a job it is the job's time that ran out. */
static bool cause_is_runtime_limit(const CauseFacts *facts) {
        return cause_has_result(facts, "timeout") && cause_job(facts) == CAUSE_JOB_NONE;
}

/* The job that ran out of time is the unit's start. */
static bool cause_is_start_timeout(const CauseFacts *facts) {
        const UnitEvidence *unit = cause_unit(facts);

        return cause_has_result(facts, "timeout") && unit && strcmp(unit->job_type, "start") == 0;
}

static bool cause_is_host_shutdown(const CauseFacts *facts) {
        return cause_is_ended_with_all(facts) && facts->unit && facts->unit->is_shutting_down;
}

static bool cause_is_user_exit(const CauseFacts *facts) {
        return cause_is_ended_with_all(facts) && facts->unit && facts->unit->is_exiting;
}

/* Who asked for our own unit is not to be explained by another. */
static bool cause_is_dependency(const CauseFacts *facts) {
        CauseJob job = cause_job(facts);

        return (job == CAUSE_JOB_STOP || job == CAUSE_JOB_RESTART) && facts->unit->dependency[0] &&
                !facts->has_requester;
}

static bool cause_is_open_to_markers(const CauseFacts *facts) {
        switch (facts->trigger) {
        case CAUSE_TRIGGER_GATEWAY:
                return true;
        case CAUSE_TRIGGER_SIGNAL:
                return facts->sender != CAUSE_SENDER_KERNEL;
        case CAUSE_TRIGGER_END:
                return cause_is_end_as_asked(facts);
        default:
                return false;
        }
}

static bool cause_is_takeover(const CauseFacts *facts) {
        return facts->is_takeover && cause_is_open_to_markers(facts);
}

static bool cause_is_planned_stop(const CauseFacts *facts) {
        return facts->is_planned_stop && cause_is_open_to_markers(facts);
}

static bool cause_is_restart(const CauseFacts *facts) {
        return cause_job(facts) == CAUSE_JOB_RESTART;
}

static bool cause_is_stop(const CauseFacts *facts) {
        return cause_job(facts) == CAUSE_JOB_STOP;
}

static bool cause_is_unit_up(const CauseFacts *facts) {
        const UnitEvidence *unit = cause_unit(facts);

        return cause_is_by_manager(facts) && unit && unit_evidence_is_up(unit);
}

static bool cause_is_unit_up_until_told(const CauseFacts *facts) {
        const UnitEvidence *unit = cause_stopping_unit(facts);

        return unit && unit_evidence_job(unit) == CAUSE_JOB_NONE &&
                unit_evidence_is_success(unit) && facts->stopping_at_usec > 0 &&
                unit->left_at_usec >= facts->stopping_at_usec;
}

static bool cause_is_manager_kill(const CauseFacts *facts) {
        return cause_is_unit_up(facts) || cause_is_unit_up_until_told(facts);
}

static bool cause_is_terminal(const CauseFacts *facts) {
        return facts->trigger == CAUSE_TRIGGER_SIGNAL && facts->sender == CAUSE_SENDER_KERNEL;
}

static bool cause_is_signal(const CauseFacts *facts) {
        return facts->trigger == CAUSE_TRIGGER_SIGNAL && !cause_is_by_manager(facts) &&
                (facts->sender == CAUSE_SENDER_PROCESS ||
                        facts->sender == CAUSE_SENDER_OTHER_NAMESPACE);
}

static bool cause_is_self_stop(const CauseFacts *facts) {
        return facts->trigger == CAUSE_TRIGGER_GATEWAY;
}

/* An exit status, or death by another signal, speaks against a record that names the same pid. */
static bool cause_is_main_oom_killed(const CauseFacts *facts) {
        return cause_is_end(facts) && facts->is_main_oom_killed &&
                (!facts->has_ended || cause_is_end_by_kill(facts));
}

static bool cause_is_end_by_oomd(const CauseFacts *facts) {
        return cause_is_end_by_kill(facts) && facts->n_oomd_kills > 0;
}

static bool cause_is_end_by_oom(const CauseFacts *facts) {
        return cause_is_end_by_kill(facts) && facts->n_oom_kills > 0;
}

static bool cause_is_exit(const CauseFacts *facts) {
        return cause_is_end(facts) && facts->has_ended && !facts->is_signalled;
}

static bool cause_is_anything(const CauseFacts *facts) {
        return true;
}

/* ---- Sentences ------------------------------------------------------------------------------- */

#define CAUSE_TEXT_MAX 2048

/* Longer than any sentence. What comes from outside is mended when it is finished. */
typedef struct CauseText {
        size_t n;
        char bytes[CAUSE_TEXT_MAX];
} CauseText;

static void _printf_(2, 3) cause_text_add(CauseText *text, const char *format, ...) {
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(text->bytes + text->n, sizeof(text->bytes) - text->n, format, arguments);
        va_end(arguments);
        if (n > 0)
                text->n += (size_t) n;
        if (text->n >= sizeof(text->bytes))
                text->n = sizeof(text->bytes) - 1;
}

/* One line of valid UTF-8: what is no character, or controls a terminal, becomes "?". A text that is
 * too long is cut at a character and ends in "…". */
static void cause_text_finish(const CauseText *text, char ret_detail[static CAUSE_DETAIL_MAX]) {
        static const char ellipsis[] = "…";
        size_t limit = CAUSE_DETAIL_MAX - (text->n < CAUSE_DETAIL_MAX ? 1 : sizeof(ellipsis));
        size_t n = 0, i = 0;

        while (i < text->n) {
                const unsigned char *c = (const unsigned char *) text->bytes + i;
                size_t size = utf8_sequence_size(text->bytes + i, text->n - i);
                bool is_control = *c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0);
                size_t n_plain = is_control ? 0 : size;

                if (n + (n_plain > 0 ? n_plain : 1) > limit)
                        break;
                if (n_plain == 0)
                        ret_detail[n++] = '?';
                memcpy(ret_detail + n, c, n_plain);
                n += n_plain;
                i += size > 0 ? size : 1;
        }
        (void) strcpy(ret_detail + n, i < text->n ? ellipsis : "");
}

static void cause_tell_signal_name(const CauseFacts *facts, CauseText *text) {
        char name[SIGNAL_NAME_MAX];

        cause_text_add(text, "%s", signal_to_name(name, facts->signo));
}

/* What speaks for something else than the verdict, or adds to it. */
static void cause_tell_markers(const CauseFacts *facts, CauseText *text) {
        if (facts->is_takeover)
                cause_text_add(text, "; a takeover marker names it");
        if (facts->is_planned_stop)
                cause_text_add(text, "; a planned-stop marker names it");
}

static void cause_tell_kills(const CauseFacts *facts, CauseText *text) {
        if (facts->n_oom_kills > 0)
                cause_text_add(text,
                        "; processes of the unit that the kernel killed for want of memory: %" PRIu64,
                        facts->n_oom_kills);
        if (facts->n_oomd_kills > 0)
                cause_text_add(text, "; processes of the unit that systemd-oomd killed: %" PRIu64,
                        facts->n_oomd_kills);
}

static void cause_tell_lost(const CauseFacts *facts, CauseText *text) {
        if (facts->service_result && facts->service_result[0])
                cause_text_add(text, "; systemd's result is \"%s\"", facts->service_result);
        cause_tell_kills(facts, text);
}

static void cause_tell_job(const CauseFacts *facts, CauseText *text) {
        cause_text_add(text, " (job %" PRIu32 ")", facts->unit->job_id);
        if (facts->unit->isolated[0])
                cause_text_add(text, "; \"%s\" is started in its place", facts->unit->isolated);
        cause_tell_markers(facts, text);
}

static void cause_tell_dependency(const CauseFacts *facts, CauseText *text) {
        const UnitEvidence *unit = facts->unit;

        cause_text_add(text, "%s the unit because of \"%s\"",
                cause_job(facts) == CAUSE_JOB_RESTART ? "restarts" : "stops", unit->dependency);
        if (unit->dependency_kind[0])
                cause_text_add(text, ", by %s=", unit->dependency_kind);
        cause_tell_job(facts, text);
}

/* What else is there, after a marker has decided. */
static void cause_tell_way(const CauseFacts *facts, CauseText *text) {
        switch (cause_job(facts)) {
        case CAUSE_JOB_STOP:
        case CAUSE_JOB_RESTART:
                cause_text_add(text, "; systemd has a %s job for the unit", facts->unit->job_type);
                return;
        default:
                break;
        }
        if (facts->trigger == CAUSE_TRIGGER_SIGNAL) {
                cause_text_add(text, "; it came as ");
                cause_tell_signal_name(facts, text);
        }
}

static void cause_tell_manager_kill(const CauseFacts *facts, CauseText *text) {
        const UnitEvidence *unit = facts->unit;

        cause_tell_signal_name(facts, text);
        cause_text_add(text, ", it does not stop the unit");
        if (unit->job_id > 0)
                cause_text_add(text, "; a job of type \"%s\" waits", unit->job_type);
        if (!unit_evidence_is_success(unit))
                cause_text_add(text, "; the result is \"%s\"", unit->result);
}

static void cause_tell_terminal(const CauseFacts *facts, CauseText *text) {
        cause_tell_signal_name(facts, text);
        cause_text_add(text, ", as it does for a terminal");
        cause_tell_markers(facts, text);
}

static void cause_tell_signal(const CauseFacts *facts, CauseText *text) {
        const UnitEvidence *unit = cause_unit(facts);

        if (facts->sender == CAUSE_SENDER_OTHER_NAMESPACE)
                cause_text_add(text, "outside of our pid namespace ");
        else if (facts->is_sender_gateway)
                cause_text_add(text, "of the gateway itself ");
        cause_text_add(text, "sent ");
        cause_tell_signal_name(facts, text);
        if (unit && unit->job_id > 0)
                cause_text_add(
                        text, "; systemd has a job of type \"%s\" for the unit", unit->job_type);
}

static void cause_tell_exit(const CauseFacts *facts, CauseText *text) {
        cause_text_add(text, "%d", facts->status);
        cause_tell_kills(facts, text);
}

static void cause_tell_death(const CauseFacts *facts, CauseText *text) {
        char name[SIGNAL_NAME_MAX];

        cause_text_add(
                text, "%s, which was not sent from here", signal_to_name(name, facts->status));
        cause_tell_kills(facts, text);
}

/* Of a unit that its manager stops. */
static void cause_tell_unexplained(const UnitEvidence *unit, CauseText *text) {
        cause_text_add(text, "systemd stops the unit");
        switch (unit_evidence_job(unit)) {
        case CAUSE_JOB_NONE:
                cause_text_add(text, " without a job");
                break;
        case CAUSE_JOB_UNTOLD:
                cause_text_add(
                        text, " for job %" PRIu32 ", whose type it did not tell", unit->job_id);
                break;
        default:
                cause_text_add(text, " although its job is of type \"%s\"", unit->job_type);
                break;
        }
        cause_text_add(text, " (sub-state \"%s\", result \"%s\")", unit->sub_state, unit->result);
}

static void cause_tell_unknown(const CauseFacts *facts, CauseText *text) {
        const UnitEvidence *unit = cause_stopping_unit(facts);

        if (unit)
                cause_tell_unexplained(unit, text);
        else if (cause_is_by_manager(facts)) {
                cause_text_add(text, "the service manager sent ");
                cause_tell_signal_name(facts, text);
                cause_text_add(text, "; it did not say why in time");
        } else if (facts->trigger == CAUSE_TRIGGER_SIGNAL) {
                cause_tell_signal_name(facts, text);
                cause_text_add(text, " came; who sent it is not known");
        } else {
                cause_text_add(text, "the gateway has ended; how is not known");
                cause_tell_kills(facts, text);
        }
}

/* ---- The table ------------------------------------------------------------------------------- */

#define CAUSE_LOST_SENTENCE "the supervisor was gone before any stop had begun"

/* A sentence begins as the row says, and goes on as tell, if there is one, adds. */
static const struct {
        Cause cause;
        bool (*holds)(const CauseFacts *facts);
        const char *sentence;
        void (*tell)(const CauseFacts *facts, CauseText *text);
} cause_rows[] = {
        /* We ended it ourselves. */
        { CAUSE_WATCHDOG, cause_is_watchdog, "the gateway's heartbeat was missed" },
        { CAUSE_STEP_TIMEOUT, cause_is_step_timeout,
                "a step of the gateway ran over outside of a stop" },
        /* The supervisor is gone. */
        { CAUSE_OOMD, cause_is_lost_to_oomd, CAUSE_LOST_SENTENCE, cause_tell_lost },
        { CAUSE_MANAGER_WATCHDOG, cause_is_lost_to_watchdog, CAUSE_LOST_SENTENCE, cause_tell_lost },
        { CAUSE_OOM, cause_is_lost_to_oom, CAUSE_LOST_SENTENCE, cause_tell_lost },
        { CAUSE_SUPERVISOR_KILLED, cause_is_lost, CAUSE_LOST_SENTENCE, cause_tell_lost },
        /* The gateway is gone: what killed it. */
        { CAUSE_OOM, cause_is_main_oom_killed,
                "the kernel's log says that it killed the gateway for want of memory" },
        { CAUSE_OOMD, cause_is_end_by_oomd, "the gateway died by ", cause_tell_death },
        { CAUSE_OOM, cause_is_end_by_oom, "the gateway died by ", cause_tell_death },
        /* The manager's own reasons. */
        { CAUSE_OOM, cause_is_oom_stop,
                "systemd stops the unit because a process of it was killed for want of memory" },
        { CAUSE_MANAGER_WATCHDOG, cause_is_manager_watchdog,
                "systemd's watchdog has not heard from the unit in time" },
        { CAUSE_RUNTIME_LIMIT, cause_is_runtime_limit,
                "the unit has run for as long as RuntimeMaxSec= lets it" },
        { CAUSE_START_TIMEOUT, cause_is_start_timeout,
                "the gateway was not ready within the unit's TimeoutStartSec=" },
        { CAUSE_HOST_SHUTDOWN, cause_is_host_shutdown, "the system is shutting down",
                cause_tell_markers },
        { CAUSE_USER_EXIT, cause_is_user_exit, "the user's manager is exiting",
                cause_tell_markers },
        { CAUSE_DEPENDENCY, cause_is_dependency, "systemd ", cause_tell_dependency },
        /* Somebody's request. */
        { CAUSE_TAKEOVER, cause_is_takeover,
                "another instance takes over: its marker names this one", cause_tell_way },
        { CAUSE_RESTART, cause_is_restart, "systemd restarts the unit", cause_tell_job },
        { CAUSE_STOP, cause_is_stop, "systemd stops the unit", cause_tell_job },
        { CAUSE_PLANNED_STOP, cause_is_planned_stop,
                "the stop was announced: a planned-stop marker names this gateway",
                cause_tell_way },
        { CAUSE_MANAGER_KILL, cause_is_manager_kill, "the service manager was asked to send ",
                cause_tell_manager_kill },
        { CAUSE_SELF_STOP, cause_is_self_stop, "the gateway said that it stops" },
        { CAUSE_TERMINAL, cause_is_terminal, "the kernel sent ", cause_tell_terminal },
        { CAUSE_SIGNAL, cause_is_signal, "a process ", cause_tell_signal },
        /* How the gateway ended is all there is. */
        { CAUSE_EXIT, cause_is_exit, "the gateway exited with code ", cause_tell_exit },
        { CAUSE_CRASH, cause_is_end_by_signal, "the gateway died by ", cause_tell_death },
        { CAUSE_UNKNOWN, cause_is_anything, "", cause_tell_unknown },
};

void cause_decide(const CauseFacts *facts, CauseVerdict *ret_verdict) {
        CauseText text = {};
        size_t i = 0;

        assert(facts && ret_verdict);

        while (!cause_rows[i].holds(facts))
                i++;
        cause_text_add(&text, "%s", cause_rows[i].sentence);
        if (cause_rows[i].tell)
                cause_rows[i].tell(facts, &text);
        ret_verdict->cause = cause_rows[i].cause;
        cause_text_finish(&text, ret_verdict->detail);
}
