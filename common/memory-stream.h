/* SPDX-License-Identifier: MIT */
#pragma once

/* Text that is written by way of open_memstream(3). */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "cleanup.h"

/* Closes the stream. A write that found no memory leaves it standing, and fclose(3) does not tell of it.
 *
 * data: what the stream was opened with.
 * Returns: 0; -ENOMEM: something is missing, *data may be NULL. */
_warn_unused_ static inline int memory_stream_close(FILE *stream, char *const *data) {
        const bool is_whole = ferror(stream) == 0;

        return fclose(stream) != 0 || !is_whole || !*data ? -ENOMEM : 0;
}
