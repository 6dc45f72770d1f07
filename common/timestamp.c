/* SPDX-License-Identifier: MIT */

/* Instants as people write them on a command line.
 *
 * A text is a span that counts from now or from the epoch ("+3h", "11min ago", "@5"), a word ("today"), or a
 * date and a time, of which either may be missing, with a weekday in front and a timezone behind. A zone is
 * only behind a date, a time, "today" and its like, and decides how they are read: "UTC" and an offset by
 * arithmetic, a name of the timezone database by making it the process's own for that long, a name that the
 * local zone has by its clock ("CET", "CEST").
 *
 * All that systemd 252 takes, undocumented leniency included (blanks that are missing, "Nov 21 10:00:00" of
 * journalctl's output), gives the same instant here: strptime(3) and mktime(3) are what systemd asks, too. A
 * local time that a clock change leaves out is therefore shifted, not refused. On purpose different: a date
 * that no calendar has is refused (systemd makes 2 March of 30 February), and so is what lies after
 * 9999-12-30, with "@" as well; of an hour that a clock change repeats the first is meant, always. What systemd takes since 254 only is taken: "T" between date and time, "Z" and
 * offsets.
 *
 * Not thread-safe: $TZ is the process's. */

#include "timestamp.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#define TIMESTAMP_LAST_USEC (253402214399ULL * USEC_PER_SEC) /* systemd's: 9999-12-30 23:59:59 */
#define TIMESTAMP_FRACTION  6

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

typedef enum ZoneKind {
        ZONE_LOCAL,
        ZONE_OFFSET, /* of UTC, 0 included */
        ZONE_NAMED,
} ZoneKind;

typedef struct Zone {
        ZoneKind kind;
        bool is_given;    /* by the text */
        long offset_sec;  /* east of UTC */
        const char *name; /* weak */
        int is_dst;       /* as in struct tm: -1 is for mktime(3) to find out */
} Zone;

/* ---- Relative forms -------------------------------------------------------------------------- */

static int timestamp_limit(usec_t usec, usec_t *ret_usec) {
        if (usec > TIMESTAMP_LAST_USEC)
                return -ERANGE;
        *ret_usec = usec;
        return 0;
}

static int timestamp_count_from(
        usec_t start_usec, const char *span, bool is_back, usec_t *ret_usec) {
        usec_t span_usec;

        int r = usec_parse_span(span, &span_usec, /* reterr_bad= */ NULL);
        if (r < 0)
                return r;
        if (is_back && span_usec > start_usec)
                return -ERANGE;
        return timestamp_limit(
                is_back ? start_usec - span_usec : usec_add(start_usec, span_usec), ret_usec);
}

/* "SPAN ago", "SPAN left".
 * Returns: 0; -ENODATA: another form; -EINVAL, -ERANGE: this one, and wrong. */
static int timestamp_parse_suffixed(
        char *text, const char *suffix, bool is_back, usec_t now_usec, usec_t *ret_usec) {
        const size_t size = strlen(text), suffix_size = strlen(suffix);

        if (size < suffix_size || strcmp(text + size - suffix_size, suffix) != 0)
                return -ENODATA;
        text[size - suffix_size] = '\0';
        return timestamp_count_from(now_usec, text, is_back, ret_usec);
}

/* Returns: as timestamp_parse_suffixed(), which may have cut text. */
static int timestamp_parse_relative(char *text, usec_t now_usec, usec_t *ret_usec) {
        if (strcmp(text, "now") == 0)
                return timestamp_limit(now_usec, ret_usec);
        if (text[0] == '@')
                return timestamp_count_from(0, text + 1, /* is_back= */ false, ret_usec);
        if (text[0] == '+' || text[0] == '-')
                return timestamp_count_from(now_usec, text + 1, text[0] == '-', ret_usec);

        int r = timestamp_parse_suffixed(text, " ago", /* is_back= */ true, now_usec, ret_usec);
        if (r == -ENODATA)
                r = timestamp_parse_suffixed(
                        text, " left", /* is_back= */ false, now_usec, ret_usec);
        return r;
}

/* ---- Timezones ------------------------------------------------------------------------------- */

static bool zone_is_name(const char *name) {
        for (const char *c = name; *c; c++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+/",
                            *c))
                        return false;
        return *name && *name != '/' && name[strlen(name) - 1] != '/' && !strstr(name, "//");
}

/* Whether the timezone database has it. No dots in names: none leads out of the directory. */
static bool zone_exists(const char *name) {
        _cleanup_close_ int fd = -EBADF;
        char path[PATH_MAX], magic[4];

        if (!zone_is_name(name) ||
                snprintf(path, sizeof(path), ZONE_DIRECTORY "/%s", name) >= (int) sizeof(path))
                return false;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
                memcmp(magic, "TZif", sizeof(magic)) == 0;
}

