/* SPDX-License-Identifier: MIT */

/* Open addressing with linear probing, at most three quarters full, nothing is ever taken out. What is hashed is
 * mixed with a random secret of the map. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "id-map.h"

#define ID_MAP_SLOTS_MIN 64

/* The finaliser of MurmurHash3 (public domain): each bit of the input changes half of those of the output. */
static uint64_t id_map_mix(uint64_t x) {
        x ^= x >> 33;
        x *= UINT64_C(0xff51afd7ed558ccd);
        x ^= x >> 33;
        x *= UINT64_C(0xc4ceb9fe1a85ec53);
        return x ^ x >> 33;
}

static IdMapSlot *id_map_slot(const IdMap *map, sd_id128_t id) {
        uint64_t hash = id_map_mix(id.qwords[1] ^ id_map_mix(id.qwords[0] ^ map->secret.qwords[0]) ^
                map->secret.qwords[1]);

        for (size_t i = (size_t) hash & (map->n_slots - 1);; i = (i + 1) & (map->n_slots - 1))
                if (map->slots[i].value == SIZE_MAX || sd_id128_equal(map->slots[i].id, id))
                        return &map->slots[i];
}

int id_map_init(IdMap *map) {
        *map = (IdMap){};
        return sd_id128_randomize(&map->secret);
}

void id_map_done(IdMap *map) {
        free(map->slots);
        *map = (IdMap){};
}

size_t id_map_get(const IdMap *map, sd_id128_t id) {
        return map->n_slots > 0 ? id_map_slot(map, id)->value : SIZE_MAX;
}

static int id_map_grow(IdMap *map) {
        IdMap grown = { .n = map->n, .secret = map->secret };

        grown.n_slots = map->n_slots > 0 ? map->n_slots * 2 : ID_MAP_SLOTS_MIN;
        grown.slots = reallocarray(NULL, grown.n_slots, sizeof(IdMapSlot));
        if (!grown.slots)
                return -ENOMEM;
        for (size_t i = 0; i < grown.n_slots; i++)
                grown.slots[i].value = SIZE_MAX;
        for (size_t i = 0; i < map->n_slots; i++)
                if (map->slots[i].value != SIZE_MAX)
                        *id_map_slot(&grown, map->slots[i].id) = map->slots[i];
        free(map->slots);
        *map = grown;
        return 0;
}

int id_map_put(IdMap *map, sd_id128_t id, size_t value) {
        IdMapSlot *slot;
        int r;

        assert(value != SIZE_MAX);

        if (map->n + 1 > map->n_slots / 4 * 3) {
                r = id_map_grow(map);
                if (r < 0)
                        return r;
        }
        slot = id_map_slot(map, id);
        if (slot->value == SIZE_MAX)
                map->n++;
        *slot = (IdMapSlot){ .id = id, .value = value };
        return 0;
}

sd_id128_t id_map_text_id(const IdMap *map, const char *text) {
        sd_id128_t id = map->secret;

        for (; *text; text++) {
                id.qwords[0] = id_map_mix(id.qwords[0] ^ (unsigned char) *text);
                id.qwords[1] = id_map_mix(id.qwords[1] + (unsigned char) *text);
        }
        return id;
}
