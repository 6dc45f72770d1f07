/* SPDX-License-Identifier: MIT */

/* sd_journal_open(3) passes over files that it cannot open, and keeps to itself which and why. So the same
 * directories are walked here: what may not be read is told by access(2), and what is damaged by opening each file by
 * itself, which is done only when the sizes of the files that were found and of those that libsystemd has open
 * do not add up.
 *
 * Which directories count: the top and those in it whose name is a machine id, with a namespace behind a dot.
 * Source: systemd-journald.service(8), FILES; sd_journal_open(3). */

#include "journal-check.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

const char *journal_damage_to_string(int error) {
        switch (-error) {
        case ENODATA:
                return "is truncated";
        case EPROTONOSUPPORT:
                return "uses a feature that is not known here";
        case EBADMSG:
                return "is damaged";
        default:
                return strerror(-error);
        }
}

static void journal_check_deny(JournalCheck *check, const char *path) {
        if (check->n_denied++ == 0)
                (void) snprintf(check->denied, sizeof(check->denied), "%s", path);
}

int journal_check_file(JournalCheck *check, const char *path) {
        const char *paths[] = { path, NULL };
        sd_journal *journal = NULL;
        int r = sd_journal_open_files(&journal, paths, 0);

        sd_journal_close(journal);
        if (r == -EACCES || r == -EPERM)
                journal_check_deny(check, path);
        else if (r < 0) {
                if (check->n_damaged++ == 0) {
                        (void) snprintf(check->damaged, sizeof(check->damaged), "%s", path);
                        check->damage = r;
                }
        } else
                check->n_files++;
        return r < 0 ? r : 0;
}

static bool is_journal_file(const char *name) {
        const char *dot = strrchr(name, '.');

        return dot && (strcmp(dot, ".journal") == 0 || strcmp(dot, ".journal~") == 0);
}

static bool journal_scope_has(const JournalScope *scope, const char *name) {
        char text[SD_ID128_STRING_MAX];
        sd_id128_t id;

        (void) snprintf(text, sizeof(text), "%.32s", name);
        if (strlen(text) != SD_ID128_STRING_MAX - 1 || sd_id128_from_string(text, &id) < 0)
                return false;
        name += SD_ID128_STRING_MAX - 1;
        if (!sd_id128_is_null(scope->machine_id) && !sd_id128_equal(id, scope->machine_id))
                return false;
        if (name[0] == '\0')
                return !scope->namespace || scope->has_default ||
                        strcmp(scope->namespace, "*") == 0;
        return name[0] == '.' && scope->namespace &&
                (strcmp(scope->namespace, "*") == 0 || strcmp(name + 1, scope->namespace) == 0);
}

static void journal_check_entry(
        JournalCheck *check, int directory_fd, const char *path, bool is_thorough) {
        const char *name = strrchr(path, '/') + 1;
        struct stat status;

        if (fstatat(directory_fd, name, &status, 0) < 0 || !S_ISREG(status.st_mode))
                return;
        if (is_thorough)
                (void) journal_check_file(check, path);
        else if (faccessat(directory_fd, name, R_OK, AT_EACCESS) < 0)
                journal_check_deny(check, path);
        else
                check->n_files++;
        check->n_empty += status.st_blocks == 0;
        check->usage_bytes += (uint64_t) status.st_blocks * 512;
}

static void journal_check_one(JournalCheck *check, const char *path, const JournalScope *scope,
        bool is_thorough, bool is_top) {
        _cleanup_closedir_ DIR *directory = opendir(path);
        char below[PATH_MAX];
        struct dirent *entry;

        if (!directory) {
                if (errno == EACCES)
                        journal_check_deny(check, path);
                return;
        }
        while ((entry = readdir(directory))) {
                if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
                        (int) sizeof(below))
                        continue;
                if (is_journal_file(entry->d_name))
                        journal_check_entry(check, dirfd(directory), below, is_thorough);
                else if (is_top && journal_scope_has(scope, entry->d_name)) {
                        check->n_directories++;
                        journal_check_one(check, below, scope, is_thorough, /* is_top= */ false);
                }
        }
}

void journal_check_directory(
        JournalCheck *check, const char *path, const JournalScope *scope, bool is_thorough) {
        journal_check_one(check, path, scope, is_thorough, /* is_top= */ true);
}
