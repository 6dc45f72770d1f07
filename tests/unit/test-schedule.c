/* SPDX-License-Identifier: MIT */

/* The grammar of stop schedules by example: what is read, and how it reads when it is written again;
 * what is refused, which part of it is shown, and which way out. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "stop/schedule.h"

#define DRAIN_USEC (60 * USEC_PER_SEC)

static int free_state(void **state) {
        free(*state);
        *state = NULL;
        return 0;
}

static void assert_schedule_equal(const Schedule *a, const Schedule *b) {
        assert_int_equal(a->n_phases, b->n_phases);
        for (size_t i = 0; i < a->n_phases; i++) {
                assert_string_equal(a->phases[i].name, b->phases[i].name);
                assert_int_equal(a->phases[i].signo, b->phases[i].signo);
                assert_int_equal(a->phases[i].target, b->phases[i].target);
                assert_true(a->phases[i].duration_usec == b->phases[i].duration_usec);
        }
}

static void test_schedule_default_has_four_phases(void **state) {
        static const Phase expected[] = {
                { "drain", SIGTERM, PHASE_TARGET_MAIN, DRAIN_USEC },
                { "interrupt", SIGINT, PHASE_TARGET_MAIN, 10 * USEC_PER_SEC },
                { "terminate", SIGTERM, PHASE_TARGET_OTHERS, 5 * USEC_PER_SEC },
                { "kill", SIGKILL, PHASE_TARGET_ALL, 5 * USEC_PER_SEC },
        };
        Schedule schedule, wanted = { .n_phases = ELEMENTSOF(expected) };

        memcpy(wanted.phases, expected, sizeof(expected));
        assert_int_equal(schedule_parse(SCHEDULE_DEFAULT, DRAIN_USEC, &schedule, NULL), 0);
        assert_schedule_equal(&schedule, &wanted);
        assert_false(schedule.is_default);
        assert_true(schedule_later_usec(&schedule) == 20 * USEC_PER_SEC);
}

static const struct {
        const char *text;
        const char *written; /* in full, as schedule_format() writes it */
} valid_rows[] = {
        { SCHEDULE_DEFAULT,
                "drain:TERM@main/1min,interrupt:INT@main/10s,terminate:TERM@others/5s,"
                "kill:KILL@all/5s" },
        { "drain:TERM,kill:KILL@all/5", "drain:TERM@main/1min,kill:KILL@all/5s" },
        { "drain:TERM/90,kill:KILL@all/5", "drain:TERM@main/1min30s,kill:KILL@all/5s" },
        { "a:sigterm/1min 30s,b:15@all/0,c:9@all/1.5s",
                "a:TERM@main/1min30s,b:TERM@all/0,c:KILL@all/1.500000s" },
        { " a:TERM/1s ,\n b:KILL@all/1s ", "a:TERM@main/1s,b:KILL@all/1s" },
        { "a:RTMIN+3/1s,b:KILL@all/1s", "a:RTMIN+3@main/1s,b:KILL@all/1s" },
        { "0-9_z:USR1@others/1s,kill:KILL@all/1us", "0-9_z:USR1@others/1s,kill:KILL@all/1us" },
        { "only:KILL@all", "only:KILL@all/1min" },
        { "only:KILL@all/0", "only:KILL@all/0" },
        { "drain:TERM/0,kill:KILL@all/0", "drain:TERM@main/0,kill:KILL@all/0" },
        { "a123456789012345678901234567890:TERM/1s,kill:KILL@all/1s",
                "a123456789012345678901234567890:TERM@main/1s,kill:KILL@all/1s" },
        { "a:TERM/1,b:TERM/1,c:TERM/1,d:TERM/1,e:TERM/1,f:TERM/1,g:TERM/1,h:TERM/1,i:TERM/1,"
          "j:TERM/1,k:TERM/1,l:TERM/1,m:TERM/1,n:TERM/1,o:TERM/1,p:KILL@all/1",
                "a:TERM@main/1s,b:TERM@main/1s,c:TERM@main/1s,d:TERM@main/1s,e:TERM@main/1s,"
                "f:TERM@main/1s,g:TERM@main/1s,h:TERM@main/1s,i:TERM@main/1s,j:TERM@main/1s,"
                "k:TERM@main/1s,l:TERM@main/1s,m:TERM@main/1s,n:TERM@main/1s,o:TERM@main/1s,"
                "p:KILL@all/1s" },

        /* start-stop-daemon's */
        { "TERM/60/INT/10/KILL/5", "drain:TERM@main/1min,int:INT@main/10s,kill:KILL@all/5s" },
        { "TERM/30/KILL/5", "drain:TERM@main/30s,kill:KILL@all/5s" },
        { "TERM/30/KILL", "drain:TERM@main/30s,kill:KILL@all/5s" },
        { "TERM/KILL", "drain:TERM@main/1min,kill:KILL@all/5s" },
        { "TERM/KILL/7", "drain:TERM@main/1min,kill:KILL@all/7s" },
        { "-TERM/30/-9/5", "drain:TERM@main/30s,kill:KILL@all/5s" },
        { "-SIGQUIT/1/SIGINT/.5/sigkill/1",
                "drain:QUIT@main/1s,int:INT@main/500ms,kill:KILL@all/1s" },
        { "TERM/1/INT/1/INT/1/INT/1/KILL/1",
                "drain:TERM@main/1s,int:INT@main/1s,int-2:INT@main/1s,int-3:INT@main/1s,"
                "kill:KILL@all/1s" },
        { "TERM/1/KILL/2/KILL/3", "drain:TERM@main/1s,kill-2:KILL@main/2s,kill:KILL@all/3s" },
        { "TERM/1/RTMIN+3/1/KILL/1",
                "drain:TERM@main/1s,rtmin-3:RTMIN+3@main/1s,kill:KILL@all/1s" },
        { "KILL", "kill:KILL@all/1min" },
        { "KILL/3", "kill:KILL@all/3s" },
};

