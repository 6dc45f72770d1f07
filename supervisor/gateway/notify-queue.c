/* SPDX-License-Identifier: MIT */

/* An array of owned datagrams, oldest first. It fills only while systemd does not read (a reload of
 * hundreds of units takes seconds), so it is short-lived and small, and moving pointers on a removal
 * costs less than anything cleverer.
 *
 * Bounded in every way a gateway could push: datagrams, their size (by the protocol), and fds, which
 * would otherwise exhaust those of the supervisor. The gateway cannot fill the last places: they are
 * for the supervisor, whose word about time keeps the unit alive.
 *
 * A replaced STATUS is taken out and the newer one goes to the end, not into its place: a datagram
 * with a STATUS among others in between must not have the last word.
 *
 * It does not send, log or count drops. */

#include "notify-queue.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void notify_fds_close(int *fds, size_t n_fds) {
        for (size_t i = 0; i < n_fds; i++)
                (void) fd_close(fds[i]);
}

static NotifyDatagram *notify_datagram_free(NotifyDatagram *datagram) {
        if (!datagram)
                return NULL;
        notify_fds_close(datagram->fds, datagram->n_fds);
        free(datagram);
        return NULL;
}

/* One allocation holds the datagram, its fds and its text. Takes the fds. */
static NotifyDatagram *notify_datagram_take(NotifyDatagram *datagram) {
        size_t fds_size = datagram->n_fds * sizeof(int);
        NotifyDatagram *copy = malloc(sizeof(*copy) + fds_size + datagram->size);
        if (!copy)
                return NULL;

        char *text = (char *) (copy + 1) + fds_size;
        *copy = *datagram;
        copy->fds = (int *) (copy + 1);
        copy->text = text;
        if (fds_size > 0)
                memcpy(copy->fds, datagram->fds, fds_size);
        memcpy(text, datagram->text, datagram->size);
        datagram->n_fds = 0;
        return copy;
}

/* A third of what the process may have open: the supervisor still has to look at processes, beside its
 * helpers, and to write. */
static size_t notify_queue_fds_max(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 3 > NOTIFY_QUEUE_FDS_MAX)
                return NOTIFY_QUEUE_FDS_MAX;
        return (size_t) (limit.rlim_cur / 3);
}

void notify_queue_done(NotifyQueue *queue) {
        for (size_t i = 0; i < queue->n_items; i++)
                queue->items[i] = notify_datagram_free(queue->items[i]);
        queue->n_items = queue->n_fds = 0;
}

static void notify_queue_remove(NotifyQueue *queue, size_t place) {
        assert(place < queue->n_items);

        queue->n_fds -= queue->items[place]->n_fds;
        (void) notify_datagram_free(queue->items[place]);
        queue->n_items--;
        memmove(queue->items + place, queue->items + place + 1,
                (queue->n_items - place) * sizeof(queue->items[0]));
}

/* Returns: the place of the oldest datagram of the lowest rank; n_items when empty. */
static size_t notify_queue_find_lowest(const NotifyQueue *queue) {
        size_t lowest = queue->n_items;

        for (size_t i = 0; i < queue->n_items; i++)
                if (lowest == queue->n_items || queue->items[i]->rank < queue->items[lowest]->rank)
                        lowest = i;
        return lowest;
}

int notify_queue_push(NotifyQueue *queue, NotifyDatagram *datagram, pid_t *ret_evicted) {
        assert(queue);
        assert(datagram && datagram->text);
        assert(ret_evicted);

        if (queue->n_fds + datagram->n_fds > notify_queue_fds_max())
                return -ENOBUFS;

        bool is_replacing =
                datagram->rank == NOTIFY_RANK_STATUS || datagram->rank == NOTIFY_RANK_HEARTBEAT;
        if (is_replacing)
                notify_queue_remove_rank(queue, datagram->rank);

        size_t room = datagram->rank == NOTIFY_RANK_OWN ? NOTIFY_QUEUE_MAX
                                                        : NOTIFY_QUEUE_MAX - NOTIFY_QUEUE_RESERVE;
        size_t lowest = queue->n_items;
        if (queue->n_items >= room) {
                lowest = notify_queue_find_lowest(queue);
                NotifyRank rank = queue->items[lowest]->rank;
                if (rank >= datagram->rank || rank >= NOTIFY_RANK_VITAL)
                        return -ENOBUFS;
        }

        NotifyDatagram *copy = notify_datagram_take(datagram);
        if (!copy)
                return -ENOMEM;

        bool is_evicting = lowest < queue->n_items;
        if (is_evicting) {
                *ret_evicted = queue->items[lowest]->sender;
                notify_queue_remove(queue, lowest);
        }
        queue->items[queue->n_items++] = copy;
        queue->n_fds += copy->n_fds;
        return is_evicting;
}

const NotifyDatagram *notify_queue_first(const NotifyQueue *queue) {
        return queue->n_items > 0 ? queue->items[0] : NULL;
}

void notify_queue_pop(NotifyQueue *queue) {
        notify_queue_remove(queue, 0);
}

void notify_queue_remove_rank(NotifyQueue *queue, NotifyRank rank) {
        for (size_t i = queue->n_items; i-- > 0;)
                if (queue->items[i]->rank == rank)
                        notify_queue_remove(queue, i);
}
