/* SPDX-License-Identifier: MIT */

/* The story of a stop: what story-journal.c has found, put in order on one axis.
 *
 * A step that ran over has two records, one at its bound and one at its end: it is one bar. Items are sorted
 * by when they began, then by when their records came.
 *
 * The axis spans the stop. What lies shortly before or after it (the heartbeat that was missed, systemd's
 * result, a core dump) widens it; what lies further away would press the stop itself to a line, and stays
 * off the axis: it has its offset, and is told in words. */

#include <string.h>

#include "report/story-internal.h"

/* Records of one step are made from the same instants; of a step that began before the stop one may have
 * been dated by its entry. */
#define STORY_SAME_STEP_USEC ((int64_t) STORY_SLACK_USEC)

#define STORY_MARGIN_MIN  ((int64_t) USEC_PER_SEC)
#define STORY_MARGIN_END  ((int64_t) (10 * USEC_PER_SEC)) /* before an end that nobody asked for */
#define STORY_MARGIN_PART 4                               /* of the stop */

/* Room for what is no step, phase or note of the run; and for what is not of the run at all. */
#define STORY_ROOM_OWN   500
#define STORY_ROOM_OTHER 200

const char *story_kind_to_string(StoryKind kind) {
        static const char *const names[_STORY_KIND_MAX] = {
                [STORY_STARTED] = "started",
                [STORY_READY] = "ready",
                [STORY_SIGNAL] = "signal",
                [STORY_CAUSE] = "cause",
                [STORY_PHASE] = "phase",
                [STORY_GATEWAY_PHASE] = "gateway-phase",
                [STORY_STEP] = "step",
                [STORY_WATCHDOG] = "watchdog",
                [STORY_STUCK] = "stuck",
                [STORY_LEFTOVER] = "leftover",
                [STORY_NOTE] = "note",
                [STORY_SYSTEMD] = "systemd",
                [STORY_OOM] = "oom",
                [STORY_COREDUMP] = "coredump",
                [STORY_LOG] = "log",
                [STORY_STOPPED] = "stopped",
        };

        return kind >= 0 && kind < _STORY_KIND_MAX ? names[kind] : NULL;
}

/* ---- Drafts ----------------------------------------------------------------------------------- */

static size_t story_kind_limit(StoryKind kind) {
        switch (kind) {
        case STORY_STEP:
        case STORY_GATEWAY_PHASE:
        case STORY_NOTE:
                return STORY_ITEMS_MAX - STORY_ROOM_OWN;
        case STORY_SIGNAL:
        case STORY_PHASE:
        case STORY_STUCK:
        case STORY_WATCHDOG:
                return STORY_ITEMS_MAX - STORY_ROOM_OTHER;
        default:
                return STORY_ITEMS_MAX;
        }
}

int story_drafts_add(StoryDrafts *drafts, StoryDraft *draft) {
        assert(drafts);
        assert(draft);

        if (drafts->n >= story_kind_limit(draft->item.kind)) {
                story_draft_done(draft);
                drafts->n_left_out++;
                return 0;
        }
        if (drafts->n == drafts->n_room) {
                const size_t n_room = drafts->n_room > 0 ? 2 * drafts->n_room : 64;
                StoryDraft *items = reallocarray(drafts->items, n_room, sizeof(*items));

                if (!items) {
                        story_draft_done(draft);
                        return -ENOMEM;
                }
                drafts->items = items;
                drafts->n_room = n_room;
        }
        drafts->items[drafts->n++] = *draft;
        *draft = (StoryDraft){};
        return 0;
}

void story_drafts_reverse(StoryDrafts *drafts, size_t first) {
        for (size_t a = first, b = drafts->n; a + 1 < b; a++) {
                StoryDraft draft = drafts->items[a];

                drafts->items[a] = drafts->items[--b];
                drafts->items[b] = draft;
        }
}

void story_drafts_done(StoryDrafts *drafts) {
        if (!drafts)
                return;
        for (size_t i = 0; i < drafts->n; i++)
                story_draft_done(&drafts->items[i]);
        free(drafts->items);
        *drafts = (StoryDrafts){};
}

/* ---- Steps ------------------------------------------------------------------------------------ */

static bool story_draft_is_same_step(const StoryDraft *open, const StoryDraft *other) {
        const int64_t apart_usec = open->item.begin_usec - other->item.begin_usec;

        return other->item.kind == STORY_STEP && !other->is_open_step &&
                other->item.end_usec >= open->item.end_usec - STORY_SAME_STEP_USEC &&
                apart_usec <= STORY_SAME_STEP_USEC && apart_usec >= -STORY_SAME_STEP_USEC &&
                strcmp(open->item.label, other->item.label) == 0;
}

