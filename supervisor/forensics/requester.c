/* SPDX-License-Identifier: MIT */

/* The search for who asked systemd.
 *
 * It is a race with the requester's end and a walk over every process of the host, so it looks at little:
 * of each process its name, which costs one small file and never waits, and only of those whose name can
 * be a tool's the command line, which may have to wait for a wedged process's memory lock. A tool that
 * has renamed itself is not found; none does.
 *
 * Whoever runs the tool (a shell, a package manager, sudo) shows in its ancestry. Where two that match
 * stand above each other, service(8) over systemctl, the lower one is the one that asks, and the
 * upper is dropped.
 *
 * It takes what a process says of itself as said: anyone can call a process "systemctl stop x". */

#include <fcntl.h>
#include <string.h>

#include "file.h"
#include "requester-match.h"
#include "requester.h"
#include "user-name.h"

#define REQUESTER_CANDIDATES_MAX 64
#define REQUESTER_ARGUMENTS_MAX  1024
#define REQUESTER_START_BYTES    512 /* of a command line, to see what is run */
#define PASSWD_PATH              "/etc/passwd"

typedef struct RequesterSearch {
        int proc_fd;
        const RequesterTarget *target;
        CmdlineMode mode;
        pid_t self;
        size_t n_processes;
        size_t n;
        Requester candidates[REQUESTER_CANDIDATES_MAX]; /* oldest first */
} RequesterSearch;

/* Splits a command line in its place. text: has room for a NUL at its end. */
static size_t requester_split(
        char *text, size_t size, const char *argv[REQUESTER_ARGUMENTS_MAX + 1]) {
        size_t n = 0;

        text[size] = '\0';
        for (size_t i = 0; i < size && n < REQUESTER_ARGUMENTS_MAX; i += strlen(text + i) + 1)
                argv[n++] = text + i;
        argv[n] = NULL;
        return n;
}

static void requester_fill(Requester *requester, const RequesterSearch *search,
        const ProcessSnapshot *snapshot, const char *verb) {
        *requester = (Requester){
                .pid = snapshot->pid,
                .start_ticks = snapshot->info.start_ticks,
                .uid = snapshot->uid,
                .loginuid = snapshot->loginuid,
        };
        (void) snprintf(requester->verb, sizeof(requester->verb), "%s", verb);
        memcpy(requester->comm, snapshot->info.comm, sizeof(requester->comm));
        (void) process_snapshot_unit(snapshot, requester->unit);
        (void) process_snapshot_ancestry(snapshot, search->proc_fd, requester->ancestry);
        if (search->mode == CMDLINE_COMM)
                return;

        _cleanup_free_ char *cmdline =
                process_snapshot_cmdline(snapshot, search->mode, sizeof(requester->cmdline) - 1);
        if (cmdline)
                (void) snprintf(requester->cmdline, sizeof(requester->cmdline), "%s", cmdline);
}

/* Makes room in the order of age; the youngest has to go when there are too many.
 * Returns: the place; NULL: it is too young for one. */
static Requester *requester_search_make_room(RequesterSearch *search, uint64_t start_ticks) {
        size_t place = search->n;

        while (place > 0 && search->candidates[place - 1].start_ticks > start_ticks)
                place--;
        if (place == REQUESTER_CANDIDATES_MAX)
                return NULL;
        if (search->n < REQUESTER_CANDIDATES_MAX)
                search->n++;
        memmove(search->candidates + place + 1, search->candidates + place,
                (search->n - place - 1) * sizeof(Requester));
        return &search->candidates[place];
}

/* When the command line was cut, its last argument may be a part only. */
static bool requester_snapshot_matches(const ProcessSnapshot *snapshot,
        const RequesterTarget *target, char verb[static REQUESTER_VERB_MAX]) {
        const char *argv[REQUESTER_ARGUMENTS_MAX + 1];
        char text[PROCESS_CMDLINE_MAX + 1];

        memcpy(text, snapshot->cmdline, snapshot->cmdline_size);
        size_t n = requester_split(text, snapshot->cmdline_size, argv);
        if (snapshot->is_cmdline_cut && n > 0)
                argv[n - 1] = NULL;
        return requester_matches(argv, snapshot->uid, target, verb);
}

