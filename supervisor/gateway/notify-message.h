/* SPDX-License-Identifier: MIT */
#pragma once

/* One datagram of the notify protocol: parsed within its limits, judged field by field, and rebuilt
 * for systemd. Pure: fds and credentials are the proxy's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "usec.h"

#define NOTIFY_MESSAGE_MAX 4096U /* systemd drops what is longer */
#define NOTIFY_FDS_MAX     253U  /* SCM_MAX_FD of the kernel */

/* As many as fit into a datagram: a line has at least "X_GATEWATCH_STEP_END=x\n". */
#define NOTIFY_STEPS_MAX (NOTIFY_MESSAGE_MAX / 23U)

/* X_GATEWATCH_STEP_BEGIN=, X_GATEWATCH_STEP_END=. Names are judged by who takes them. */
typedef struct NotifyStep {
        const char *name; /* into the parsed buffer */
        bool is_begin;
        bool has_timeout; /* X_GATEWATCH_STEP_TIMEOUT_USEC= */
        usec_t timeout_usec;
} NotifyStep;

typedef struct NotifyMessage {
        bool has_ready;
        bool has_reloading;
        bool has_stopping;
        bool has_watchdog;         /* WATCHDOG=1 */
        bool has_watchdog_trigger; /* WATCHDOG=trigger */
        bool has_watchdog_usec;
        usec_t watchdog_usec;
        bool has_extend;
        usec_t extend_usec; /* EXTEND_TIMEOUT_USEC */
        bool has_main_pid;
        pid_t main_pid;
        bool has_barrier; /* BARRIER=1 and nothing else in the datagram */
        bool has_fdstore; /* FDSTORE=1: its fds are to be passed on */
        const char *
                status; /* into the parsed buffer, NUL-terminated there; NULL: none, or not UTF-8 */
        const char *phase; /* X_GATEWATCH_PHASE, maybe empty; NULL: none */
        bool has_active;
        uint64_t active; /* X_GATEWATCH_ACTIVE */
        /* In the order of the lines. The timeout is that of the STEP_BEGIN line before it, or, standing
         * before all of them, of the first; "infinity" is USEC_INFINITY. */
        NotifyStep steps[NOTIFY_STEPS_MAX];
        size_t n_steps;
        /* The first of our own keys that is unusable: not one that we know (then cut to 64 characters
         * of A-Z, 0-9 and "_"), a number that is none, a step without a name, a timeout of no step or
         * a second one of the same. NULL: none. */
        const char *bad_key;
        /* Lines that are passed on as they are, each "KEY=value\n", in their order: READY, RELOADING,
         * STOPPING and STATUS are not among them (the proxy decides), ERRNO, BUSERROR,
         * MONOTONIC_USEC, FDSTORE, FDSTOREREMOVE, FDNAME, FDPOLL and whatever we do not know are,
         * unless it begins with X_GATEWATCH_. */
        char *passed; /* into a buffer of the caller */
        size_t passed_size;
} NotifyMessage;

/* Parses one datagram: lines that end in LF or CR, as systemd splits them, and one NUL at the end is
 * fine. Of a key that we know and that stands there twice the first counts (of the
 * keys of steps each does); lines that are no
 * KEY=value lead nowhere and are left out. MAINPIDFD, MAINPIDFDID and NOTIFYACCESS end here too:
 * systemd's main process is the supervisor.
 *
 * buffer:  the datagram's size bytes plus room for one NUL; altered; must outlive the message.
 * passed:  NOTIFY_MESSAGE_MAX + 2 bytes for the lines that are passed on.
 * n_fds:   how many fds came along.
 *
 * Returns: 0; -EMSGSIZE: longer than NOTIFY_MESSAGE_MAX; -EBADMSG: a NUL inside, or BARRIER=1 with
 * other lines beside it or not exactly one fd: drop the message and close its fds.
 * Source: sd_notify(3), sd_notify_barrier(3). */
int notify_message_parse(char *buffer, size_t size, size_t n_fds, char *passed,
        NotifyMessage *ret_message) _warn_unused_;

/* Rebuilds what goes up: one of STOPPING, READY, RELOADING (of several the first in this order, as
 * systemd itself takes them since 254; before, the last line won), the lines that are passed on, and
 * the status, cut at a character so that the whole stays within NOTIFY_MESSAGE_MAX.
 *
 * buffer: NOTIFY_MESSAGE_MAX bytes; no NUL is added.
 *
 * Returns: the size; 0: nothing goes up; -EMSGSIZE: too long even without a status. */
ssize_t notify_message_format(const NotifyMessage *message, char *buffer) _warn_unused_;
