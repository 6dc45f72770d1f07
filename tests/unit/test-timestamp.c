/* SPDX-License-Identifier: MIT */

/* Instants of a command line. The rows of the table are what systemd-analyze(1) timestamp of systemd 252 makes
 * of the text, but for those that are marked; 2,000 texts made up by a generator are put to the one that is
 * installed here, where there is one. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "timestamp.h"

#define SECOND(n) ((n) *USEC_PER_SEC)

/* 2012-11-23 18:15:22.5 of a zone 8 hours east of UTC: the moment of the manual page's examples. */
#define NOW (SECOND(1353665722) + 500000)

#define ZONE_EAST   "CST-8"
#define ZONE_EUROPE "CET-1CEST,M3.5.0,M10.5.0/3" /* needs no timezone database */

typedef struct TimestampRow {
        const char *zone, *text;
        int result;
        usec_t usec;
} TimestampRow;

static const TimestampRow rows[] = {
        /* Of the manual page. */
        { ZONE_EAST, "Fri 2012-11-23 11:12:13", 0, SECOND(1353640333) },
        { ZONE_EAST, "2012-11-23 11:12:13", 0, SECOND(1353640333) },
        { ZONE_EAST, "2012-11-23 11:12:13 UTC", 0, SECOND(1353669133) },
        { ZONE_EAST, "2012-11-23", 0, SECOND(1353600000) },
        { ZONE_EAST, "12-11-23", 0, SECOND(1353600000) },
        { ZONE_EAST, "11:12:13", 0, SECOND(1353640333) },
        { ZONE_EAST, "11:12", 0, SECOND(1353640320) },
        { ZONE_EAST, "now", 0, NOW },
        { ZONE_EAST, "today", 0, SECOND(1353600000) },
        { ZONE_EAST, "today UTC", 0, SECOND(1353628800) },
        { ZONE_EAST, "yesterday", 0, SECOND(1353513600) },
        { ZONE_EAST, "tomorrow", 0, SECOND(1353686400) },
        { ZONE_EAST, "+3h30min", 0, NOW + SECOND(12600) },
        { ZONE_EAST, "-5s", 0, NOW - SECOND(5) },
        { ZONE_EAST, "11min ago", 0, NOW - SECOND(660) },
        { ZONE_EAST, "11min left", 0, NOW + SECOND(660) },
        { ZONE_EAST, "2 months 5 days ago", 0, NOW - 2 * USEC_PER_MONTH - 5 * USEC_PER_DAY },
        { ZONE_EAST, "@1395716396", 0, SECOND(1395716396) },
        { ZONE_EAST, "2014-03-25 03:59:56.654563 UTC", 0, SECOND(1395719996) + 654563 },
        /* Fractions: as many digits as there are, the seventh rounds. */
        { "UTC", "2014-03-25 03:59:56.5", 0, SECOND(1395719996) + 500000 },
        { "UTC", "2014-03-25 03:59:56.000001", 0, SECOND(1395719996) + 1 },
        { "UTC", "2014-03-25 03:59:56.1234564", 0, SECOND(1395719996) + 123456 },
        { "UTC", "2014-03-25 03:59:56.12345659", 0, SECOND(1395719996) + 123457 },
        { "UTC", "2014-03-25 03:59:56.9999999", 0, SECOND(1395719997) },
        { "UTC", "03:59:56.25", 0, SECOND(1353643196) + 250000 },
        { "UTC", "2014-03-25 03:59:56.", -EINVAL, 0 },
        { "UTC", "2014-03-25 03:59:56.5s", -EINVAL, 0 },
        { "UTC", "2014-03-25 03:59.5", -EINVAL, 0 },
        { "UTC", "2014-03-25.5", -EINVAL, 0 },
        { "UTC", "@1.5", 0, 1500000 },
        /* Weekdays. */
        { "UTC", "Friday 2012-11-23", 0, SECOND(1353628800) },
        { "UTC", "fRI 2012-11-23", 0, SECOND(1353628800) },
        { "UTC", "fri 18:00", 0, SECOND(1353693600) },
        { "UTC", "Thu 2012-11-23", -EINVAL, 0 },
        { "UTC", "thu 18:00", -EINVAL, 0 },
        { "UTC", "Frid 2012-11-23", -EINVAL, 0 },
        { "UTC", "Freitag 2012-11-23", -EINVAL, 0 },
        { "UTC", "Fri", -EINVAL, 0 },
        { "UTC", "Fri today", -EINVAL, 0 },
        { "UTC", "Fri2012-11-23", -EINVAL, 0 },
        /* Years. */
        { "UTC", "99-01-01", 0, SECOND(915148800) },
        { "UTC", "70-01-02", 0, SECOND(86400) },
        { "UTC", "68-01-01", 0, SECOND(3092601600) },
        { "UTC", "69-01-01", -ERANGE, 0 },
        { "UTC", "3-1-2", 0, SECOND(1041465600) },
        { "UTC", "1969-12-31 23:59:59", -ERANGE, 0 },
        { "UTC", "1970-01-01", 0, 0 },
        { "UTC", "123-01-01", -ERANGE, 0 },
        { "UTC", "9999-12-30 23:59:59", 0, SECOND(253402214399) },
        { "UTC", "9999-12-30 23:59:59.5", -ERANGE, 0 },
        { "UTC", "9999-12-31", -ERANGE, 0 },
        { "UTC", "10000-01-01", -EINVAL, 0 },
        { ZONE_EAST, "1970-01-01 07:59:59", -ERANGE, 0 },
        { ZONE_EAST, "1970-01-01 08:00:00", 0, 0 },
        /* Leap years, and dates that are none: systemd makes 2 March of them. */
        { "UTC", "2012-02-29", 0, SECOND(1330473600) },
        { "UTC", "2000-02-29", 0, SECOND(951782400) },
        { "UTC", "2012-02-30", -ERANGE, 0 },
        { "UTC", "2013-02-29", -ERANGE, 0 },
        { "UTC", "2100-02-29", -ERANGE, 0 },
        { "UTC", "2012-04-31 10:00", -ERANGE, 0 },
        { "UTC", "2012-04-32", -EINVAL, 0 },
        { "UTC", "2012-13-01", -EINVAL, 0 },
        { "UTC", "2012-00-01", -EINVAL, 0 },
        { "UTC", "2012-01-00", -EINVAL, 0 },
        /* Times: a leap second is the next minute's first. */
        { "UTC", "2012-06-30 23:59:60", 0, SECOND(1341100800) },
        { "UTC", "2012-06-30 24:00", -EINVAL, 0 },
        { "UTC", "2012-06-30 23:60", -EINVAL, 0 },
        { "UTC", "2012-06-30 23", -EINVAL, 0 },
        { "UTC", "23:59:62", -EINVAL, 0 },
        /* Lenient where systemd is, and no further. */
        { "UTC", "  2012-11-23", 0, SECOND(1353628800) },
        { "UTC", "2012-11-2311:12", 0, SECOND(1353669120) },
        { "UTC", "2012-11-23   11:12", 0, SECOND(1353669120) },
        { "UTC", "Nov 23 11:12:13", 0, SECOND(1353669133) },
        { "UTC", "Nov 23 11:12", -EINVAL, 0 },
        { "UTC", "2012-11-23 ", -EINVAL, 0 },
        { "UTC", "2012-11-23 11:12 x", -EINVAL, 0 },
        { "UTC", "2012/11/23", -EINVAL, 0 },
        { "UTC", "23.11.2012", -EINVAL, 0 },
        { "UTC", "Today", -EINVAL, 0 },
        { "UTC", " today", -EINVAL, 0 },
        { "UTC", "now ", -EINVAL, 0 },
        { "UTC", "", -EINVAL, 0 },
        { "UTC", " ", -EINVAL, 0 },
        { "UTC", "UTC", -EINVAL, 0 },
        { "UTC", " UTC", -EINVAL, 0 },
        { "UTC", "Z", -EINVAL, 0 },
        { "UTC", "12", -EINVAL, 0 },
        /* Spans. */
        { "UTC", "@0", 0, 0 },
        { "UTC", "@1h", 0, SECOND(3600) },
        { "UTC", "@", -EINVAL, 0 },
        { "UTC", "@-5", -EINVAL, 0 },
        { "UTC", "@5 UTC", -EINVAL, 0 },
        { "UTC", "@infinity", -ERANGE, 0 },
        { "UTC", "@99999999999999", -ERANGE, 0 },
        { "UTC", "+", -EINVAL, 0 },
        { "UTC", "+5min UTC", -EINVAL, 0 },
        { "UTC", "+5min -3", -EINVAL, 0 },
        { "UTC", "+infinity", -ERANGE, 0 },
        { "UTC", "-infinity", -ERANGE, 0 },
        { "UTC", "-90y", -ERANGE, 0 },
        { "UTC", "+9000y", -ERANGE, 0 },
        { "UTC", "5", -EINVAL, 0 },
        { "UTC", "5min", -EINVAL, 0 },
        { "UTC", "5min  ago", 0, NOW - SECOND(300) },
        { "UTC", "5minago", -EINVAL, 0 },
        { "UTC", "ago", -EINVAL, 0 },
        { "UTC", " ago", -EINVAL, 0 },
        { "UTC", "now UTC", -EINVAL, 0 },
        /* Zones without a database. */
        { ZONE_EAST, "2012-11-23 11:12 utc", 0, SECOND(1353669120) },
        { ZONE_EAST, "2012-11-23 11:12 CST", 0, SECOND(1353640320) },
        { ZONE_EUROPE, "2026-10-25 02:30 CEST", 0, SECOND(1792888200) },
        { ZONE_EUROPE, "2026-10-25 02:30 cest", 0, SECOND(1792888200) },
        { ZONE_EAST, "2026-10-25 02:30 CEST", -EINVAL, 0 },
        { ZONE_EAST, "2026-10-25 02:30 Europe/Nowhere", -EINVAL, 0 },
        { ZONE_EAST, "2026-10-25 02:30 ../zoneinfo/UTC", -EINVAL, 0 },
        { ZONE_EAST, "2026-10-25 02:30 /etc/localtime", -EINVAL, 0 },
        { ZONE_EAST, "2026-10-25 02:30 Europe/", -EINVAL, 0 },
        { ZONE_EAST, "2026-10-25 02:30 Europe", -EINVAL, 0 },
        /* Clock changes: an hour that is not there is shifted, one that is there twice is the first. */
        { ZONE_EUROPE, "2026-03-29 01:59:59", 0, SECOND(1774745999) },
        { ZONE_EUROPE, "2026-03-29 02:30", 0, SECOND(1774747800) },
        { ZONE_EUROPE, "2026-03-29 03:00", 0, SECOND(1774746000) },
        { ZONE_EUROPE, "2026-10-25 02:30", 0, SECOND(1792888200) },
        { ZONE_EUROPE, "2026-10-25 01:59:59", 0, SECOND(1792886399) },
        { ZONE_EUROPE, "2026-10-25 03:00", 0, SECOND(1792893600) },
        { ZONE_EUROPE, "2026-10-25", 0, SECOND(1792879200) },
        { ZONE_EUROPE, "2026-10-26", 0, SECOND(1792969200) },
        /* What systemd takes since 254. */
        { ZONE_EAST, "2012-11-23T11:12:13", 0, SECOND(1353640333) },
        { ZONE_EAST, "2012-11-23T11:12", 0, SECOND(1353640320) },
        { ZONE_EAST, "2012-11-23T11:12:13Z", 0, SECOND(1353669133) },
        { ZONE_EAST, "2012-11-23T11:12:13.5Z", 0, SECOND(1353669133) + 500000 },
        { ZONE_EAST, "2012-11-23 11:12:13 Z", 0, SECOND(1353669133) },
        { ZONE_EAST, "2012-11-23T11:12:13+02:00", 0, SECOND(1353661933) },
        { ZONE_EAST, "2012-11-23 11:12:13.5-03:30", 0, SECOND(1353681733) + 500000 },
        { ZONE_EAST, "2012-11-23 11:12:13 +02:00", 0, SECOND(1353661933) },
        { ZONE_EAST, "2012-11-23 11:12:13 -0330", 0, SECOND(1353681733) },
        { ZONE_EAST, "2012-11-23 11:12:13 +02", 0, SECOND(1353661933) },
        { ZONE_EAST, "11:12 +02:00", 0, SECOND(1353661920) },
        { ZONE_EAST, "Fri 2012-11-23T11:12:13Z", 0, SECOND(1353669133) },
        { ZONE_EAST, "today Z", 0, SECOND(1353628800) },
        { ZONE_EAST, "1969-12-31T23:00:00-06:00", 0, SECOND(18000) },
        { ZONE_EAST, "2012-11-23 11:12:13 +25:00", -EINVAL, 0 },
        { ZONE_EAST, "2012-11-23 11:12:13 +02:60", -EINVAL, 0 },
        { ZONE_EAST, "2012-11-23 11:12:13 +2", -EINVAL, 0 },
        { ZONE_EAST, "2012-11-23T11:12:13z", -EINVAL, 0 },
        { ZONE_EAST, "now Z", -EINVAL, 0 },
};

