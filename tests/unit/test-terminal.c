/* SPDX-License-Identifier: MIT */

/* What a stream can show: a terminal of the test's own, and a stream that is none. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <cmocka.h>

#include "cleanup.h"
#include "terminal.h"

typedef struct Fixture {
        int master_fd;
        FILE *terminal, *file;
        char *text;
        size_t size;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        fixture->master_fd = -EBADF;
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        fclosep(&fixture->terminal);
        fclosep(&fixture->file);
        (void) fd_close(fixture->master_fd);
        free(fixture->text);
        free(fixture);
        return 0;
}

static void open_streams(Fixture *fixture) {
        fixture->master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(fixture->master_fd >= 0);
        assert_int_equal(unlockpt(fixture->master_fd), 0);
        fixture->terminal = fopen(ptsname(fixture->master_fd), "we");
        assert_non_null(fixture->terminal);
        fixture->file = open_memstream(&fixture->text, &fixture->size);
        assert_non_null(fixture->file);
}

static const struct {
        const char *systemd_colors, *no_color, *term;
        bool on_terminal, elsewhere;
} colour_rows[] = {
        { NULL, NULL, "xterm", true, false },
        { NULL, NULL, "dumb", false, false },
        { NULL, NULL, NULL, false, false },
        { NULL, "1", "xterm", false, false },
        { NULL, "", "xterm", true, false },
        { "0", NULL, "xterm", false, false },
        { "false", NULL, "xterm", false, false },
        { "no", NULL, "xterm", false, false },
        { "off", NULL, "xterm", false, false },
        { "1", NULL, "dumb", true, true },
        { "true", NULL, NULL, true, true },
        { "16", NULL, "xterm", true, true },
        { "256", "1", "xterm", true, true },
        { "perhaps", NULL, "xterm", true, false },
        { "", "1", "xterm", false, false },
};

static void set_variable(const char *name, const char *value) {
        assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void test_terminal_wants_colour_by_environment_and_terminal(void **state) {
        Fixture *fixture = *state;

        open_streams(fixture);
        for (size_t i = 0; i < ELEMENTSOF(colour_rows); i++) {
                set_variable("SYSTEMD_COLORS", colour_rows[i].systemd_colors);
                set_variable("NO_COLOR", colour_rows[i].no_color);
                set_variable("TERM", colour_rows[i].term);
                assert_int_equal(
                        terminal_wants_colour(fixture->terminal), colour_rows[i].on_terminal);
                assert_int_equal(terminal_wants_colour(fixture->file), colour_rows[i].elsewhere);
        }
}

static const struct {
        unsigned short columns;
        const char *variable;
        unsigned expected;
} width_rows[] = {
        { 132, NULL, 132 },
        { 132, "60", 132 },
        { 0, "60", 60 },
        { 0, NULL, 80 },
        { 0, "0", 80 },
        { 0, "wide", 80 },
        { 0, "99999999999", 80 },
};

static void test_terminal_width_is_the_terminals(void **state) {
        Fixture *fixture = *state;

        open_streams(fixture);
        for (size_t i = 0; i < ELEMENTSOF(width_rows); i++) {
                const struct winsize size = { .ws_col = width_rows[i].columns, .ws_row = 24 };

                assert_int_equal(ioctl(fixture->master_fd, TIOCSWINSZ, &size), 0);
                set_variable("COLUMNS", width_rows[i].variable);
                assert_int_equal(terminal_width(fixture->terminal), width_rows[i].expected);
                assert_int_equal(terminal_width(fixture->file), 0);
        }
}

static void test_terminal_is_utf8_by_the_locale_of_the_environment(void **state _unused_) {
        static const struct {
                const char *all, *ctype, *lang;
                bool is_utf8;
        } rows[] = {
                { NULL, NULL, NULL, true },
                { NULL, NULL, "", true },
                { NULL, NULL, "C", false },
                { NULL, NULL, "POSIX", false },
                { NULL, NULL, "C.UTF-8", true },
                { "C", NULL, "C.UTF-8", false },
                { NULL, "C", "C.UTF-8", false },
                { "C.UTF-8", "C", "C", true },
                { NULL, NULL, "xx_XX.UTF-8", true }, /* not installed */
                { NULL, NULL, "xx_XX.ISO-8859-1", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                set_variable("LC_ALL", rows[i].all);
                set_variable("LC_CTYPE", rows[i].ctype);
                set_variable("LANG", rows[i].lang);
                if (terminal_is_utf8() != rows[i].is_utf8)
                        fail_msg("row %zu", i);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        test_terminal_wants_colour_by_environment_and_terminal, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_terminal_width_is_the_terminals, setup, teardown),
                cmocka_unit_test(test_terminal_is_utf8_by_the_locale_of_the_environment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
