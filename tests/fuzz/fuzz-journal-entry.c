/* SPDX-License-Identifier: MIT */

/* Any bytes as the fields of an entry, one a line. Each that was taken is found again by its name, as text; the typed
 * readers agree with that text; an entry that is used again has nothing of the one before. */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "report/journal-entry.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_check_field(const JournalEntry *entry, size_t i) {
        const char *name = entry->text.data + entry->offsets[i];
        const char *value = name + strlen(name) + 1, *first = journal_entry_get(entry, name);
        uint64_t number = 0, usec = 0;
        sd_id128_t id;
        bool is_yes = false;

        fuzz_check(name[0] != '\0' && !strchr(name, '='));
        fuzz_check(first && first <= value);
        fuzz_check(value + strlen(value) < entry->text.data + entry->text.size);

        if (journal_entry_get_unsigned(entry, name, &number))
                fuzz_check(journal_entry_get_usec(entry, name, &usec) && usec == number &&
                        strspn(first, "0123456789") == strlen(first));
        else if (journal_entry_get_usec(entry, name, &usec))
                fuzz_check(strcmp(first, "infinity") == 0 && usec == USEC_INFINITY);
        if (journal_entry_get_bool(entry, name, &is_yes))
                fuzz_check(strcmp(first, is_yes ? "yes" : "no") == 0);
        if (journal_entry_get_id(entry, name, &id))
                fuzz_check(strlen(first) == 32);
}

static void fuzz_fill(JournalEntry *entry, const uint8_t *data, size_t size) {
        while (size > 0) {
                const uint8_t *end = memchr(data, '\n', size);
                size_t length = end ? (size_t) (end - data) : size;

                if (journal_entry_add(entry, data, length) < 0)
                        return;
                data += length + (end ? 1 : 0);
                size -= length + (end ? 1 : 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static JournalEntry entry;

        fuzz_fill(&entry, data, size);
        fuzz_check(entry.n_fields <= JOURNAL_ENTRY_FIELDS_MAX);
        for (size_t i = 0; i < entry.n_fields; i++)
                fuzz_check_field(&entry, i);
        journal_entry_reset(&entry);
        fuzz_check(entry.n_fields == 0 && !journal_entry_get(&entry, "MESSAGE"));
        if (size % 2 == 0)
                journal_entry_done(&entry);
        return 0;
}
