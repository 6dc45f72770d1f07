/* SPDX-License-Identifier: MIT */

/* Names of signals, of the table that Linux has on all its architectures, and of the real-time
 * signals that the C library leaves to programs.
 *
 * A real-time signal is named from SIGRTMIN upwards, only the last one is SIGRTMAX. The two or
 * three numbers below SIGRTMIN that the C library keeps for itself are neither named nor accepted:
 * nobody can handle or wait for them. No descriptions for people, and no codes of the synchronous
 * faults (SEGV_MAPERR and the like): those concern the process that faults, which we are not. */

#include "signals.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const signal_names[] = {
        [SIGHUP] = "SIGHUP",
        [SIGINT] = "SIGINT",
        [SIGQUIT] = "SIGQUIT",
        [SIGILL] = "SIGILL",
        [SIGTRAP] = "SIGTRAP",
        [SIGABRT] = "SIGABRT",
        [SIGBUS] = "SIGBUS",
        [SIGFPE] = "SIGFPE",
        [SIGKILL] = "SIGKILL",
        [SIGUSR1] = "SIGUSR1",
        [SIGSEGV] = "SIGSEGV",
        [SIGUSR2] = "SIGUSR2",
        [SIGPIPE] = "SIGPIPE",
        [SIGALRM] = "SIGALRM",
        [SIGTERM] = "SIGTERM",
#ifdef SIGSTKFLT
        [SIGSTKFLT] = "SIGSTKFLT", /* not on every architecture */
#endif
        [SIGCHLD] = "SIGCHLD",
        [SIGCONT] = "SIGCONT",
        [SIGSTOP] = "SIGSTOP",
        [SIGTSTP] = "SIGTSTP",
        [SIGTTIN] = "SIGTTIN",
        [SIGTTOU] = "SIGTTOU",
        [SIGURG] = "SIGURG",
        [SIGXCPU] = "SIGXCPU",
        [SIGXFSZ] = "SIGXFSZ",
        [SIGVTALRM] = "SIGVTALRM",
        [SIGPROF] = "SIGPROF",
        [SIGWINCH] = "SIGWINCH",
        [SIGIO] = "SIGIO",
        [SIGPWR] = "SIGPWR",
        [SIGSYS] = "SIGSYS",
};

static const struct {
        const char *name; /* without the prefix */
        int signo;
} signal_aliases[] = {
        { "IOT", SIGABRT },
        { "POLL", SIGIO },
        { "CLD", SIGCHLD },
        { "UNUSED", SIGSYS },
};

const char *signal_to_name(char buffer[static SIGNAL_NAME_MAX], int signo) {
        if (signo == 0)
                return strcpy(buffer, "UNKNOWN");
        if (signo > 0 && (size_t) signo < ELEMENTSOF(signal_names) && signal_names[signo])
                return strcpy(buffer, signal_names[signo]);
        if (signo == SIGRTMIN)
                return strcpy(buffer, "SIGRTMIN");
        if (signo == SIGRTMAX)
                return strcpy(buffer, "SIGRTMAX");

        if (signo > SIGRTMIN && signo < SIGRTMAX)
                (void) snprintf(buffer, SIGNAL_NAME_MAX, "SIGRTMIN+%d", signo - SIGRTMIN);
        else
                (void) snprintf(buffer, SIGNAL_NAME_MAX, "signal#%d", signo);
        return buffer;
}

/* Digits and nothing else, up to three of them. */
static int signal_parse_number(const char *text) {
        int number = 0;
        size_t n_digits = strspn(text, "0123456789");

        if (n_digits == 0 || n_digits > 3 || text[n_digits] != '\0')
                return -EINVAL;
        for (; *text; text++)
                number = number * 10 + (*text - '0');
        return number;
}

static int signal_from_number(const char *text) {
        int signo = signal_parse_number(text);

        if (signo >= SIGRTMIN && signo <= SIGRTMAX)
                return signo;
        if (signo > 0 && (size_t) signo < ELEMENTSOF(signal_names) && signal_names[signo])
                return signo;
        return -EINVAL;
}

/* name: "RTMIN", "RTMIN+n", "RTMAX", "RTMAX-n". */
static int signal_from_realtime_name(const char *name) {
        const int is_max = strncasecmp(name, "RTMAX", 5) == 0;

        if (!is_max && strncasecmp(name, "RTMIN", 5) != 0)
                return -EINVAL;

        const char *offset = name + 5;
        if (*offset == '\0')
                return is_max ? SIGRTMAX : SIGRTMIN;
        if (*offset != (is_max ? '-' : '+'))
                return -EINVAL;

        int n = signal_parse_number(offset + 1);
        if (n < 0 || n > SIGRTMAX - SIGRTMIN)
                return -EINVAL;
        return is_max ? SIGRTMAX - n : SIGRTMIN + n;
}

int signal_from_name(const char *name) {
        assert(name);

        int signo = signal_from_number(name);
        if (signo > 0)
                return signo;

        if (strncasecmp(name, "SIG", 3) == 0)
                name += 3;
        for (size_t i = 1; i < ELEMENTSOF(signal_names); i++)
                if (signal_names[i] && strcasecmp(name, signal_names[i] + 3) == 0)
                        return (int) i;
        for (size_t i = 0; i < ELEMENTSOF(signal_aliases); i++)
                if (strcasecmp(name, signal_aliases[i].name) == 0)
                        return signal_aliases[i].signo;
        return signal_from_realtime_name(name);
}

static const char *signal_child_code_to_name(int code) {
        switch (code) {
        case CLD_EXITED:
                return "CLD_EXITED";
        case CLD_KILLED:
                return "CLD_KILLED";
        case CLD_DUMPED:
                return "CLD_DUMPED";
        case CLD_TRAPPED:
                return "CLD_TRAPPED";
        case CLD_STOPPED:
                return "CLD_STOPPED";
        case CLD_CONTINUED:
                return "CLD_CONTINUED";
        default:
                return "SI_UNKNOWN";
        }
}

const char *signal_code_to_name(int signo, int code) {
        switch (code) {
        case SI_USER:
                return "SI_USER";
        case SI_KERNEL:
                return "SI_KERNEL";
        case SI_QUEUE:
                return "SI_QUEUE";
        case SI_TIMER:
                return "SI_TIMER";
        case SI_MESGQ:
                return "SI_MESGQ";
        case SI_ASYNCIO:
                return "SI_ASYNCIO";
        case SI_SIGIO:
                return "SI_SIGIO";
        case SI_TKILL:
                return "SI_TKILL";
        default:
                return signo == SIGCHLD ? signal_child_code_to_name(code) : "SI_UNKNOWN";
        }
}