/* "+02:00", "-0330", "+01", "Z". */
static bool zone_parse_offset(const char *text, Zone *ret_zone) {
        struct tm tm = {};

        if (!strchr("+-Z", *text))
                return false;

        const char *end = strptime(text, "%z", &tm);
        if (!end || *end || labs(tm.tm_gmtoff) > (long) (USEC_PER_DAY / USEC_PER_SEC))
                return false;
        *ret_zone = (Zone){ .kind = ZONE_OFFSET, .is_given = true, .offset_sec = tm.tm_gmtoff };
        return true;
}

/* One of the two names that the clock of the zone in force has. */
static bool zone_find_clock(const char *text, Zone *zone) {
        tzset();
        for (int i = 0; i < 2; i++)
                if (*tzname[i] && strcasecmp(text, tzname[i]) == 0) {
                        zone->is_given = true;
                        zone->is_dst = i;
                        return true;
                }
        return false;
}

/* Cuts the zone off the text, where it ends with one. The name stays in what was cut off. */
static Zone zone_take(char *text) {
        Zone zone = { .kind = ZONE_LOCAL, .is_dst = -1 };
        char *space = strrchr(text, ' ');
        const char *word = space ? space + 1 : "";
        const size_t size = strlen(text);

        if (strcasecmp(word, "UTC") == 0)
                zone = (Zone){ .kind = ZONE_OFFSET, .is_given = true };
        else if (zone_exists(word))
                zone = (Zone){ .kind = ZONE_NAMED, .is_given = true, .name = word, .is_dst = -1 };
        else if (!zone_find_clock(word, &zone))
                (void) zone_parse_offset(word, &zone);
        if (zone.is_given) {
                *space = '\0';
                return zone;
        }

        /* As RFC 3339 has it, right behind the time. */
        if (size > 1 && text[size - 1] == 'Z' && zone_parse_offset(text + size - 1, &zone))
                text[size - 1] = '\0';
        else if (size > 6 && strchr("+-", text[size - 6]) && text[size - 7] != ' ' &&
                text[size - 3] == ':' && zone_parse_offset(text + size - 6, &zone))
                text[size - 6] = '\0';
        return zone;
}

/* Makes the zone the process's own. ret_before: what $TZ was, malloc()ed; NULL: nothing. */
static int zone_enter(const char *name, char **ret_before) {
        const char *before = getenv("TZ");
        _cleanup_free_ char *copy = before ? strdup(before) : NULL, *value = NULL;

        if ((before && !copy) || asprintf(&value, ":%s", name) < 0) {
                value = NULL;
                return -ENOMEM;
        }
        if (setenv("TZ", value, /* replace= */ 1) < 0)
                return -errno;
        tzset();
        *ret_before = TAKE_PTR(copy);
        return 0;
}

static void zone_leave(const char *before) {
        /* Fails by lack of memory alone: glibc reuses what the value had before. */
        if (before)
                (void) setenv("TZ", before, /* replace= */ 1);
        else
                (void) unsetenv("TZ");
        tzset();
}

/* ---- Dates and times ------------------------------------------------------------------------- */

static const struct {
        const char *format;
        bool has_time, has_seconds;
} timestamp_formats[] = {
        /* In this order: a year of two digits first. */
        { "%y-%m-%d %H:%M:%S", true, true },
        { "%Y-%m-%d %H:%M:%S", true, true },
        { "%Y-%m-%dT%H:%M:%S", true, true },
        { "%b %d %H:%M:%S", true, true },
        { "%y-%m-%d %H:%M", true, false },
        { "%Y-%m-%d %H:%M", true, false },
        { "%Y-%m-%dT%H:%M", true, false },
        { "%y-%m-%d", false, false },
        { "%Y-%m-%d", false, false },
        { "%H:%M:%S", true, true },
        { "%H:%M", true, false },
};

/* Cuts a weekday and the blank behind it off. Returns: 0 (Sunday) to 6; -1: none. */
static int timestamp_take_weekday(const char **text) {
        static const char *const names[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
                "Friday", "Saturday" };
        const size_t size = strcspn(*text, " ");

        for (int i = 0; (*text)[size] == ' ' && i < (int) ELEMENTSOF(names); i++)
                if ((size == 3 || size == strlen(names[i])) &&
                        strncasecmp(*text, names[i], size) == 0) {
                        *text += size + 1;
                        return i;
                }
        return -1;
}

/* Up to six digits count, the next rounds. */
static int timestamp_parse_fraction(const char *digits, usec_t *ret_usec) {
        const size_t size = strspn(digits, "0123456789");
        usec_t usec = 0;

        if (size == 0 || digits[size])
                return -EINVAL;
        for (size_t i = 0; i < TIMESTAMP_FRACTION; i++)
                usec = usec * 10 + (i < size ? (usec_t) (digits[i] - '0') : 0);
        *ret_usec = usec + (size > TIMESTAMP_FRACTION && digits[TIMESTAMP_FRACTION] >= '5');
        return 0;
}