static void test_schedule_valid_text_is_read_and_written_in_full(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(valid_rows); i++) {
                Schedule schedule, again;
                ScheduleError error = {};

                if (schedule_parse(valid_rows[i].text, DRAIN_USEC, &schedule, &error) < 0)
                        fail_msg("%s: %s: %s", valid_rows[i].text, error.part, error.fix);
                *state = schedule_format(&schedule);
                assert_non_null(*state);
                assert_string_equal(*state, valid_rows[i].written);

                /* Another drain timeout changes nothing: what was written says it all. */
                assert_int_equal(schedule_parse(*state, USEC_INFINITY, &again, NULL), 0);
                assert_schedule_equal(&schedule, &again);
                (void) free_state(state);
        }
}

static const struct {
        const char *text;
        const char *part;
        const char *fix_says; /* what the fix has to mention */
} invalid_rows[] = {
        { "", "", "at least one phase" },
        { "  ", "", "at least one phase" },
        { ",", ",", "PHASE:SIGNAL[@TARGET][/TIME]" },
        { "drain:TERM/1s,,kill:KILL@all/5s", "drain:TERM/1s,,kill:KILL@all/5s", "PHASE:SIGNAL" },
        { "drain:TERM/1s,kill:KILL@all/5s,", "drain:TERM/1s,kill:KILL@all/5s,", "PHASE:SIGNAL" },
        { "TERM@main,kill:KILL@all/5s", "TERM@main", "PHASE:SIGNAL" },
        { ":TERM,kill:KILL@all/5s", ":TERM", "name the phase" },
        { "Drain:TERM,kill:KILL@all/5s", "Drain", "a-z" },
        { "dr ain:TERM,kill:KILL@all/5s", "dr ain", "a-z" },
        { "a1234567890123456789012345678901:TERM,kill:KILL@all/5s",
                "a1234567890123456789012345678901", "at most 31" },
        { "kill:TERM,kill:KILL@all/5s", "kill", "name of its own" },
        { "foo:BAR@main,kill:KILL@all/5s", "BAR", "name a signal" },
        { "foo:@main,kill:KILL@all/5s", "foo:@main", "name a signal" },
        { "foo:,kill:KILL@all/5s", "foo:", "name a signal" },
        { "foo:0,kill:KILL@all/5s", "0", "name a signal" },
        { "foo:65,kill:KILL@all/5s", "65", "name a signal" },
        { "foo:32,kill:KILL@all/5s", "32", "name a signal" }, /* libc's own */
        { "foo:-TERM,kill:KILL@all/5s", "-TERM", "name a signal" },
        { "foo:TERM:INT,kill:KILL@all/5s", "TERM:INT", "name a signal" },
        { "foo:TERMTERMTERMTERMTERMTERMTERMTERM,kill:KILL@all/5s",
                "TERMTERMTERMTERMTERMTERMTERMTERM", "name a signal" },
        { "foo:TERM@children,kill:KILL@all/5s", "children", "main, others or all" },
        { "foo:TERM@main@all,kill:KILL@all/5s", "main@all", "main, others or all" },
        { "foo:TERM@,kill:KILL@all/5s", "foo:TERM@", "main, others or all" },
        { "foo:TERM/,kill:KILL@all/5s", "foo:TERM/", "span" },
        { "foo:TERM/10x,kill:KILL@all/5s", "10x", "span" },
        { "foo:TERM/-1,kill:KILL@all/5s", "-1", "span" },
        { "foo:TERM/10s@all,kill:KILL@all/5s", "10s@all", "span" },
        { "foo:TERM/99999999999y,kill:KILL@all/5s", "99999999999y", "span" },
        { "foo:TERM/infinity,kill:KILL@all/5s", "infinity", "finite" },
        { "foo:TERM,kill:KILL@all/infinity", "infinity", "finite" },
        { "foo:TERM,bar:INT,kill:KILL@all/5s", "bar:INT", "after the first a time" },
        { "foo:TERM,kill:KILL@all", "kill:KILL@all", "after the first a time" },
        { "foo:TERM", "foo:TERM", "end with KILL@all" },
        { "foo:TERM,bar:TERM@all/5s", "bar:TERM@all/5s", "end with KILL@all" },
        { "foo:TERM,kill:KILL/5s", "kill:KILL/5s", "end with KILL@all" },
        { "foo:TERM,kill:KILL@others/5s", "kill:KILL@others/5s", "end with KILL@all" },
        { "kill:KILL@all/5s,foo:TERM/5s", "foo:TERM/5s", "end with KILL@all" },
        { "a:TERM/1,b:TERM/1,c:TERM/1,d:TERM/1,e:TERM/1,f:TERM/1,g:TERM/1,h:TERM/1,i:TERM/1,"
          "j:TERM/1,k:TERM/1,l:TERM/1,m:TERM/1,n:TERM/1,o:TERM/1,p:TERM/1,q:KILL@all/1",
                "q:KILL@all/1", "at most 16" },

        { "/", "/", "name a signal" },
        { "TERM/60", "TERM", "end with KILL" },
        { "TERM", "TERM", "end with KILL" },
        { "60", "60", "signal before each time" },
        { "TERM/60/15/10/KILL/5", "15", "signal before each time" },
        { "TERM/60/INT/KILL/5", "INT", "after the first a time" },
        { "TERM/forever/KILL/5", "forever", "finite" },
        { "TERM/infinity/KILL/5", "infinity", "finite" },
        { "TERM/60/BAR/10/KILL/5", "BAR", "name a signal" },
        { "TERM/60/-/10/KILL/5", "-", "name a signal" },
        { "TERM/60x/KILL/5", "60x", "span" },
        { "TERM/60/KILL/5/", "TERM/60/KILL/5/", "name a signal" },
        { "TERM/1/TERM/1/TERM/1/TERM/1/TERM/1/TERM/1/TERM/1/TERM/1/TERM/1/TERM/1/TERM/1/TERM/1/"
          "TERM/1/TERM/1/TERM/1/TERM/1/KILL/1",
                "KILL", "at most 16" },
};

