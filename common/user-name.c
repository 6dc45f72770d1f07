/* SPDX-License-Identifier: MIT */

/* Names of local users, read from /etc/passwd line by line.
 *
 * getpwuid(3) would ask whatever nsswitch.conf names: LDAP, sssd, systemd-userdbd. None of that may
 * stand between a stop signal and its record. A user who is not in the file stays a number. The first
 * line with the uid gives the name, as with getpwuid(3).
 *
 * The file is read with a buffer on the stack and may be of any size; lines that are too long for the
 * buffer are passed over. */

#include "user-name.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define USER_BUFFER_SIZE 4096

/* One line "name:password:uid:…", NUL-terminated. */
static bool user_line_matches(const char *line, uid_t uid, char ret_name[static USER_NAME_MAX]) {
        const char *name_end = strchr(line, ':');
        const char *field = name_end ? strchr(name_end + 1, ':') : NULL;
        if (!field || name_end == line || name_end - line >= USER_NAME_MAX ||
                strchr("+-#", line[0])) /* NIS, comments */
                return false;

        uint64_t value = 0;
        const char *p = field + 1;
        if (!isdigit((unsigned char) *p))
                return false;
        for (; isdigit((unsigned char) *p) && value <= UINT32_MAX; p++)
                value = 10 * value + (uint64_t) (*p - '0');
        if (*p != ':' || value != uid)
                return false;

        memcpy(ret_name, line, (size_t) (name_end - line));
        ret_name[name_end - line] = '\0';
        return true;
}

/* Looks through the whole lines in text, which is NUL-terminated at size.
 * Returns: how many bytes those were; -EEXIST: found. */
static ssize_t user_scan_lines(
        char *text, size_t size, uid_t uid, char ret_name[static USER_NAME_MAX]) {
        char *line = text;

        for (char *end; (end = memchr(line, '\n', (size_t) (text + size - line))); line = end + 1) {
                *end = '\0';
                if (user_line_matches(line, uid, ret_name))
                        return -EEXIST;
        }
        return line - text;
}

int user_name_from_uid(const char *path, uid_t uid, char ret_name[static USER_NAME_MAX]) {
        assert(path);
        assert(ret_name);

        char text[USER_BUFFER_SIZE + 1];
        size_t size = 0;
        bool is_overlong = false;

        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;

        for (;;) {
                ssize_t n = read(fd, text + size, USER_BUFFER_SIZE - size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0 && size == 0)
                        return -ENOENT;
                size += (size_t) n;
                if (n == 0) /* the last line may lack its newline */
                        text[size++] = '\n';

                /* What is left of an overlong line is no line of its own. */
                char *begin = text;
                if (is_overlong) {
                        char *end = memchr(text, '\n', size);
                        begin = end ? end + 1 : text + size;
                        is_overlong = !end;
                }

                ssize_t n_lines =
                        user_scan_lines(begin, (size_t) (text + size - begin), uid, ret_name);
                if (n_lines < 0)
                        return 0;
                if (n == 0)
                        return -ENOENT;
                size_t n_done = (size_t) (begin - text) + (size_t) n_lines;
                if (n_done == 0 && size == USER_BUFFER_SIZE) {
                        is_overlong = true;
                        n_done = size;
                }
                size -= n_done;
                memmove(text, text + n_done, size);
        }
}
