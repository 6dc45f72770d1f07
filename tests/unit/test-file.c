/* SPDX-License-Identifier: MIT */

/* Small files: what is refused, what is left behind, and what a reader can see of a replacement.
 * Each test runs in a directory of its own. */

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "file.h"

typedef struct Fixture {
        char path[64];
        int fd;
        mode_t umask;
        bool is_mounted; /* a tmpfs on "small" */
        char *text;      /* what a test has read */
} Fixture;

static int file_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;

        strcpy(fixture->path, "/tmp/test-file.XXXXXX");
        if (!mkdtemp(fixture->path) || chdir(fixture->path) < 0)
                return -1;
        fixture->fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fixture->umask = umask(022);
        *state = fixture;
        return fixture->fd < 0 ? -1 : 0;
}

static int remove_tree(const char *path) {
        const char *const argv[] = { "rm", "-rf", "--", path, NULL };
        int status;

        pid_t pid = fork();
        if (pid == 0) {
                (void) execvp(argv[0], (char *const *) argv);
                _exit(127);
        }
        return pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0 ? -1 : 0;
}

static int file_teardown(void **state) {
        Fixture *fixture = *state;
        int r = 0;

        (void) umask(fixture->umask);
        if (fixture->is_mounted && umount("small") < 0)
                r = -1;
        (void) fd_close(fixture->fd);
        if (chdir("/") < 0 || remove_tree(fixture->path) < 0)
                r = -1;
        free(fixture->text);
        free(fixture);
        return r;
}

static void write_file(const char *path, const void *data, size_t size) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ssize_t n = fd < 0 ? -1 : write(fd, data, size);
        (void) fd_close(fd);
        assert_int_equal(n, size);
}

static void assert_content(Fixture *fixture, const char *path, const char *expected) {
        free(fixture->text);
        fixture->text = NULL;
        assert_int_equal(file_read_bounded(fixture->fd, path, 4096, &fixture->text, NULL), 0);
        assert_string_equal(fixture->text, expected);
}

static unsigned count_entries(const char *path) {
        unsigned n = 0;
        DIR *directory = opendir(path);

        assert_non_null(directory);
        while (readdir(directory))
                n++;
        (void) closedir(directory);
        return n - 2; /* "." and ".." */
}

static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        return st.st_mode & 07777;
}

/* ---- file_read_bounded ---------------------------------------------------------------------- */

static void test_file_read_bounded_regular_gives_content(void **state) {
        static const char text[] = "a\0b\n";
        Fixture *fixture = *state;
        size_t size = 0;

        write_file("x", text, 4);
        assert_int_equal(file_read_bounded(fixture->fd, "x", 4, &fixture->text, &size), 0);
        assert_int_equal(size, 4);
        assert_memory_equal(fixture->text, text, 5); /* with the NUL that is added */
}

static void test_file_read_bounded_absolute_path_gives_content(void **state) {
        Fixture *fixture = *state;
        char path[128];

        write_file("x", "text", 4);
        (void) snprintf(path, sizeof(path), "%s/x", fixture->path);
        assert_int_equal(file_read_bounded(AT_FDCWD, path, 10, &fixture->text, NULL), 0);
        assert_string_equal(fixture->text, "text");
}

static void test_file_read_bounded_empty_gives_empty_text(void **state) {
        Fixture *fixture = *state;
        size_t size = 4711;

        write_file("x", "", 0);
        assert_int_equal(file_read_bounded(fixture->fd, "x", 0, &fixture->text, &size), 0);
        assert_int_equal(size, 0);
        assert_string_equal(fixture->text, "");
}

static void test_file_read_bounded_longer_refused(void **state) {
        Fixture *fixture = *state;
        static char data[10000];
        char *text = (char *) "untouched";
        size_t size = 4711;

        memset(data, 'x', sizeof(data));
        write_file("x", data, sizeof(data));
        assert_int_equal(file_read_bounded(fixture->fd, "x", 9999, &text, &size), -EFBIG);
        assert_int_equal(file_read_bounded(fixture->fd, "x", 0, &text, &size), -EFBIG);
        assert_string_equal(text, "untouched");
        assert_int_equal(size, 4711);
        assert_int_equal(file_read_bounded(fixture->fd, "x", 10000, &fixture->text, &size), 0);
        assert_int_equal(size, 10000);
        assert_int_equal(strlen(fixture->text), 10000);
}

