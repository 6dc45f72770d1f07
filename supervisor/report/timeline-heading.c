/* SPDX-License-Identifier: MIT */

/* The heading of a stop's page: what stopped and when, why, by whom, how it ended, and what it used of what it
 * was allowed. One field a line; what is not known has none.
 *
 * Strings of the stop are as strangers wrote them, and are cleaned here. */

#include <string.h>

#include "byte-buffer.h"
#include "report/timeline-heading.h"
#include "report/timeline-layout.h"
#include "text-clean.h"
#include "timestamp.h"

#define TIMELINE_FIELD_INDENT  11 /* of the heading's texts */
#define TIMELINE_BAR_COLUMNS   20
#define TIMELINE_BAR_ROOM      (TIMELINE_BAR_COLUMNS + 10) /* with its edges, "9999%" and blanks */
#define TIMELINE_SHARE_WARNING 0.9
#define TIMELINE_SHARE_MAX     99.99

static int timeline_write_field(
        TimelinePage *page, const char *name, StoryTone tone, const char *text) {
        char head[32];

        (void) snprintf(head, sizeof(head), "  %-*s", TIMELINE_FIELD_INDENT - 2, name);
        return timeline_page_write_paragraph(page, head, TIMELINE_FIELD_INDENT, tone, text);
}

/* Cleans, joins, writes. NULL parts are left out. */
static int timeline_write_joined(TimelinePage *page, const char *name, StoryTone tone,
        const char *const parts[], size_t n_parts) {
        _cleanup_(byte_buffer_done) ByteBuffer text = {};
        _cleanup_free_ char *clean = NULL;

        for (size_t i = 0; i < n_parts; i++)
                byte_buffer_append_text(&text, parts[i] ?: "");
        if (text.size == 0)
                return text.is_failed ? -ENOMEM : 0;
        clean = text.is_failed ? NULL : text_clean(text.data, TEXT_TERMINAL);
        return clean ? timeline_write_field(page, name, tone, clean) : -ENOMEM;
}

static int timeline_write_title(
        TimelinePage *page, const StopStory *story, const TimelineOptions *options) {
        const PastStop *stop = story->stop;
        _cleanup_free_ char *unit = past_stop_format_unit(stop);
        _cleanup_free_ char *host = stop->host ? text_clean(stop->host, TEXT_TERMINAL) : strdup("");
        _cleanup_free_ char *text = NULL;
        char when[TIMESTAMP_MAX];

        if (!unit || !host ||
                asprintf(&text, "%s%s%s, %s", unit, *host ? " on " : "", host,
                        timestamp_format(when, story->origin_realtime_usec, TIMESTAMP_FULL,
                                options->is_utc)) < 0)
                return -ENOMEM;
        return timeline_page_write_paragraph(page, "", 0, TIMELINE_TITLE, text);
}

static int timeline_write_party(TimelinePage *page, const PastStop *stop) {
        const StopParty *party =
                stop->requester.pid > 0 || stop->requester.comm ? &stop->requester : &stop->sender;
        _cleanup_free_ char *who = past_stop_format_party(stop);
        char login[48] = "";

        if (!who)
                return -ENOMEM;
        if (strcmp(who, "-") == 0)
                return 0;
        if (party->loginuid != (uid_t) -1 && party->loginuid != party->uid)
                (void) snprintf(login, sizeof(login), ", logged in as uid %u", party->loginuid);
        return timeline_write_joined(page, "who", TONE_PLAIN,
                (const char *const[]){ who, login, party->cmdline ? ": " : NULL, party->cmdline,
                        party->ancestry ? "; " : NULL, party->ancestry },
                6);
}

static bool timeline_is_known(usec_t usec) {
        return usec != USEC_INFINITY && usec <= INT64_MAX;
}

/* "killed (killed SIGKILL), 70.10s after its stop began, up 3d 2h" */
static int timeline_write_outcome(TimelinePage *page, const PastStop *stop) {
        _cleanup_free_ char *end = past_stop_format_exit(stop);
        char took[TIMELINE_OFFSET_MAX], up[TIMELINE_OFFSET_MAX];
        const bool has_end = end && strcmp(end, "-") != 0;
        const bool is_asked = timeline_is_known(stop->total_usec) && stop->total_usec > 0;
        const bool has_up = timeline_is_known(stop->uptime_usec) && stop->uptime_usec > 0;

        if (!end)
                return -ENOMEM;
        return timeline_write_joined(page, "outcome", story_tone_of_stop(stop),
                (const char *const[]){ past_stop_outcome_word(stop), has_end ? " (" : NULL,
                        has_end ? end : NULL, has_end ? ")" : NULL, is_asked ? ", " : NULL,
                        is_asked ? timeline_format_duration(took, (int64_t) stop->total_usec)
                                 : NULL,
                        is_asked ? " after its stop began" : NULL, has_up ? ", up " : NULL,
                        has_up ? timeline_format_duration(up, (int64_t) stop->uptime_usec) : NULL },
                9);
}

