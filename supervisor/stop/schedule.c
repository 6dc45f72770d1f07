/* SPDX-License-Identifier: MIT */

/* A schedule is text of the administrator turned into at most SCHEDULE_PHASES_MAX phases.
 *
 * Two forms are read. The first, `PHASE:SIGNAL[@TARGET][/TIME]` joined by commas, can say everything;
 * white space around a phase does no harm. The second is start-stop-daemon's `TERM/60/INT/10/KILL/5`:
 * a text without `:`, `@` and `,` is taken for it. There a part that begins with a digit or a dot is a
 * time and anything else a signal, with or without `-` and `SIG` (so signal 9 is `-9`); `forever` is
 * known in order to be refused.
 *
 * The text is never copied as a whole and never changed: it is cut into slices that point into it, and
 * what has to end in NUL for others to parse is copied into bounded buffers. What does not fit there is
 * no signal and no time.
 *
 * Not here: whether the times fit what systemd grants (budget), and what is done when (ladder).
 * Source: start-stop-daemon(8), --retry. */

#include "schedule.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>

#include "signals.h"

#define SCHEDULE_TIME_TEXT_MAX       128
#define SCHEDULE_SHORTHAND_KILL_USEC (5 * USEC_PER_SEC)

/* name:SIGNAL@target/time, and the comma. */
#define SCHEDULE_PHASE_TEXT_MAX (SCHEDULE_PHASE_NAME_MAX + SIGNAL_NAME_MAX + USEC_SPAN_MAX + 16)

typedef struct Slice {
        const char *text;
        size_t length;
} Slice;

typedef struct ScheduleParser {
        Slice text; /* all of it: what an error shows when the part itself is empty */
        usec_t drain_usec;
        Schedule schedule;
        ScheduleError error;
} ScheduleParser;

static const char *const phase_target_table[_PHASE_TARGET_MAX] = {
        [PHASE_TARGET_MAIN] = "main",
        [PHASE_TARGET_OTHERS] = "others",
        [PHASE_TARGET_ALL] = "all",
};

const char *phase_target_to_string(PhaseTarget target) {
        assert(target >= 0 && target < _PHASE_TARGET_MAX);
        return phase_target_table[target];
}

PhaseTarget phase_target_from_string(const char *name) {
        for (PhaseTarget target = 0; target < _PHASE_TARGET_MAX; target++)
                if (strcmp(phase_target_table[target], name) == 0)
                        return target;
        return _PHASE_TARGET_INVALID;
}

/* ---- Slices ------------------------------------------------------------------------------------ */

static bool slice_equals(Slice slice, const char *text) {
        return strlen(text) == slice.length && memcmp(slice.text, text, slice.length) == 0;
}

static Slice slice_trim(Slice slice) {
        while (slice.length > 0 && isspace((unsigned char) slice.text[0])) {
                slice.text++;
                slice.length--;
        }
        while (slice.length > 0 && isspace((unsigned char) slice.text[slice.length - 1]))
                slice.length--;
        return slice;
}

/* Cuts *rest at the first separator: what stands before it becomes *ret_head, what stands after it
 * stays in *rest. Returns: false: there is no separator, *ret_head is all of it, *rest is empty. */
static bool slice_cut(Slice *rest, char separator, Slice *ret_head) {
        Slice head = *rest;
        const char *found = head.length > 0 ? memchr(head.text, separator, head.length) : NULL;

        if (!found) {
                *rest = (Slice){ head.text + head.length, 0 };
                *ret_head = head;
                return false;
        }
        head.length = (size_t) (found - head.text);
        *rest = (Slice){ found + 1, rest->length - head.length - 1 };
        *ret_head = head;
        return true;
}

/* Copies a slice and ends it with NUL. Returns: false: it does not fit. */
static bool slice_copy(Slice slice, char *buffer, size_t size_bytes) {
        if (slice.length >= size_bytes)
                return false;
        if (slice.length > 0)
                memcpy(buffer, slice.text, slice.length);
        buffer[slice.length] = '\0';
        return true;
}

/* ---- Errors ------------------------------------------------------------------------------------ */

/* Keeps the offending part, fit for one line: cut between characters, control characters as `?`. An
 * empty part shows nobody anything, so then it is what surrounds it. */