static void test_schedule_invalid_text_is_refused_with_part_and_fix(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(invalid_rows); i++) {
                Schedule schedule = { .n_phases = 99 };
                ScheduleError error = {};

                assert_int_equal(
                        schedule_parse(invalid_rows[i].text, DRAIN_USEC, &schedule, &error),
                        -EINVAL);
                assert_string_equal(error.part, invalid_rows[i].part);
                assert_non_null(error.fix);
                if (!strstr(error.fix, invalid_rows[i].fix_says))
                        fail_msg("%s: %s", invalid_rows[i].text, error.fix);
                assert_int_equal(schedule.n_phases, 99); /* written only on success */
        }
}

static void test_schedule_infinite_drain_is_refused_unless_unused(void **state) {
        Schedule schedule;
        ScheduleError error = {};

        assert_int_equal(
                schedule_parse("a:TERM,b:KILL@all/1s", USEC_INFINITY, &schedule, &error), -EINVAL);
        assert_string_equal(error.part, "a:TERM");
        assert_non_null(strstr(error.fix, "drain timeout"));
        assert_int_equal(
                schedule_parse("a:TERM/1s,b:KILL@all/1s", USEC_INFINITY, &schedule, NULL), 0);
        assert_true(schedule.phases[0].duration_usec == USEC_PER_SEC);
}