/* procfs says size 0: what comes is bounded all the same. */
static void test_file_read_bounded_size_unknown_still_bounded(void **state) {
        Fixture *fixture = *state;
        char *text = NULL;
        size_t size = 0;

        assert_int_equal(file_read_bounded(AT_FDCWD, "/proc/self/smaps", 64, &text, NULL), -EFBIG);
        assert_null(text);
        assert_int_equal(
                file_read_bounded(AT_FDCWD, "/proc/self/smaps", 1 << 20, &fixture->text, &size), 0);
        assert_true(size > 4096);
        assert_int_equal(strlen(fixture->text), size);
}

static void test_file_read_bounded_no_regular_file_refused(void **state) {
        Fixture *fixture = *state;
        char *text = NULL;

        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(mkdir("directory", 0700), 0);
        assert_int_equal(file_read_bounded(fixture->fd, "fifo", 10, &text, NULL), -EBADFD);
        assert_int_equal(file_read_bounded(fixture->fd, "directory", 10, &text, NULL), -EBADFD);
        assert_int_equal(file_read_bounded(fixture->fd, "/dev/zero", 10, &text, NULL), -EBADFD);

        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r = bind(fd, (struct sockaddr *) &address, sizeof(address));
        (void) fd_close(fd);
        assert_int_equal(r, 0);
        assert_int_equal(file_read_bounded(fixture->fd, "socket", 10, &text, NULL), -EBADFD);
        assert_null(text);
}

static void test_file_read_bounded_link_refused(void **state) {
        Fixture *fixture = *state;
        char *text = NULL;

        write_file("x", "text", 4);
        assert_int_equal(symlink("x", "link"), 0);
        assert_int_equal(symlink("nowhere", "dangling"), 0);
        assert_int_equal(file_read_bounded(fixture->fd, "link", 10, &text, NULL), -ELOOP);
        assert_int_equal(file_read_bounded(fixture->fd, "dangling", 10, &text, NULL), -ELOOP);
        assert_null(text);

        /* On the way there they are followed. */
        assert_int_equal(symlink(".", "here"), 0);
        assert_int_equal(file_read_bounded(fixture->fd, "here/x", 10, &fixture->text, NULL), 0);
        assert_string_equal(fixture->text, "text");
}

static void test_file_read_bounded_missing_refused(void **state) {
        Fixture *fixture = *state;
        char *text = NULL;

        assert_int_equal(file_read_bounded(fixture->fd, "missing", 10, &text, NULL), -ENOENT);
        assert_int_equal(file_read_bounded(fixture->fd, "missing/x", 10, &text, NULL), -ENOENT);
        write_file("x", "", 0);
        assert_int_equal(file_read_bounded(fixture->fd, "x/y", 10, &text, NULL), -ENOTDIR);
        assert_null(text);
}

/* ---- virtual files -------------------------------------------------------------------------- */

static void test_file_read_virtual_any_gives_text(void **state) {
        Fixture *fixture = *state;
        char buffer[64], expected[64];

        write_file("x", "0123456789", 10);
        assert_int_equal(file_read_virtual(fixture->fd, "x", buffer, sizeof(buffer)), 10);
        assert_string_equal(buffer, "0123456789");
        assert_int_equal(file_read_virtual(fixture->fd, "x", buffer, 11), 10);
        assert_string_equal(buffer, "0123456789");

        (void) snprintf(expected, sizeof(expected), "%d (", getpid());
        assert_int_equal(
                file_read_virtual(AT_FDCWD, "/proc/self/stat", buffer, sizeof(buffer)), 63);
        assert_memory_equal(buffer, expected, strlen(expected));
        assert_int_equal(strlen(buffer), 63);
}

static void test_file_read_virtual_longer_cut_off(void **state) {
        Fixture *fixture = *state;
        char buffer[16];

        memset(buffer, 'z', sizeof(buffer));
        write_file("x", "0123456789", 10);
        assert_int_equal(file_read_virtual(fixture->fd, "x", buffer, 10), 9);
        assert_string_equal(buffer, "012345678");
        assert_int_equal(buffer[10], 'z');
        assert_int_equal(file_read_virtual(fixture->fd, "x", buffer, 1), 0);
        assert_string_equal(buffer, "");
}

