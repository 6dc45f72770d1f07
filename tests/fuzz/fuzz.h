/* SPDX-License-Identifier: MIT */
#pragma once

/* The entry point that every fuzz target defines, libFuzzer's own. */

#include <stddef.h>
#include <stdint.h>

/* data:  foreign bytes, not NUL-terminated; may be NULL when size is 0.
 * Returns: 0. What is wrong ends the process (abort, a sanitizer). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
