/* SPDX-License-Identifier: MIT */

/* Unit files: the syntax of systemd.syntax(7), what a walk tells, and which of several files has the last
 * word. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "unit-file.h"

static const struct {
        const char *text;
        bool assigns; /* TimeoutStopSec in [Service] */
} syntax_rows[] = {
        { "", false },
        { "[Service]\nTimeoutStopSec=90\n", true },
        { "[Service]\nTimeoutStopSec=90", true },
        { "[Service]\nTimeoutStopSec=\n", true },
        { "[Service]\n  TimeoutStopSec\t =  90\n", true },
        { "  [Service]  \nTimeoutStopSec=90\n", true },
        { "[Service]\r\nTimeoutStopSec=90\r\n", true },
        { "[Service]\rTimeoutStopSec=90\r", true },
        { "\xef\xbb\xbf[Service]\nTimeoutStopSec=90\n", true },
        { "[Unit]\nDescription=x\n[Service]\nExecStart=/x\nTimeoutStopSec=90\n", true },
        { "[Service]\nExecStart=/x\n[Unit]\n[Service]\nTimeoutStopSec=90\n", true },
        /* Another key, another section, none. */
        { "TimeoutStopSec=90\n[Service]\n", false },
        { "[Unit]\nTimeoutStopSec=90\n", false },
        { "[Service]\n[Unit]\nTimeoutStopSec=90\n", false },
        { "[Services]\nTimeoutStopSec=90\n", false },
        { "[Servic]\nTimeoutStopSec=90\n", false },
        { "[service]\nTimeoutStopSec=90\n", false },
        { "[ Service]\nTimeoutStopSec=90\n", false },
        { "[X-Service]\nTimeoutStopSec=90\n", false },
        { "[Service]]\nTimeoutStopSec=90\n", false },
        { "[Service]\nTimeoutStopSecs=90\n", false },
        { "[Service]\nTimeoutStop=90\n", false },
        { "[Service]\ntimeoutstopsec=90\n", false },
        { "[Service]\nTimeoutStopSec\n", false },
        { "[Service]\nTimeoutStopSec\n=90\n", false },
        { "[Service]\nTimeoutStopSec 90=\n", false },
        { "[Service]\nExecStart=TimeoutStopSec=90\n", false },
        { "[Service]\nXTimeoutStopSec=90\n", false },
        { "[Service]\n\xffTimeoutStopSec=90\n", false },
        /* systemd gives up at a malformed header, what came before it counts. */
        { "[Service\nTimeoutStopSec=90\n", false },
        { "[Service] x\nTimeoutStopSec=90\n", false },
        { "[Unit\n[Service]\nTimeoutStopSec=90\n", false },
        { "[\n[Service]\nTimeoutStopSec=90\n", false },
        { "[Service]\nTimeoutStopSec=90\n[Unit\n", true },
        { "[Foo\"]\n[Service]\nTimeoutStopSec=90\n", false },
        { "[]\n[Service]\nTimeoutStopSec=90\n", true },
        /* And at a line that is not UTF-8, be it another's; in a comment it may be. */
        { "[Service]\nExecStart=\xff\nTimeoutStopSec=90\n", false },
        { "[Service]\nTimeoutStopSec=90\nExecStart=\xff\n", true },
        { "[Service]\n# \xff\nTimeoutStopSec=90\n", true },
        /* Comments. */
        { "[Service]\n#TimeoutStopSec=90\n", false },
        { "[Service]\n;TimeoutStopSec=90\n", false },
        { "[Service]\n  # TimeoutStopSec=90\n", false },
        { "#[Unit]\n;x\n[Service]\n#y\nTimeoutStopSec=90 # z\n", true },
        { "[Service]\n# folded \\\nTimeoutStopSec=90\n", true },
        { "# nothing but a comment", false },
        { "#", false },
        /* Folded lines. */
        { "[Service]\nExecStart=/x \\\nTimeoutStopSec=90\n", false },
        { "[Service]\nExecStart=/x \\\r\nTimeoutStopSec=90\r\n", false },
        { "[Service]\nExecStart=/x \\\n\nTimeoutStopSec=90\n", true },
        { "[Service]\nExecStart=/x \\\r\n\r\nTimeoutStopSec=90\n", true },
        { "[Service]\nExecStart=/x \\\\\nTimeoutStopSec=90\n", true },
        { "[Service]\nExecStart=/x \\\\\\\nTimeoutStopSec=90\n", false },
        { "[Service]\nExecStart=/x \\ \nTimeoutStopSec=90\n", true },
        { "[Service]\nExecStart=/x \\\n# TimeoutStopSec=1\n  y\nTimeoutStopSec=90\n", true },
        { "[Service]\nExecStart=/x \\\n# a\n; b\nTimeoutStopSec=90\n", false },
        { "[Service]\nExecStart=/x \\\n[Unit]\nTimeoutStopSec=90\n", true },
        { "[Service]\n\\\nTimeoutStopSec=90\n", true },
        { "[Service]\nTimeoutStopSec \\\n = 90\n", true },
        { "[Service]\nTimeoutStopSec\\\n= 90\n", true },
        { "[Service]\nTimeout\\\nStopSec=90\n", false },
        { "[Service]\nTimeoutStopSec\\", false },
        { "[Service]\nExecStart=/x \\", false },
        { "\\", false },
        { "[Service]\\", false },
};

