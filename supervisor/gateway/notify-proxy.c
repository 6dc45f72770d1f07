/* SPDX-License-Identifier: MIT */

/* A datagram's way: received with its credentials and fds; asked about (is the sender a gateway
 * process?) before a byte of it is looked at; parsed; shown to the supervisor, which takes out what
 * it decides on; rebuilt; sent to systemd, or queued behind what is queued already. Whatever happens
 * on the way, fds that did not go on are closed, so a client that waits behind a barrier never waits
 * for us.
 *
 * After a batch of datagrams, whether they came in one dispatch or in many, the source sleeps until
 * the loop has found nothing else to do. A bound on the dispatch alone would not do: we stand before
 * child exits and deadlines, and a gateway that never stops talking would keep us there.
 *
 * EPOLLOUT of systemd's socket is watched only while something is queued, for it is almost always
 * true.
 *
 * Barriers are passed through, not answered: closing systemd's copy of the fd is systemd's answer,
 * and it covers everything that went up before.
 *
 * It does not interpret messages beyond their rank in the queue, and does not log. */

#include "notify-proxy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "file.h"
#include "notify-socket.h"

struct NotifyProxy {
        NotifyProxyOps ops;
        void *userdata; /* weak */
        int fd;
        char address[NOTIFY_ADDRESS_MAX];
        int upstream_fd; /* -EBADF: nobody listens */
        char *upstream_address;
        NotifyQueue queue;
        uint64_t n_dropped[_NOTIFY_DROP_MAX];
        unsigned n_batch; /* datagrams taken since the source last slept */
        unsigned n_queue; /* datagrams that the socket holds at most */
        sd_event_source *source;
        sd_event_source *resume_source;
        sd_event_source *upstream_source;
        NotifyReceived received; /* the datagram in work */
        char passed[NOTIFY_MESSAGE_MAX + 2];
};

static const char *const notify_drop_names[_NOTIFY_DROP_MAX] = {
        [NOTIFY_DROP_STRANGER] = "stranger",
        [NOTIFY_DROP_OVERSIZED] = "oversized",
        [NOTIFY_DROP_MALFORMED] = "malformed",
        [NOTIFY_DROP_QUEUE_FULL] = "queue-full",
        [NOTIFY_DROP_REFUSED] = "refused",
};

const char *notify_drop_to_string(NotifyDrop drop) {
        return (unsigned) drop < _NOTIFY_DROP_MAX ? notify_drop_names[drop] : NULL;
}

static void notify_proxy_count_drop(NotifyProxy *proxy, NotifyDrop drop, pid_t sender) {
        uint64_t count = ++proxy->n_dropped[drop];

        if (proxy->ops.dropped && (count & (count - 1)) == 0)
                proxy->ops.dropped(drop, sender, count, proxy->userdata);
}

