/* SPDX-License-Identifier: MIT */

/* What is believed of a flight record's file: altered, torn, cut, exchanged, out of range. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flight-fixture.h"

/* Every byte of the newer copy is altered in turn: the older one counts then. */
static void test_flight_record_altered_copy_gives_the_other(void **state) {
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES];
        size_t used_bytes = HEAD_BYTES + sizeof(FlightRecord);
        FlightRecord record;

        open_again(flight);
        write_number(flight, 5);
        for (uint32_t n = 6; n < 8; n++) {
                write_number(flight, n);
                read_whole(data);
                char *copy = data + (n % 2 == 0 ? 0 : COPY_BYTES);
                for (size_t i = 0; i < used_bytes; i++) {
                        copy[i] = (char) (copy[i] ^ (1 << (i % 8)));
                        assert_int_equal(flight_record_parse(data, sizeof(data), &record), 0);
                        if (number_of(&record) != n - 1)
                                print_error("byte %zu\n", i);
                        assert_int_equal(number_of(&record), n - 1);
                        copy[i] = (char) (copy[i] ^ (1 << (i % 8)));
                }
                assert_int_equal(flight_record_parse(data, sizeof(data), &record), 0);
                assert_int_equal(number_of(&record), n);
        }
}

/* A copy that was written only up to some byte, over the one before the last. */
static void test_flight_record_torn_copy_gives_the_other(void **state) {
        Flight *flight = *state;
        char before[FLIGHT_RECORD_BYTES], after[FLIGHT_RECORD_BYTES], torn[FLIGHT_RECORD_BYTES];
        FlightRecord record;

        open_again(flight);
        for (uint32_t n = 1; n < 4; n++)
                write_number(flight, n * 1111111);
        read_whole(before);
        write_number(flight, 4 * 1111111);
        read_whole(after);

        bool is_newer = false;
        for (size_t size = 0; size <= COPY_BYTES; size++) {
                memcpy(torn, before, sizeof(torn));
                memcpy(torn, after, size); /* the fourth lies in front */
                assert_int_equal(flight_record_parse(torn, sizeof(torn), &record), 0);
                uint32_t n = number_of(&record);
                assert_int_equal(n, is_newer || n == 4444444 ? 4444444 : 3333333);
                is_newer = n == 4444444;
        }
        assert_true(is_newer);
}

static void test_flight_record_truncated_gives_what_is_whole(void **state) {
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES];
        size_t used_bytes = HEAD_BYTES + sizeof(FlightRecord);
        FlightRecord record;

        open_again(flight);
        write_number(flight, 1);
        write_number(flight, 2);
        write_number(flight, 3);
        read_whole(data);
        for (size_t size = 0; size <= sizeof(data); size++) {
                /* On the heap, so that a sanitizer sees what is read beyond it. */
                char *part = malloc(size);
                if (size > 0)
                        memcpy(part, data, size);
                int r = flight_record_parse(part, size, &record);
                free(part);
                if (size < used_bytes)
                        assert_int_equal(r, size == 0 ? -ENODATA : -EBADMSG);
                else {
                        assert_int_equal(r, 0);
                        assert_int_equal(
                                number_of(&record), size < COPY_BYTES + used_bytes ? 2 : 3);
                }
        }
}

static void test_flight_record_copies_exchanged_are_refused(void **state) {
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES], exchanged[FLIGHT_RECORD_BYTES];
        FlightRecord record;

        open_again(flight);
        write_number(flight, 1);
        write_number(flight, 2);
        read_whole(data);
        memcpy(exchanged, data + COPY_BYTES, COPY_BYTES);
        memcpy(exchanged + COPY_BYTES, data, COPY_BYTES);
        assert_int_equal(flight_record_parse(exchanged, sizeof(exchanged), &record), -EBADMSG);
}

/* With a checksum that is right. offset: within the copy. */
static int parse_altered(
        const char *data, size_t offset, const void *value, size_t size, FlightRecord *record) {
        char altered[FLIGHT_RECORD_BYTES];

        memcpy(altered, data, sizeof(altered));
        memcpy(altered + COPY_BYTES + offset, value, size);
        uint64_t checksum = checksum_of(altered + COPY_BYTES, sizeof(FlightRecord));
        memcpy(altered + COPY_BYTES, &checksum, sizeof(checksum));
        return flight_record_parse(altered, sizeof(altered), record);
}

#define AT(member) (HEAD_BYTES + offsetof(FlightRecord, member))

