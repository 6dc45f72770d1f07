/* SPDX-License-Identifier: MIT */

/* Two copies of one struct in a file, each in a page of its own:
 *
 *   0     FlightCopy with an even number
 *   4096  FlightCopy with an odd number
 *
 * The greater number that can be believed counts. Believed is what has our magic, a version that we know and
 * its size, a checksum that is right, its number in its own place, and nothing out of range. The layout is the
 * compiler's: the file is read on the machine that wrote it, and another layout is another version.
 *
 * Version 1 is the beginning of version 2. A machine is upgraded while gateways run: the next run still has to
 * know how the one before ended. A later version only appends, or is another magic.
 *
 * The checksum (FNV-1a) is for torn writes and for garbage, not against forgers: who can write here can
 * write anything. */

#include "flight-record.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#define FLIGHT_MAGIC       "gwflight"
#define FLIGHT_MAGIC_BYTES (sizeof(FLIGHT_MAGIC) - 1)
#define FLIGHT_HEAD_BYTES  offsetof(FlightCopy, record)

#define FLIGHT_VERSION_1       1U
#define FLIGHT_VERSION_1_BYTES offsetof(FlightRecord, heartbeat_at_usec)

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

static_assert(sizeof(FlightCopy) <= FLIGHT_COPY_BYTES, "two copies must fit into the file");
static_assert(sizeof(FlightPhase) == FLIGHT_WORD_MAX + 16, "a phase has no padding");
static_assert(FLIGHT_VERSION_1_BYTES == 3264, "version 1 stays what it was");
static_assert(sizeof(FlightRecord) == 3568, "another layout is another FLIGHT_RECORD_VERSION");

static uint64_t flight_copy_checksum(const FlightCopy *copy, size_t record_bytes) {
        const unsigned char *byte = (const unsigned char *) copy + sizeof(copy->checksum);
        const unsigned char *end = (const unsigned char *) copy + FLIGHT_HEAD_BYTES + record_bytes;
        uint64_t hash = FNV_OFFSET;

        for (; byte < end; byte++)
                hash = (hash ^ *byte) * FNV_PRIME;
        return hash;
}

void flight_copy_init(FlightCopy *copy, const FlightRecord *record, uint64_t number) {
        assert(flight_record_is_in_range(record));
        assert(number > 0);

        memset(copy, 0, sizeof(*copy));
        memcpy(copy->magic, FLIGHT_MAGIC, FLIGHT_MAGIC_BYTES);
        copy->version = FLIGHT_RECORD_VERSION;
        copy->size_bytes = sizeof(FlightRecord);
        copy->number = number;
        memcpy(&copy->record, record, sizeof(copy->record));
        copy->checksum = flight_copy_checksum(copy, sizeof(FlightRecord));
}

#define FLIGHT_TERMINATE(text) ((text)[sizeof(text) - 1] = '\0')

static void flight_record_terminate(FlightRecord *record) {
        FLIGHT_TERMINATE(record->name);
        FLIGHT_TERMINATE(record->unit);
        FLIGHT_TERMINATE(record->signal);
        FLIGHT_TERMINATE(record->sender_code);
        FLIGHT_TERMINATE(record->sender_state);
        FLIGHT_TERMINATE(record->sender_comm);
        FLIGHT_TERMINATE(record->sender_cmdline);
        FLIGHT_TERMINATE(record->cause);
        FLIGHT_TERMINATE(record->cause_detail);
        FLIGHT_TERMINATE(record->requester_comm);
        FLIGHT_TERMINATE(record->requester_cmdline);
        FLIGHT_TERMINATE(record->phase);
        FLIGHT_TERMINATE(record->outcome);
        FLIGHT_TERMINATE(record->exit_code);
        FLIGHT_TERMINATE(record->exit_status);
        FLIGHT_TERMINATE(record->recorded_by);
        FLIGHT_TERMINATE(record->gateway_phase);
        FLIGHT_TERMINATE(record->step);
        for (size_t i = 0; i < FLIGHT_PHASES_MAX; i++)
                FLIGHT_TERMINATE(record->phases[i].name);
}

bool flight_record_is_in_range(const FlightRecord *record) {
        for (size_t i = 0; i < FLIGHT_PHASES_MAX; i++)
                if (record->phases[i].is_timed_out > 1)
                        return false;
        return record->n_phases <= FLIGHT_PHASES_MAX && record->is_ready <= 1 &&
                record->is_active_known <= 1 && record->supervisor_pid <= INT_MAX &&
                record->gateway_pid <= INT_MAX && record->sender_pid <= INT_MAX &&
                record->requester_pid <= INT_MAX;
}

/* Returns: the size of a record of that version; 0: it is not known here. */
static size_t flight_version_bytes(uint32_t version) {
        if (version == FLIGHT_RECORD_VERSION)
                return sizeof(FlightRecord);
        return version == FLIGHT_VERSION_1 ? FLIGHT_VERSION_1_BYTES : 0;
}

/* place: 0 or 1. Returns: whether what stands there is believed, and is in *ret_copy. */
static bool flight_copy_load(const void *data, size_t size, size_t place, FlightCopy *ret_copy) {
        const size_t offset = place * FLIGHT_COPY_BYTES;
        size_t record_bytes;

        memset(ret_copy, 0, sizeof(*ret_copy));
        if (size < offset + FLIGHT_HEAD_BYTES)
                return false;
        /* The data may be unaligned. */
        memcpy(ret_copy, (const char *) data + offset, FLIGHT_HEAD_BYTES);
        record_bytes = flight_version_bytes(ret_copy->version);
        if (memcmp(ret_copy->magic, FLIGHT_MAGIC, FLIGHT_MAGIC_BYTES) != 0 || record_bytes == 0 ||
                ret_copy->size_bytes != record_bytes ||
                size < offset + FLIGHT_HEAD_BYTES + record_bytes)
                return false;
        memcpy(&ret_copy->record, (const char *) data + offset + FLIGHT_HEAD_BYTES, record_bytes);
        return ret_copy->number > 0 && ret_copy->number < UINT64_MAX &&
                ret_copy->number % FLIGHT_COPIES == place &&
                ret_copy->checksum == flight_copy_checksum(ret_copy, record_bytes) &&
                flight_record_is_in_range(&ret_copy->record);
}

static bool flight_data_is_blank(const unsigned char *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (data[i] != 0)
                        return false;
        return true;
}

int flight_copy_find(const void *data, size_t size, FlightCopy *ret_copy) {
        FlightCopy copy;
        bool has_copy = false;

        assert(data || size == 0);
        assert(ret_copy);

        for (size_t place = 0; place < FLIGHT_COPIES; place++) {
                if (!flight_copy_load(data, size, place, &copy) ||
                        (has_copy && copy.number <= ret_copy->number))
                        continue;
                *ret_copy = copy;
                has_copy = true;
        }
        if (!has_copy)
                return flight_data_is_blank(data, size) ? -ENODATA : -EBADMSG;
        flight_record_terminate(&ret_copy->record);
        return 0;
}

int flight_record_parse(const void *data, size_t size, FlightRecord *ret_record) {
        FlightCopy copy;

        assert(ret_record);

        int r = flight_copy_find(data, size, &copy);
        if (r < 0)
                return r;
        *ret_record = copy.record;
        return 0;
}