static void test_unit_file_assigns_any_syntax_told(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(syntax_rows); i++)
                if (unit_file_assigns(syntax_rows[i].text, "Service", "TimeoutStopSec") !=
                        syntax_rows[i].assigns)
                        fail_msg("not %d: %s", syntax_rows[i].assigns, syntax_rows[i].text);
}

/* What a walk told: "LINE SECTION.KEY=VALUE|" for each assignment. */
typedef struct Transcript {
        char text[256];
        int n_left; /* calls until one answers answer */
        int answer;
} Transcript;

static int transcript_take(const UnitAssignment *assignment, void *userdata) {
        Transcript *transcript = userdata;
        const size_t size = strlen(transcript->text);

        (void) snprintf(transcript->text + size, sizeof(transcript->text) - size, "%u %s.%s=%s|",
                assignment->line, assignment->section, assignment->key, assignment->value);
        return --transcript->n_left == 0 ? transcript->answer : 0;
}

static const struct {
        const char *text, *transcript;
        int r;
} walk_rows[] = {
        { "", "", 0 },
        { "\n\n", "", 0 },
        { "[A]\nb=c", "2 A.b=c|", 0 },
        { "[A]\nb=1\nb=\nc=2\n", "2 A.b=1|3 A.b=|4 A.c=2|", 0 },
        { "[A]\nb=1\n[B]\n[A]\nb=2\n[B]\nc=3\n", "2 A.b=1|5 A.b=2|7 B.c=3|", 0 },
        { "[]\nx=y\n[A]\nb=c\n", "4 A.b=c|", 0 },
        { "[X-a b]\nc=d\n", "2 X-a b.c=d|", 0 },
        { "\xef\xbb\xbf[A]\nb=c\n", "2 A.b=c|", 0 },
        /* White space, quotes, what stands in a value. */
        { " [A] \n\tb \t= \t c  d\t \n", "2 A.b=c  d|", 0 },
        { "[A]\nb=\"c \" # d ; e\n", "2 A.b=\"c \" # d ; e|", 0 },
        { "[A]\nb=c=d\nb==\n", "2 A.b=c=d|3 A.b==|", 0 },
        { "[A]\na b=c\n", "2 A.a b=c|", 0 },
        { "[A]\nb=%n $x \\x20 '\n", "2 A.b=%n $x \\x20 '|", 0 },
        { "[A]\nb=\xc3\xa4\n", "2 A.b=\xc3\xa4|", 0 },
        /* No assignments. */
        { "a=b\n[A]\nc=d\n", "3 A.c=d|", 0 },
        { "[A]\nb\n=c\n =\n b=\n", "5 A.b=|", 0 },
        { "[A]\n#b=c\n ;d=e\nf=g\n", "4 A.f=g|", 0 },
        /* Folded lines; the line is the key's. */
        { "[A]\nb=c \\\n  d\ne=f\n", "2 A.b=c    d|4 A.e=f|", 0 },
        { "[A]\nb=c\\\nd\ne=f\n", "2 A.b=c d|4 A.e=f|", 0 },
        { "[A]\n\\\n \\\nb=c\n", "4 A.b=c|", 0 },
        { "[A]\nb=\\\n# x\n ; y\nc\nd=e\n", "2 A.b=c|6 A.d=e|", 0 },
        { "[A]\nb=c \\\n\nd=e\n", "2 A.b=c|4 A.d=e|", 0 },
        { "[A]\nb=\\\n\n", "2 A.b=|", 0 },
        { "[A]\nb=c\\", "2 A.b=c|", 0 },
        { "[A]\nb=c\\\\\nd=e\n", "2 A.b=c\\\\|3 A.d=e|", 0 },
        { "[A]\nb \\\n=c\n", "2 A.b=c|", 0 },
        { "[A]\n# x \\\nb=c\n", "3 A.b=c|", 0 },
        { "[A\\\n]\nb=c\n", "3 A .b=c|", 0 },
        /* Line ends. */
        { "[A]\r\nb=c\r\n\r\nd=e\r\n", "2 A.b=c|4 A.d=e|", 0 },
        { "[A]\rb=c\r\rd=e\r", "2 A.b=c|4 A.d=e|", 0 },
        { "[A]\r\nb=c \\\r\n d\r\ne=f", "2 A.b=c   d|4 A.e=f|", 0 },
        /* What ends it. */
        { "[A]\nb=c\n[B\nd=e\n", "2 A.b=c|", -EBADMSG },
        { "[A]\nb=c\n[\n", "2 A.b=c|", -EBADMSG },
        { "[A]\nb=c\n[B] x\n", "2 A.b=c|", -EBADMSG },
        { "[A]\nb=c\n[B'C]\n", "2 A.b=c|", -EBADMSG },
        { "[A]\nb=c\n[B\\C]\n", "2 A.b=c|", -EBADMSG },
        { "[A]\nb=c\n[B\tC]\n", "2 A.b=c|", -EBADMSG },
        { "[A]\nb=c\n[B\x7f]\n", "2 A.b=c|", -EBADMSG },
        { "[A]\nb=c\nd=\xff\ne=f\n", "2 A.b=c|", -EBADMSG },
        { "[A]\nb=c\n\xc3=d\ne=f\n", "2 A.b=c|", -EBADMSG },
};

