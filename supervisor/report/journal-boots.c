/* SPDX-License-Identifier: MIT */

/* Boots by their place in the journal. Each entry has its boot's id, and the journal an index of them; so from
 * one boot to the next it is one step to an entry of another boot and one leap to that boot's far end: the cost grows
 * with the number of boots that are passed, not with the journal.
 *
 * Numbers are journalctl's: 0 is the last boot (of this machine the present one, there or not), -1 the one before it;
 * 1 is the first that the journal has. With an id in front they count from that boot. Boots of several machines in one
 * journal lie across each other; then only ids say for certain what is meant.
 * Source: journalctl(1), --boot. */

#include <ctype.h>
#include <string.h>

#include "journal-query-internal.h"

#define BOOT_OFFSET_DIGITS_MAX 9

typedef struct BootName {
        sd_id128_t id; /* null: none */
        bool has_id;
        int offset;
} BootName;

static bool boot_offset_parse(const char *text, int *ret_offset) {
        bool has_sign = text[0] == '-' || text[0] == '+';
        const char *digits = text + (has_sign ? 1 : 0);
        size_t n = strlen(digits);
        int value = 0;

        if (n == 0 || n > BOOT_OFFSET_DIGITS_MAX || strspn(digits, "0123456789") != n)
                return false;
        for (; *digits; digits++)
                value = value * 10 + (*digits - '0');
        *ret_offset = text[0] == '-' ? -value : value;
        return true;
}

static bool boot_name_parse(const char *text, BootName *ret_name) {
        BootName name = {};
        char id[SD_ID128_STRING_MAX];

        if (strspn(text, "0123456789abcdefABCDEF") >= SD_ID128_STRING_MAX - 1) {
                (void) snprintf(id, sizeof(id), "%.32s", text);
                if (sd_id128_from_string(id, &name.id) < 0)
                        return false;
                name.has_id = true;
                text += SD_ID128_STRING_MAX - 1;
                if (text[0] != '\0' && text[0] != '-' && text[0] != '+')
                        return false;
        }
        if (text[0] != '\0' && !boot_offset_parse(text, &name.offset))
                return false;
        *ret_name = name;
        return true;
}

/* To the end of a boot that lies farthest in a direction. Returns: 1; 0: no entry has it; negative errno. */
static int boot_seek_end(JournalQuery *query, sd_id128_t id, JournalDirection direction) {
        char text[SD_ID128_STRING_MAX], term[sizeof("_BOOT_ID=") + SD_ID128_STRING_MAX];
        int r;

        sd_journal_flush_matches(query->journal);
        (void) snprintf(term, sizeof(term), "_BOOT_ID=%s", sd_id128_to_string(id, text));
        r = sd_journal_add_match(query->journal, term, 0);
        if (r < 0)
                return r;
        r = direction == JOURNAL_FORWARD ? sd_journal_seek_tail(query->journal)
                                         : sd_journal_seek_head(query->journal);
        if (r < 0)
                return r;
        r = journal_query_step(
                query, direction == JOURNAL_FORWARD ? JOURNAL_BACKWARD : JOURNAL_FORWARD);
        sd_journal_flush_matches(query->journal);
        return r;
}

/* To the first entry of another boot. Returns: 1 and that; 0: there is none; negative errno. */
static int boot_step(
        JournalQuery *query, sd_id128_t id, JournalDirection direction, sd_id128_t *ret_id) {
        sd_id128_t found;
        uint64_t monotonic_usec;
        int r;

        /* The index may lack entries that the file has; then this is a short walk. */
        do {
                r = journal_query_step(query, direction);
                if (r <= 0)
                        return r;
                if (sd_journal_get_monotonic_usec(query->journal, &monotonic_usec, &found) < 0)
                        found = id;
        } while (sd_id128_equal(found, id));
        *ret_id = found;
        return 1;
}

/* Passes n boots, beginning where the journal stands. Returns: 0; -ENODATA; -ENOMEM. */
static int boots_walk(JournalQuery *query, int n, JournalDirection direction, sd_id128_t *id) {
        for (; n > 0; n--) {
                int r = boot_step(query, *id, direction, id);

                if (r > 0 && n > 1)
                        r = boot_seek_end(query, *id, direction);
                if (r <= 0)
                        return r == 0 ? -ENODATA : r;
        }
        return 0;
}

static int boots_find(JournalQuery *query, const BootName *name, sd_id128_t *ret_id) {
        JournalDirection direction = name->offset > 0 ? JOURNAL_FORWARD : JOURNAL_BACKWARD;
        int r, n = name->offset < 0 ? -name->offset : name->offset;

        *ret_id = name->id;
        if (name->has_id) {
                r = boot_seek_end(query, name->id, direction);
                if (r <= 0)
                        return r == 0 ? -ENODATA : r;
        } else {
                sd_journal_flush_matches(query->journal);
                r = direction == JOURNAL_FORWARD ? sd_journal_seek_head(query->journal)
                                                 : sd_journal_seek_tail(query->journal);
                if (r < 0)
                        return r;
                /* 0 is a boot, so that there is one more to pass. */
                n += direction == JOURNAL_BACKWARD;
        }
        return boots_walk(query, n, direction, ret_id);
}

bool journal_boot_is_name(const char *text) {
        BootName name;

        return *text && boot_name_parse(text, &name);
}

int journal_query_find_boot(JournalQuery *query, const char *text, sd_id128_t *ret_boot_id) {
        _cleanup_free_ char *cursor = NULL;
        sd_id128_t id = SD_ID128_NULL;
        BootName name;
        int r, back;

        if (!boot_name_parse(text, &name))
                return -EINVAL;
        if (!name.has_id && name.offset == 0 && query->is_own)
                return sd_id128_get_boot(ret_boot_id);

        cursor = journal_query_leave(query);
        r = boots_find(query, &name, &id);
        back = journal_query_return(query, cursor);
        if (r < 0 || back < 0)
                return r < 0 ? r : back;
        *ret_boot_id = id;
        return 0;
}