static bool timestamp_is_date(const struct tm *tm) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        const int year = tm->tm_year + 1900;
        const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        return tm->tm_mday <= days[tm->tm_mon] + (is_leap && tm->tm_mon == 1);
}

/* "today", "yesterday", "tomorrow". */
static bool timestamp_parse_day(const char *text, struct tm *tm) {
        if (strcmp(text, "yesterday") == 0)
                tm->tm_mday--;
        else if (strcmp(text, "tomorrow") == 0)
                tm->tm_mday++;
        else if (strcmp(text, "today") != 0)
                return false;
        tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
        return true;
}

/* tm: in, what now is; out, what the text says, not normalised. */
static int timestamp_parse_date(const char *text, struct tm *tm, usec_t *ret_fraction_usec) {
        const int weekday = timestamp_take_weekday(&text);

        for (size_t i = 0; i < ELEMENTSOF(timestamp_formats); i++) {
                struct tm read = *tm;
                const char *end = strptime(text, timestamp_formats[i].format, &read);

                if (!end || (*end && !(*end == '.' && timestamp_formats[i].has_seconds)))
                        continue;
                if (*end && timestamp_parse_fraction(end + 1, ret_fraction_usec) < 0)
                        return -EINVAL;
                if (!timestamp_formats[i].has_seconds)
                        read.tm_sec = 0;
                if (!timestamp_formats[i].has_time)
                        read.tm_hour = read.tm_min = 0;
                if (!timestamp_is_date(&read))
                        return -ERANGE;
                if (weekday >= 0 && weekday != read.tm_wday)
                        return -EINVAL;
                *tm = read;
                return 0;
        }
        return -EINVAL;
}

/* An hour that a clock change repeats is the earlier one: mktime(3) takes the one that is nearer to what it was
 * asked before. */
static time_t timestamp_find_second(struct tm *tm) {
        struct tm other = *tm;
        const bool is_free = tm->tm_isdst < 0;
        const time_t second = mktime(tm);

        other.tm_isdst = !tm->tm_isdst;
        if (!is_free || second < 0)
                return second;

        const time_t other_second = mktime(&other);
        const bool is_twice = other.tm_hour == tm->tm_hour && other.tm_min == tm->tm_min &&
                other.tm_mday == tm->tm_mday && other.tm_isdst != tm->tm_isdst;
        return is_twice && other_second >= 0 && other_second < second ? other_second : second;
}

static int timestamp_parse_absolute(
        const char *text, const Zone *zone, usec_t now_usec, usec_t *ret_usec) {
        const bool is_local = zone->kind != ZONE_OFFSET;
        const time_t now =
                (time_t) (now_usec / USEC_PER_SEC) + (is_local ? 0 : (time_t) zone->offset_sec);
        usec_t fraction_usec = 0;
        struct tm tm;

        tzset();
        if (!(is_local ? localtime_r(&now, &tm) : gmtime_r(&now, &tm)))
                return -ERANGE;
        tm.tm_isdst = is_local ? zone->is_dst : 0;
        if (!timestamp_parse_day(text, &tm)) {
                int r = timestamp_parse_date(text, &tm, &fraction_usec);
                if (r < 0)
                        return r;
        }

        /* -1 is an error and the last second of 1969: out of range either way. */
        const time_t second =
                is_local ? timestamp_find_second(&tm) : timegm(&tm) - zone->offset_sec;
        if (second < 0 || (usec_t) second > TIMESTAMP_LAST_USEC / USEC_PER_SEC)
                return -ERANGE;
        return timestamp_limit((usec_t) second * USEC_PER_SEC + fraction_usec, ret_usec);
}

static int timestamp_parse_named(
        const char *text, const Zone *zone, usec_t now_usec, usec_t *ret_usec) {
        _cleanup_free_ char *before = NULL;
        Zone inner = { .kind = ZONE_LOCAL, .is_dst = -1 };

        int r = zone_enter(zone->name, &before);
        if (r < 0)
                return r;
        /* "CET" is a zone, and the name of its clock in winter. */
        (void) zone_find_clock(zone->name, &inner);
        r = timestamp_parse_absolute(text, &inner, now_usec, ret_usec);
        zone_leave(before);
        return r;
}

int timestamp_parse(const char *text, usec_t now_realtime_usec, usec_t *ret_realtime_usec) {
        assert(text);
        assert(ret_realtime_usec);

        _cleanup_free_ char *copy = strdup(text);
        if (!copy)
                return -ENOMEM;

        int r = timestamp_parse_relative(copy, now_realtime_usec, ret_realtime_usec);
        if (r != -ENODATA)
                return r;
        const Zone zone = zone_take(copy);
        return zone.kind == ZONE_NAMED
                ? timestamp_parse_named(copy, &zone, now_realtime_usec, ret_realtime_usec)
                : timestamp_parse_absolute(copy, &zone, now_realtime_usec, ret_realtime_usec);
}