static void test_file_read_virtual_failure_told(void **state) {
        Fixture *fixture = *state;
        char buffer[16] = "untouched";

        assert_int_equal(mkdir("directory", 0700), 0);
        assert_int_equal(symlink("directory", "link"), 0);
        assert_int_equal(
                file_read_virtual(fixture->fd, "missing", buffer, sizeof(buffer)), -ENOENT);
        assert_int_equal(
                file_read_virtual(fixture->fd, "directory", buffer, sizeof(buffer)), -EISDIR);
        assert_int_equal(file_read_virtual(fixture->fd, "link", buffer, sizeof(buffer)), -ELOOP);
        assert_string_equal(buffer, "untouched");
}

/* A FIFO whose writer says nothing: there is nothing to wait for. */
static void test_file_read_virtual_fifo_does_not_wait(void **state) {
        Fixture *fixture = *state;
        char buffer[16];

        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(file_read_virtual(fixture->fd, "fifo", buffer, sizeof(buffer)), 0);

        int fd = open("fifo", O_RDWR | O_CLOEXEC);
        ssize_t n = file_read_virtual(fixture->fd, "fifo", buffer, sizeof(buffer));
        (void) fd_close(fd);
        assert_true(fd >= 0);
        assert_int_equal(n, -EAGAIN);
}

static void test_file_write_virtual_value_written(void **state) {
        Fixture *fixture = *state;

        write_file("x", "", 0);
        assert_int_equal(file_write_virtual(fixture->fd, "x", "value\n"), 0);
        assert_content(fixture, "x", "value\n");
        assert_int_equal(file_write_virtual(fixture->fd, "x", ""), 0);
        assert_content(fixture, "x", "value\n");

        char comm[32];
        assert_int_equal(file_write_virtual(AT_FDCWD, "/proc/self/comm", "renamed"), 0);
        assert_int_equal(file_read_virtual(AT_FDCWD, "/proc/self/comm", comm, sizeof(comm)), 8);
        assert_int_equal(file_write_virtual(AT_FDCWD, "/proc/self/comm", "test-file"), 0);
        assert_string_equal(comm, "renamed\n");
}

static void test_file_write_virtual_failure_told(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(file_write_virtual(fixture->fd, "missing", "x"), -ENOENT);
        assert_int_equal(count_entries("."), 0);
        assert_int_equal(file_write_virtual(fixture->fd, ".", "x"), -EISDIR);
        /* The kernel has the word. */
        assert_int_equal(file_write_virtual(AT_FDCWD, "/proc/self/oom_score_adj", "x"), -EINVAL);

        /* No reader: open(2) does not wait for one. */
        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(file_write_virtual(fixture->fd, "fifo", "x"), -ENXIO);
}