static void test_unit_file_walk_any_syntax_told(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(walk_rows); i++) {
                Transcript transcript = { .n_left = -1 };
                int r = unit_file_walk(walk_rows[i].text, transcript_take, &transcript);

                if (r != walk_rows[i].r || strcmp(transcript.text, walk_rows[i].transcript) != 0)
                        fail_msg("%s: %d %s", walk_rows[i].text, r, transcript.text);
        }
}

static void test_unit_file_walk_handler_answers_ends(void **state) {
        static const char text[] = "[A]\nb=1\nc=2\nd=3\n[B\n";
        Transcript transcript = { .n_left = 2, .answer = 7 };

        assert_int_equal(unit_file_walk(text, transcript_take, &transcript), 7);
        assert_string_equal(transcript.text, "2 A.b=1|3 A.c=2|");

        transcript = (Transcript){ .n_left = 1, .answer = -ENOSPC };
        assert_int_equal(unit_file_walk(text, transcript_take, &transcript), -ENOSPC);
        assert_string_equal(transcript.text, "2 A.b=1|");
}

typedef struct Fixture {
        char directory[64];
        int fd;
} Fixture;

static int unit_file_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;
        strcpy(fixture->directory, "/tmp/test-unit-file.XXXXXX");
        if (!mkdtemp(fixture->directory) || chdir(fixture->directory) < 0)
                return -1;
        fixture->fd = open(fixture->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *state = fixture;
        return fixture->fd < 0 ? -1 : 0;
}

static int unit_file_teardown(void **state) {
        static const char *const names[] = { "fragment", "10.conf", "20.conf", "30.conf", "big",
                "nul", "loop", "link", "fifo" };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                (void) unlinkat(fixture->fd, names[i], /* flags= */ 0);
        (void) fd_close(fixture->fd);
        int r = chdir("/") < 0 || rmdir(fixture->directory) < 0 ? -1 : 0;
        free(fixture);
        return r;
}

static void unit_file_write(const char *name, const void *data, size_t size) {
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ssize_t n = fd < 0 ? -1 : write(fd, data, size);
        (void) fd_close(fd);
        assert_int_equal(n, size);
}

static void unit_file_write_text(const char *name, const char *text) {
        unit_file_write(name, text, strlen(text));
}

static const char *const stop_keys[] = { "TimeoutStopSec", "TimeoutSec", NULL };