/* Those that need /usr/share/zoneinfo. */
static const TimestampRow database_rows[] = {
        { ZONE_EAST, "2012-11-23 11:12:13 Europe/Berlin", 0, SECOND(1353665533) },
        { ZONE_EAST, "tomorrow Pacific/Auckland", 0, SECOND(1353668400) },
        { ZONE_EAST, "18:15 America/New_York", 0, SECOND(1353712500) },
        { ZONE_EAST, "2026-03-29 02:30 Europe/Berlin", 0, SECOND(1774747800) },
        { ZONE_EAST, "2026-07-01 10:00 Asia/Kolkata", 0, SECOND(1782880200) },
        { ZONE_EAST, "2026-07-01 10:00 Europe/Berlin", 0, SECOND(1782892800) },
        { ZONE_EAST, "2026-07-01 10:00 CET", 0, SECOND(1782896400) }, /* of its winter clock */
        { ZONE_EAST, "2026-02-30 Europe/Berlin", -ERANGE, 0 },
        { ZONE_EAST, "now Europe/Berlin", -EINVAL, 0 },
        { ZONE_EAST, "-5s Europe/Berlin", -EINVAL, 0 },
        { ZONE_EAST, "Thu 2012-11-23 Europe/Berlin", -EINVAL, 0 },
};

