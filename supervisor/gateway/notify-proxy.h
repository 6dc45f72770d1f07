/* SPDX-License-Identifier: MIT */
#pragma once

/* The gateway's voice: a notify socket of our own for it, and the one way to systemd's. Datagrams
 * count only from gateway processes (the kernel vouches for the sender), are taken in order, and go
 * on in order; what systemd will not take now waits in a bounded queue, the newest STATUS replacing
 * an older one that still waits. What concerns systemd's view of the unit (readiness, stopping, main
 * process, time) is told to the supervisor, which decides. */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "notify-message.h"
#include "notify-queue.h"

#define NOTIFY_BATCH_MAX \
        32 /* datagrams taken before everybody else gets a turn: a flood cannot hold the loop */

typedef enum NotifyDrop {
        NOTIFY_DROP_STRANGER, /* not a gateway process, or one in a foreign pid namespace */
        NOTIFY_DROP_OVERSIZED,
        NOTIFY_DROP_MALFORMED, /* or its fds were lost on the way */
        NOTIFY_DROP_QUEUE_FULL,
        NOTIFY_DROP_REFUSED, /* systemd's socket is gone, or does not take it */
        _NOTIFY_DROP_MAX,
} NotifyDrop;

const char *notify_drop_to_string(NotifyDrop drop);

typedef struct NotifyProxy NotifyProxy;

/* None of them may call back into the proxy but with notify_proxy_send(). */
typedef struct NotifyProxyOps {
        /* Is this pid a gateway process? Asked when the datagram is read: a sender that has ended by
         * then is known as long as nobody has reaped it, which for our own children is the case when
         * child exits are dispatched at a lower priority. One whose parent in the gateway has reaped
         * it already is a stranger, unless the answer comes from memory. */
        bool (*is_member)(pid_t pid, void *userdata);
        /* A valid message, before anything of it is passed on. The handler takes what it decides on
         * (clears has_ready, has_stopping, … so that it does not go up; may replace status). READY,
         * RELOADING and STOPPING that are still set afterwards are passed on, as is the status. */
        void (*handle)(NotifyMessage *message, pid_t sender, void *userdata);
        /* Something was dropped; called at the first and then at every power of two of its kind.
         * Optional.
         * sender: 0: the supervisor's own, or not known.
         * count:  how many of this kind so far. */
        void (*dropped)(NotifyDrop drop, pid_t sender, uint64_t count, void *userdata);
} NotifyProxyOps;

/* Makes the socket for the gateway. Its address is a path in runtime_directory ("notify-PID",
 * removed again in notify_proxy_free()), or, when that is NULL or too long or not writable, an
 * abstract one.
 *
 * upstream: the supervisor's own $NOTIFY_SOCKET (path or "@name"); NULL: nobody listens, what would
 *           be passed on is dropped in silence. An address of another kind ("vsock:"), or one where
 *           nobody listens now, counts as nobody: see notify_proxy_has_upstream().
 * ops:      copied.
 *
 * Returns: 0; -ENOMEM; negative errno of socket(2), bind(2). */
int notify_proxy_new(const char *upstream, const char *runtime_directory, const NotifyProxyOps *ops,
        void *userdata, NotifyProxy **ret_proxy) _warn_unused_;
NotifyProxy *notify_proxy_free(NotifyProxy *proxy);
DEFINE_POINTER_CLEANUP(NotifyProxy, notify_proxy_free)

/* Returns: 0; negative errno of sd_event_add_io(3). */
int notify_proxy_attach_event(NotifyProxy *proxy, sd_event *event, int64_t priority) _warn_unused_;

/* What the gateway's NOTIFY_SOCKET is to be ("/run/…" or "@…"). */
const char *notify_proxy_address(const NotifyProxy *proxy);
bool notify_proxy_has_upstream(const NotifyProxy *proxy);

/* Tells systemd something of our own, in order with what is passed on: sent now, or queued when
 * systemd is busy. STOPPING=1 also takes back a WATCHDOG=1 of ours that still waits: after it, that
 * would re-arm a watchdog which nobody feeds.
 *
 * text: "KEY=value" lines.
 *
 * Returns: 0: sent or queued; -ENOTCONN: no upstream; -EMSGSIZE: longer than NOTIFY_MESSAGE_MAX;
 * -ENOBUFS: the queue is full; -ENOMEM; other errno of sendmsg(2), connect(2). */
int notify_proxy_send(NotifyProxy *proxy, const char *text);

/* Takes everything that has arrived by now, whatever the batch bound (as many as the socket's queue is long,
 * NOTIFY_DRAIN_MAX at most: who goes on sending meanwhile does not hold us):
 * at main's exit, so that its last words are not lost; and before a missed heartbeat is believed. */
#define NOTIFY_DRAIN_MAX 1024
void notify_proxy_drain(NotifyProxy *proxy);
