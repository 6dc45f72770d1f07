/* SPDX-License-Identifier: MIT */

#include "sender-catcher.h"

#include <string.h>

static const char *const sender_capture_table[_SENDER_CAPTURE_MAX] = {
        [SENDER_CAPTURE_AUTO] = "auto",
        [SENDER_CAPTURE_PLAIN] = "plain",
        [SENDER_CAPTURE_REALTIME] = "realtime",
};

static const char *const sender_state_table[_SENDER_STATE_MAX] = {
        [SENDER_UNKNOWN] = "unknown",
        [SENDER_ALIVE] = "alive",
        [SENDER_EXITED] = "exited",
        [SENDER_MANAGER] = "manager",
        [SENDER_KERNEL] = "kernel",
        [SENDER_OTHER_NAMESPACE] = "other-namespace",
};

const char *sender_capture_to_string(SenderCapture capture) {
        if (capture < 0 || capture >= _SENDER_CAPTURE_MAX)
                return NULL;
        return sender_capture_table[capture];
}

SenderCapture sender_capture_from_string(const char *name) {
        for (SenderCapture capture = 0; name && capture < _SENDER_CAPTURE_MAX; capture++)
                if (strcmp(name, sender_capture_table[capture]) == 0)
                        return capture;
        return _SENDER_CAPTURE_INVALID;
}

const char *sender_state_to_string(SenderState state) {
        if (state < 0 || state >= _SENDER_STATE_MAX)
                return NULL;
        return sender_state_table[state];
}

SenderState sender_state_from_string(const char *name) {
        for (SenderState state = 0; name && state < _SENDER_STATE_MAX; state++)
                if (strcmp(name, sender_state_table[state]) == 0)
                        return state;
        return _SENDER_STATE_INVALID;
}
