/* SPDX-License-Identifier: MIT */
#pragma once

/* What the supervisor keeps in memory while it does nothing. */

/* Gives the unmodified pages of shared libraries back: start-up has touched far more of them than waiting
 * for a signal needs. What is needed again comes back from the page cache, a microsecond a fault. */
void footprint_trim(void);