static bool has_database(void) {
        return access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0 &&
                access("/usr/share/zoneinfo/Asia/Kolkata", R_OK) == 0 &&
                access("/usr/share/zoneinfo/America/New_York", R_OK) == 0 &&
                access("/usr/share/zoneinfo/Pacific/Auckland", R_OK) == 0 &&
                access("/usr/share/zoneinfo/CET", R_OK) == 0;
}

static void set_zone(const char *zone) {
        assert_int_equal(zone ? setenv("TZ", zone, 1) : unsetenv("TZ"), 0);
        tzset();
}

static int teardown(void **state _unused_) {
        set_zone(NULL);
        return 0;
}

static void check_rows(const TimestampRow *list, size_t n) {
        for (size_t i = 0; i < n; i++) {
                usec_t usec = 4711;

                set_zone(list[i].zone);
                int r = timestamp_parse(list[i].text, NOW, &usec);
                if (r != list[i].result || usec != (r < 0 ? 4711 : list[i].usec))
                        fail_msg("'%s': %i, %" USEC_FMT, list[i].text, r, usec);
                assert_string_equal(getenv("TZ"), list[i].zone);
        }
}

static void test_timestamp_parse_text_means_what_systemd_makes_of_it(void **state _unused_) {
        check_rows(rows, ELEMENTSOF(rows));
}

