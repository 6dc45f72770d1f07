/* SPDX-License-Identifier: MIT */
#pragma once

/* How hard to try to see the sender of a stop signal before it exits (--sender-capture=). */

#include "cleanup.h"

typedef enum SenderCapture {
        SENDER_CAPTURE_AUTO, /* realtime where it is allowed, else plain */
        SENDER_CAPTURE_PLAIN,
        SENDER_CAPTURE_REALTIME,
        _SENDER_CAPTURE_MAX,
        _SENDER_CAPTURE_INVALID = -EINVAL,
} SenderCapture;

/* "auto", "plain", "realtime". */
const char *sender_capture_to_string(SenderCapture capture);
SenderCapture sender_capture_from_string(const char *name);
