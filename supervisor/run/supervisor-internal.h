/* SPDX-License-Identifier: MIT */
#pragma once

/* The manager's body, shared by the files that are its hands: supervisor.c (its life), -signal.c
 * (what arrives as a signal), -stop.c (the ladder applied), -notify.c (what the gateway says),
 * -progress.c (its phases, steps and work in flight), -watchdog.c (its heartbeat), -look.c (what it is
 * doing before it is killed), -unit.c (what systemd says), -inquiry.c (why it is being stopped),
 * -flight.c (the flight record), run-record.c, stop-record.c and work-record.c (what is written down). Nobody else includes this. */

#include <signal.h>

#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "cgroup.h"
#include "config/run-config.h"
#include "forensics/evidence.h"
#include "forensics/flight-recorder.h"
#include "forensics/load-sample.h"
#include "forensics/oom-evidence.h"
#include "forensics/previous-run.h"
#include "forensics/requester.h"
#include "forensics/sender-catcher.h"
#include "forensics/shutdown-context.h"
#include "forensics/stuck.h"
#include "gateway/connection-count.h"
#include "gateway/gateway.h"
#include "gateway/heartbeat.h"
#include "gateway/inherited-fds.h"
#include "gateway/notify-proxy.h"
#include "gateway/payload.h"
#include "record-sink.h"
#include "run/own-helper.h"
#include "run/stop-relay.h"
#include "run/supervisor.h"
#include "stop/cause.h"
#include "stop/ladder.h"
#include "stop/liveness.h"
#include "stop/outcome.h"
#include "stop/progress.h"
#include "stop/signal-policy.h"
#include "stop/stall.h"
#include "stop/steps.h"
#include "unit-bus.h"

/* Evidence of life comes before deadlines. The signal source stands at the very top: sd-event then
 * skips the second look for more urgent events that it takes before anything of a lower rank. */
#define PRIORITY_SIGNAL   INT64_MIN
#define PRIORITY_NOTIFY   ((int64_t) -60)
#define PRIORITY_CHILD    ((int64_t) -50)
#define PRIORITY_BUS      ((int64_t) -40)
#define PRIORITY_DEADLINE ((int64_t) -30)
#define PRIORITY_INQUIRY  ((int64_t) -25)
#define PRIORITY_JOURNAL  ((int64_t) -20)
#define PRIORITY_PROGRESS ((int64_t) 0)

#define DEADLINE_ACCURACY_USEC USEC_PER_MSEC
#define PROGRESS_INTERVAL_USEC USEC_PER_SEC
#define PROGRESS_ACCURACY_USEC (100 * USEC_PER_MSEC)
#define EXTEND_INTERVAL_USEC   (5 * USEC_PER_SEC)
#define EXTEND_RESERVE_USEC    (2 * USEC_PER_SEC) /* for systemd's own timer, and the record */
/* While processes are swept up that need not be our children: how soon one more look is taken. */
#define SWEEP_INTERVAL_USEC (50 * USEC_PER_MSEC)

#define STATUS_TEXT_MAX 512

/* A gateway that reports no work in flight has its connections counted this long after it is ready: many
 * close their listeners first when they drain, and then nobody knows any more what they listened on. */
#define LISTENERS_AFTER_USEC (500 * USEC_PER_MSEC)
/* In a stop the first count waits for this long: most gateways without work are gone by then. */
#define COUNT_AFTER_USEC    (20 * USEC_PER_MSEC)
#define COUNT_ACCURACY_USEC (10 * USEC_PER_MSEC)
#define COUNT_TIMEOUT_USEC  (900 * USEC_PER_MSEC)
/* How long before a signal that can kill the gateway is looked at, and asked for a dump of its own. */
#define LOOK_LEAD_USEC   USEC_PER_SEC
#define LOOK_MARGIN_USEC (30 * USEC_PER_MSEC)  /* what the helper leaves of that */
#define LOOK_ENDING_USEC (100 * USEC_PER_MSEC) /* what it takes to end its own helpers */
/* Not every sign of life is worth a sample of the load. */
#define LIFE_SAMPLE_USEC (250 * USEC_PER_MSEC)

/* Who asked for the stop, as siginfo has it. */
typedef struct StopRequest {
        bool is_asked;      /* a signal, or the gateway itself; else a sweep after main's own end */
        bool is_by_gateway; /* STOPPING=1 */
        bool is_by_watchdog; /* its heartbeat was missed */
        bool is_by_step;     /* a step ran over, with --on-step-timeout=stop */
        int signo;           /* 0: no signal */
        int code;
        pid_t sender_pid;
        uid_t sender_uid;
        bool is_from_manager;
} StopRequest;

