/* SPDX-License-Identifier: MIT */

/* Facts about this machine that decide what becomes of its units, but are no settings of theirs.
 *
 * hidepid= of /proc is taken from the mount that lies on top, as mount tables list them: the last one
 * wins. It concerns the units too, as long as they have no /proc of their own. A user lingers when logind
 * has a file of that name; users that /etc/passwd does not know are not looked for elsewhere. */

#include "units/unit-surroundings.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "unit-path.h"
#include "units/unit-view-files.h"
#include "user-name.h"

#define PATH_SIZE 4096

/* Returns: false: too long. */
_printf_(2, 3) static bool surroundings_path(char path[static PATH_SIZE], const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        int n = vsnprintf(path, PATH_SIZE, format, arguments);
        va_end(arguments);
        return n >= 0 && n < PATH_SIZE;
}

/* ---- /proc ----------------------------------------------------------------------------------- */

/* Whether options, separated by commas, hide other users' processes. */
static bool options_hide_processes(const char *options) {
        static const char key[] = "hidepid=";

        for (const char *at = options; at; at = strchr(at, ',')) {
                const char *value;

                at += *at == ',';
                if (strncmp(at, key, strlen(key)) != 0)
                        continue;
                value = at + strlen(key);
                return strncmp(value, "0", 1) != 0 && strncmp(value, "off", 3) != 0;
        }
        return false;
}

/* One line of mountinfo. Returns: 1, 0: of /proc, and whether it hides; -ENODATA: of another mount.
 * Source: proc(5). */
static int mount_line_hides_processes(const char *line) {
        char mount_point[sizeof("/proc") + 1], type[sizeof("proc") + 1];
        const char *rest;
        int at = 0;

        if (sscanf(line, "%*s %*s %*s %*s %6s", mount_point) != 1 ||
                strcmp(mount_point, "/proc") != 0)
                return -ENODATA;
        rest = strstr(line, " - "); /* behind fields of which nobody knows how many there are */
        if (!rest || sscanf(rest, " - %5s %*s %n", type, &at) != 1 || strcmp(type, "proc") != 0)
                return 0;
        return at > 0 && options_hide_processes(rest + at);
}

static bool surroundings_hide_processes(const char *root) {
        _cleanup_fclose_ FILE *file = NULL;
        _cleanup_free_ char *line = NULL;
        char path[PATH_SIZE];
        bool is_hidden = false;
        size_t size = 0;

        if (!surroundings_path(path, "%s/proc/self/mountinfo", root))
                return false;
        file = fopen(path, "re");
        while (file && getline(&line, &size, file) > 0) {
                int r = mount_line_hides_processes(line);
                if (r >= 0)
                        is_hidden = r > 0;
        }
        return is_hidden;
}

/* ---- The user -------------------------------------------------------------------------------- */

/* Returns: 1, 0; negative errno: not known. */
static int surroundings_find_linger(const char *root, char ret_user[static USER_NAME_MAX]) {
        char path[PATH_SIZE];
        int r;

        if (!surroundings_path(path, "%s/etc/passwd", root))
                return -ENAMETOOLONG;
        r = user_name_from_uid(path, getuid(), ret_user);
        if (r < 0)
                return r;
        if (!surroundings_path(path, "%s/var/lib/systemd/linger/%s", root, ret_user))
                return -ENAMETOOLONG;
        if (access(path, F_OK) >= 0)
                return 1;
        return errno == ENOENT ? 0 : -errno;
}

/* ---- Drop-ins that were never loaded ----------------------------------------------------------- */

static bool view_has_drop_in(const UnitView *view, const char *file_name) {
        for (size_t i = 0; view->drop_ins && view->drop_ins[i]; i++) {
                const char *slash = strrchr(view->drop_ins[i], '/');

                if (strcmp(slash ? slash + 1 : view->drop_ins[i], file_name) == 0)
                        return true;
        }
        return false;
}

/* Whether it is one that systemd would load: *.conf, and no mask (empty, /dev/null). */
static bool entry_is_drop_in(DIR *folder, const char *file_name) {
        const char *dot = strrchr(file_name, '.');
        struct stat st;

        return file_name[0] != '.' && dot && strcmp(dot, ".conf") == 0 &&
                fstatat(dirfd(folder), file_name, &st, /* flags= */ 0) >= 0 &&
                S_ISREG(st.st_mode) && st.st_size > 0;
}

static bool folder_has_news(const UnitView *view, const char *path) {
        _cleanup_closedir_ DIR *folder = opendir(path);
        const struct dirent *entry;

        while (folder && (entry = readdir(folder)))
                if (entry_is_drop_in(folder, entry->d_name) &&
                        !view_has_drop_in(view, entry->d_name))
                        return true;
        return false;
}

/* systemd looks whether files that it has read have changed. A drop-in in a folder that was not there at the
 * last reload it does not miss (252), and that is how the first drop-in of a unit comes. Only the unit's
 * own folder is looked at: to find all that could belong to it takes milliseconds a unit. */
static void view_note_news(UnitView *view, const char *const directories[]) {
        char path[PATH_SIZE];

        if (strcmp(view->load_state, "loaded") != 0)
                return;
        for (size_t i = 0; directories[i]; i++) {
                if (!surroundings_path(path, "%s/%s.d", directories[i], view->name) ||
                        !folder_has_news(view, path))
                        continue;
                view->values[VIEW_NEED_DAEMON_RELOAD].is_known = true;
                view->values[VIEW_NEED_DAEMON_RELOAD].number = true;
                return;
        }
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int view_add_surroundings(UnitView *view, char *const directories[]) {
        const char *const *list = (const char *const *) directories;
        const char *slash = view->fragment ? strrchr(view->fragment, '/') : NULL;
        int r;

        view->has_files = true;
        r = unit_view_find_origins(view);
        /* By the file's name: the unit may have been asked for by an alias. */
        if (r >= 0 && slash)
                r = unit_path_find_shadowed(list, view->fragment, slash + 1, &view->shadowed);
        view_note_news(view, list);
        return r == -ENOMEM ? r : 0;
}

int unit_surroundings_read(UnitView views[], size_t n, const char *root) {
        _cleanup_strv_ char **directories = NULL;
        bool is_hidden = surroundings_hide_processes(root);
        char user[USER_NAME_MAX];
        int r, linger = -1;

        assert(root);

        if (n == 0)
                return 0;
        r = unit_path_directories(views[0].manager, &directories);
        if (r < 0)
                return r;
        if (views[0].manager == UNIT_MANAGER_USER)
                linger = surroundings_find_linger(root, user);
        for (size_t i = 0; i < n; i++) {
                UnitView *view = &views[i];

                view->is_proc_hidden = is_hidden;
                r = view_add_surroundings(view, directories);
                if (r < 0)
                        return r;
                if (linger < 0)
                        continue;
                view->linger = linger;
                view->linger_user = strdup(user);
                if (!view->linger_user)
                        return -ENOMEM;
        }
        return 0;
}
