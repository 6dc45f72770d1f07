/* SPDX-License-Identifier: MIT */

/* One entry of a journal as an item of a story.
 *
 * A phase or a step is recorded when it is over, with how long it took: it becomes a span that ends with
 * its record. Where a record says how far into the stop that was (GATEWATCH_ELAPSED_USEC), this is
 * believed rather than the time of the entry, which came to the journal later; but of what ended before the
 * stop the same field counts from the gateway's start, and then it is beyond what can be.
 *
 * Texts are short where a bar stands beside them: what the record's fields say, without the names that the
 * label has already. Everything else speaks with its MESSAGE=. What is written here is clean: one line of
 * valid UTF-8 without control characters, of a coredump several.
 *
 * Whether the writer is to be believed is not asked here. */

#include <string.h>
#include <syslog.h>

#include "byte-buffer.h"
#include "record.h"
#include "report/story-internal.h"
#include "stop/outcome.h"
#include "text-clean.h"
#include "utf8.h"

#define STORY_OFFSET_MAX      (INT64_C(1) << 60) /* 36,000 years: sums of two still fit */
#define STORY_LINES_MAX_BYTES (64U * 1024U)

/* ---- Times ------------------------------------------------------------------------------------ */

static int64_t story_usec_signed(usec_t usec) {
        return usec < (usec_t) STORY_OFFSET_MAX ? (int64_t) usec : STORY_OFFSET_MAX;
}

static int64_t story_usec_difference(usec_t a, usec_t b) {
        return a >= b ? story_usec_signed(a - b) : -story_usec_signed(b - a);
}

int64_t story_origin_offset(const StoryOrigin *origin, const JournalEntry *entry) {
        if (sd_id128_equal(origin->boot_id, entry->boot_id) && !sd_id128_is_null(entry->boot_id))
                return story_usec_difference(entry->monotonic_usec, origin->monotonic_usec);
        return story_usec_difference(entry->realtime_usec, origin->realtime_usec);
}

static void story_item_set_span(StoryItem *item, const JournalEntry *entry, const char *duration) {
        usec_t took_usec, elapsed_usec;

        if (!journal_entry_get_usec(entry, duration, &took_usec))
                return;
        if (journal_entry_get_usec(entry, "GATEWATCH_ELAPSED_USEC", &elapsed_usec) &&
                item->end_usec >= -(int64_t) STORY_SLACK_USEC &&
                story_usec_signed(elapsed_usec) <= item->end_usec + (int64_t) STORY_SLACK_USEC)
                item->end_usec = story_usec_signed(elapsed_usec);
        item->begin_usec = item->end_usec - story_usec_signed(took_usec);
        item->is_span = true;
}

/* ---- Text ------------------------------------------------------------------------------------- */

/* One line. Returns: malloc()ed; NULL: out of memory. */
static char *story_clean_piece(const char *text, size_t size) {
        _cleanup_free_ char *piece = strndup(text, size);

        if (!piece)
                return NULL;
        for (char *at = piece; (at = strpbrk(at, "\t\n\r")); at++)
                *at = ' ';
        return text_clean(piece, TEXT_TERMINAL);
}

static char *story_clean(const char *text) {
        size_t size = strnlen(text, STORY_TEXT_MAX_BYTES);

        return story_clean_piece(text, text[size] ? utf8_cut(text, size) : size);
}

/* "-": there is none, or it is empty. */
static char *story_clean_label(const char *text) {
        return story_clean(text && *text ? text : "-");
}

static char *story_clean_lines(const char *text) {
        _cleanup_(byte_buffer_done) ByteBuffer lines = {};

        while (*text && lines.size < STORY_LINES_MAX_BYTES) {
                const size_t size = strcspn(text, "\n");
                _cleanup_free_ char *line = story_clean_piece(text, size);

                if (!line)
                        return NULL;
                byte_buffer_append_text(&lines, line);
                text += size;
                if (*text == '\n') {
                        byte_buffer_append_text(&lines, "\n");
                        text++;
                }
        }
        return byte_buffer_steal(&lines);
}

/* Pieces of a sentence, "; " between them. */
static void story_text_add(ByteBuffer *text, const char *piece) {
        if (!piece || !*piece)
                return;
        if (text->size > 0)
                byte_buffer_append_text(text, "; ");
        byte_buffer_append_text(text, piece);
}

/* Cleans the sentence. Returns: 0, also for an empty one: item->text stays NULL; -ENOMEM. */
static int story_item_set_text(StoryItem *item, ByteBuffer *text) {
        if (text->is_failed)
                return -ENOMEM;
        if (text->size == 0)
                return 0;
        item->text = story_clean(text->data);
        return item->text ? 0 : -ENOMEM;
}

/* ---- Tones ------------------------------------------------------------------------------------ */

