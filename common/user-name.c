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

#include "utf8.h"

#define USER_BUFFER_SIZE 4096

/* Valid UTF-8 without control characters, as names go into records as they are. */
static bool user_name_is_text(const char *name, size_t size) {
        for (size_t i = 0, n; i < size; i += n) {
                n = utf8_sequence_size(name + i, size - i);
                if (n == 0 || (unsigned char) name[i] < 0x20 || name[i] == 0x7f)
                        return false;
        }
        return size > 0;
}

/* One line "name:password:uid:…", NUL-terminated. */
static bool user_line_matches(const char *line, uid_t uid, char ret_name[static USER_NAME_MAX]) {
        const char *name_end = strchr(line, ':');
        const char *field = name_end ? strchr(name_end + 1, ':') : NULL;
        if (!field || name_end - line >= USER_NAME_MAX ||
                strchr("+-#", line[0])) /* NIS, comments */
                return false;

        uint64_t value = 0;
        const char *p = field + 1;
        if (!isdigit((unsigned char) *p))
                return false;
        for (; isdigit((unsigned char) *p) && value <= UINT32_MAX; p++)
                value = 10 * value + (uint64_t) (*p - '0');
        if (*p != ':' || value != uid || !user_name_is_text(line, (size_t) (name_end - line)))
                return false;

        memcpy(ret_name, line, (size_t) (name_end - line));
        ret_name[name_end - line] = '\0';
        return true;
}

/* What is at hand of the file. */
typedef struct UserBuffer {
        char text[USER_BUFFER_SIZE + 1];
        size_t size;
        bool is_overlong; /* it begins within a line that was too long for it */
} UserBuffer;

/* Looks through the whole lines and leaves the begun one. Returns: as user_name_from_uid(). */
static int user_buffer_scan(UserBuffer *buffer, uid_t uid, char ret_name[static USER_NAME_MAX]) {
        char *line = buffer->text, *text_end = buffer->text + buffer->size;

        for (char *end; (end = memchr(line, '\n', (size_t) (text_end - line))); line = end + 1) {
                *end = '\0';
                if (!buffer->is_overlong && user_line_matches(line, uid, ret_name))
                        return 0;
                buffer->is_overlong = false;
        }

        if (line == buffer->text && buffer->size == USER_BUFFER_SIZE) {
                buffer->is_overlong = true;
                line = text_end;
        }
        buffer->size = (size_t) (text_end - line);
        memmove(buffer->text, line, buffer->size);
        return -ENOENT;
}

int user_name_from_uid(const char *path, uid_t uid, char ret_name[static USER_NAME_MAX]) {
        assert(path);

        UserBuffer buffer;
        buffer.size = 0;
        buffer.is_overlong = false;

        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;

        for (;;) {
                ssize_t n = read(fd, buffer.text + buffer.size, USER_BUFFER_SIZE - buffer.size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0) /* the last line may lack its newline */
                        buffer.text[buffer.size++] = '\n';
                else
                        buffer.size += (size_t) n;

                int r = user_buffer_scan(&buffer, uid, ret_name);
                if (r >= 0 || n == 0)
                        return r;
        }
}
