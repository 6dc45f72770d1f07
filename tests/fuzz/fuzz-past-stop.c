/* SPDX-License-Identifier: MIT */

/* Any fields, one a line, as a record `stopped`, as a `started`, and as both of one run. A stop that comes of it
 * has no string outside of its own block, says why it is forged exactly if it is, and whatever is shown of it is
 * valid and has no control character. */

#include <string.h>

#include "fuzz.h"
#include "report/past-stop.h"
#include "utf8.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_check_cell(char *text) {
        fuzz_check(text != NULL && text[0] && utf8_is_valid(text));
        for (size_t left = strlen(text), i = 0; left > 0;) {
                const size_t size = utf8_sequence_size(text + i, left);

                fuzz_check(size > 0 && !utf8_is_control(text + i, size));
                i += size;
                left -= size;
        }
        free(text);
}

static void fuzz_check_stop(const PastStop *stop) {
        fuzz_check(stop->text != NULL);
        fuzz_check((stop->trust == TRUST_FORGED) == (stop->forgery != NULL));
        fuzz_check(stop->realtime_usec != USEC_INFINITY && stop->monotonic_usec != USEC_INFINITY);
        fuzz_check(!sd_id128_is_null(stop->run_id));
        fuzz_check(stop->manager == UNIT_MANAGER_NONE || stop->unit);
        fuzz_check(past_stop_outcome_word(stop) && past_stop_cause_word(stop));
        fuzz_check(run_state_from_string(run_state_to_string(stop->state)) == stop->state);
        fuzz_check((stop->cause == _CAUSE_INVALID) ||
                strcmp(cause_to_string(stop->cause), stop->cause_word) == 0);
        fuzz_check(stop->has_active ==
                (stop->active_at_start != UINT64_MAX || stop->active_now != UINT64_MAX));
        (void) past_stop_drain_share(stop);
        fuzz_check_cell(past_stop_format_party(stop));
        fuzz_check_cell(past_stop_format_exit(stop));
        fuzz_check_cell(past_stop_format_unit(stop));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        JournalEntry entry = { .realtime_usec = 1, .monotonic_usec = USEC_INFINITY };
        PastStop stop, started;
        int r;

        for (size_t begin = 0; begin < size;) {
                const uint8_t *end = memchr(data + begin, '\n', size - begin);
                const size_t length = end ? (size_t) (end - data) - begin : size - begin;

                fuzz_check(journal_entry_add(&entry, data + begin, length) == 0);
                begin += length + 1;
        }
        r = past_stop_from_entry(&entry, &stop);
        fuzz_check(r == 0 || r == -EBADMSG);
        fuzz_check(past_stop_from_started(&entry, &started) == r);
        if (r == 0) {
                fuzz_check_stop(&stop);
                fuzz_check(past_stop_join(&stop, &entry) == 0);
                fuzz_check(stop.trust == started.trust); /* nobody contradicts himself */
                journal_entry_done(&entry);
                fuzz_check_stop(&stop);
                fuzz_check_stop(&started);
                past_stop_done(&stop);
                past_stop_done(&started);
        }
        journal_entry_done(&entry);
        return 0;
}
