/* SPDX-License-Identifier: MIT */
#pragma once

/* The list on a terminal, drawn again once a second. */

#include "report/list-set.h"

/* Takes the terminal (stdout, and stdin where that is one too) until q or Ctrl-C, and leaves it as it was.
 *
 * Returns: 0; -ENOTTY: stdout is no terminal; -EINVAL, -ENOMEDIUM: of the first look, told on stderr;
 * -ELIBACC, -ENOMEM; negative errno of signalfd(2), poll(2). */
int list_watch(const ListOptions *options) _warn_unused_;
