/* SPDX-License-Identifier: MIT */
#pragma once

/* What ps(1) shows of this process. */

#include <stddef.h>

/* Writes a title over the argument area that the kernel shows as /proc/self/cmdline, and zeros over
 * the rest, so that arguments (and secrets in them) show no more. A title that is longer than the area
 * is cut.
 *
 * argc, argv: main()'s own, unaltered. Their strings are gone afterwards. */
void process_title_set(int argc, char *argv[], const char *title);
