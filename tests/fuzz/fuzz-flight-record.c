/* SPDX-License-Identifier: MIT */

/* A flight record's file. What is believed has strings that end and numbers in range. As no fuzzer finds
 * a checksum, the same bytes are also taken for a record, made sane by hand, and judged: what is made of
 * a previous run holds for any. */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "forensics/previous-run.h"
#include "fuzz.h"

#define TEXT(member) \
        { offsetof(FlightRecord, member), sizeof(((FlightRecord *) NULL)->member) }

static const struct {
        size_t offset;
        size_t size;
} texts[] = {
        TEXT(name),
        TEXT(unit),
        TEXT(signal),
        TEXT(sender_code),
        TEXT(sender_state),
        TEXT(sender_comm),
        TEXT(sender_cmdline),
        TEXT(cause),
        TEXT(cause_detail),
        TEXT(requester_comm),
        TEXT(requester_cmdline),
        TEXT(phase),
        TEXT(outcome),
        TEXT(exit_code),
        TEXT(exit_status),
        TEXT(recorded_by),
        TEXT(gateway_phase),
        TEXT(step),
};

static void fuzz_require(int condition) {
        if (!condition)
                abort();
}

static void fuzz_require_sane(const FlightRecord *record) {
        fuzz_require(record->n_phases <= FLIGHT_PHASES_MAX);
        fuzz_require(record->supervisor_pid <= INT_MAX && record->gateway_pid <= INT_MAX);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                fuzz_require(memchr((const char *) record + texts[i].offset, '\0', texts[i].size) !=
                        NULL);
        for (size_t i = 0; i < FLIGHT_PHASES_MAX; i++)
                fuzz_require(memchr(record->phases[i].name, '\0', FLIGHT_WORD_MAX) != NULL);
}

static void fuzz_make_sane(const uint8_t *data, size_t size, FlightRecord *ret_record) {
        memset(ret_record, 0, sizeof(*ret_record));
        if (size > 0)
                memcpy(ret_record, data, size < sizeof(*ret_record) ? size : sizeof(*ret_record));
        ret_record->n_phases %= FLIGHT_PHASES_MAX + 1;
        ret_record->gateway_pid &= INT_MAX;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                ((char *) ret_record)[texts[i].offset + texts[i].size - 1] = '\0';
        for (size_t i = 0; i < FLIGHT_PHASES_MAX; i++)
                ret_record->phases[i].name[FLIGHT_WORD_MAX - 1] = '\0';
}

static void fuzz_judge(const FlightRecord *record, sd_id128_t boot_id, const char *recorded_by) {
        const ServiceResult service = { .exit_code = record->exit_code,
                .exit_status = record->exit_status };
        PreviousRun previous;

        previous_run_judge(record, boot_id, 1000, 2000, &previous);
        Record *stopped = previous_run_stopped_record(&previous, recorded_by, &service);
        fuzz_require(!stopped == !previous.is_open);
        (void) record_free(stopped);
        (void) record_free(previous_run_record(&previous));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        FlightRecord record;

        int r = flight_record_parse(data, size, &record);
        if (r == 0)
                fuzz_require_sane(&record);
        else
                fuzz_require(r == -ENODATA || r == -EBADMSG);

        fuzz_make_sane(data, size, &record);
        fuzz_judge(&record, record.boot_id, "post");
        fuzz_judge(&record, SD_ID128_NULL, "next-run");
        return 0;
}