static void notify_proxy_watch_upstream(NotifyProxy *proxy) {
        if (proxy->upstream_source)
                (void) sd_event_source_set_enabled(proxy->upstream_source,
                        notify_queue_first(&proxy->queue) ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* Sends what is queued until systemd does not take more. */
static void notify_proxy_flush(NotifyProxy *proxy) {
        const NotifyDatagram *first;

        while ((first = notify_queue_first(&proxy->queue))) {
                pid_t sender = first->sender;
                int r = notify_socket_send(proxy->upstream_fd, proxy->upstream_address, first->text,
                        first->size, first->fds, first->n_fds);
                if (r == -EAGAIN)
                        break;
                notify_queue_pop(&proxy->queue);
                if (r < 0)
                        notify_proxy_count_drop(proxy, NOTIFY_DROP_REFUSED, sender);
        }
        notify_proxy_watch_upstream(proxy);
}

/* Sends or queues. The fds stay in the datagram unless they were queued with it.
 * Returns: 0; -ENOBUFS; -ENOMEM; other errno of sending. */
static int notify_proxy_submit(NotifyProxy *proxy, NotifyDatagram *datagram) {
        notify_proxy_flush(proxy);
        if (!notify_queue_first(&proxy->queue)) {
                int r = notify_socket_send(proxy->upstream_fd, proxy->upstream_address,
                        datagram->text, datagram->size, datagram->fds, datagram->n_fds);
                if (r != -EAGAIN)
                        return r;
        }

        pid_t evicted;
        int r = notify_queue_push(&proxy->queue, datagram, &evicted);
        notify_proxy_watch_upstream(proxy);
        if (r > 0)
                notify_proxy_count_drop(proxy, NOTIFY_DROP_QUEUE_FULL, evicted);
        return r < 0 ? r : 0;
}

static NotifyRank notify_message_rank(const NotifyMessage *message) {
        if (message->has_ready || message->has_reloading || message->has_stopping ||
                message->has_barrier || message->has_fdstore)
                return NOTIFY_RANK_VITAL;
        return message->passed_size == 0 ? NOTIFY_RANK_STATUS : NOTIFY_RANK_PLAIN;
}

static void notify_proxy_pass_on(NotifyProxy *proxy, const NotifyMessage *message) {
        NotifyReceived *received = &proxy->received;
        char text[NOTIFY_MESSAGE_MAX];

        ssize_t size = notify_message_format(message, text);
        if (size < 0) {
                notify_proxy_count_drop(proxy, NOTIFY_DROP_OVERSIZED, received->sender);
                return;
        }
        if (size == 0 || proxy->upstream_fd < 0)
                return;

        bool is_with_fds = message->has_fdstore || message->has_barrier;
        NotifyDatagram datagram = {
                .rank = notify_message_rank(message),
                .sender = received->sender,
                .text = text,
                .size = (size_t) size,
                .fds = received->fds,
                .n_fds = is_with_fds ? received->n_fds : 0,
        };
        int r = notify_proxy_submit(proxy, &datagram);
        if (is_with_fds)
                received->n_fds = datagram.n_fds;
        if (r < 0)
                notify_proxy_count_drop(proxy,
                        r == -ENOBUFS || r == -ENOMEM ? NOTIFY_DROP_QUEUE_FULL
                                                      : NOTIFY_DROP_REFUSED,
                        received->sender);
}

static void notify_proxy_process(NotifyProxy *proxy) {
        NotifyReceived *received = &proxy->received;
        NotifyMessage message;

        if (received->sender <= 0 || !proxy->ops.is_member(received->sender, proxy->userdata)) {
                notify_proxy_count_drop(proxy, NOTIFY_DROP_STRANGER, received->sender);
                return;
        }
        int r = notify_message_parse(
                received->buffer, received->size, received->n_fds, proxy->passed, &message);
        if (r >= 0 && message.has_fdstore && received->has_lost_fds)
                r = -EBADMSG;
        if (r < 0) {
                notify_proxy_count_drop(proxy,
                        r == -EMSGSIZE ? NOTIFY_DROP_OVERSIZED : NOTIFY_DROP_MALFORMED,
                        received->sender);
                return;
        }
        proxy->ops.handle(&message, received->sender, proxy->userdata);
        notify_proxy_pass_on(proxy, &message);
}

/* Returns: how many datagrams were there, up to max. */
static unsigned notify_proxy_take(NotifyProxy *proxy, unsigned max) {
        for (unsigned i = 0; i < max; i++) {
                int r = notify_socket_receive(proxy->fd, &proxy->received);
                if (r == -EAGAIN)
                        return i;
                if (r < 0) /* a pending error of the socket, gone with this call */
                        continue;
                notify_proxy_process(proxy);
                notify_received_close_fds(&proxy->received);
        }
        return max;
}

static int notify_proxy_dispatch_readable(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        NotifyProxy *proxy = userdata;

        proxy->n_batch += notify_proxy_take(proxy, NOTIFY_BATCH_MAX - proxy->n_batch);
        if (proxy->n_batch < NOTIFY_BATCH_MAX)
                return 0;
        proxy->n_batch = 0;
        if (sd_event_source_set_enabled(proxy->resume_source, SD_EVENT_ONESHOT) >= 0)
                (void) sd_event_source_set_enabled(proxy->source, SD_EVENT_OFF);
        return 0;
}

static int notify_proxy_dispatch_resume(sd_event_source *source, void *userdata) {
        NotifyProxy *proxy = userdata;

        (void) sd_event_source_set_enabled(proxy->source, SD_EVENT_ON);
        return 0;
}

static int notify_proxy_dispatch_upstream_writable(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        notify_proxy_flush(userdata);
        return 0;
}

/* As many wait in the kernel at most: who waits to send has not sent yet. Source: unix(7),
 * max_dgram_qlen. */
static unsigned notify_proxy_queue_length(void) {
        char text[32];
        int n;

        if (file_read_virtual(AT_FDCWD, "/proc/sys/net/unix/max_dgram_qlen", text, sizeof(text)) <
                0)
                return NOTIFY_DRAIN_MAX;
        n = atoi(text);
        return n >= 0 && n < NOTIFY_DRAIN_MAX ? (unsigned) n + 1 : NOTIFY_DRAIN_MAX;
}

int notify_proxy_new(const char *upstream, const char *runtime_directory, const NotifyProxyOps *ops,
        void *userdata, NotifyProxy **ret_proxy) {
        assert(ops && ops->is_member && ops->handle);
        assert(ret_proxy);

        _cleanup_(notify_proxy_freep) NotifyProxy *proxy = calloc(1, sizeof(*proxy));
        if (!proxy)
                return -ENOMEM;
        proxy->ops = *ops;
        proxy->userdata = userdata;
        proxy->upstream_fd = -EBADF;
        proxy->n_queue = notify_proxy_queue_length();
        proxy->fd = notify_socket_listen(runtime_directory, proxy->address);
        if (proxy->fd < 0)
                return proxy->fd;

        if (upstream) {
                proxy->upstream_address = strdup(upstream);
                if (!proxy->upstream_address)
                        return -ENOMEM;
                proxy->upstream_fd = notify_socket_connect(upstream);
        }
        *ret_proxy = TAKE_PTR(proxy);
        return 0;
}

NotifyProxy *notify_proxy_free(NotifyProxy *proxy) {
        if (!proxy)
                return NULL;
        (void) sd_event_source_disable_unref(proxy->upstream_source);
        (void) sd_event_source_disable_unref(proxy->resume_source);
        (void) sd_event_source_disable_unref(proxy->source);
        notify_queue_done(&proxy->queue);
        (void) fd_close(proxy->upstream_fd);
        free(proxy->upstream_address);
        (void) notify_socket_close(proxy->fd, proxy->address);
        free(proxy);
        return NULL;
}

static int notify_proxy_attach_upstream(NotifyProxy *proxy, sd_event *event, int64_t priority) {
        if (proxy->upstream_fd < 0)
                return 0;

        int r = sd_event_add_io(event, &proxy->upstream_source, proxy->upstream_fd, EPOLLOUT,
                notify_proxy_dispatch_upstream_writable, proxy);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(proxy->upstream_source, "notify-upstream");
        notify_proxy_watch_upstream(proxy);
        return sd_event_source_set_priority(proxy->upstream_source, priority);
}

int notify_proxy_attach_event(NotifyProxy *proxy, sd_event *event, int64_t priority) {
        assert(proxy && !proxy->source);

        int r = notify_proxy_attach_upstream(proxy, event, priority);
        if (r < 0)
                return r;

        r = sd_event_add_defer(event, &proxy->resume_source, notify_proxy_dispatch_resume, proxy);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(proxy->resume_source, "notify-resume");
        r = sd_event_source_set_enabled(proxy->resume_source, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(proxy->resume_source, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                return r;

        r = sd_event_add_io(
                event, &proxy->source, proxy->fd, EPOLLIN, notify_proxy_dispatch_readable, proxy);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(proxy->source, "notify");
        return sd_event_source_set_priority(proxy->source, priority);
}

const char *notify_proxy_address(const NotifyProxy *proxy) {
        return proxy->address;
}

bool notify_proxy_has_upstream(const NotifyProxy *proxy) {
        return proxy->upstream_fd >= 0;
}

static bool notify_text_has_line(const char *text, const char *line) {
        size_t size = strlen(line);

        for (const char *start = text; *start;) {
                size_t line_size = strcspn(start, "\n");
                if (line_size == size && memcmp(start, line, size) == 0)
                        return true;
                start += line_size + (start[line_size] == '\n');
        }
        return false;
}

/* text: without a line break at its end. */
static NotifyRank notify_text_rank(const char *text, size_t size) {
        if (memchr(text, '\n', size))
                return NOTIFY_RANK_OWN;
        if (strncmp(text, "STATUS=", strlen("STATUS=")) == 0)
                return NOTIFY_RANK_STATUS;
        if (size == strlen("WATCHDOG=1") && memcmp(text, "WATCHDOG=1", size) == 0)
                return NOTIFY_RANK_HEARTBEAT;
        return NOTIFY_RANK_OWN;
}

int notify_proxy_send(NotifyProxy *proxy, const char *text) {
        assert(proxy);
        assert(text);

        if (proxy->upstream_fd < 0)
                return -ENOTCONN;
        size_t size = strlen(text);
        if (size > 0 && text[size - 1] == '\n')
                size--;
        if (size > NOTIFY_MESSAGE_MAX)
                return -EMSGSIZE;
        if (size == 0)
                return 0;

        if (notify_text_has_line(text, "STOPPING=1"))
                notify_queue_remove_rank(&proxy->queue, NOTIFY_RANK_HEARTBEAT);
        NotifyDatagram datagram = {
                .rank = notify_text_rank(text, size),
                .text = text,
                .size = size,
        };
        return notify_proxy_submit(proxy, &datagram);
}

void notify_proxy_drain(NotifyProxy *proxy) {
        assert(proxy);

        (void) notify_proxy_take(proxy, proxy->n_queue);
}
