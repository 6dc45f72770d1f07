/* SPDX-License-Identifier: MIT */
#pragma once

/* The gateway's main process: forked and executed as if nobody stood in between, and its end passed
 * on the same way. */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-id128.h>

#include "cleanup.h"
#include "usec.h"

/* What the supervisor was itself started with and the gateway shall find unchanged. Taken before
 * anything else touches signals. Dispositions need no keeping: the supervisor changes none but
 * SIGCHLD's. */
typedef struct CallerSignals {
        sigset_t mask;
        bool is_child_ignored; /* SIGCHLD was SIG_IGN */
} CallerSignals;

/* Reads the caller's mask, then blocks every signal that can be blocked, and resets SIGCHLD to its
 * default (an ignored SIGCHLD would throw exit statuses away).
 * Returns: 0; negative errno. */
int caller_signals_take(CallerSignals *ret_signals) _warn_unused_;

typedef struct GatewayCommand {
        char *const *argv;         /* of the gateway; argv[0] is searched for in PATH */
        const char *argv0;         /* what it finds as argv[0]; NULL: the same */
        const char *notify_socket; /* NOTIFY_SOCKET for it; NULL: unset */
        sd_id128_t run_id;         /* GATEWATCH_RUN_ID */
        const char *previous;      /* GATEWATCH_PREVIOUS; NULL: not known, unset */
        usec_t watchdog_usec;      /* WATCHDOG_USEC, with WATCHDOG_PID; 0: both unset */
        const CallerSignals *signals;
        int cgroup_fd; /* group to be born in (clone3, CLONE_INTO_CGROUP); -EBADF: the caller's own */
} GatewayCommand;

typedef enum GatewayEnd {
        GATEWAY_EXITED,
        GATEWAY_KILLED,
        GATEWAY_DUMPED, /* killed, with a core dump */
        _GATEWAY_END_MAX,
        _GATEWAY_END_INVALID = -EINVAL,
} GatewayEnd;

/* "exited", "killed", "dumped": systemd's $EXIT_CODE. */
const char *gateway_end_to_string(GatewayEnd end);

typedef struct GatewayStatus {
        GatewayEnd end;
        int status; /* exit code, or signal number */
} GatewayStatus;

typedef struct Gateway {
        pid_t pid;     /* main; another one after MAINPID= was adopted */
        int pidfd;     /* owned; readable once main is gone; -EBADF where the kernel gives none */
        bool is_child; /* main is our child: its status can be waited for */
} Gateway;

/* Forks and executes. The child gets the caller's signal mask and dispositions, PDEATHSIG=KILL, the
 * caller's stdin, stdout, stderr, working directory, umask, limits and every inherited fd (socket
 * activation: LISTEN_PID, likewise SYSTEMD_EXEC_PID, when they name us, name it then; LISTEN_PIDFDID is
 * dropped, and so are the caller's WATCHDOG_USEC and WATCHDOG_PID: that watchdog is ours to feed). All fds of the supervisor are close-on-exec. Returns when exec has
 * happened or has failed.
 *
 * ret_exec_error: 0, or why COMMAND could not be executed (ENOENT: not found; EACCES, ENOTDIR, ELOOP,
 *                 ETXTBSY, …): no gateway was started then, though 0 is returned.
 *
 * Returns: 0; negative errno of clone3(2) or fork(2) (-EAGAIN, -ENOMEM, …), and for a cgroup_fd that
 * the kernel will not fork into -EBUSY, -EACCES, -EOPNOTSUPP, …: try again without it.
 * Source: clone(2), execve(2), prctl(2), sd_listen_fds(3). */
int gateway_spawn(
        const GatewayCommand *command, Gateway *ret_gateway, int *ret_exec_error) _warn_unused_;

/* Closes the pidfd. */
void gateway_done(Gateway *gateway);

/* Sends a signal to main, by pidfd: it cannot hit another process. Where there is none, main is signalled
 * by pid as long as it is our child, so do not call this after it was reaped.
 *
 * queued: NULL, or the siginfo of a signal that was sent by sigqueue(3) (si_code SI_QUEUE): main then
 *         sees that sender and that value.
 *
 * Returns: 0; -ESRCH: it is gone; -EPERM. */
int gateway_signal(const Gateway *gateway, int signo, const siginfo_t *queued) _warn_unused_;

/* Makes another process main (MAINPID=). The caller has checked that it is a gateway process.
 * Returns: 0; -ESRCH: gone; other errno of pidfd_open(2): gateway is unchanged. */
int gateway_adopt(Gateway *gateway, pid_t pid) _warn_unused_;

/* Converts what waitid(2) says: the code (CLD_EXITED, CLD_KILLED, CLD_DUMPED) and the status. */
GatewayStatus gateway_status_from_code(int code, int status);

/* Leaves the way the gateway left: exits with its code, or dies by its signal, without a second core
 * dump; as PID 1 of a namespace, where no signal can kill us, exits with 128 + signal. Runs no exit
 * handlers. Never returns. */
void gateway_status_mirror(GatewayStatus status) _noreturn_;
