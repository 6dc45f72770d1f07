/* SPDX-License-Identifier: MIT */
#pragma once

/* From ids, of runs or machines, to indices into an array. Ids come from strangers: where they land is secret, so
 * that nobody can make them land in one place. */

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-id128.h>

#include "cleanup.h"

typedef struct IdMapSlot {
        sd_id128_t id;
        size_t value; /* SIZE_MAX: a free slot */
} IdMapSlot;

typedef struct IdMap {
        IdMapSlot *slots;
        size_t n, n_slots; /* n_slots: a power of two, or 0 */
        sd_id128_t secret;
} IdMap;

/* Embedded. Returns: 0; negative errno of sd_id128_randomize(3). */
int id_map_init(IdMap *map) _warn_unused_;
void id_map_done(IdMap *map);

/* Returns: the value; SIZE_MAX: there is none. */
size_t id_map_get(const IdMap *map, sd_id128_t id);
/* Sets or replaces. value: not SIZE_MAX. Returns: 0; -ENOMEM. */
int id_map_put(IdMap *map, sd_id128_t id, size_t value) _warn_unused_;

/* An id for a text, another one in each map. */
sd_id128_t id_map_text_id(const IdMap *map, const char *text);