static void requester_search_look(RequesterSearch *search, pid_t pid) {
        char verb[REQUESTER_VERB_MAX];
        ProcessSnapshot snapshot;

        process_snapshot_init(&snapshot, pid);
        if (process_snapshot_read_urgent(&snapshot, search->proc_fd) < 0 || !snapshot.has_info ||
                snapshot.cmdline_size == 0)
                return;
        /* One that ends meanwhile has asked all the same; its uid stays -1. */
        (void) process_snapshot_read_rest(&snapshot, search->proc_fd);
        if (!requester_snapshot_matches(&snapshot, search->target, verb))
                return;

        Requester *place = requester_search_make_room(search, snapshot.info.start_ticks);
        if (place)
                requester_fill(place, search, &snapshot, verb);
}

/* By what costs least: the name, then the start of the command line. */
static bool requester_may_be(const RequesterSearch *search, const char *pid_text) {
        const char *argv[REQUESTER_ARGUMENTS_MAX + 1];
        char path[64], comm[PROC_COMM_MAX], text[REQUESTER_START_BYTES + 1];

        (void) snprintf(path, sizeof(path), "%.20s/comm", pid_text);
        ssize_t n = file_read_virtual(search->proc_fd, path, comm, sizeof(comm));
        if (n <= 0)
                return false;
        comm[strcspn(comm, "\n")] = '\0';
        if (!request_comm_is_tool(comm, search->target))
                return false;

        (void) snprintf(path, sizeof(path), "%.20s/cmdline", pid_text);
        n = file_read_virtual(search->proc_fd, path, text, sizeof(text));
        if (n <= 0)
                return false;
        (void) requester_split(text, (size_t) n, argv);
        return request_line_is_tool(argv);
}

/* Returns: 0: no process, or none to look at. PID 1's arguments are the kernel's. */
static pid_t requester_search_pid(const RequesterSearch *search, const char *name) {
        pid_t pid = 0;

        for (const char *p = name; *p; p++)
                if (*p < '0' || *p > '9' || __builtin_mul_overflow(pid, 10, &pid) ||
                        __builtin_add_overflow(pid, *p - '0', &pid))
                        return 0;
        return pid == 1 || pid == search->self ? 0 : pid;
}

static int requester_search_walk(RequesterSearch *search) {
        /* A description of its own: the position in the directory belongs to the description. */
        _cleanup_close_ int fd = openat(search->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        _cleanup_closedir_ DIR *directory = fdopendir(fd);
        if (!directory)
                return -errno;
        (void) TAKE_FD(fd);

        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(directory);
                if (!entry)
                        return -errno;
                pid_t pid = requester_search_pid(search, entry->d_name);
                if (pid == 0)
                        continue;
                search->n_processes++;
                if (requester_may_be(search, entry->d_name))
                        requester_search_look(search, pid);
        }
}

/* Whether another one that asks runs below it. */
static bool requester_is_runner(const RequesterSearch *search, pid_t pid) {
        for (size_t i = 0; i < search->n; i++)
                if (search->candidates[i].pid != pid &&
                        proc_is_descendant(search->proc_fd, search->candidates[i].pid, pid) == 1)
                        return true;
        return false;
}

int requester_search(
        int proc_fd, const RequesterTarget *target, CmdlineMode mode, RequesterList *ret_list) {
        assert(target);
        assert(mode >= 0 && mode < _CMDLINE_MODE_MAX);
        assert(ret_list);

        char owner_name[USER_NAME_MAX];
        RequesterTarget named = *target;
        if (target->manager == UNIT_MANAGER_USER && !target->owner_name &&
                user_name_from_uid(PASSWD_PATH, target->owner_uid, owner_name) >= 0)
                named.owner_name = owner_name;

        _cleanup_free_ RequesterSearch *search = calloc(1, sizeof(*search));
        if (!search)
                return -ENOMEM;
        search->proc_fd = proc_fd;
        search->target = &named;
        search->mode = mode;
        search->self = getpid();

        int r = requester_search_walk(search);
        if (r < 0)
                return r;

        ret_list->n_processes = search->n_processes;
        ret_list->n = 0;
        for (size_t i = 0; i < search->n && ret_list->n < REQUESTERS_MAX; i++)
                if (!requester_is_runner(search, search->candidates[i].pid))
                        ret_list->items[ret_list->n++] = search->candidates[i];
        return 0;
}
