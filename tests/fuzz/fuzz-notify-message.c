/* SPDX-License-Identifier: MIT */

/* The first byte says how many fds came along, the rest is the datagram. What was parsed is rebuilt
 * and parsed again: systemd must then see what we saw, and nothing that was never judged here. */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "gateway/notify-message.h"

#define FUZZ_SIZE_MAX (NOTIFY_MESSAGE_MAX + 16U)

static void fuzz_require(bool condition) {
        if (!condition)
                abort();
}

static void fuzz_rebuild(const NotifyMessage *message, size_t n_fds) {
        char rebuilt[NOTIFY_MESSAGE_MAX + 1], passed[NOTIFY_MESSAGE_MAX + 2];
        NotifyMessage again;

        ssize_t size = notify_message_format(message, rebuilt);
        fuzz_require(size >= 0 && size <= (ssize_t) NOTIFY_MESSAGE_MAX);
        fuzz_require(notify_message_parse(rebuilt, (size_t) size, n_fds, passed, &again) == 0);

        fuzz_require(again.has_barrier == message->has_barrier);
        fuzz_require(again.has_stopping == message->has_stopping);
        fuzz_require(again.has_ready == (message->has_ready && !message->has_stopping));
        fuzz_require(again.has_fdstore == message->has_fdstore);
        fuzz_require(!again.has_watchdog && !again.has_watchdog_trigger &&
                !again.has_watchdog_usec && !again.has_extend && !again.has_main_pid);
        fuzz_require(again.passed_size == message->passed_size &&
                memcmp(again.passed, message->passed, message->passed_size) == 0);
        /* A status is only ever shortened, and never one that was not there. */
        fuzz_require(!again.status ||
                (message->status &&
                        strncmp(again.status, message->status, strlen(again.status)) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char passed[NOTIFY_MESSAGE_MAX + 2];
        NotifyMessage message;

        if (size == 0 || size - 1 > FUZZ_SIZE_MAX)
                return 0;
        size_t n_fds = data[0] % 4;
        size--;
        char *buffer = malloc(size + 1);
        fuzz_require(buffer);
        memcpy(buffer, data + 1, size);

        int r = notify_message_parse(buffer, size, n_fds, passed, &message);
        fuzz_require(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
        fuzz_require((r == -EMSGSIZE) == (size > NOTIFY_MESSAGE_MAX));
        if (r == 0) {
                fuzz_require(message.passed_size <= NOTIFY_MESSAGE_MAX + 1);
                fuzz_require(strlen(message.passed) == message.passed_size);
                fuzz_rebuild(&message, n_fds);
        }
        free(buffer);
        return 0;
}
