/* SPDX-License-Identifier: MIT */
#pragma once

/* The environment of a unit's commands: the files of EnvironmentFile= (assignments a line, quotes,
 * continuations), and the variables in command lines. Pure. */

#include "strv.h"

/* Adds a text's assignments ("NAME=value") to an environment; of one name the last one counts. Lines that
 * assign nothing, or to what can be no name ("export X"), are passed over.
 *
 * Returns: 0; -EBADMSG: an assignment that is not UTF-8, for which systemd takes nothing of the file: the
 * environment is as it was; -ENOMEM.
 * Source: systemd.exec(5), EnvironmentFile=; a comment whose line ends in a backslash goes on in the next
 * line, as in systemd 252 (and no more since 254). */
int environment_apply_text(char ***environment, const char *text) _warn_unused_;

/* Sets one "NAME=value". Returns: 0; -EINVAL: no such thing; -ENOMEM. */
int environment_set(char ***environment, const char *assignment) _warn_unused_;

/* Returns: a pointer into the environment; NULL: not set. */
const char *environment_get(char *const environment[], const char *name);

/* Appends a word of a command line with its variables filled in, as systemd does it when it starts the
 * command: ${X} anywhere in a word becomes the value; a word that is $X becomes the value's words, which
 * may be none; "$$" becomes "$"; what is not set is empty.
 * Returns: 0; -ENOMEM.
 * Source: systemd.service(5), "Command lines". */
int environment_expand_word(
        char *const environment[], const char *word, char ***words) _warn_unused_;