/* A file whose size may grow by half of the value only. */
static void test_file_write_virtual_in_part_is_eio(void **state) {
        Fixture *fixture = *state;
        struct rlimit old, limit;

        write_file("x", "", 0);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        limit = (struct rlimit){ .rlim_cur = 3, .rlim_max = old.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        int r = file_write_virtual(fixture->fd, "x", "value");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(r, -EIO);
}

/* ---- file_write_atomic ---------------------------------------------------------------------- */

static void test_file_write_atomic_new_and_old_replaced(void **state) {
        Fixture *fixture = *state;
        size_t size = 0;

        assert_int_equal(file_write_atomic(fixture->fd, "x", "first", 5, 0600), 0);
        assert_content(fixture, "x", "first");
        assert_int_equal(file_write_atomic(fixture->fd, "x", "2nd", 3, 0600), 0);
        assert_content(fixture, "x", "2nd");
        assert_int_equal(file_write_atomic(fixture->fd, "x", NULL, 0, 0600), 0);
        assert_content(fixture, "x", "");
        assert_int_equal(file_write_atomic(fixture->fd, "x", "a\0b", 3, 0600), 0);
        free(TAKE_PTR(fixture->text));
        assert_int_equal(file_read_bounded(fixture->fd, "x", 9, &fixture->text, &size), 0);
        assert_int_equal(size, 3);
        assert_int_equal(count_entries("."), 1);
}

static void test_file_write_atomic_paths_resolved(void **state) {
        Fixture *fixture = *state;
        char path[128], name[256];

        assert_int_equal(mkdir("directory", 0700), 0);
        assert_int_equal(symlink("directory", "link"), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "directory/x", "1", 1, 0600), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "link//y", "2", 1, 0600), 0);
        (void) snprintf(path, sizeof(path), "%s/directory/z", fixture->path);
        assert_int_equal(file_write_atomic(-EBADF, path, "3", 1, 0600), 0);
        assert_int_equal(file_write_atomic(AT_FDCWD, "./directory/w", "4", 1, 0600), 0);
        assert_content(fixture, "directory/x", "1");
        assert_content(fixture, "directory/y", "2");
        assert_content(fixture, "directory/z", "3");
        assert_content(fixture, "directory/w", "4");
        assert_int_equal(count_entries("directory"), 4);

        /* The longest name that there is, and one more. */
        memset(name, 'n', sizeof(name));
        name[255] = '\0';
        assert_int_equal(file_write_atomic(fixture->fd, name, "5", 1, 0600), 0);
        assert_content(fixture, name, "5");
        name[255] = 'n';
        char *longer = strndup(name, 256);
        int r = file_write_atomic(fixture->fd, longer, "6", 1, 0600);
        free(longer);
        assert_int_equal(r, -ENAMETOOLONG);
        assert_int_equal(count_entries("."), 3);
}

static void test_file_write_atomic_modes_ignore_umask(void **state) {
        static const mode_t umasks[] = { 0, 022, 077, 0777 };
        static const mode_t modes[] = { 0600, 0640, 0644, 0666, 0400, 0000, 0755, 01777 };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(umasks); i++)
                for (size_t j = 0; j < ELEMENTSOF(modes); j++) {
                        (void) umask(umasks[i]);
                        assert_int_equal(
                                file_write_atomic(fixture->fd, "x", "text", 4, modes[j]), 0);
                        assert_int_equal(mode_of("x"), modes[j]);
                }
        assert_int_equal(count_entries("."), 1);
}

static void test_file_write_atomic_link_replaced_not_followed(void **state) {
        Fixture *fixture = *state;

        write_file("victim", "precious", 8);
        assert_int_equal(symlink("victim", "x"), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "x", "mine", 4, 0600), 0);
        assert_content(fixture, "x", "mine");
        assert_content(fixture, "victim", "precious");
        assert_int_equal(mode_of("victim"), 0644);

        assert_int_equal(symlink("nowhere", "y"), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "y", "mine", 4, 0600), 0);
        assert_content(fixture, "y", "mine");
        assert_int_equal(access("nowhere", F_OK), -1);
}

static void test_file_write_atomic_fifo_replaced_without_waiting(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(mkfifo("x", 0600), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "x", "mine", 4, 0600), 0);
        assert_content(fixture, "x", "mine");
}

static void test_file_write_atomic_failure_leaves_nothing(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(mkdir("directory", 0700), 0);
        write_file("x", "old", 3);
        assert_int_equal(file_write_atomic(fixture->fd, "directory", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, "directory/", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, "directory/..", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, ".", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, "/", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, "", "y", 1, 0600), -ENOENT);
        assert_int_equal(file_write_atomic(fixture->fd, "missing/x", "y", 1, 0600), -ENOENT);
        assert_int_equal(file_write_atomic(fixture->fd, "x/x", "y", 1, 0600), -ENOTDIR);
        assert_int_equal(file_write_atomic(-EBADF, "x", "y", 1, 0600), -EBADF);
        assert_content(fixture, "x", "old");
        assert_int_equal(count_entries("."), 2);
        assert_int_equal(count_entries("directory"), 0);
}

/* A file that grows beyond the limit: the first bytes are written, the others are refused. */
static void test_file_write_atomic_limit_keeps_old_file(void **state) {
        static char data[100000];
        Fixture *fixture = *state;
        struct rlimit old, limit;

        assert_int_equal(file_write_atomic(fixture->fd, "x", "old", 3, 0600), 0);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        limit = (struct rlimit){ .rlim_cur = 8192, .rlim_max = old.rlim_max };
        void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        int r = file_write_atomic(fixture->fd, "x", data, sizeof(data), 0600);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        (void) signal(SIGXFSZ, handler);

        assert_int_equal(r, -EFBIG);
        assert_content(fixture, "x", "old");
        assert_int_equal(count_entries("."), 1);
}