/* Begun by us, because the gateway missed a deadline: nobody asked for it. */
static inline bool stop_request_is_forced(const StopRequest *stop) {
        return stop->is_by_watchdog || stop->is_by_step;
}

/* How much longer than the ladder the supervisor waits for the answers of an inquiry. */
#define INQUIRY_LEAVE_USEC USEC_PER_SEC

/* Why the gateway is being stopped: what is asked, what has been answered, the verdict. Made when the
 * stop begins; an idle supervisor has no memory in it. */
typedef struct Inquiry {
        usec_t began_at_usec;
        bool is_described; /* the context was taken and the `signal` record written, if one is due */
        bool is_settled;   /* the verdict is in */
        CaughtSignal caught;
        ShutdownContext context;
        bool is_sender_gateway;
        bool has_evidence;
        UnitEvidence evidence;
        RequesterList requesters;
        Evidence *question; /* to the managers; NULL: not asked, or answered */
        OwnHelper search;   /* for the requester */
        sd_event_source *bound_source;
} Inquiry;

/* Why a phase of the ladder ended before its deadline with its targets alive. */
typedef enum PhaseCut {
        PHASE_CUT_NONE,
        PHASE_CUT_STEP_TIMEOUT,
        PHASE_CUT_SECOND_SIGNAL,
        _PHASE_CUT_MAX,
} PhaseCut;

/* What is recorded of a phase of the ladder beside what the ladder knows. */
typedef struct PhaseNote {
        bool is_recorded;
        PhaseCut cut;
        ActiveCount active_at_start;
        ActiveCount active_at_end;
        usec_t counted_at_usec; /* active_at_end, when it comes from sockets */
} PhaseNote;

/* Which deadline the gateway has missed. */
typedef enum MissedDeadline {
        MISSED_HEARTBEAT,
        MISSED_STEP,
        MISSED_PHASE,
        _MISSED_DEADLINE_MAX,
} MissedDeadline;

/* Why it missed a deadline: seen just before the signal. */
typedef struct StallReport {
        bool is_known;
        StallFacts facts;
        StallVerdict verdict;
} StallReport;

/* What a gateway is doing that is about to be killed. Made for each deadline that may end so. */
typedef struct Look {
        usec_t kill_at_usec;
        OwnHelper helper;
        json_object *stuck; /* what it found; NULL: nothing yet */
        bool is_stale;      /* the gateway has lived on: nobody wants it any more */
        bool is_claimed;    /* the deadline has passed: this goes into a record */
        bool is_awaited;    /* which is written as soon as the helper is done */
        MissedDeadline missed;
        char phase[SCHEDULE_PHASE_NAME_MAX]; /* of the ladder; empty: no stop */
        char steps[STATUS_TEXT_MAX];         /* open ones, then */
        int dump_signo;                      /* 0: no dump was asked for */
        StallReport stall;
} Look;

struct Supervisor {
        const RunConfig *config; /* weak */
        CallerSignals caller_signals;
        sd_event *event;
        RecordSink *sink;
        Payload *payload;
        NotifyProxy *proxy;
        Heartbeat *heartbeat;
        UnitBus *bus;
        SenderCatcher *catcher; /* NULL: the loop reads stop signals itself */
        int catcher_result;     /* of sender_catcher_new() */
        StopRelay relay;

        char *name;
        sd_id128_t run_id;
        CgroupUnit unit;   /* where we are, by the cgroup path */
        bool is_unit_main; /* systemd executed us, as SYSTEMD_EXEC_PID says */
        pid_t manager_pid; /* whose signals are the manager's: 1, or the user manager; 0: none */
        UnitProperties properties;
        bool has_properties;    /* read, loaded, and this process is the unit's main process */
        bool is_bus_answered;   /* the first answer, good or bad, has come */
        bool is_short_recorded; /* for this T */
        usec_t recorded_timeout_usec;

        Gateway gateway;
        GatewayStatus status;
        bool is_main_alive;
        bool has_status;
        bool is_ready;
        bool is_reloading;
        bool is_hup_deferred;
        uint64_t forwarded_signals; /* bit signo - 1 */
        usec_t forked_at_usec;
        int cgroup_error; /* why the gateway has no group of its own; 0: it has, or none is due */

