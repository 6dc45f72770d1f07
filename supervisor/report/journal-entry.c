/* SPDX-License-Identifier: MIT */

/* One entry, copied: libsystemd's pointers are valid until its next call only, and an entry is asked for its fields
 * many times. All of it lies in one block of text, which is kept from entry to entry, so that a walk through
 * thousands of them allocates a few times.
 *
 * Fields are found by looking at each, about thirty of them. Whoever may write to the journal can give an entry
 * any number of fields; those that the journal itself has added (their names begin with "_") are what a record's
 * trust is judged by, and cannot be crowded out: places are kept for them. Nothing is cleaned or judged here. */

#include "journal-entry.h"

#include <string.h>

#include "text-clean.h"

/* journald adds fewer than that. */
#define JOURNAL_ENTRY_TRUSTED_FIELDS 64

void journal_entry_reset(JournalEntry *entry) {
        byte_buffer_cut(&entry->text, 0);
        entry->text.is_failed = false;
        entry->realtime_usec = entry->monotonic_usec = 0;
        entry->boot_id = SD_ID128_NULL;
        entry->n_fields = 0;
}

void journal_entry_done(JournalEntry *entry) {
        byte_buffer_done(&entry->text);
        journal_entry_reset(entry);
}

static void journal_entry_append_value(JournalEntry *entry, const char *value, size_t size) {
        const char *end = value + size, *nul;

        while ((nul = memchr(value, '\0', (size_t) (end - value)))) {
                byte_buffer_append(&entry->text, value, (size_t) (nul - value));
                byte_buffer_append_text(&entry->text, TEXT_NO_UTF8);
                value = nul + 1;
        }
        byte_buffer_append(&entry->text, value, (size_t) (end - value));
        byte_buffer_append(&entry->text, "", 1);
}

static bool journal_entry_has_place(const JournalEntry *entry, const char *name) {
        return entry->n_fields <
                JOURNAL_ENTRY_FIELDS_MAX - (name[0] == '_' ? 0 : JOURNAL_ENTRY_TRUSTED_FIELDS);
}

int journal_entry_add(JournalEntry *entry, const void *data, size_t size) {
        const char *name = data, *value = size > 0 ? memchr(data, '=', size) : NULL;
        size_t offset = entry->text.size, name_size;

        if (!value)
                return 0;
        name_size = (size_t) (value - name);
        if (name_size == 0 || memchr(name, '\0', name_size) ||
                !journal_entry_has_place(entry, name))
                return 0;

        value++;
        size -= name_size + 1;
        if (size > JOURNAL_ENTRY_VALUE_BYTES)
                size = JOURNAL_ENTRY_VALUE_BYTES;
        byte_buffer_append(&entry->text, name, name_size);
        byte_buffer_append(&entry->text, "", 1);
        journal_entry_append_value(entry, value, size);
        if (entry->text.is_failed)
                return -ENOMEM;
        entry->offsets[entry->n_fields++] = offset;
        return 0;
}

const char *journal_entry_get(const JournalEntry *entry, const char *name) {
        size_t size = strlen(name) + 1;

        for (size_t i = 0; i < entry->n_fields; i++) {
                const char *field = entry->text.data + entry->offsets[i];

                /* Up to its NUL, so never beyond a shorter name. */
                if (strcmp(field, name) == 0)
                        return field + size;
        }
        return NULL;
}

bool journal_entry_get_unsigned(const JournalEntry *entry, const char *name, uint64_t *ret_value) {
        const char *text = journal_entry_get(entry, name);
        uint64_t value = 0;

        if (!text || !text[0])
                return false;
        for (; *text; text++)
                if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, (uint64_t) (*text - '0'), &value))
                        return false;
        *ret_value = value;
        return true;
}

bool journal_entry_get_usec(const JournalEntry *entry, const char *name, usec_t *ret_usec) {
        const char *text = journal_entry_get(entry, name);

        if (!text || strcmp(text, "infinity") != 0)
                return journal_entry_get_unsigned(entry, name, ret_usec);
        *ret_usec = USEC_INFINITY;
        return true;
}

bool journal_entry_get_bool(const JournalEntry *entry, const char *name, bool *ret_value) {
        const char *text = journal_entry_get(entry, name);
        bool is_yes = text && strcmp(text, "yes") == 0;

        if (!is_yes && (!text || strcmp(text, "no") != 0))
                return false;
        *ret_value = is_yes;
        return true;
}

bool journal_entry_get_id(const JournalEntry *entry, const char *name, sd_id128_t *ret_id) {
        const char *text = journal_entry_get(entry, name);
        sd_id128_t id;

        /* That function takes the form with dashes too, which a journal never has. */
        if (!text || strlen(text) != SD_ID128_STRING_MAX - 1 || sd_id128_from_string(text, &id) < 0)
                return false;
        *ret_id = id;
        return true;
}
