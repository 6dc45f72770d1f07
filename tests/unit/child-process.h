/* SPDX-License-Identifier: MIT */
#pragma once

/* A child of a test that cannot outlive it. Include after cmocka.h. */

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "cleanup.h"

typedef struct ChildProcess {
        pid_t pid;
        int says_fd; /* what the child's body writes to its says_fd */
} ChildProcess;

#define CHILD_PROCESS_UNSET       \
        (ChildProcess) {          \
                .says_fd = -EBADF \
        }

/* In a child: tells the test that it is ready. */
_unused_ static void child_process_say(int says_fd) {
        if (write(says_fd, "x", 1) != 1)
                _exit(1);
}

/* Forks; the child runs body and ends. Returns when the child has said that it is ready. */
_unused_ static void child_process_start(ChildProcess *child, void (*body)(int says_fd)) {
        int fds[2];
        char byte;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        child->says_fd = fds[0];
        child->pid = fork();
        if (child->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) alarm(100);
                body(fds[1]);
                _exit(0);
        }
        (void) close(fds[1]);
        assert_true(child->pid > 0);
        assert_int_equal(read(fds[0], &byte, 1), 1);
}

/* Kills and reaps it. As long as it is not reaped its pid is its own. */
_unused_ static void child_process_done(ChildProcess *child) {
        if (child->pid > 0) {
                (void) kill(child->pid, SIGKILL);
                (void) waitpid(child->pid, NULL, 0);
        }
        child->pid = 0;
        child->says_fd = fd_close(child->says_fd);
}
