/* SPDX-License-Identifier: MIT */

/* The places where a journal is looked for, by the same calls as journalctl: this machine's own directories (one
 * machine's, or with is_merged those of others as well), a directory, files, a namespace, the root directory of a
 * container. A file of a list that is damaged is left out, where libsystemd would give up on all of them.
 *
 * sd_journal_open(3) succeeds also when nothing may be read; who is not permitted is told here, and how that is
 * mended. Who reads some of it is given a remark. journalctl looks at errors inside of sd_journal for that, which
 * it shares with libsystemd; see journal-check.c for what stands in for them.
 *
 * Source: journalctl(1), sd_journal_open(3); systemd 252, src/shared/journal-util.c. */

#include "journal-source.h"

#include <glob.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>

#include "journal-check.h"
#include "strv.h"

#define GROUP        "systemd-journal"
#define GROUP_REMOTE "systemd-journal-remote" /* of what systemd-journal-remote(8) collects */

static const char *const journal_roots[] = { "/run/log/journal", "/var/log/journal" };

bool journal_source_is_own(const JournalSource *source) {
        return !source->directory && !source->files && !source->machine;
}

static void journal_denial_format(
        const char *prefix, const char *path, char ret_text[static JOURNAL_ERROR_MAX]) {
        const struct group *group;
        const char *name = GROUP;
        struct stat status;

        if (stat(path, &status) == 0) {
                group = getgrgid(status.st_gid);
                if (group && strcmp(group->gr_name, GROUP_REMOTE) == 0)
                        name = GROUP_REMOTE;
        }
        (void) snprintf(ret_text, JOURNAL_ERROR_MAX,
                "%s%.200s may not be read; members of the group %s may (usermod -aG %s USER, then log in anew)",
                prefix, path, name, name);
}

static int journal_source_fail(const char *path, int r, char reterr[static JOURNAL_ERROR_MAX]) {
        if (r == -EACCES || r == -EPERM)
                journal_denial_format("", path, reterr);
        else if (r == -ENODATA || r == -EBADMSG || r == -EPROTONOSUPPORT)
                (void) snprintf(reterr, JOURNAL_ERROR_MAX, "%.200s %s; see journalctl --verify",
                        path, journal_damage_to_string(r));
        else
                (void) snprintf(
                        reterr, JOURNAL_ERROR_MAX, "no journal at %.200s: %s", path, strerror(-r));
        return r == -EPERM ? -EACCES : r;
}

/* ---- Files -------------------------------------------------------------------------------------- */

static int journal_source_expand(
        const JournalSource *source, char ***ret_paths, char reterr[static JOURNAL_ERROR_MAX]) {
        _cleanup_strv_ char **paths = NULL;

        for (size_t i = 0; source->files[i]; i++) {
                glob_t found = {};
                int r = 0, result = glob(source->files[i], GLOB_NOSORT, NULL, &found);

                for (size_t k = 0; r >= 0 && result == 0 && k < found.gl_pathc; k++)
                        r = strv_extend(&paths, found.gl_pathv[k]);
                globfree(&found);
                if (r < 0 || result == GLOB_NOSPACE)
                        return -ENOMEM;
                if (result != 0)
                        return journal_source_fail(source->files[i],
                                result == GLOB_ABORTED ? -EACCES : -ENOENT, reterr);
        }
        *ret_paths = TAKE_PTR(paths);
        return 0;
}

static int journal_source_open_files(const JournalSource *source, sd_journal **ret_journal,
        JournalCheck *check, char reterr[static JOURNAL_ERROR_MAX]) {
        _cleanup_strv_ char **paths = NULL;
        int r, first_error = 0;
        size_t n_good = 0;

        r = journal_source_expand(source, &paths, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; paths && paths[i]; i++) {
                r = journal_check_file(check, paths[i]);
                if (r == -ENOMEM)
                        return r;
                if (r < 0) {
                        if (first_error == 0)
                                first_error = journal_source_fail(paths[i], r, reterr);
                        free(paths[i]);
                } else
                        paths[n_good++] = paths[i];
                if (n_good < i + 1)
                        paths[i] = NULL;
        }
        if (n_good == 0)
                return first_error < 0 ? first_error
                                       : journal_source_fail("an empty list", -ENOENT, reterr);

        r = sd_journal_open_files(ret_journal, (const char **) paths, 0);
        return r < 0 ? journal_source_fail(paths[0], r, reterr) : 0;
}

/* ---- Directories -------------------------------------------------------------------------------- */

static JournalScope journal_source_scope(const JournalSource *source) {
        JournalScope scope = { .namespace = source->namespace };

        if (journal_source_is_own(source) && !source->is_merged)
                (void) sd_id128_get_machine(&scope.machine_id);
        if (scope.namespace && scope.namespace[0] == '+') {
                scope.namespace ++;
                scope.has_default = true;
        }
        return scope;
}

static int journal_source_open_own(const JournalSource *source, sd_journal **ret_journal) {
        JournalScope scope = journal_source_scope(source);
        int flags = source->is_merged ? 0 : SD_JOURNAL_LOCAL_ONLY;

        if (!scope.namespace)
                return sd_journal_open(ret_journal, flags);
        if (strcmp(scope.namespace, "*") == 0)
                return sd_journal_open_namespace(
                        ret_journal, NULL, flags | SD_JOURNAL_ALL_NAMESPACES);
        if (scope.has_default)
                flags |= SD_JOURNAL_INCLUDE_DEFAULT_NAMESPACE;
        return sd_journal_open_namespace(ret_journal, scope.namespace, flags);
}