static StoryTone story_tone_of_priority(const JournalEntry *entry) {
        uint64_t priority;

        if (!journal_entry_get_unsigned(entry, "PRIORITY", &priority))
                return TONE_PLAIN;
        return priority <= LOG_ERR ? TONE_BAD : priority == LOG_WARNING ? TONE_WARNING : TONE_PLAIN;
}

static StoryTone story_tone_of_end(const JournalEntry *entry) {
        const char *word = journal_entry_get(entry, "GATEWATCH_OUTCOME");
        const Outcome outcome = word ? outcome_from_string(word) : _OUTCOME_INVALID;

        return outcome >= 0 ? story_tone_of_outcome(outcome) : story_tone_of_priority(entry);
}

/* ---- Phases and steps ------------------------------------------------------------------------- */

static bool story_entry_says(const JournalEntry *entry, const char *name, const char *word) {
        const char *value = journal_entry_get(entry, name);

        return value && strcmp(value, word) == 0;
}

/* "active 3 -> 0", "connections 2" */
static void story_text_add_active(ByteBuffer *text, const JournalEntry *entry) {
        const char *what = story_entry_says(entry, "GATEWATCH_ACTIVE_SOURCE", "sockets")
                ? "connections"
                : "active";
        uint64_t before, now;
        char active[96];

        if (!journal_entry_get_unsigned(entry, "GATEWATCH_ACTIVE_NOW", &now))
                return;
        if (journal_entry_get_unsigned(entry, "GATEWATCH_ACTIVE_AT_START", &before))
                (void) snprintf(
                        active, sizeof(active), "%s %" PRIu64 " -> %" PRIu64, what, before, now);
        else
                (void) snprintf(active, sizeof(active), "%s %" PRIu64, what, now);
        story_text_add(text, active);
}

static void story_text_add_end(ByteBuffer *text, const JournalEntry *entry) {
        static const struct {
                const char *word, *text;
        } ends[] = {
                { "deadline", "timed out" },
                { "step-timeout", "gave way to overdue steps" },
                { "second-signal", "cut short by a further signal" },
        };

        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                if (story_entry_says(entry, "GATEWATCH_ENDED_BY", ends[i].word))
                        story_text_add(text, ends[i].text);
}

static int story_item_set_phase(StoryItem *item, const JournalEntry *entry) {
        const bool is_timed_out = story_entry_says(entry, "GATEWATCH_TIMED_OUT", "yes");
        const char *signal = journal_entry_get(entry, "GATEWATCH_PHASE_SIGNAL");
        _cleanup_(byte_buffer_done) ByteBuffer text = {};

        if (story_entry_says(entry, "GATEWATCH_PHASE_SOURCE", "gateway")) {
                item->kind = STORY_GATEWAY_PHASE;
                story_text_add(&text, is_timed_out ? "ran into a deadline" : NULL);
        } else {
                story_text_add(&text, signal && strcmp(signal, "none") == 0 ? NULL : signal);
                story_text_add_end(&text, entry);
        }
        item->tone = signal && strcmp(signal, "SIGKILL") == 0 ? TONE_BAD
                : is_timed_out                                ? TONE_WARNING
                                                              : story_tone_of_priority(entry);
        story_text_add_active(&text, entry);
        story_text_add(&text, journal_entry_get(entry, "GATEWATCH_STALL_DETAIL"));
        story_item_set_span(item, entry, "GATEWATCH_PHASE_USEC");
        return story_item_set_text(item, &text);
}

/* "overdue (bound 5s)" */
static void story_text_add_step_end(ByteBuffer *text, const JournalEntry *entry) {
        const char *end = story_entry_says(entry, "GATEWATCH_STEP_END", "open") ? "overdue"
                : story_entry_says(entry, "GATEWATCH_STEP_END", "late")         ? "ended late"
                : story_entry_says(entry, "GATEWATCH_STEP_END", "abandoned")    ? "never ended"
                                                                                : NULL;
        char piece[USEC_SPAN_MAX + 32], bound[USEC_SPAN_MAX];
        usec_t bound_usec;

        if (!end)
                return;
        if (journal_entry_get_usec(entry, "GATEWATCH_STEP_TIMEOUT_USEC", &bound_usec) &&
                bound_usec != USEC_INFINITY)
                (void) snprintf(piece, sizeof(piece), "%s (bound %s)", end,
                        usec_format_exact(bound, bound_usec));
        else
                (void) snprintf(piece, sizeof(piece), "%s", end);
        story_text_add(text, piece);
}