/* A filesystem of four pages. Only root may mount one; for others the limit above stands in. */
static void test_file_write_atomic_full_filesystem_keeps_old_file(void **state) {
        static char data[100000];
        Fixture *fixture = *state;

        assert_int_equal(mkdir("small", 0700), 0);
        if (mount("tmpfs", "small", "tmpfs", MS_NOSUID | MS_NODEV, "size=16k,nr_inodes=16") < 0) {
                assert_true(errno == EPERM || errno == EACCES);
                assert_int_equal(rmdir("small"), 0);
                test_file_write_atomic_limit_keeps_old_file(state);
                return;
        }
        fixture->is_mounted = true;

        assert_int_equal(file_write_atomic(fixture->fd, "small/x", "old", 3, 0600), 0);
        assert_int_equal(
                file_write_atomic(fixture->fd, "small/x", data, sizeof(data), 0600), -ENOSPC);
        assert_content(fixture, "small/x", "old");
        assert_int_equal(count_entries("small"), 1);
        assert_int_equal(file_write_atomic(fixture->fd, "small/x", data, 4096, 0600), 0);

        assert_int_equal(mount("none", "small", "none", MS_REMOUNT | MS_RDONLY, ""), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "small/x", "y", 1, 0600), -EROFS);
        assert_int_equal(count_entries("small"), 1);
}

/* Two values, written in turn; whoever reads sees one of them, whole. */
#define REPLACED_BYTES 20000

typedef struct Writer {
        int fd;
        atomic_int n_written;
        atomic_bool stop;
        int error;
} Writer;

static void *writer_main(void *userdata) {
        Writer *writer = userdata;
        char data[REPLACED_BYTES];

        while (!atomic_load(&writer->stop) && writer->error == 0) {
                memset(data, atomic_load(&writer->n_written) % 2 ? 'a' : 'b', sizeof(data));
                writer->error = file_write_atomic(writer->fd, "x", data, sizeof(data), 0600);
                atomic_fetch_add(&writer->n_written, 1);
        }
        return NULL;
}

static void test_file_write_atomic_concurrent_reader_sees_whole(void **state) {
        Fixture *fixture = *state;
        static Writer writers[2]; /* static: a failing assert must not take them from the threads */
        pthread_t threads[2];
        bool is_whole = true;
        int r = 0;

        assert_int_equal(file_write_atomic(fixture->fd, "x", "", 0, 0600), 0);
        for (size_t i = 0; i < ELEMENTSOF(writers); i++) {
                writers[i].fd = fixture->fd;
                assert_int_equal(pthread_create(&threads[i], NULL, writer_main, &writers[i]), 0);
        }

        for (unsigned n = 0; r == 0 && is_whole &&
                (n < 500 || atomic_load(&writers[0].n_written) < 20 ||
                        atomic_load(&writers[1].n_written) < 20);
                n++) {
                size_t size = 0;
                free(TAKE_PTR(fixture->text));
                r = file_read_bounded(fixture->fd, "x", REPLACED_BYTES, &fixture->text, &size);
                if (r < 0 || size == 0)
                        continue;
                const char any[] = { fixture->text[0], '\0' };
                is_whole = size == REPLACED_BYTES && strspn(fixture->text, any) == size;
        }

        for (size_t i = 0; i < ELEMENTSOF(writers); i++)
                atomic_store(&writers[i].stop, true);
        for (size_t i = 0; i < ELEMENTSOF(writers); i++)
                (void) pthread_join(threads[i], NULL);

        assert_int_equal(r, 0);
        assert_true(is_whole);
        assert_int_equal(writers[0].error, 0);
        assert_int_equal(writers[1].error, 0);
        assert_int_equal(count_entries("."), 1);
}

/* ---- file_make_directories ------------------------------------------------------------------ */

