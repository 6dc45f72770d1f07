/* SPDX-License-Identifier: MIT */
#pragma once

/* What a stream can show. */

#include <stdbool.h>
#include <stdio.h>

/* By NO_COLOR, SYSTEMD_COLORS, TERM and whether file is a terminal.
 * Source: systemctl(1), ENVIRONMENT; https://no-color.org. */
bool terminal_wants_colour(FILE *file);

/* Columns of the terminal that file is. Returns: 0: it is none. */
unsigned terminal_width(FILE *file);

/* Whether text may have characters beyond ASCII: by the locale of the environment, which becomes that of the
 * process (LC_CTYPE). Without any setting it may, as for systemd's programs; LANG=C says that it may not. */
bool terminal_is_utf8(void);
