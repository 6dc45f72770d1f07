/* SPDX-License-Identifier: MIT */
#pragma once

/* Single words of a unit's values, as systemd reads them: numbers, booleans, and what has names. */

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

/* Decimal, hexadecimal (0x), octal (0o, or a leading 0) or binary (0b); a "+" may stand in front.
 * Returns: 0; -EINVAL: no number; -ERANGE: larger than max.
 * Source: safe_atou_full() of systemd's src/basic/parse-util.c. */
int unit_word_to_number(const char *word, uint64_t max, uint64_t *ret_number) _warn_unused_;

/* Returns: 1; 0; -EINVAL: no boolean. */
int unit_word_to_boolean(const char *word) _warn_unused_;

/* By number or name ("SIGTERM", "TERM", "RTMIN+3"). Stricter than signal_from_name(): systemd knows neither
 * small letters nor second names.
 * Returns: the signal's number; -EINVAL: no signal. */
int unit_word_to_signal(const char *word) _warn_unused_;

/* By number or name ("78", "CONFIG").
 * Returns: 0 to 255; -EINVAL: no exit code.
 * Source: systemd.exec(5), "Process Exit Codes". */
int unit_word_to_exit_code(const char *word) _warn_unused_;

/* By number or name.
 * Returns: the bit ("CAP_SYS_NICE", "cap_sys_nice", "23": 23); -EINVAL: no capability that we know.
 * Source: linux/capability.h. */
int unit_word_to_capability(const char *word) _warn_unused_;

/* Returns: "CAP_SYS_NICE"; NULL: behind the last that we know. */
const char *unit_capability_name(size_t bit);