static int story_draft_set_step(StoryDraft *draft, const JournalEntry *entry) {
        _cleanup_(byte_buffer_done) ByteBuffer text = {};

        draft->is_open_step = story_entry_says(entry, "GATEWATCH_STEP_END", "open");
        draft->item.tone =
                draft->is_open_step || story_entry_says(entry, "GATEWATCH_TIMED_OUT", "yes")
                ? TONE_WARNING
                : story_tone_of_priority(entry);
        story_text_add_step_end(&text, entry);
        story_text_add(&text, journal_entry_get(entry, "GATEWATCH_STALL_DETAIL"));
        story_item_set_span(&draft->item, entry, "GATEWATCH_STEP_USEC");
        return story_item_set_text(&draft->item, &text);
}

/* ---- The signal, the cause -------------------------------------------------------------------- */

/* "from kill(812) < bash(640), user alice" */
static void story_text_add_sender(ByteBuffer *text, const JournalEntry *entry) {
        const char *ancestry = journal_entry_get(entry, "GATEWATCH_SENDER_ANCESTRY");
        const char *comm = journal_entry_get(entry, "GATEWATCH_SENDER_COMM");
        const char *pid = journal_entry_get(entry, "GATEWATCH_SENDER_PID");
        const char *user = journal_entry_get(entry, "GATEWATCH_SENDER_USER")
                ?: journal_entry_get(entry, "GATEWATCH_SENDER_UID");
        const char *pieces[] = { "from ", ancestry ?: comm ?: "pid ", ancestry ? NULL : comm ? "(" : NULL,
                ancestry ? NULL : pid, ancestry || !comm ? NULL : ")", user ? ", user " : NULL, user };

        if (!ancestry && !pid)
                return;
        for (size_t i = 0; i < ELEMENTSOF(pieces); i++)
                byte_buffer_append_text(text, pieces[i] ?: "");
}

static int story_item_set_signal(StoryItem *item, const JournalEntry *entry) {
        _cleanup_(byte_buffer_done) ByteBuffer text = {};

        if (story_entry_says(entry, "GATEWATCH_SENDER_STATE", "manager"))
                story_text_add(&text, "from the service manager");
        else if (story_entry_says(entry, "GATEWATCH_SENDER_STATE", "kernel") ||
                story_entry_says(entry, "GATEWATCH_SENDER_CODE", "SI_KERNEL"))
                story_text_add(&text, "from the kernel, for a terminal");
        else if (story_entry_says(entry, "GATEWATCH_SENDER_STATE", "other-namespace"))
                story_text_add(&text, "from a process of another pid namespace");
        else
                story_text_add_sender(&text, entry);
        if (text.size == 0)
                story_text_add(&text, journal_entry_get(entry, "MESSAGE"));
        return story_item_set_text(item, &text);
}

static int story_item_set_cause(StoryItem *item, const JournalEntry *entry) {
        const char *cause = journal_entry_get(entry, "GATEWATCH_CAUSE");
        const char *detail = journal_entry_get(entry, "GATEWATCH_CAUSE_DETAIL");
        const char *ancestry = journal_entry_get(entry, "GATEWATCH_REQUESTER_ANCESTRY");
        const char *pieces[] = { cause, detail ? ": " : NULL, detail,
                ancestry ? "; asked for by " : NULL, ancestry };
        _cleanup_(byte_buffer_done) ByteBuffer text = {};

        for (size_t i = 0; cause && i < ELEMENTSOF(pieces); i++)
                byte_buffer_append_text(&text, pieces[i] ?: "");
        if (!cause)
                story_text_add(&text, journal_entry_get(entry, "MESSAGE"));
        return story_item_set_text(item, &text);
}

/* ---- A record --------------------------------------------------------------------------------- */

typedef struct StoryEvent {
        StoryKind kind;
        const char *label_field; /* NULL: the event's name */
} StoryEvent;

static const StoryEvent story_event_table[_RECORD_EVENT_MAX] = {
        [RECORD_STARTED] = { STORY_STARTED, NULL },
        [RECORD_READY] = { STORY_READY, NULL },
        [RECORD_SHORT_TIMEOUT] = { STORY_NOTE, NULL },
        [RECORD_PREVIOUS] = { STORY_NOTE, NULL },
        [RECORD_SIGNAL] = { STORY_SIGNAL, "GATEWATCH_SIGNAL" },
        [RECORD_CAUSE] = { STORY_CAUSE, NULL },
        [RECORD_PHASE] = { STORY_PHASE, "GATEWATCH_PHASE" },
        [RECORD_STEP] = { STORY_STEP, "GATEWATCH_STEP" },
        [RECORD_STUCK] = { STORY_STUCK, NULL },
        [RECORD_WATCHDOG] = { STORY_WATCHDOG, NULL },
        [RECORD_LEFTOVER] = { STORY_LEFTOVER, NULL },
        [RECORD_DIAGNOSTIC] = { STORY_NOTE, NULL },
        [RECORD_STOPPED] = { STORY_STOPPED, NULL },
        [RECORD_FORWARDED] = { STORY_NOTE, NULL },
        [RECORD_DEGRADED] = { STORY_NOTE, NULL },
};

