/* SPDX-License-Identifier: MIT */
#pragma once

/* What systemd would not take at once: datagrams in order, bounded in number and in fds, each with a
 * rank that says who gives way when there is no room. */

#include <stddef.h>
#include <sys/types.h>

#include "cleanup.h"

#define NOTIFY_QUEUE_MAX     128 /* datagrams that wait for systemd */
#define NOTIFY_QUEUE_RESERVE 8   /* of these kept for NOTIFY_RANK_OWN */
#define NOTIFY_QUEUE_FDS_MAX \
        506 /* fds that wait with them; never more than a third of RLIMIT_NOFILE */

/* From what is lost most easily. */
typedef enum NotifyRank {
        NOTIFY_RANK_STATUS,    /* STATUS and nothing else: a newer one replaces it */
        NOTIFY_RANK_PLAIN,     /* anything without a name of its own here */
        NOTIFY_RANK_HEARTBEAT, /* WATCHDOG=1 and nothing else: a newer one replaces it */
        NOTIFY_RANK_VITAL,     /* state, stored fds and barriers */
        NOTIFY_RANK_OWN,       /* the supervisor's own word */
        _NOTIFY_RANK_MAX,
} NotifyRank;

typedef struct NotifyDatagram {
        NotifyRank rank;
        pid_t sender; /* 0: the supervisor itself */
        const char *text;
        size_t size;
        int *fds; /* owned as the function that takes the datagram says */
        size_t n_fds;
} NotifyDatagram;

typedef struct NotifyQueue {
        NotifyDatagram *items[NOTIFY_QUEUE_MAX]; /* oldest first; text and fds owned */
        size_t n_items;
        size_t n_fds; /* of all items */
} NotifyQueue;

/* An all-zero queue is an empty one. Closes all fds. */
void notify_queue_done(NotifyQueue *queue);

/* Appends a copy. A STATUS or HEARTBEAT replaces the one that waits already. In a full queue the
 * oldest of the lowest rank gives way, if that is lower than the new one's and below VITAL.
 *
 * datagram:    its fds are moved into the queue on success (n_fds becomes 0).
 * ret_evicted: the sender of the datagram that gave way; written only when 1 is returned.
 *
 * Returns: 0; 1: one was thrown out for it; -ENOBUFS: no room; -ENOMEM. */
int notify_queue_push(
        NotifyQueue *queue, NotifyDatagram *datagram, pid_t *ret_evicted) _warn_unused_;

/* Returns: the oldest, owned by the queue until it is popped; NULL: empty. */
const NotifyDatagram *notify_queue_first(const NotifyQueue *queue);

/* Removes the oldest and closes its fds. The queue must not be empty. */
void notify_queue_pop(NotifyQueue *queue);

/* Removes all of one rank. */
void notify_queue_remove_rank(NotifyQueue *queue, NotifyRank rank);