static void test_timestamp_parse_zone_of_the_database_is_read(void **state _unused_) {
        if (!has_database())
                skip();
        check_rows(database_rows, ELEMENTSOF(database_rows));
}

static void test_timestamp_parse_zone_leaves_no_trace(void **state _unused_) {
        usec_t usec;

        if (!has_database())
                skip();
        set_zone(NULL);
        const long before = timezone;
        assert_int_equal(timestamp_parse("2026-07-01 10:00 Asia/Kolkata", NOW, &usec), 0);
        assert_null(getenv("TZ"));
        assert_int_equal(timezone, before);
        set_zone(ZONE_EAST);
        assert_int_equal(timestamp_parse("2026-13-01 10:00 Asia/Kolkata", NOW, &usec), -EINVAL);
        assert_string_equal(getenv("TZ"), ZONE_EAST);
        assert_string_equal(tzname[0], "CST");
}

/* ---- Against systemd ------------------------------------------------------------------------- */

#define BATCH_TEXTS 500
#define BATCH_BYTES 96

typedef struct Batch {
        uint64_t random;
        char texts[BATCH_TEXTS][BATCH_BYTES];
        bool is_refused[BATCH_TEXTS];
        usec_t usec[BATCH_TEXTS];
} Batch;

static unsigned batch_roll(Batch *batch, unsigned n) {
        batch->random ^= batch->random << 13;
        batch->random ^= batch->random >> 7;
        batch->random ^= batch->random << 17;
        return (unsigned) ((batch->random >> 20) % n);
}

