/* SPDX-License-Identifier: MIT */

/* Markers of a stop that is meant, as gateways of the hermes kind write them for themselves and as their
 * replacers write them for those that they replace. They name a process by pid and start time, so that
 * one that was left behind does not vouch for whoever has the pid today; and they count for a minute.
 *
 * What a marker says is compared as numbers: a target_pid of 123 is none of 12, and "12" is no pid. A
 * marker that says something else than it should is not believed in part.
 *
 * Nothing is removed here: a marker is consumed by those that it was written for.
 *
 * Source: hermes-agent, gateway/status.py (names, keys, the minute). */

#include "stop-marker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "marker-json.h"

#define STOP_MARKER_SECONDS_MAX INT64_C(253402300799) /* the end of the year 9999 */

static const char *const stop_marker_presence_table[_STOP_MARKER_PRESENCE_MAX] = {
        [STOP_MARKER_ABSENT] = "absent",
        [STOP_MARKER_SELF] = "self",
        [STOP_MARKER_OTHER] = "other",
};

const char *stop_marker_presence_to_string(StopMarkerPresence presence) {
        assert(presence >= 0 && presence < _STOP_MARKER_PRESENCE_MAX);
        return stop_marker_presence_table[presence];
}

/* ISO 8601, or seconds since the epoch, whole or not. Missing and null leave it as it is. */
static int stop_marker_get_time(json_object *object, usec_t *realtime_usec) {
        json_object *value;

        if (!marker_json_find(object, "written_at", &value))
                return 0;
        switch (json_object_get_type(value)) {
        case json_type_string: {
                const char *text = marker_json_get_text(object, "written_at");
                return text ? marker_time_parse(text, realtime_usec) : -EBADMSG;
        }
        case json_type_int: {
                int64_t seconds;
                int r = marker_json_get_integer(
                        object, "written_at", 0, STOP_MARKER_SECONDS_MAX, &seconds);
                if (r == 0)
                        *realtime_usec = (usec_t) seconds * USEC_PER_SEC;
                return r;
        }
        case json_type_double: {
                double seconds = json_object_get_double(value);
                if (!(seconds >= 0 && seconds <= (double) STOP_MARKER_SECONDS_MAX)) /* NaN, too */
                        return -EBADMSG;
                *realtime_usec = (usec_t) (seconds * (double) USEC_PER_SEC);
                return 0;
        }
        default:
                return -EBADMSG;
        }
}

/* Missing and null are 0. */
static int stop_marker_get_start(json_object *object, int64_t *ret_ticks) {
        json_object *value;

        *ret_ticks = 0;
        if (!marker_json_find(object, "target_start_time", &value))
                return 0;
        return marker_json_get_integer(object, "target_start_time", 0, INT64_MAX - 1, ret_ticks);
}

static bool stop_marker_names(int64_t pid, int64_t start_ticks, const StopMarkerTarget *target) {
        if (pid != target->pid)
                return false;
        return start_ticks == 0 || target->start_ticks == 0 ||
                (uint64_t) start_ticks == target->start_ticks;
}

int stop_marker_parse(const char *text, size_t size, usec_t modified_at_realtime_usec,
        usec_t now_realtime_usec, const StopMarkerTarget targets[], size_t n_targets) {
        _cleanup_(marker_json_putp) json_object *object = NULL;
        usec_t written_at_usec = modified_at_realtime_usec;
        int64_t pid, start_ticks;

        assert(text);
        assert(targets || n_targets == 0);

        int r = marker_json_parse(text, size, &object);
        if (r < 0)
                return r;
        if (marker_json_get_integer(object, "target_pid", 1, INT_MAX, &pid) < 0 ||
                stop_marker_get_start(object, &start_ticks) < 0 ||
                stop_marker_get_time(object, &written_at_usec) < 0)
                return -EBADMSG;

        if (usec_sub(now_realtime_usec, written_at_usec) > STOP_MARKER_AGE_USEC ||
                usec_sub(written_at_usec, now_realtime_usec) > STOP_MARKER_AGE_USEC)
                return STOP_MARKER_ABSENT;
        for (size_t i = 0; i < n_targets; i++)
                if (stop_marker_names(pid, start_ticks, &targets[i]))
                        return STOP_MARKER_SELF;
        return STOP_MARKER_OTHER;
}

/* The text is known to be valid UTF-8 without NUL: only its last character may have to go. */
static void stop_marker_copy_text(
        const char *text, size_t size, char ret_text[static STOP_MARKER_TEXT_MAX]) {
        if (size >= STOP_MARKER_TEXT_MAX) {
                size = STOP_MARKER_TEXT_MAX - 1;
                while (size > 0 && ((unsigned char) text[size] & 0xc0) == 0x80)
                        size--;
        }
        memcpy(ret_text, text, size);
        ret_text[size] = '\0';
}

int stop_marker_read(int dir_fd, const char *name, usec_t now_realtime_usec,
        const StopMarkerTarget targets[], size_t n_targets,
        char ret_text[static STOP_MARKER_TEXT_MAX]) {
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t size;

        ret_text[0] = '\0';
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? STOP_MARKER_ABSENT : -errno;
        int r = file_read_bounded(dir_fd, name, MARKER_SIZE_MAX, &text, &size);
        if (r < 0)
                return r == -ENOENT ? STOP_MARKER_ABSENT : r;

        usec_t modified_at_usec = st.st_mtim.tv_sec < 0
                ? 0
                : (usec_t) st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t) st.st_mtim.tv_nsec / 1000;
        r = stop_marker_parse(text, size, modified_at_usec, now_realtime_usec, targets, n_targets);
        if (r > STOP_MARKER_ABSENT)
                stop_marker_copy_text(text, size, ret_text);
        return r;
}

int planned_stop_write(
        int dir_fd, const StopMarkerTarget *gateway, pid_t stopper_pid, usec_t now_realtime_usec) {
        char written_at[MARKER_TIME_MAX];

        assert(gateway);

        int r = marker_time_format(now_realtime_usec, written_at);
        if (r < 0)
                return r;
        _cleanup_(marker_json_putp) json_object *object = json_object_new_object();
        if (!object || !marker_json_add_integer(object, "target_pid", gateway->pid))
                return -ENOMEM;
        if (gateway->start_ticks == 0 ? !marker_json_add_text(object, "target_start_time", "")
                                      : !marker_json_add_integer(object, "target_start_time",
                                                (int64_t) gateway->start_ticks))
                return -ENOMEM;
        if (!marker_json_add_integer(object, "stopper_pid", stopper_pid) ||
                !marker_json_add_text(object, "written_at", written_at))
                return -ENOMEM;
        return marker_json_write(dir_fd, MARKER_PLANNED_STOP, object);
}
