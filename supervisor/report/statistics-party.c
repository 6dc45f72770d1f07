/* SPDX-License-Identifier: MIT */

/* Who asked for stops, or sent their signals, as one name that is the same at each of them: without a pid.
 *
 * Names are made where those of a single stop are made (past_stop_format_party()), which may have to look up a user.
 * The parties of a gateway are few, so the last ones are remembered. */

#include "statistics-internal.h"

#include <string.h>

static bool text_is_same(const char *a, const char *b) {
        return a == b || (a && b && strcmp(a, b) == 0);
}

static bool party_is_same(const StopParty *a, const StopParty *b) {
        return a->uid == b->uid && a->loginuid == b->loginuid && (a->pid > 0) == (b->pid > 0) &&
                text_is_same(a->comm, b->comm) && text_is_same(a->user, b->user) &&
                text_is_same(a->state, b->state);
}

static bool party_entry_fits(const PartyEntry *entry, const PastStop *stop) {
        return entry->name && sd_id128_equal(entry->stop->machine_id, stop->machine_id) &&
                party_is_same(&entry->stop->requester, &stop->requester) &&
                party_is_same(&entry->stop->sender, &stop->sender);
}

/* A process of which there is only the number had exited: the number is another each time. */
static char *party_format(const PastStop *stop) {
        PastStop copy = *stop; /* weak: its strings are those of stop */

        if (!copy.requester.comm && copy.requester.pid > 0)
                copy.requester.comm = "exited process";
        if (!copy.sender.comm && copy.sender.pid > 0)
                copy.sender.comm = "exited process";
        copy.requester.pid = copy.sender.pid = 0;
        return past_stop_format_party(&copy);
}

int party_cache_find(PartyCache *cache, const PastStop *stop, const char **ret_name) {
        assert(cache);
        assert(stop);
        assert(ret_name);

        for (size_t i = 0; i < PARTY_CACHE_MAX; i++)
                if (party_entry_fits(&cache->entries[i], stop)) {
                        *ret_name = cache->entries[i].name;
                        return 0;
                }
        char *name = party_format(stop);
        if (!name)
                return -ENOMEM;
        PartyEntry *entry = &cache->entries[cache->next++ % PARTY_CACHE_MAX];
        free(entry->name);
        *entry = (PartyEntry){ .stop = stop, .name = name };
        *ret_name = name;
        return 0;
}

void party_cache_done(PartyCache *cache) {
        for (size_t i = 0; i < PARTY_CACHE_MAX; i++)
                free(cache->entries[i].name);
        *cache = (PartyCache){};
}
