/* SPDX-License-Identifier: MIT */

/* What single words of unit files mean. Tables and parsers alone: which setting takes which kind of word,
 * and what becomes of it, is unit-view.c's. Where systemd is stricter or laxer than one would guess it is
 * followed: its numbers have a base, its signals have one name each, its capabilities are read in any case.
 *
 * Names that a later systemd or kernel may bring are not known here. */

#include "units/unit-view-word.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signals.h"

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Returns: the base that a prefix names, and *digits behind it; 0: that of strtoull(3). */
static int number_base(const char **digits) {
        static const struct {
                const char *prefix;
                int base;
        } rows[] = { { "0b", 2 }, { "0o", 8 } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strncasecmp(*digits, rows[i].prefix, 2) == 0) {
                        *digits += 2;
                        return rows[i].base;
                }
        return 0;
}

int unit_word_to_number(const char *word, uint64_t max, uint64_t *ret_number) {
        const char *digits = word + (*word == '+');
        int base = number_base(&digits);
        unsigned long long number;
        char *end;

        /* strtoull(3) would take white space and a sign. */
        if (!isdigit((unsigned char) *digits))
                return -EINVAL;
        errno = 0;
        number = strtoull(digits, &end, base);
        if (*end != '\0')
                return -EINVAL;
        if (errno == ERANGE || number > max)
                return -ERANGE;
        *ret_number = number;
        return 0;
}

int unit_word_to_boolean(const char *word) {
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" },
                                 *const no[] = { "0", "no", "n", "false", "f", "off" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (strcasecmp(word, yes[i]) == 0)
                        return 1;
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (strcasecmp(word, no[i]) == 0)
                        return 0;
        return -EINVAL;
}

/* ---- Names ----------------------------------------------------------------------------------- */

int unit_word_to_signal(const char *word) {
        const char *bare = word + (strncmp(word, "SIG", 3) == 0 ? 3 : 0);
        char name[SIGNAL_NAME_MAX];
        uint64_t number;
        int signo, r;

        r = unit_word_to_number(word, (uint64_t) SIGRTMAX, &number);
        if (r != -EINVAL)
                return r == 0 && number > 0 ? (int) number : -EINVAL;
        signo = isupper((unsigned char) *bare) ? signal_from_name(word) : -EINVAL;
        if (signo < 0)
                return -EINVAL;
        /* These have names in two ways. */
        if (strncmp(bare, "RTM", 3) == 0)
                return signo;
        return strcmp(bare, signal_to_name(name, signo) + 3) == 0 ? signo : -EINVAL;
}

static const struct {
        const char *name;
        int code;
} exit_code_names[] = {
        { "SUCCESS", 0 },
        { "FAILURE", 1 },
        { "INVALIDARGUMENT", 2 },
        { "NOTIMPLEMENTED", 3 },
        { "NOPERMISSION", 4 },
        { "NOTINSTALLED", 5 },
        { "NOTCONFIGURED", 6 },
        { "NOTRUNNING", 7 },
        { "USAGE", 64 },
        { "DATAERR", 65 },
        { "NOINPUT", 66 },
        { "NOUSER", 67 },
        { "NOHOST", 68 },
        { "UNAVAILABLE", 69 },
        { "SOFTWARE", 70 },
        { "OSERR", 71 },
        { "OSFILE", 72 },
        { "CANTCREAT", 73 },
        { "IOERR", 74 },
        { "TEMPFAIL", 75 },
        { "PROTOCOL", 76 },
        { "NOPERM", 77 },
        { "CONFIG", 78 },
        { "CHDIR", 200 },
        { "NICE", 201 },
        { "FDS", 202 },
        { "EXEC", 203 },
        { "MEMORY", 204 },
        { "LIMITS", 205 },
        { "OOM_ADJUST", 206 },
        { "SIGNAL_MASK", 207 },
        { "STDIN", 208 },
        { "STDOUT", 209 },
        { "CHROOT", 210 },
        { "IOPRIO", 211 },
        { "TIMERSLACK", 212 },
        { "SECUREBITS", 213 },
        { "SETSCHEDULER", 214 },
        { "CPUAFFINITY", 215 },
        { "GROUP", 216 },
        { "USER", 217 },
        { "CAPABILITIES", 218 },
        { "CGROUP", 219 },
        { "SETSID", 220 },
        { "CONFIRM", 221 },
        { "STDERR", 222 },
        { "PAM", 224 },
        { "NETWORK", 225 },
        { "NAMESPACE", 226 },
        { "NO_NEW_PRIVILEGES", 227 },
        { "SECCOMP", 228 },
        { "SELINUX_CONTEXT", 229 },
        { "PERSONALITY", 230 },
        { "APPARMOR", 231 },
        { "ADDRESS_FAMILIES", 232 },
        { "RUNTIME_DIRECTORY", 233 },
        { "CHOWN", 235 },
        { "SMACK_PROCESS_LABEL", 236 },
        { "KEYRING", 237 },
        { "STATE_DIRECTORY", 238 },
        { "CACHE_DIRECTORY", 239 },
        { "LOGS_DIRECTORY", 240 },
        { "CONFIGURATION_DIRECTORY", 241 },
        { "NUMA_POLICY", 242 },
        { "CREDENTIALS", 243 },
        { "BPF", 244 },
        { "EXCEPTION", 255 },
};

int unit_word_to_exit_code(const char *word) {
        uint64_t number;

        if (unit_word_to_number(word, UINT8_MAX, &number) == 0)
                return (int) number;
        for (size_t i = 0; i < ELEMENTSOF(exit_code_names); i++)
                if (strcmp(exit_code_names[i].name, word) == 0)
                        return exit_code_names[i].code;
        return -EINVAL;
}

/* In the order of their bits. */
static const char *const capability_names[] = { "CAP_CHOWN", "CAP_DAC_OVERRIDE",
        "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE",
        "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
        "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG",
        "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
        "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
        "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE" };

int unit_word_to_capability(const char *word) {
        uint64_t number;

        if (unit_word_to_number(word, ELEMENTSOF(capability_names) - 1, &number) == 0)
                return (int) number;
        for (size_t bit = 0; bit < ELEMENTSOF(capability_names); bit++)
                if (strcasecmp(capability_names[bit], word) == 0)
                        return (int) bit;
        return -EINVAL;
}

const char *unit_capability_name(size_t bit) {
        return bit < ELEMENTSOF(capability_names) ? capability_names[bit] : NULL;
}