static int schedule_refuse(
        ScheduleParser *parser, Slice part, Slice surroundings, const char *fix) {
        char *text = parser->error.part;
        size_t length;

        if (part.length == 0)
                part = surroundings.length > 0 ? surroundings : parser->text;

        length = part.length;
        if (length >= sizeof(parser->error.part)) {
                length = sizeof(parser->error.part) - 1;
                while (length > 0 && ((unsigned char) part.text[length] & 0xC0) == 0x80)
                        length--;
        }
        for (size_t i = 0; i < length; i++)
                text[i] = iscntrl((unsigned char) part.text[i]) ? '?' : part.text[i];
        text[length] = '\0';
        parser->error.fix = fix;
        return -EINVAL;
}

/* ---- Parts of a phase -------------------------------------------------------------------------- */

static bool schedule_name_is_valid(const char *name) {
        return name[0] != '\0' &&
                name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

static bool schedule_has_name(const Schedule *schedule, const char *name) {
        for (size_t i = 0; i < schedule->n_phases; i++)
                if (strcmp(schedule->phases[i].name, name) == 0)
                        return true;
        return false;
}

static int schedule_parse_signal(
        ScheduleParser *parser, Slice slice, Slice phase_text, int *ret_signo) {
        char name[SIGNAL_NAME_MAX];
        int signo = -EINVAL;

        if (slice_copy(slice, name, sizeof(name)))
                signo = signal_from_name(name);
        if (signo < 0)
                return schedule_refuse(parser, slice, phase_text,
                        "name a signal such as TERM, INT, QUIT or RTMIN+1");
        *ret_signo = signo;
        return 0;
}

static int schedule_parse_target(
        ScheduleParser *parser, Slice slice, Slice phase_text, PhaseTarget *ret_target) {
        char name[SCHEDULE_PHASE_NAME_MAX];
        PhaseTarget target = _PHASE_TARGET_INVALID;

        if (slice_copy(slice, name, sizeof(name)))
                target = phase_target_from_string(name);
        if (target < 0)
                return schedule_refuse(
                        parser, slice, phase_text, "choose the target main, others or all");
        *ret_target = target;
        return 0;
}

static int schedule_parse_time(
        ScheduleParser *parser, Slice slice, Slice phase_text, usec_t *ret_usec) {
        char text[SCHEDULE_TIME_TEXT_MAX];
        usec_t usec;

        if (slice_equals(slice, "forever"))
                return schedule_refuse(
                        parser, slice, phase_text, "give every phase a finite time such as 10s");
        if (slice.length == 0 || !slice_copy(slice, text, sizeof(text)) ||
                usec_parse_span(text, &usec, NULL) < 0)
                return schedule_refuse(parser, slice, phase_text,
                        "write the time as a span such as 10s or 1min 30s");
        if (usec == USEC_INFINITY)
                return schedule_refuse(
                        parser, slice, phase_text, "give every phase a finite time such as 10s");
        *ret_usec = usec;
        return 0;
}

/* The time of a phase that gives none: only the first has one. */
static int schedule_default_time(ScheduleParser *parser, Slice phase_text, usec_t *ret_usec) {
        if (parser->schedule.n_phases > 0)
                return schedule_refuse(parser, phase_text, parser->text,
                        "give every phase after the first a time, as in /10s");
        if (parser->drain_usec == USEC_INFINITY)
                return schedule_refuse(parser, phase_text, parser->text,
                        "give the first phase a finite time, as in /60s or by the drain timeout");
        *ret_usec = parser->drain_usec;
        return 0;
}

static int schedule_append(ScheduleParser *parser, const Phase *phase, Slice phase_text) {
        Schedule *schedule = &parser->schedule;

        if (schedule->n_phases >= SCHEDULE_PHASES_MAX)
                return schedule_refuse(parser, phase_text, parser->text, "write at most 16 phases");
        static_assert(SCHEDULE_PHASES_MAX == 16, "the sentence above names the bound");
        schedule->phases[schedule->n_phases++] = *phase;
        return 0;
}

/* ---- PHASE:SIGNAL[@TARGET][/TIME],… ------------------------------------------------------------ */

static int schedule_parse_named_phase(ScheduleParser *parser, Slice text) {
        Phase phase = { .target = PHASE_TARGET_MAIN };
        Slice rest = text, name, action, signal;
        bool has_time, has_target;
        int r;

        if (!slice_cut(&rest, ':', &name))
                return schedule_refuse(parser, text, parser->text,
                        "write each phase as PHASE:SIGNAL[@TARGET][/TIME], joined by commas");
        if (!slice_copy(name, phase.name, sizeof(phase.name)) ||
                !schedule_name_is_valid(phase.name))
                return schedule_refuse(
                        parser, name, text, "name the phase with at most 31 of a-z, 0-9, - and _");
        static_assert(SCHEDULE_PHASE_NAME_MAX == 32, "the sentence above names the bound");
        if (schedule_has_name(&parser->schedule, phase.name))
                return schedule_refuse(parser, name, text, "give every phase a name of its own");

        has_time = slice_cut(&rest, '/', &action);
        has_target = slice_cut(&action, '@', &signal);

        r = schedule_parse_signal(parser, signal, text, &phase.signo);
        if (r >= 0 && has_target)
                r = schedule_parse_target(parser, action, text, &phase.target);
        if (r >= 0)
                r = has_time ? schedule_parse_time(parser, rest, text, &phase.duration_usec)
                             : schedule_default_time(parser, text, &phase.duration_usec);
        if (r < 0)
                return r;
        return schedule_append(parser, &phase, text);
}

static int schedule_parse_named(ScheduleParser *parser) {
        Slice rest = parser->text, text = {};
        bool has_more;

        do {
                int r;

                has_more = slice_cut(&rest, ',', &text);
                text = slice_trim(text);
                r = schedule_parse_named_phase(parser, text);
                if (r < 0)
                        return r;
        } while (has_more);

        const Phase *last = &parser->schedule.phases[parser->schedule.n_phases - 1];
        if (last->signo != SIGKILL || last->target != PHASE_TARGET_ALL)
                return schedule_refuse(
                        parser, text, parser->text, "end with KILL@all, as in kill:KILL@all/5s");
        return 0;
}

/* ---- TERM/60/INT/10/KILL/5 --------------------------------------------------------------------- */

static bool schedule_part_is_time(Slice part) {
        return (part.length > 0 &&
                       (isdigit((unsigned char) part.text[0]) || part.text[0] == '.')) ||
                slice_equals(part, "forever") || slice_equals(part, "infinity");
}

/* The phases that stand between `drain` and `kill` are called by their signal, with a number behind it
 * from the second of the same signal on: int, int-2. */
static void schedule_name_after_signal(const Schedule *schedule, Phase *phase) {
        char signal_name[SIGNAL_NAME_MAX], base[SCHEDULE_PHASE_NAME_MAX];
        const char *name = signal_to_name(signal_name, phase->signo);
        unsigned number = 2;

        if (strncmp(name, "SIG", 3) == 0)
                name += 3;
        /* A signal's name is short; the bound leaves room for the number. */
        (void) snprintf(base, sizeof(base), "%.*s", SCHEDULE_PHASE_NAME_MAX - 5, name);
        for (char *c = base; *c; c++)
                *c = isalnum((unsigned char) *c) ? (char) tolower((unsigned char) *c) : '-';

        (void) snprintf(phase->name, sizeof(phase->name), "%s", base);
        while (schedule_has_name(schedule, phase->name) || strcmp(phase->name, "kill") == 0)
                (void) snprintf(phase->name, sizeof(phase->name), "%.*s-%u",
                        SCHEDULE_PHASE_NAME_MAX - 5, base, number++);
}

/* One signal of the shorthand and what belongs to it. */
typedef struct ShorthandPart {
        Slice signal;
        Slice time; /* empty when it gives none */
        bool is_last;
} ShorthandPart;

static ShorthandPart schedule_cut_shorthand(Slice *rest) {
        ShorthandPart part = {};
        Slice after, time;
        bool has_more, has_after;

        has_more = slice_cut(rest, '/', &part.signal);
        after = *rest;
        has_after = slice_cut(&after, '/', &time);
        if (has_more && schedule_part_is_time(time)) {
                part.time = time;
                *rest = after;
                has_more = has_after;
        }
        part.is_last = !has_more;
        return part;
}

static int schedule_parse_shorthand_time(
        ScheduleParser *parser, const ShorthandPart *part, int signo, usec_t *ret_usec) {
        if (part->time.length > 0)
                return schedule_parse_time(parser, part->time, part->signal, ret_usec);
        if (part->is_last && signo == SIGKILL && parser->schedule.n_phases > 0) {
                *ret_usec = SCHEDULE_SHORTHAND_KILL_USEC;
                return 0;
        }
        return schedule_default_time(parser, part->signal, ret_usec);
}

static int schedule_parse_shorthand_phase(ScheduleParser *parser, const ShorthandPart *part) {
        Phase phase = { .target = PHASE_TARGET_MAIN };
        Slice name = part->signal;
        int r;

        if (schedule_part_is_time(name))
                return schedule_refuse(parser, name, parser->text,
                        "write a signal before each time, as in TERM/60/KILL/5");
        if (name.length > 0 && name.text[0] == '-')
                name = (Slice){ name.text + 1, name.length - 1 };

        r = schedule_parse_signal(parser, name, part->signal, &phase.signo);
        if (r < 0)
                return r;
        if (part->is_last && phase.signo != SIGKILL)
                return schedule_refuse(
                        parser, part->signal, parser->text, "end with KILL, as in TERM/60/KILL/5");
        r = schedule_parse_shorthand_time(parser, part, phase.signo, &phase.duration_usec);
        if (r < 0)
                return r;

        if (part->is_last) {
                (void) strcpy(phase.name, "kill");
                phase.target = PHASE_TARGET_ALL;
        } else if (parser->schedule.n_phases == 0)
                (void) strcpy(phase.name, "drain");
        else
                schedule_name_after_signal(&parser->schedule, &phase);
        return schedule_append(parser, &phase, part->signal);
}

static int schedule_parse_shorthand(ScheduleParser *parser) {
        Slice rest = parser->text;
        ShorthandPart part;

        do {
                int r;

                part = schedule_cut_shorthand(&rest);
                r = schedule_parse_shorthand_phase(parser, &part);
                if (r < 0)
                        return r;
        } while (!part.is_last);
        return 0;
}

/* ---- The whole --------------------------------------------------------------------------------- */

int schedule_parse(
        const char *text, usec_t drain_usec, Schedule *ret_schedule, ScheduleError *reterr) {
        ScheduleParser parser = { .drain_usec = drain_usec };
        int r;

        assert(text);
        assert(ret_schedule);

        parser.text = slice_trim((Slice){ text, strlen(text) });
        if (parser.text.length == 0)
                r = schedule_refuse(&parser, parser.text, parser.text,
                        "write at least one phase, as in TERM/60/KILL/5");
        else if (strpbrk(text, ":@,"))
                r = schedule_parse_named(&parser);
        else
                r = schedule_parse_shorthand(&parser);

        if (r < 0) {
                if (reterr)
                        *reterr = parser.error;
                return r;
        }
        *ret_schedule = parser.schedule;
        return 0;
}

/* A span without its white space, so that a schedule is one word wherever it is written. */
static const char *schedule_format_time(char buffer[static USEC_SPAN_MAX], usec_t usec) {
        char *end = buffer;

        for (const char *c = usec_format_span(buffer, usec, /* accuracy_usec= */ 1); *c; c++)
                if (*c != ' ')
                        *end++ = *c;
        *end = '\0';
        return buffer;
}

char *schedule_format(const Schedule *schedule) {
        char text[SCHEDULE_PHASES_MAX * SCHEDULE_PHASE_TEXT_MAX] = "";
        size_t length = 0;

        assert(schedule->n_phases > 0 && schedule->n_phases <= SCHEDULE_PHASES_MAX);

        for (size_t i = 0; i < schedule->n_phases; i++) {
                const Phase *phase = &schedule->phases[i];
                char signal_name[SIGNAL_NAME_MAX], span[USEC_SPAN_MAX];
                const char *name = signal_to_name(signal_name, phase->signo);
                int n;

                n = snprintf(text + length, sizeof(text) - length, "%s%s:%s@%s/%s",
                        i > 0 ? "," : "", phase->name,
                        strncmp(name, "SIG", 3) == 0 ? name + 3 : name,
                        phase_target_to_string(phase->target),
                        schedule_format_time(span, phase->duration_usec));
                assert(n > 0 && (size_t) n < sizeof(text) - length);
                length += (size_t) n;
        }
        return strdup(text);
}

usec_t schedule_later_usec(const Schedule *schedule) {
        usec_t later_usec = 0;

        for (size_t i = 1; i < schedule->n_phases; i++)
                later_usec = usec_add(later_usec, schedule->phases[i].duration_usec);
        return later_usec;
}

bool schedule_fits_headroom(const Schedule *schedule, usec_t headroom_usec) {
        return usec_add(schedule_later_usec(schedule), SCHEDULE_RESERVE_USEC) <= headroom_usec;
}
