/* SPDX-License-Identifier: MIT */
#pragma once

/* The supervisor's own exit statuses; the gateway's pass unchanged. */

#define EXIT_STATUS_USAGE          64 /* EX_USAGE: an unusable option or value */
#define EXIT_STATUS_CONFIG         78 /* EX_CONFIG: contradictory, or refused by --on-short-timeout */
#define EXIT_STATUS_SUPERVISOR     125 /* failed before the gateway ran */
#define EXIT_STATUS_NOT_EXECUTABLE 126
#define EXIT_STATUS_NOT_FOUND      127