static void test_schedule_error_part_too_long_is_cut_between_characters(void **state) {
        char text[256];
        Schedule schedule;
        ScheduleError error;

        /* 126 bytes, then a character of two that would straddle the end. */
        memset(text, 'x', 126);
        (void) strcpy(text + 126, "\303\274yyy,kill:KILL@all/5s");
        assert_int_equal(schedule_parse(text, DRAIN_USEC, &schedule, &error), -EINVAL);
        assert_int_equal(strlen(error.part), 126);
        assert_int_equal(error.part[125], 'x');
}

static void test_schedule_error_part_with_control_characters_stays_one_line(void **state) {
        Schedule schedule;
        ScheduleError error;

        assert_int_equal(
                schedule_parse("foo:B\nA\033R,kill:KILL@all/5s", DRAIN_USEC, &schedule, &error),
                -EINVAL);
        assert_string_equal(error.part, "B?A?R");
}

static void test_schedule_headroom_fits_from_later_phases_and_reserve_on(void **state) {
        Schedule schedule;

        assert_int_equal(schedule_parse(SCHEDULE_DEFAULT, DRAIN_USEC, &schedule, NULL), 0);
        assert_true(schedule_fits_headroom(&schedule, 22 * USEC_PER_SEC));
        assert_false(schedule_fits_headroom(&schedule, 22 * USEC_PER_SEC - 1));
        assert_true(schedule_fits_headroom(&schedule, USEC_INFINITY));

        /* A sum that does not fit into 64 bits fits into no finite headroom. */
        schedule.phases[1].duration_usec = USEC_INFINITY - 1;
        assert_true(schedule_later_usec(&schedule) == USEC_INFINITY);
        assert_false(schedule_fits_headroom(&schedule, USEC_INFINITY - 1));
}

static void test_phase_target_names_round_trip(void **state) {
        for (PhaseTarget target = 0; target < _PHASE_TARGET_MAX; target++)
                assert_int_equal(phase_target_from_string(phase_target_to_string(target)), target);
        assert_int_equal(phase_target_from_string("main "), _PHASE_TARGET_INVALID);
        assert_int_equal(phase_target_from_string(""), _PHASE_TARGET_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_schedule_default_has_four_phases),
                cmocka_unit_test_teardown(
                        test_schedule_valid_text_is_read_and_written_in_full, free_state),
                cmocka_unit_test(test_schedule_invalid_text_is_refused_with_part_and_fix),
                cmocka_unit_test(test_schedule_infinite_drain_is_refused_unless_unused),
                cmocka_unit_test(test_schedule_error_part_too_long_is_cut_between_characters),
                cmocka_unit_test(test_schedule_error_part_with_control_characters_stays_one_line),
                cmocka_unit_test(test_schedule_headroom_fits_from_later_phases_and_reserve_on),
                cmocka_unit_test(test_phase_target_names_round_trip),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
