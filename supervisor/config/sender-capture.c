/* SPDX-License-Identifier: MIT */

/* The names of the ways to catch a sender; what they do stands in forensics/sender-thread.c. */

#include "config/sender-capture.h"

#include <string.h>

static const char *const sender_capture_table[] = {
        [SENDER_CAPTURE_AUTO] = "auto",
        [SENDER_CAPTURE_PLAIN] = "plain",
        [SENDER_CAPTURE_REALTIME] = "realtime",
};
static_assert(ELEMENTSOF(sender_capture_table) == _SENDER_CAPTURE_MAX, "a name for each capture");

const char *sender_capture_to_string(SenderCapture capture) {
        if (capture < 0 || capture >= _SENDER_CAPTURE_MAX)
                return NULL;
        return sender_capture_table[capture];
}

SenderCapture sender_capture_from_string(const char *name) {
        assert(name);

        for (size_t i = 0; i < ELEMENTSOF(sender_capture_table); i++)
                if (strcmp(sender_capture_table[i], name) == 0)
                        return (SenderCapture) i;
        return _SENDER_CAPTURE_INVALID;
}