static void test_flight_record_out_of_range_is_refused(void **state) {
        static const uint64_t large = FLIGHT_PHASES_MAX + 1, two = 2, zero = 0, last = UINT64_MAX;
        static const uint32_t negative = UINT32_C(0x80000000), later = 3, version_1 = 1, size = 1,
                              size_1 = VERSION_1_BYTES;
        static const struct {
                size_t offset;
                const void *value;
                size_t size;
        } rows[] = {
                { AT(n_phases), &large, 8 },
                { AT(n_phases), &last, 8 },
                { AT(is_ready), &two, 8 },
                { AT(phases[15].is_timed_out), &two, 8 },
                { AT(supervisor_pid), &negative, 4 },
                { AT(gateway_pid), &negative, 4 },
                { AT(sender_pid), &negative, 4 },
                { AT(requester_pid), &negative, 4 },
                { AT(is_active_known), &two, 8 },
                { 16, &later, 4 },
                { 16, &version_1, 4 }, /* of another size */
                { 20, &size, 4 },
                { 20, &size_1, 4 },
                { 24, &zero, 8 },
                { 24, &two, 8 }, /* in the odd place */
                { 24, &last, 8 },
        };
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES];
        FlightRecord record;

        open_again(flight);
        write_number(flight, 1);
        read_whole(data);
        assert_int_equal(parse_altered(data, AT(sender_uid), &negative, 4, &record), 0);
        assert_int_equal(record.sender_uid, negative);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int r = parse_altered(data, rows[i].offset, rows[i].value, rows[i].size, &record);
                if (r != -EBADMSG)
                        print_error("row %zu\n", i);
                assert_int_equal(r, -EBADMSG);
        }
}

static void test_flight_record_version_1_lacks_what_it_did_not_know(void **state) {
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES];
        FlightRecord record;

        open_again(flight);
        write_number(flight, 1);
        write_number(flight, 2);
        read_whole(data);
        make_version_1(data);
        assert_int_equal(flight_record_parse(data, sizeof(data), &record), 0);
        assert_int_equal(version_1_number_of(&record), 2);

        /* Also behind the newer version, and with nothing behind it. */
        make_version_1(data + COPY_BYTES);
        assert_int_equal(flight_record_parse(data, HEAD_BYTES + VERSION_1_BYTES, &record), 0);
        assert_int_equal(version_1_number_of(&record), 2);
        assert_int_equal(
                flight_record_parse(data, HEAD_BYTES + VERSION_1_BYTES - 1, &record), -EBADMSG);
        data[HEAD_BYTES + VERSION_1_BYTES - 1] ^= 1;
        assert_int_equal(flight_record_parse(data, sizeof(data), &record), 0);
        assert_int_equal(version_1_number_of(&record), 1);
}

static void test_flight_record_newest_counts_whatever_its_version(void **state) {
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES], before[FLIGHT_RECORD_BYTES];
        FlightRecord record;

        open_again(flight);
        write_number(flight, 1);
        write_number(flight, 2);
        read_whole(before);
        memcpy(data, before, sizeof(data));
        make_version_1(data); /* the second lies in front */
        assert_int_equal(flight_record_parse(data, sizeof(data), &record), 0);
        assert_int_equal(version_1_number_of(&record), 2);
        memcpy(data, before, sizeof(data));
        make_version_1(data + COPY_BYTES);
        assert_int_equal(flight_record_parse(data, sizeof(data), &record), 0);
        assert_int_equal(number_of(&record), 2);
}

static void test_flight_record_strings_are_terminated(void **state) {
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES], full[sizeof(FlightRecord)];
        FlightRecord record;

#define assert_terminated(member)                                                                  \
        do {                                                                                       \
                assert_int_equal(                                                                  \
                        parse_altered(data, AT(member), full, sizeof(record.member), &record), 0); \
                assert_int_equal(                                                                  \
                        strnlen(record.member, sizeof(record.member)), sizeof(record.member) - 1); \
        } while (0)

        open_again(flight);
        write_number(flight, 1);
        read_whole(data);
        memset(full, 'x', sizeof(full));
        assert_terminated(name);
        assert_terminated(unit);
        assert_terminated(signal);
        assert_terminated(sender_code);
        assert_terminated(sender_state);
        assert_terminated(sender_comm);
        assert_terminated(sender_cmdline);
        assert_terminated(cause);
        assert_terminated(cause_detail);
        assert_terminated(requester_comm);
        assert_terminated(requester_cmdline);
        assert_terminated(phase);
        assert_terminated(phases[0].name);
        assert_terminated(phases[15].name);
        assert_terminated(outcome);
        assert_terminated(exit_code);
        assert_terminated(exit_status);
        assert_terminated(recorded_by);
        assert_terminated(gateway_phase);
        assert_terminated(step);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                flight_test(test_flight_record_altered_copy_gives_the_other),
                flight_test(test_flight_record_torn_copy_gives_the_other),
                flight_test(test_flight_record_truncated_gives_what_is_whole),
                flight_test(test_flight_record_copies_exchanged_are_refused),
                flight_test(test_flight_record_out_of_range_is_refused),
                flight_test(test_flight_record_version_1_lacks_what_it_did_not_know),
                flight_test(test_flight_record_newest_counts_whatever_its_version),
                flight_test(test_flight_record_strings_are_terminated),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
