/* SPDX-License-Identifier: MIT */
#pragma once

/* The verb: tells the supervisor, from a shell gateway, what sd_notify(3) and our own keys can say.
 * Returns: the exit status: 0; 64 usage; 69 nobody listens, or it is no process of a gateway. */
int notify_verb(int argc, char *argv[]);
