/* SPDX-License-Identifier: MIT */
#pragma once

/* Unit names, "PREFIX.TYPE", "PREFIX@.TYPE" (a template), "PREFIX@INSTANCE.TYPE".
 * Source: systemd.unit(5). */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

/* Is this a name that systemd takes: prefix, "." and a type, of its characters, at most 255 bytes? As for
 * systemd, "@" may come again within an instance. */
bool unit_name_is_valid(const char *name);

/* The rest is asked of names that are valid. */

bool unit_name_is_template(const char *name);
bool unit_name_is_instance(const char *name);

/* Where the type begins, with its dot; at the end for what is no unit name. */
const char *unit_name_suffix(const char *name);

/* "foo@bar.service" -> "foo@.service". Returns: malloc()ed name; NULL: no instance, or out of memory. */
char *unit_name_to_template(const char *name) _warn_unused_;

/* The name as the one of an instance has it: "foo@.service" of "bar@x.service" is "foo@x.service"; a name
 * that is no template, or of no instance, stays itself.
 * Returns: malloc()ed name; NULL: out of memory. */
char *unit_name_for_instance(const char *name, const char *instance_name) _warn_unused_;

/* Cuts the prefix after the dash before the last one: "a-b-c@x.service" -> "a-b-@x.service" ->
 * "a-@x.service" -> none. Of a template nothing is left of the "@": "a-b@.service" -> "a-.service", for so
 * systemd looks for drop-ins.
 * Returns: 1; 0: none; -ENOMEM. */
int unit_name_shorten(const char *name, char **ret_shorter) _warn_unused_;
