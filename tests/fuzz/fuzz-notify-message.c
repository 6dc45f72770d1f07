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

/* Everything that is told points into the datagram, and ends there. */
static void fuzz_own(const NotifyMessage *message, const char *buffer, size_t size) {
        fuzz_require(!message->phase ||
                (message->phase >= buffer &&
                        message->phase + strlen(message->phase) <= buffer + size));
        fuzz_require(message->n_steps <= NOTIFY_STEPS_MAX);
        for (size_t i = 0; i < message->n_steps; i++) {
                const NotifyStep *step = &message->steps[i];

                fuzz_require(step->name > buffer && *step->name);
                fuzz_require(step->name + strlen(step->name) <= buffer + size);
                fuzz_require(!strpbrk(step->name, "\n\r"));
                fuzz_require(step->is_begin || !step->has_timeout);
                fuzz_require(i == 0 || step->name > message->steps[i - 1].name);
        }
        fuzz_require(!message->bad_key ||
                (strncmp(message->bad_key, "X_GATEWATCH_", 12) == 0 &&
                        strlen(message->bad_key) <= 64 &&
                        strspn(message->bad_key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                                strlen(message->bad_key)));
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
        /* Of our own keys nothing goes up, known or not. */
        fuzz_require(!again.phase && !again.has_active && again.n_steps == 0 && !again.bad_key);
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

        memset(&message, 0x55, sizeof(message)); /* its room for steps is never cleared */
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
                fuzz_own(&message, buffer, size);
                fuzz_rebuild(&message, n_fds);
        }
        free(buffer);
        return 0;
}