/* The end says how late it was, the record of the bound why. */
static void story_draft_merge(StoryDraft *open, StoryDraft *end) {
        const char *why = open->item.text ? strstr(open->item.text, "; ") : NULL;
        char *text;

        if (why &&
                asprintf(&text, "%s%s", end->item.text ?: "", end->item.text ? why : why + 2) >=
                        0) {
                free(end->item.text);
                end->item.text = text;
        }
        end->item.tone = open->item.tone > end->item.tone ? open->item.tone : end->item.tone;
        story_draft_done(open);
}

/* Drafts as they came: the end of a step stands behind its bound. */
static void story_drafts_merge_steps(StoryDrafts *drafts) {
        size_t n = 0;

        for (size_t i = 0; i < drafts->n; i++) {
                size_t j = i + 1;

                while (drafts->items[i].is_open_step && j < drafts->n &&
                        !story_draft_is_same_step(&drafts->items[i], &drafts->items[j]))
                        j++;
                if (drafts->items[i].is_open_step && j < drafts->n)
                        story_draft_merge(&drafts->items[i], &drafts->items[j]);
                else
                        drafts->items[n++] = drafts->items[i];
        }
        drafts->n = n;
}

/* ---- Order ------------------------------------------------------------------------------------ */

static int story_draft_compare(const void *a, const void *b) {
        const StoryDraft *left = a, *right = b;

        if (left->item.begin_usec != right->item.begin_usec)
                return left->item.begin_usec < right->item.begin_usec ? -1 : 1;
        if (left->at_usec != right->at_usec)
                return left->at_usec < right->at_usec ? -1 : 1;
        return left->number < right->number ? -1 : left->number > right->number;
}

static void story_drafts_sort(StoryDrafts *drafts) {
        for (size_t i = 0; i < drafts->n; i++)
                drafts->items[i].number = i;
        if (drafts->n > 0)
                qsort(drafts->items, drafts->n, sizeof(*drafts->items), story_draft_compare);
}

/* ---- The axis --------------------------------------------------------------------------------- */

static void story_measure(StopStory *story, int64_t stop_end_usec) {
        int64_t margin_usec = stop_end_usec / STORY_MARGIN_PART;

        if (margin_usec < STORY_MARGIN_MIN)
                margin_usec = stop_end_usec > 0 ? STORY_MARGIN_MIN : STORY_MARGIN_END;
        story->end_usec = stop_end_usec;
        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];

                if (item->kind == STORY_LOG || item->kind == STORY_NOTE)
                        continue;
                if (item->end_usec < -margin_usec || item->begin_usec > stop_end_usec + margin_usec)
                        continue;
                if (item->begin_usec < story->begin_usec)
                        story->begin_usec =
                                item->begin_usec < -margin_usec ? -margin_usec : item->begin_usec;
                if (item->end_usec > story->end_usec)
                        story->end_usec = item->end_usec > stop_end_usec + margin_usec
                                ? stop_end_usec + margin_usec
                                : item->end_usec;
        }
}

/* ---- The story -------------------------------------------------------------------------------- */

int story_settle(StoryFound *found, StopStory *ret_story) {
        StoryDrafts *drafts = &found->drafts;
        StopStory story = { .origin_realtime_usec = found->origin.realtime_usec,
                .n_left_out = drafts->n_left_out };

        assert(ret_story);

        story_drafts_merge_steps(drafts);
        story_drafts_sort(drafts);
        story.items = calloc(drafts->n > 0 ? drafts->n : 1, sizeof(*story.items));
        if (!story.items)
                return -ENOMEM;
        for (; story.n_items < drafts->n; story.n_items++)
                story.items[story.n_items] = drafts->items[story.n_items].item;
        drafts->n = 0;
        story_measure(&story, found->end_usec);
        *ret_story = story;
        return 0;
}

int stop_story_read(
        JournalQuery *query, const PastStop *stop, size_t n_log_lines, StopStory *ret_story) {
        StoryFound found = {};
        int r = story_journal_collect(query, stop, n_log_lines, &found);

        if (r < 0)
                return r;
        r = story_settle(&found, ret_story);
        if (r >= 0)
                ret_story->stop = stop;
        story_drafts_done(&found.drafts);
        return r;
}

void stop_story_done(StopStory *story) {
        if (!story)
                return;
        for (size_t i = 0; i < story->n_items; i++) {
                free(story->items[i].label);
                free(story->items[i].text);
                free(story->items[i].source);
        }
        free(story->items);
        *story = (StopStory){};
}