static void test_file_make_directories_missing_made_with_mode(void **state) {
        static const mode_t umasks[] = { 0, 022, 077, 0777 };
        char path[128];
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(umasks); i++) {
                (void) umask(umasks[i]);
                (void) snprintf(path, sizeof(path), "%s/d%zu/e/f", fixture->path, i);
                assert_int_equal(file_make_directories(path, 0750), 0);
                assert_int_equal(mode_of(path), 0750);
                *strrchr(path, '/') = '\0';
                assert_int_equal(mode_of(path), 0750);
                *strrchr(path, '/') = '\0';
                assert_int_equal(mode_of(path), 0750);
        }
}

static void test_file_make_directories_existing_left_alone(void **state) {
        assert_int_equal(mkdir("a", 0711), 0);
        assert_int_equal(symlink("a", "link"), 0);
        assert_int_equal(file_make_directories("a", 0700), 0);
        assert_int_equal(mode_of("a"), 0711);
        assert_int_equal(file_make_directories("./link//b/", 0700), 0);
        assert_int_equal(mode_of("a"), 0711);
        assert_int_equal(mode_of("a/b"), 0700);
        assert_int_equal(file_make_directories("/", 0700), 0);
        assert_int_equal(file_make_directories(".", 0700), 0);
        assert_int_equal(file_make_directories("a/../c", 0700), 0);
        assert_int_equal(mode_of("c"), 0700);
        assert_int_equal(count_entries("."), 3);
}

static void test_file_make_directories_inherited_setgid_kept(void **state) {
        assert_int_equal(mkdir("a", 0755), 0);
        assert_int_equal(chmod("a", 02755), 0);
        (void) umask(077);
        assert_int_equal(file_make_directories("a/b", 0755), 0);
        assert_int_equal(mode_of("a/b"), 02755);
}

static void test_file_make_directories_obstacle_told(void **state) {
        write_file("x", "", 0);
        assert_int_equal(symlink("nowhere", "dangling"), 0);
        assert_int_equal(symlink("x", "link"), 0);
        assert_int_equal(file_make_directories("x", 0700), -ENOTDIR);
        assert_int_equal(file_make_directories("x/y", 0700), -ENOTDIR);
        assert_int_equal(file_make_directories("link", 0700), -ENOTDIR);
        assert_int_equal(file_make_directories("dangling", 0700), -ENOTDIR);
        assert_int_equal(file_make_directories("", 0700), -ENOENT);
        assert_int_equal(file_make_directories("/proc/nothing-here", 0700), -ENOENT);
        assert_int_equal(count_entries("."), 3);
}

#define file_test(function) cmocka_unit_test_setup_teardown(function, file_setup, file_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                file_test(test_file_read_bounded_regular_gives_content),
                file_test(test_file_read_bounded_absolute_path_gives_content),
                file_test(test_file_read_bounded_empty_gives_empty_text),
                file_test(test_file_read_bounded_longer_refused),
                file_test(test_file_read_bounded_size_unknown_still_bounded),
                file_test(test_file_read_bounded_no_regular_file_refused),
                file_test(test_file_read_bounded_link_refused),
                file_test(test_file_read_bounded_missing_refused),
                file_test(test_file_read_virtual_any_gives_text),
                file_test(test_file_read_virtual_longer_cut_off),
                file_test(test_file_read_virtual_failure_told),
                file_test(test_file_read_virtual_fifo_does_not_wait),
                file_test(test_file_write_virtual_value_written),
                file_test(test_file_write_virtual_failure_told),
                file_test(test_file_write_virtual_in_part_is_eio),
                file_test(test_file_write_atomic_new_and_old_replaced),
                file_test(test_file_write_atomic_paths_resolved),
                file_test(test_file_write_atomic_modes_ignore_umask),
                file_test(test_file_write_atomic_link_replaced_not_followed),
                file_test(test_file_write_atomic_fifo_replaced_without_waiting),
                file_test(test_file_write_atomic_failure_leaves_nothing),
                file_test(test_file_write_atomic_limit_keeps_old_file),
                file_test(test_file_write_atomic_full_filesystem_keeps_old_file),
                file_test(test_file_write_atomic_concurrent_reader_sees_whole),
                file_test(test_file_make_directories_missing_made_with_mode),
                file_test(test_file_make_directories_existing_left_alone),
                file_test(test_file_make_directories_inherited_setgid_kept),
                file_test(test_file_make_directories_obstacle_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