        Budget budget;
        Ladder ladder;
        StopRequest stop;
        usec_t stopping_at_usec; /* just before systemd was told STOPPING=1; 0: it was not */
        int relayed_signo; /* main has had it from the relay; the ladder does not send it again */
        Inquiry *inquiry;  /* of the stop; NULL: none was asked for, or no memory for it */
        CauseVerdict verdict;
        bool is_leaving; /* the ladder has ended; only the inquiry is waited for */
        OwnHelper diagnostic;
        char *diagnostic_path;
        usec_t diagnostic_at_usec;
        usec_t sweep_at_usec;    /* when the processes are looked at again; USEC_INFINITY: not */
        usec_t extended_at_usec; /* when EXTEND_TIMEOUT_USEC was last sent */
        PhaseNote phase_notes[SCHEDULE_PHASES_MAX];
        bool is_leftover_recorded;

        Steps steps;
        Progress progress;
        uint64_t shown_generation; /* of the progress, in the status line */
        usec_t told_at_usec;       /* when the status line was last sent */
        uint64_t n_refused;        /* of the gateway's words about its work */
        OwnHelper count;           /* of its connections */
        ListenPorts listening;
        bool is_uncountable;
        usec_t counted_at_usec;

        Liveness liveness;
        bool is_heartbeat_missed;
        usec_t missed_at_usec;
        usec_t abort_at_usec; /* when the watchdog's signal follows; USEC_INFINITY: it does not */
        usec_t life_at_usec;  /* the last sign of life */
        LoadSample life;      /* about then */
        LoadSample missed;    /* when a deadline was last missed; not taken: not since then */
        StallReport stall;    /* while a missed deadline is being met */
        Look *look;
        pid_t look_pid; /* of the last helper that was ended before its time; 0: none */
        usec_t planned_kill_at_usec;
        bool is_dump_asked;  /* of the gateway, in this run */
        bool is_kill_dumped; /* and before SIGKILL, once */

        int proc_fd;
        ContextBase context_base;
        int unit_cgroup_fd; /* -EBADF: none */
        bool is_under_systemd;
        OomCounters oom_before;

        int state_fd; /* the state directory, -EBADF: there is none to write to */
        int state_error;
        char *state_path;
        int marker_fd; /* where the gateway keeps its markers; owned when it is not state_fd */
        FlightRecorder *recorder;
        int recorder_error; /* why there is none */
        FlightRecord flight;
        usec_t flight_at_usec;  /* when it was last written */
        usec_t flight_due_usec; /* see supervisor_note_flight() */
        PreviousRun previous;

        int signals_fd;                       /* of the loop's signalfd; the source owns it */
        char gateway_status[STATUS_TEXT_MAX]; /* the gateway's own STATUS= */
        char status_text[STATUS_TEXT_MAX];    /* what was composed of it last */

        sd_event_source *deadline_source; /* the ladder's */
        sd_event_source *progress_source; /* the status line, EXTEND_TIMEOUT_USEC */
        sd_event_source *sweep_source;
        sd_event_source *step_source;
        sd_event_source *count_source; /* the first count of connections */
        sd_event_source *liveness_source;
        sd_event_source *look_source;
        sd_event_source *main_source; /* pidfd of an adopted main that is not our child */
};

/* supervisor.c */
/* Ends the loop once the last record is written. */
void supervisor_leave(Supervisor *supervisor);
void supervisor_trim(Supervisor *supervisor);
void supervisor_main_exited(Supervisor *supervisor, usec_t now_usec);

/* supervisor-signal.c */
int supervisor_watch_signals(Supervisor *supervisor) _warn_unused_;
/* Divides the signals between the catcher and the loop, anew when the unit's own stop signals have become
 * known. */
void supervisor_divide_signals(Supervisor *supervisor);
/* Starts the sender catcher, or goes on without. */
void supervisor_start_catcher(Supervisor *supervisor);
/* Signals that the relay has passed on count before what the gateway did because of them. */
void supervisor_hear_signals(Supervisor *supervisor);
/* What the relay may do by itself: the plan, or nothing once there is no main. */
void supervisor_arm_relay(Supervisor *supervisor);
/* Takes what has ended and tells the ladder. Returns: whether main was among it. */
bool supervisor_reap(Supervisor *supervisor);

/* supervisor-stop.c */
/* Makes the ladder's timers, disarmed. At the start, when there is still memory and an fd for them. */
int supervisor_add_stop_timers(Supervisor *supervisor) _warn_unused_;
/* Gives the ladder an event with the facts as they are and applies the answer. */
void supervisor_step(
        Supervisor *supervisor, LadderEvent event, const LadderFacts *facts, usec_t now_usec);