static const char *batch_pick(Batch *batch, const char *const words[], unsigned n) {
        return words[batch_roll(batch, n)];
}
#define PICK(batch, ...)                                        \
        batch_pick(batch, (const char *const[]){ __VA_ARGS__ }, \
                ELEMENTSOF(((const char *const[]){ __VA_ARGS__ })))

static void batch_make_date(Batch *batch, char *text, size_t size) {
        const unsigned year =
                batch_roll(batch, 4) > 0 ? 1970 + batch_roll(batch, 130) : batch_roll(batch, 12000);
        const unsigned month = batch_roll(batch, 14), day = batch_roll(batch, 33);

        if (batch_roll(batch, 3) == 0)
                (void) snprintf(text, size, "%02u-%u-%u", year % 100, month, day);
        else
                (void) snprintf(text, size, "%u-%02u-%02u", year, month, day);
}

static void batch_make_time(Batch *batch, char *text, size_t size) {
        const unsigned hour = batch_roll(batch, 25), minute = batch_roll(batch, 61);

        if (batch_roll(batch, 2) == 0)
                (void) snprintf(text, size, "%u:%02u", hour, minute);
        else
                (void) snprintf(text, size, "%02u:%02u:%02u%s", hour, minute, batch_roll(batch, 63),
                        PICK(batch, "", "", "", ".5", ".123456", ".1234567", ".", ".9999995"));
}

static void batch_make_absolute(Batch *batch, char *text) {
        const char *weekday = PICK(batch, "", "", "", "", "", "Mon ", "sunday ", "Fri ", "Sam ");
        const char *zone = PICK(batch, "", "", "", "", "", "", " UTC", " utc", " XYZ", " ");
        char date[32] = "", time[32] = "";
        const unsigned form = batch_roll(batch, 6);

        if (form > 0)
                batch_make_date(batch, date, sizeof(date));
        if (form != 1)
                batch_make_time(batch, time, sizeof(time));
        (void) snprintf(text, BATCH_BYTES, "%s%s%s%s%s", weekday, date,
                form > 1 ? PICK(batch, " ", " ", " ", " ", "  ", "") : "", time, zone);
}

static void batch_make_relative(Batch *batch, char *text) {
        char span[48];
        const unsigned number = batch_roll(batch, batch_roll(batch, 3) == 0 ? 100000 : 90);

        (void) snprintf(span, sizeof(span), "%u%s%s", number,
                PICK(batch, "", "s", " min", "h", "days", "w", " months", "y", "ms", "us",
                        "fortnights"),
                PICK(batch, "", "", "", " 5s", ".5", "1h", " "));
        (void) snprintf(text, BATCH_BYTES, "%s%s%s", PICK(batch, "", "", "+", "-", "@"), span,
                PICK(batch, "", "", " ago", " left", "  ago", " AGO", " UTC"));
}

/* Now and then a byte is another. */
static void batch_spoil(Batch *batch, char *text) {
        const size_t size = strlen(text);

        if (size > 0 && batch_roll(batch, 12) == 0)
                text[batch_roll(batch, (unsigned) size)] = ":-. 0159Uag@+"[batch_roll(batch, 13)];
}

static void batch_fill(Batch *batch) {
        for (size_t i = 0; i < BATCH_TEXTS; i++) {
                const unsigned kind = batch_roll(batch, 10);
                char *text = batch->texts[i];

                if (kind > 3)
                        batch_make_absolute(batch, text);
                else if (kind > 0)
                        batch_make_relative(batch, text);
                else
                        (void) snprintf(text, BATCH_BYTES, "%s%s",
                                PICK(batch, "now", "today", "yesterday", "tomorrow", "never"),
                                PICK(batch, "", "", " UTC", " XYZ", "x"));
                batch_spoil(batch, text);
        }
}

static _noreturn_ void batch_execute(Batch *batch, const char *zone, int out_fd) {
        static char words[][12] = { "analyze", "timestamp", "--" };
        char *argv[3 + BATCH_TEXTS + 1] = { words[0], words[1], words[2] };

        for (size_t i = 0; i < BATCH_TEXTS; i++)
                argv[3 + i] = batch->texts[i];
        (void) setenv("TZ", zone, 1);
        (void) setenv("SYSTEMD_COLORS", "0", 1);
        (void) dup2(out_fd, STDOUT_FILENO);
        (void) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        (void) execvp("systemd-analyze", argv);
        _exit(127);
}