static void journal_source_check(
        const JournalSource *source, int root_fd, JournalCheck *check, bool is_thorough) {
        JournalScope scope = journal_source_scope(source);
        sd_id128_t machine_id = scope.machine_id;
        char path[PATH_MAX];

        *check = (JournalCheck){};
        if (source->directory) {
                journal_check_directory(check, source->directory, &scope, is_thorough);
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(journal_roots); i++) {
                if (root_fd >= 0)
                        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d%s", root_fd,
                                journal_roots[i]);
                else
                        (void) snprintf(path, sizeof(path), "%s", journal_roots[i]);
                /* What is in /run is always taken for this machine's. */
                scope.machine_id = i == 0 ? SD_ID128_NULL : machine_id;
                journal_check_directory(check, path, &scope, is_thorough);
        }
}

/* Looks into each file only when libsystemd has not all of them. */
static int journal_source_examine(const JournalSource *source, sd_journal *journal, int root_fd,
        JournalCheck *check, char reterr[static JOURNAL_ERROR_MAX]) {
        uint64_t usage_bytes = 0;

        journal_source_check(source, root_fd, check, /* is_thorough= */ false);
        if (sd_journal_get_usage(journal, &usage_bytes) < 0 || usage_bytes != check->usage_bytes ||
                check->n_empty > 0)
                journal_source_check(source, root_fd, check, /* is_thorough= */ true);
        if (check->n_files == 0 && check->n_denied > 0)
                return journal_source_fail(check->denied, -EACCES, reterr);
        if (source->namespace && check->n_directories == 0) {
                (void) snprintf(reterr, JOURNAL_ERROR_MAX, "no journal namespace %.200s",
                        source->namespace);
                return -ENOENT;
        }
        /* A machine has one; a directory may be waiting for its first. */
        if (check->n_files == 0 && check->n_damaged == 0 && !source->directory) {
                (void) snprintf(reterr, JOURNAL_ERROR_MAX,
                        "no journal files were found in /run/log/journal and /var/log/journal%s%.100s: is "
                        "systemd-journald running, with Storage= other than none? --directory= and "
                        "--file= read journals of elsewhere",
                        source->machine ? " of " : "", source->machine ?: "");
                return -ENOENT;
        }
        return 0;
}

static int journal_source_open_directories(const JournalSource *source, sd_journal **ret_journal,
        int *ret_root_fd, JournalCheck *check, char reterr[static JOURNAL_ERROR_MAX]) {
        _cleanup_close_ int root_fd = -EBADF;
        _cleanup_(sd_journal_closep) sd_journal *journal = NULL; /* closed before it */
        int r;

        if (source->machine) {
                root_fd = journal_machine_open_root(source->machine, reterr);
                if (root_fd < 0)
                        return root_fd;
                r = sd_journal_open_directory_fd(&journal, root_fd, SD_JOURNAL_OS_ROOT);
        } else if (source->directory)
                r = sd_journal_open_directory(&journal, source->directory, 0);
        else
                r = journal_source_open_own(source, &journal);
        if (r < 0)
                return journal_source_fail(
                        source->machine ?: source->directory ?: "this machine", r, reterr);

        r = journal_source_examine(source, journal, root_fd, check, reterr);
        if (r < 0)
                return r;
        *ret_journal = TAKE_PTR(journal);
        *ret_root_fd = TAKE_FD(root_fd);
        return 0;
}

/* ---- Both --------------------------------------------------------------------------------------- */

static void journal_source_remark(
        const JournalCheck *check, char ret_remark[static JOURNAL_ERROR_MAX]) {
        ret_remark[0] = '\0';
        if (check->n_denied > 0)
                journal_denial_format("records of the system or of other users are missing: ",
                        check->denied, ret_remark);
        else if (check->n_damaged > 1)
                (void) snprintf(ret_remark, JOURNAL_ERROR_MAX,
                        "%zu journal files are passed over: %.200s %s, …; see journalctl --verify",
                        check->n_damaged, check->damaged, journal_damage_to_string(check->damage));
        else if (check->n_damaged > 0)
                (void) snprintf(ret_remark, JOURNAL_ERROR_MAX,
                        "%.200s %s and is passed over; see journalctl --verify", check->damaged,
                        journal_damage_to_string(check->damage));
        else if (check->n_files == 0)
                (void) snprintf(ret_remark, JOURNAL_ERROR_MAX, "no journal files were found");
}

int journal_source_open(const JournalSource *source, sd_journal **ret_journal, int *ret_root_fd,
        char ret_remark[static JOURNAL_ERROR_MAX], char reterr[static JOURNAL_ERROR_MAX]) {
        JournalCheck check = {};
        int r;

        reterr[0] = '\0';
        *ret_root_fd = -EBADF;
        if (source->files)
                r = journal_source_open_files(source, ret_journal, &check, reterr);
        else
                r = journal_source_open_directories(
                        source, ret_journal, ret_root_fd, &check, reterr);
        if (r < 0) {
                if (reterr[0] == '\0')
                        (void) snprintf(reterr, JOURNAL_ERROR_MAX, "%s", strerror(-r));
                return r;
        }
        journal_source_remark(&check, ret_remark);
        return 0;
}