/* The facts for events other than a stop's beginning: looks at the processes where it matters. */
LadderFacts supervisor_facts(Supervisor *supervisor);
/* The ladder takes the budget as it is now; during a stop the deadline moves and systemd is asked anew. */
void supervisor_budget_changed(Supervisor *supervisor);
/* Deadlines rank behind what arrives, so that evidence of life counts first; but a storm of signals,
 * exits or messages must not put them off for ever. Every handler of such ends with this. */
void supervisor_catch_up(Supervisor *supervisor);
void supervisor_begin_stop(Supervisor *supervisor, const StopRequest *request,
        bool is_main_signalled, int stop_signo, usec_t now_usec);
/* A further stop signal while stopping. */
void supervisor_repeat_stop(Supervisor *supervisor, usec_t now_usec);
/* "Draining: 42s left (phase 1/4)", with the gateway's own words behind it. */
const char *supervisor_stop_status(Supervisor *supervisor, usec_t now_usec);

/* The status line and the time that is asked for, now or (at most once a second) soon. */
void supervisor_show_progress(Supervisor *supervisor, usec_t now_usec);
/* One-shot timers that are re-armed as things go. USEC_INFINITY disarms. */
void supervisor_arm(sd_event_source *source, usec_t at_usec);
int supervisor_add_timer(Supervisor *supervisor, const char *description, int64_t priority,
        usec_t accuracy_usec, sd_event_time_handler_t handler,
        sd_event_source **ret_source) _warn_unused_;
/* The present phase of the ladder is cut short. */
void supervisor_cut_phase(Supervisor *supervisor, PhaseCut cut, usec_t now_usec);

/* supervisor-progress.c */
int supervisor_add_work_timers(Supervisor *supervisor) _warn_unused_;
/* Phases, steps and work in flight as the gateway tells them. */
void supervisor_handle_work(Supervisor *supervisor, const NotifyMessage *message, usec_t now_usec);
/* Steps, work or the ladder have changed: timers and plans follow. */
void supervisor_work_changed(Supervisor *supervisor, usec_t now_usec);
/* When overdue steps move the ladder on; USEC_INFINITY: they do not. */
usec_t supervisor_escalation(const Supervisor *supervisor);
/* Counts connections where the gateway reports nothing. */
void supervisor_count_soon(Supervisor *supervisor, usec_t at_usec);
void supervisor_count_connections(Supervisor *supervisor);
bool supervisor_is_counting(const Supervisor *supervisor);
/* The gateway is gone: what it left open is recorded. */
void supervisor_close_work(Supervisor *supervisor, usec_t now_usec);

/* supervisor-watchdog.c */
int supervisor_add_watchdog_timer(Supervisor *supervisor) _warn_unused_;
/* What a message says about the gateway's heartbeat. */
void supervisor_handle_heartbeat(
        Supervisor *supervisor, const NotifyMessage *message, usec_t now_usec);
void supervisor_arm_watchdog(Supervisor *supervisor, usec_t now_usec);
/* The look is done: the watchdog's signal need not wait any longer. */
void supervisor_hasten_abort(Supervisor *supervisor, usec_t now_usec);

/* supervisor-look.c */
int supervisor_add_look_timer(Supervisor *supervisor) _warn_unused_;
/* The gateway has given a sign of life. */
void supervisor_note_life(Supervisor *supervisor, usec_t now_usec);
/* When the next signal that may kill is due, and that the gateway is looked at before. */
void supervisor_plan_look(Supervisor *supervisor, usec_t now_usec);
/* Looks now. bound_usec: how long the helper may take. */
void supervisor_start_look(Supervisor *supervisor, usec_t kill_at_usec, usec_t bound_usec);
/* A deadline has been missed by now: why? For the records that follow, until supervisor_forget_stall(). */
void supervisor_see_stall(Supervisor *supervisor, usec_t late_usec, usec_t now_usec);
void supervisor_forget_stall(Supervisor *supervisor);
/* Keeps what was seen for the `stuck` record of a deadline that has just been missed, before anything is
 * done about it. phase: of the ladder; NULL: no stop. */
void supervisor_claim_look(Supervisor *supervisor, MissedDeadline missed, const char *phase);
/* The record, once the signal is out: now, or when the helper is done. */
void supervisor_record_stuck(Supervisor *supervisor, usec_t now_usec);
/* Asks the gateway for a dump of its own. */
void supervisor_ask_for_dump(Supervisor *supervisor);
/* The end: what was seen of a missed deadline is recorded, however far it came. */
void supervisor_close_look(Supervisor *supervisor, usec_t now_usec);
/* Nothing is recorded. */
void supervisor_drop_look(Supervisor *supervisor);
Look *look_free(Look *look);