/* Returns: _RECORD_EVENT_INVALID: none that is known here. */
static RecordEvent story_entry_event(const JournalEntry *entry) {
        const char *id = journal_entry_get(entry, "MESSAGE_ID");

        for (RecordEvent event = 0; id && event < _RECORD_EVENT_MAX; event++)
                if (strcmp(record_event_info(event)->message_id, id) == 0)
                        return event;
        return record_event_from_string(journal_entry_get(entry, "GATEWATCH_EVENT"));
}

static int story_item_set_message(StoryItem *item, const JournalEntry *entry) {
        const char *message = journal_entry_get(entry, "MESSAGE");

        if (!message || !*message)
                return 0;
        item->text =
                item->kind == STORY_COREDUMP ? story_clean_lines(message) : story_clean(message);
        return item->text ? 0 : -ENOMEM;
}

static int story_draft_set(StoryDraft *draft, const JournalEntry *entry) {
        StoryItem *item = &draft->item;

        item->tone = story_tone_of_priority(entry);
        switch (item->kind) {
        case STORY_PHASE:
                return story_item_set_phase(item, entry);
        case STORY_STEP:
                return story_draft_set_step(draft, entry);
        case STORY_SIGNAL:
                return story_item_set_signal(item, entry);
        case STORY_CAUSE:
                return story_item_set_cause(item, entry);
        case STORY_STOPPED:
                item->tone = story_tone_of_end(entry);
                return story_item_set_message(item, entry);
        default:
                return story_item_set_message(item, entry);
        }
}

static int story_draft_begin(
        StoryDraft *draft, int64_t at_usec, StoryKind kind, const char *label, const char *source) {
        *draft = (StoryDraft){
                .at_usec = at_usec,
                .item = {
                        .kind = kind,
                        .begin_usec = at_usec,
                        .end_usec = at_usec,
                        .label = story_clean_label(label),
                        .source = story_clean_label(source),
                },
        };
        return draft->item.label && draft->item.source ? 0 : -ENOMEM;
}

int story_record_read(const JournalEntry *entry, int64_t at_usec, StoryDraft *ret_draft) {
        _cleanup_(story_draft_done) StoryDraft draft = {};
        const char *name = journal_entry_get(entry, "GATEWATCH_EVENT");
        const RecordEvent event = story_entry_event(entry);
        StoryEvent row = { STORY_NOTE, NULL };
        int r;

        assert(ret_draft);

        if (event < 0 && !name)
                return 0;
        if (event >= 0)
                row = story_event_table[event];
        if (row.label_field)
                name = journal_entry_get(entry, row.label_field) ?: record_event_to_string(event);
        else if (event >= 0)
                name = record_event_to_string(event);
        r = story_draft_begin(&draft, at_usec, row.kind, name, "gatewatch");
        if (r >= 0)
                r = story_draft_set(&draft, entry);
        if (r < 0)
                return r;
        *ret_draft = draft;
        draft = (StoryDraft){};
        return 1;
}

/* "python3[812]" */
static char *story_format_source(const JournalEntry *entry) {
        const char *name = journal_entry_get(entry, "SYSLOG_IDENTIFIER")
                ?: journal_entry_get(entry, "_COMM")
                ?: "?";
        const char *pid = journal_entry_get(entry, "_PID");
        const bool has_pid = pid && strcmp(pid, "1") != 0;
        char *source;

        if (asprintf(&source, "%.64s%s%.16s%s", name, has_pid ? "[" : "", has_pid ? pid : "",
                    has_pid ? "]" : "") < 0)
                return NULL;
        return source;
}

int story_record_read_foreign(const JournalEntry *entry, int64_t at_usec, StoryKind kind,
        const char *label, StoryDraft *ret_draft) {
        _cleanup_(story_draft_done) StoryDraft draft = {};
        _cleanup_free_ char *source = story_format_source(entry);
        int r;

        assert(ret_draft);

        r = source ? story_draft_begin(&draft, at_usec, kind, label, source) : -ENOMEM;
        if (r < 0)
                return r;
        draft.item.tone = kind == STORY_OOM || kind == STORY_COREDUMP
                ? TONE_BAD
                : story_tone_of_priority(entry);
        r = story_item_set_message(&draft.item, entry);
        if (r < 0)
                return r;
        *ret_draft = draft;
        draft = (StoryDraft){};
        return 0;
}

void story_draft_done(StoryDraft *draft) {
        if (!draft)
                return;
        free(draft->item.label);
        free(draft->item.text);
        free(draft->item.source);
        *draft = (StoryDraft){};
}
