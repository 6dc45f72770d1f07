/* SPDX-License-Identifier: MIT */
#pragma once

/* A helper process of the supervisor's own, kept apart from the gateway's processes for as long as it
 * lives: it is below the supervisor in the tree, and must neither be signalled nor waited for with them. */

#include <sys/types.h>

#include "forensics/helper-process.h"
#include "gateway/payload.h"

/* Embedded; {} is none. */
typedef struct OwnHelper {
        HelperProcess *process; /* NULL: none is under way */
        pid_t pid;              /* one that has ended by itself does not tell it any more */
} OwnHelper;

/* Starts one. The config's keep_fds are set here: the payload's, so that it can list the gateway's
 * processes (payload_list(), after payload_add_helper() of itself).
 * Returns: 0; -ENOSPC: there are PAYLOAD_HELPERS_MAX; negative errno of helper_process_start(): there is none
 * then. */
int own_helper_start(OwnHelper *helper, sd_event *event, Payload *payload,
        const HelperConfig *config) _warn_unused_;

/* Takes one that was started elsewhere. Returns: 0; -ENOSPC: it was ended. */
int own_helper_adopt(OwnHelper *helper, Payload *payload, HelperProcess *process) _warn_unused_;

/* Ends it, or frees one that has ended.
 * Returns: its pid when it was still running: helper_process_await() collects it; else 0. */
pid_t own_helper_end(OwnHelper *helper, Payload *payload);