/* supervisor-notify.c */
int supervisor_make_proxy(Supervisor *supervisor) _warn_unused_;
void supervisor_set_ready(Supervisor *supervisor, usec_t now_usec);

/* supervisor-unit.c */
/* Where we are: unit, manager, run id, name. */
int supervisor_locate(Supervisor *supervisor) _warn_unused_;
int supervisor_ask_unit(Supervisor *supervisor) _warn_unused_;
void supervisor_update_budget(Supervisor *supervisor);

/* supervisor-inquiry.c */
/* What is needed to describe a stop, read while there is time. */
void supervisor_prepare_inquiry(Supervisor *supervisor);
void supervisor_open_inquiry(Supervisor *supervisor, usec_t now_usec);
/* The sender of the stop signal has been looked at, or there is none: takes the context, writes the
 * `signal` record, asks what is to be asked. caught: NULL: no signal. */
void supervisor_describe_stop(Supervisor *supervisor, const CaughtSignal *caught, usec_t now_usec);
/* The same for a further stop signal: a record and nothing else. */
void supervisor_describe_repeat(
        Supervisor *supervisor, const CaughtSignal *caught, usec_t now_usec);
/* The ladder has ended. Returns: true: the verdict is in; false: it is waited for, and
 * supervisor_leave() will be called again. */
bool supervisor_conclude_inquiry(Supervisor *supervisor, usec_t now_usec);
Inquiry *inquiry_free(Inquiry *inquiry);

/* supervisor-flight.c */
/* Opens the state directory and the flight record, and looks at the run before. */
void supervisor_open_state(Supervisor *supervisor);
/* Records what could not be opened, and what the run before owes. */
void supervisor_close_previous(Supervisor *supervisor);
/* The flight record as things are now. */
void supervisor_log_flight(Supervisor *supervisor, usec_t now_usec);
/* The gateway has said something: its heartbeat, phase, steps and work in flight are noted, no more than once a
 * second in the long run. is_news: not just another heartbeat; the first few of these are noted at once. */
void supervisor_note_flight(Supervisor *supervisor, bool is_news, usec_t now_usec);
/* At the end: who has written the last record. */
void supervisor_close_flight(Supervisor *supervisor, Outcome outcome, const char *recorded_by);

/* run-record.c */
void run_record_started(Supervisor *supervisor);
void run_record_ready(Supervisor *supervisor, usec_t now_usec);
void run_record_short_timeout(Supervisor *supervisor, usec_t now_usec);
/* Those that ended since the last call. */
void run_record_phases(Supervisor *supervisor, usec_t now_usec);
void run_record_leftover(Supervisor *supervisor, usec_t now_usec);
/* Signal and sender as siginfo has them; nothing without a signal. */
void run_record_add_sender(Record *record, const StopRequest *sender);
void run_record_forwarded(Supervisor *supervisor, const StopRequest *sender, usec_t now_usec);
void run_record_degraded(
        Supervisor *supervisor, const char *what, int error, const char *consequence);

/* work-record.c */
void work_record_step(Supervisor *supervisor, const Step *step, usec_t now_usec);
void work_record_phase(Supervisor *supervisor, const ReportedPhase *phase, usec_t now_usec);
void work_record_watchdog(Supervisor *supervisor, bool is_triggered, usec_t now_usec);
void work_record_stuck(Supervisor *supervisor, const Look *look, usec_t now_usec);
/* ACTIVE_AT_START, ACTIVE_NOW, ACTIVE_SOURCE; nothing when nothing is known. */
void work_record_add_active(Record *record, const ActiveCount *at_start, const ActiveCount *at_end);
/* " (active 3 -> 0)", or nothing. */
#define ACTIVE_TEXT_MAX 64
const char *work_format_active(const ActiveCount *at_start, const ActiveCount *at_end,
        char buffer[static ACTIVE_TEXT_MAX]);
/* Why a deadline was missed; nothing when it is not known. */
void work_record_add_stall(Record *record, const StallReport *stall);
/* For the last record: steps, phases, where the time went. */
void work_record_add_story(Record *record, const Supervisor *supervisor);

/* stop-record.c */
void stop_record_signal(Supervisor *supervisor, const ShutdownContext *context, usec_t now_usec);
void stop_record_cause(Supervisor *supervisor, usec_t now_usec);
void stop_record_diagnostic(Supervisor *supervisor, usec_t now_usec);
void stop_record_stopped(Supervisor *supervisor, Outcome outcome, usec_t now_usec);
