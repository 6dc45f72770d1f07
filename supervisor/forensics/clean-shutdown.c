/* SPDX-License-Identifier: MIT */

/* The clean-shutdown marker as JSON. It is written twice in a stop: before anything is waited for,
 * so that it stands when the power or a SIGKILL ends the drain, and again with the outcome. Its run
 * and boot id keep it from vouching for another run.
 *
 * The state directory is the gateway's, which may write a file of this name itself, by another format
 * or none: what is read is either whole or -EBADMSG; the reader then treats it as absent.
 *
 * No fsync: the first write lies between a signal and its being passed on. */

#include "clean-shutdown.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "marker-json.h"

static bool clean_shutdown_add_id(json_object *object, const char *key, sd_id128_t id) {
        char text[SD_ID128_STRING_MAX];

        return marker_json_add_text(object, key, sd_id128_to_string(id, text));
}

int clean_shutdown_write(int state_fd, const CleanShutdown *marker) {
        char written_at[MARKER_TIME_MAX];

        assert(marker);

        int r = marker_time_format(marker->written_at_realtime_usec, written_at);
        if (r < 0)
                return r;
        _cleanup_(marker_json_putp) json_object *object = json_object_new_object();
        if (!object || !clean_shutdown_add_id(object, "run_id", marker->run_id) ||
                !marker_json_add_integer(object, "pid", marker->pid) ||
                !clean_shutdown_add_id(object, "boot_id", marker->boot_id) ||
                !marker_json_add_text(object, "signal", marker->signal) ||
                !marker_json_add_text(object, "written_at", written_at) ||
                !marker_json_add_text(object, "outcome", marker->outcome))
                return -ENOMEM;
        return marker_json_write(state_fd, MARKER_CLEAN_SHUTDOWN, object);
}

static int clean_shutdown_get_id(json_object *object, const char *key, sd_id128_t *ret_id) {
        const char *text = marker_json_get_text(object, key);

        return text && sd_id128_from_string(text, ret_id) >= 0 ? 0 : -EBADMSG;
}

static int clean_shutdown_get_time(json_object *object, usec_t *ret_realtime_usec) {
        const char *text = marker_json_get_text(object, "written_at");

        return text ? marker_time_parse(text, ret_realtime_usec) : -EBADMSG;
}

/* Missing and null leave ret_text empty. */
static int clean_shutdown_get_optional(
        json_object *object, const char *key, char *ret_text, size_t ret_size) {
        json_object *value;

        ret_text[0] = '\0';
        if (!marker_json_find(object, key, &value))
                return 0;
        const char *text = marker_json_get_text(object, key);
        if (!text || strlen(text) >= ret_size)
                return -EBADMSG;
        memcpy(ret_text, text, strlen(text) + 1);
        return 0;
}

int clean_shutdown_parse(const char *text, size_t size, CleanShutdown *ret_marker) {
        _cleanup_(marker_json_putp) json_object *object = NULL;
        CleanShutdown marker = {};
        int64_t pid;

        assert(text);
        assert(ret_marker);

        int r = marker_json_parse(text, size, &object);
        if (r < 0)
                return r;

        if (clean_shutdown_get_id(object, "run_id", &marker.run_id) < 0 ||
                clean_shutdown_get_id(object, "boot_id", &marker.boot_id) < 0 ||
                marker_json_get_integer(object, "pid", 0, INT_MAX, &pid) < 0 ||
                clean_shutdown_get_time(object, &marker.written_at_realtime_usec) < 0 ||
                clean_shutdown_get_optional(
                        object, "signal", marker.signal, sizeof(marker.signal)) < 0 ||
                clean_shutdown_get_optional(
                        object, "outcome", marker.outcome, sizeof(marker.outcome)) < 0)
                return -EBADMSG;
        marker.pid = (pid_t) pid;
        *ret_marker = marker;
        return 0;
}

int clean_shutdown_read(int state_fd, CleanShutdown *ret_marker) {
        _cleanup_free_ char *text = NULL;
        size_t size;

        int r = file_read_bounded(state_fd, MARKER_CLEAN_SHUTDOWN, MARKER_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        return clean_shutdown_parse(text, size, ret_marker);
}

int clean_shutdown_remove(int state_fd) {
        if (unlinkat(state_fd, MARKER_CLEAN_SHUTDOWN, 0) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}