static void test_unit_file_find_source_several_gives_last(void **state) {
        const char *const files[] = { "fragment", "10.conf", "20.conf", "30.conf", NULL };

        unit_file_write_text("fragment", "[Service]\nTimeoutStopSec=1\n");
        unit_file_write_text("10.conf", "[Service]\nTimeoutStopSec=2\n");
        unit_file_write_text("20.conf", "[Service]\nTimeoutSec=3\n");
        unit_file_write_text("30.conf", "[Service]\nTimeoutStartSec=4\n");
        assert_ptr_equal(unit_file_find_source(files, "Service", stop_keys), files[2]);

        /* The other of the keys, at the other end of the list. */
        unit_file_write_text("20.conf", "[Service]\nRestart=no\n");
        unit_file_write_text("10.conf", "");
        assert_ptr_equal(unit_file_find_source(files, "Service", stop_keys), files[0]);
}

static void test_unit_file_find_source_none_gives_null(void **state) {
        const char *const files[] = { "fragment", NULL }, *const no_files[] = { NULL };
        const char *const no_keys[] = { NULL };

        unit_file_write_text("fragment", "[Service]\nRestart=no\n");
        assert_null(unit_file_find_source(files, "Service", stop_keys));
        unit_file_write_text("fragment", "[Service]\nTimeoutStopSec=1\n");
        assert_null(unit_file_find_source(files, "Unit", stop_keys));
        assert_null(unit_file_find_source(files, "Service", no_keys));
        assert_null(unit_file_find_source(no_files, "Service", stop_keys));
        assert_ptr_equal(unit_file_find_source(files, "Service", stop_keys), files[0]);
}

static void test_unit_file_find_source_unreadable_passed_over(void **state) {
        const char *const files[] = { "fragment", "missing", ".", "fifo", "/dev/null", "loop",
                "big", NULL };
        static char big[1024 * 1024 + 1];

        unit_file_write_text("fragment", "[Service]\nTimeoutStopSec=1\n");
        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(symlink("loop", "loop"), 0);

        static const char head[] = "[Service]\nTimeoutStopSec=1\n";
        memset(big, '\n', sizeof(big));
        memcpy(big, head, strlen(head));
        unit_file_write("big", big, sizeof(big));
        assert_ptr_equal(unit_file_find_source(files, "Service", stop_keys), files[0]);

        unit_file_write("big", big, sizeof(big) - 1);
        assert_ptr_equal(unit_file_find_source(files, "Service", stop_keys), files[6]);
}

static void test_unit_file_read_any_file_told(void **state) {
        static const char text[] = "a\0b\n\0";
        static const struct {
                const char *path;
                int r;
        } rows[] = {
                { "missing", -ENOENT },
                { ".", -EBADFD },
                { "fifo", -EBADFD },
                { "/dev/null", -EBADFD },
                { "loop", -ELOOP },
                { "link", 0 },
                { "nul", 0 },
        };

        unit_file_write("nul", text, sizeof(text) - 1);
        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(symlink("loop", "loop"), 0);
        assert_int_equal(symlink("nul", "link"), 0);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *read = NULL;
                int r = unit_file_read(rows[i].path, &read);
                bool is_read = read && strcmp(read, "a\nb\n\n") == 0;

                free(read);
                if (r != rows[i].r || is_read != (r == 0))
                        fail_msg("%s: %d", rows[i].path, r);
        }
}

static void test_unit_file_find_source_link_followed(void **state) {
        const char *const files[] = { "fragment", "link", NULL };

        unit_file_write_text("fragment", "[Service]\nTimeoutStopSec=1\n");
        unit_file_write_text("10.conf", "[Service]\nTimeoutStopSec=1\n");
        assert_int_equal(symlink("10.conf", "link"), 0);
        assert_ptr_equal(unit_file_find_source(files, "Service", stop_keys), files[1]);
}

static void test_unit_file_find_source_nul_ends_a_line(void **state) {
        const char *const files[] = { "nul", NULL };
        static const char text[] = "[Service]\0TimeoutStopSec=1\n";

        unit_file_write("nul", text, sizeof(text) - 1);
        assert_ptr_equal(unit_file_find_source(files, "Service", stop_keys), files[0]);
}

#define unit_file_test(function) \
        cmocka_unit_test_setup_teardown(function, unit_file_setup, unit_file_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit_file_assigns_any_syntax_told),
                cmocka_unit_test(test_unit_file_walk_any_syntax_told),
                cmocka_unit_test(test_unit_file_walk_handler_answers_ends),
                unit_file_test(test_unit_file_read_any_file_told),
                unit_file_test(test_unit_file_find_source_several_gives_last),
                unit_file_test(test_unit_file_find_source_none_gives_null),
                unit_file_test(test_unit_file_find_source_unreadable_passed_over),
                unit_file_test(test_unit_file_find_source_link_followed),
                unit_file_test(test_unit_file_find_source_nul_ends_a_line),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