/* "   UNIX seconds: @1795277367.187669". */
static bool batch_read_line(const char *line, usec_t *ret_usec) {
        unsigned long long second;
        char fraction[8] = "";

        if (sscanf(line, " UNIX seconds: @%llu.%7[0-9]", &second, fraction) < 1)
                return false;
        *ret_usec = second * USEC_PER_SEC + strtoull(fraction, NULL, 10);
        return true;
}

/* One block a text, empty where it is refused, and an empty line between two. Returns: false: no
 * systemd-analyze. */
static bool batch_ask(Batch *batch, const char *zone) {
        _cleanup_fclose_ FILE *out = NULL;
        char line[256];
        int fds[2], status;
        size_t index = 0;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                batch_execute(batch, zone, fds[1]);
        (void) close(fds[1]);
        memset(batch->is_refused, true, sizeof(batch->is_refused));
        out = fdopen(fds[0], "re");
        while (out && index < BATCH_TEXTS && fgets(line, sizeof(line), out)) {
                if (*line == '\n')
                        index++;
                else if (batch_read_line(line, &batch->usec[index]))
                        batch->is_refused[index] = false;
        }
        (void) waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                return false;
        assert_int_equal(index, BATCH_TEXTS - 1);
        return true;
}

/* What systemd takes and we do not: 30 February, of which it makes one of the first days of March, and what is
 * too late. And of an hour that there is twice we take the first. */
static bool batch_may_differ(usec_t systemd_usec, int result, usec_t usec) {
        const time_t second = (time_t) (systemd_usec / USEC_PER_SEC);
        struct tm tm;

        if (result == 0)
                return systemd_usec == usec + USEC_PER_HOUR;
        return result == -ERANGE &&
                (systemd_usec > SECOND(253402214399) ||
                        (localtime_r(&second, &tm) && tm.tm_mday <= 3));
}

static void batch_compare(Batch *batch, const char *zone, usec_t before_usec, usec_t after_usec) {
        size_t n_taken = 0;

        for (size_t i = 0; i < BATCH_TEXTS; i++) {
                usec_t first = 0, last = 0;

                set_zone(zone);
                int r = timestamp_parse(batch->texts[i], before_usec, &first);
                int r_last = timestamp_parse(batch->texts[i], after_usec, &last);
                assert_int_equal(r, r_last);
                n_taken += !batch->is_refused[i];
                if (!batch->is_refused[i] && batch_may_differ(batch->usec[i], r, first))
                        continue;
                if ((r < 0) != batch->is_refused[i] ||
                        (r == 0 && (batch->usec[i] < first || batch->usec[i] > last)))
                        fail_msg("%s: '%s': %i %" USEC_FMT ", systemd: %s %" USEC_FMT, zone,
                                batch->texts[i], r, first,
                                batch->is_refused[i] ? "refused" : "taken", batch->usec[i]);
        }
        assert_in_range(n_taken, BATCH_TEXTS / 5, BATCH_TEXTS * 4 / 5);
}

static int setup_batch(void **state) {
        *state = calloc(1, sizeof(Batch));
        return *state ? 0 : -1;
}

static int teardown_batch(void **state) {
        free(*state);
        return teardown(NULL);
}

static void test_timestamp_parse_2000_texts_mean_what_systemd_says(void **state) {
        static const char *const zones[] = { "UTC", ZONE_EUROPE, "EST5EDT,M3.2.0,M11.1.0",
                "IST-5:30" };
        Batch *batch = *state;

        batch->random = 0x9e3779b97f4a7c15;
        for (size_t i = 0; i < ELEMENTSOF(zones); i++) {
                batch_fill(batch);
                const usec_t before_usec = usec_now(CLOCK_REALTIME);
                if (!batch_ask(batch, zones[i]))
                        skip();
                batch_compare(batch, zones[i], before_usec, usec_now(CLOCK_REALTIME));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(
                        test_timestamp_parse_text_means_what_systemd_makes_of_it, teardown),
                cmocka_unit_test_teardown(
                        test_timestamp_parse_zone_of_the_database_is_read, teardown),
                cmocka_unit_test_teardown(test_timestamp_parse_zone_leaves_no_trace, teardown),
                cmocka_unit_test_setup_teardown(
                        test_timestamp_parse_2000_texts_mean_what_systemd_says, setup_batch,
                        teardown_batch),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
