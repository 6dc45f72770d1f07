/* SPDX-License-Identifier: MIT */
#pragma once

/* The units that a call of `gatewatch list` is about, once or again and again over one connection. */

#include "report/list-options.h"
#include "report/list-unit.h"

typedef struct ListSource {
        const ListOptions *options; /* weak */
        UnitReader *reader;         /* NULL: not connected (any more) */
        char **foreign; /* loaded units that do not run gatewatch: not asked about each time */
        unsigned n_reads;
} ListSource;

typedef struct ListSet {
        UnitView *views;
        size_t n_views;
        ListedUnit *units; /* by name, or as they were asked for */
        size_t n_units;
        bool is_incomplete; /* a unit that was named does not exist, or does not run gatewatch */
        ListClock clock;
} ListSet;

#define LIST_SET_ERROR_MAX 512

/* Embedded; {.options} is a new one. */
void list_source_done(ListSource *source);

/* Reads all that is there now. Units that are missing are told on stderr, the first time.
 *
 * reterr: with the first two of these errors one line for stderr.
 * Returns: 0; -EINVAL: a name that is none; -ENOMEDIUM: no manager could be asked (the next call connects anew);
 * -ENOMEM. */
int list_set_read(
        ListSource *source, ListSet *ret_set, char reterr[static LIST_SET_ERROR_MAX]) _warn_unused_;
void list_set_done(ListSet *set);
