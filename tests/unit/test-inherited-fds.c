/* SPDX-License-Identifier: MIT */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "gateway/inherited-fds.h"

/* In a child: the test program's own fds stay out of it. Returns: its exit status. */
static int released_in_child(int (*check)(void)) {
        int status = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(check());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static bool is_open(int fd) {
        return fcntl(fd, F_GETFD) >= 0;
}

static int check_release(void) {
        int inherited, ours, high;

        (void) !inherited_fds_release(); /* whatever the test was started with */
        inherited = open("/dev/null", O_RDONLY);
        ours = open("/dev/null", O_RDONLY | O_CLOEXEC);
        high = fcntl(inherited, F_DUPFD, 100);
        if (inherited < 0 || ours < 0 || high < 100)
                return 1;
        if (inherited_fds_release() != 2)
                return 2;
        if (is_open(inherited) || is_open(high))
                return 3;
        if (!is_open(ours) || !is_open(STDIN_FILENO) || !is_open(STDOUT_FILENO) ||
                !is_open(STDERR_FILENO))
                return 4;
        return inherited_fds_release() == 0 ? 0 : 5;
}

static void test_inherited_fds_release_closes_what_is_not_ours(void **state) {
        assert_int_equal(released_in_child(check_release), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_inherited_fds_release_closes_what_is_not_ours),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