static void timeline_write_share(TimelinePage *page, double share, StoryTone tone) {
        const double part = share > 1.0 ? 1.0 : share;
        const unsigned n_eighths = (unsigned) (part * TIMELINE_BAR_COLUMNS * TIMELINE_EIGHTHS);
        const unsigned n_used = (n_eighths + TIMELINE_EIGHTHS - 1) / TIMELINE_EIGHTHS;

        (void) fputs(page->is_ascii ? "[" : "▕", page->memory);
        timeline_page_begin_tone(page, tone);
        timeline_page_write_bar(page, n_eighths);
        timeline_page_end_tone(page, tone);
        timeline_page_fill(page, ' ', TIMELINE_BAR_COLUMNS - n_used);
        (void) fprintf(page->memory, "%s %.0f%%  ", page->is_ascii ? "]" : "▏",
                (share < TIMELINE_SHARE_MAX ? share : TIMELINE_SHARE_MAX) * 100.0);
}

/* "1.50s of 1min; systemd allows 1min 30s" */
static char *timeline_format_drain(const PastStop *stop) {
        char used[TIMELINE_OFFSET_MAX], allowed[USEC_SPAN_MAX], systemd[USEC_SPAN_MAX];
        const bool has_allowed = timeline_is_known(stop->drain_usec);
        const bool has_systemd = stop->timeout_stop_usec != USEC_INFINITY;
        char *text;

        if (asprintf(&text, "%s%s%s%s%s",
                    timeline_format_duration(used, (int64_t) stop->drain_used_usec),
                    has_allowed ? " of " : "",
                    has_allowed ? usec_format_exact(allowed, stop->drain_usec) : "",
                    has_systemd ? "; systemd allows " : "",
                    has_systemd ? usec_format_exact(systemd, stop->timeout_stop_usec) : "") < 0)
                return NULL;
        return text;
}

/* What was used of what was allowed; with a bar where there is room for both. */
static int timeline_write_drain(TimelinePage *page, const PastStop *stop) {
        const double share = past_stop_drain_share(stop);
        const StoryTone tone = share >= TIMELINE_SHARE_WARNING ? TONE_WARNING : TONE_PLAIN;
        _cleanup_free_ char *text = NULL;

        if (!timeline_is_known(stop->drain_used_usec))
                return 0;
        text = timeline_format_drain(stop);
        if (!text)
                return -ENOMEM;
        if (share < 0 ||
                (page->width > 0 &&
                        TIMELINE_FIELD_INDENT + TIMELINE_BAR_ROOM + strlen(text) > page->width))
                return timeline_write_field(page, "drain", tone, text);
        (void) fprintf(page->memory, "  %-*s", TIMELINE_FIELD_INDENT - 3, "drain");
        timeline_write_share(page, share, tone);
        timeline_page_begin_tone(page, tone);
        (void) fputs(text, page->memory);
        timeline_page_end_tone(page, tone);
        timeline_page_end_line(page);
        return 0;
}

static int timeline_write_work(TimelinePage *page, const PastStop *stop) {
        const bool is_connections =
                stop->active_source && strcmp(stop->active_source, "sockets") == 0;
        char text[128];
        int n = 0;

        if (!stop->has_active || stop->active_now == UINT64_MAX)
                return 0;
        if (stop->active_at_start != UINT64_MAX)
                n = snprintf(text, sizeof(text), "%" PRIu64 " in flight when the stop began, ",
                        stop->active_at_start);
        (void) snprintf(text + n, sizeof(text) - (size_t) n, "%" PRIu64 " at its end%s",
                stop->active_now, is_connections ? " (connections)" : "");
        return timeline_write_field(
                page, "work", stop->active_now > 0 ? TONE_WARNING : TONE_PLAIN, text);
}

int timeline_write_heading(
        TimelinePage *page, const StopStory *story, const TimelineOptions *options) {
        const PastStop *stop = story->stop;
        char run_id[SD_ID128_STRING_MAX];
        int r = timeline_write_title(page, story, options);

        if (r >= 0 && stop->trust == TRUST_FORGED)
                r = timeline_write_joined(page, "forged", TONE_BAD,
                        (const char *const[]){ stop->forgery ?: "written by somebody else" }, 1);
        if (r >= 0)
                r = timeline_write_joined(page, "cause", TONE_PLAIN,
                        (const char *const[]){ past_stop_cause_word(stop),
                                stop->cause_detail ? ": " : NULL, stop->cause_detail },
                        3);
        if (r >= 0)
                r = timeline_write_party(page, stop);
        if (r >= 0)
                r = timeline_write_outcome(page, stop);
        if (r >= 0)
                r = timeline_write_drain(page, stop);
        if (r >= 0)
                r = timeline_write_work(page, stop);
        if (r >= 0 && !sd_id128_is_null(stop->run_id))
                r = timeline_write_field(
                        page, "run", TONE_PLAIN, sd_id128_to_string(stop->run_id, run_id));
        return r;
}
