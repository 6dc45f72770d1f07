/* SPDX-License-Identifier: MIT */

/* Where a manager looks for unit files, and which one is a unit's, as systemd 252 does it (observed with
 * systemd-analyze(1), and see systemd.unit(5)), without asking one. Its drop-ins: unit-path-drop-ins.c.
 *
 * A name leads to a file by way of names: the strongest directory that has an entry of that name decides.
 * An entry that is a link to another name in one of the directories is an alias, and the search begins
 * anew with the other name (so that a stronger directory may have that one as well); a link to elsewhere
 * is a file that was linked in, or a mask. An instance without an entry takes its template's.
 *
 * Nothing is cached, nothing is read but directories and links; what a file says is unit-file.c's matter.
 * A directory that cannot be read is passed over, as systemd does. Names that exist only in a running
 * manager (merged by D-Bus, transient) are not known here. */

#include "unit-path.h"

#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "unit-name.h"

#define UNIT_PATH_FOLLOW_MAX 8 /* systemd's own */

static const char *unit_path_base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* Returns: malloc()ed path; NULL: out of memory. */
static char *unit_path_join(const char *directory, const char *name) {
        char *path;

        return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* ---- Directories ----------------------------------------------------------------------------- */

typedef enum UnitPathBase {
        UNIT_PATH_ROOT,
        UNIT_PATH_CONFIG_HOME,
        UNIT_PATH_RUNTIME_DIR,
        UNIT_PATH_DATA_HOME,
        UNIT_PATH_CONFIG_DIRS, /* a list */
        UNIT_PATH_DATA_DIRS,   /* a list */
        _UNIT_PATH_BASE_MAX,
} UnitPathBase;

typedef struct UnitPathPlace {
        UnitPathBase base;
        const char *below;
} UnitPathPlace;

/* Debian's systemd looks in /lib before /usr/lib; where there is one of the two, the other is a link. */
static const UnitPathPlace system_places[] = {
        { UNIT_PATH_ROOT, "/etc/systemd/system.control" },
        { UNIT_PATH_ROOT, "/run/systemd/system.control" },
        { UNIT_PATH_ROOT, "/run/systemd/transient" },
        { UNIT_PATH_ROOT, "/run/systemd/generator.early" },
        { UNIT_PATH_ROOT, "/etc/systemd/system" },
        { UNIT_PATH_ROOT, "/etc/systemd/system.attached" },
        { UNIT_PATH_ROOT, "/run/systemd/system" },
        { UNIT_PATH_ROOT, "/run/systemd/system.attached" },
        { UNIT_PATH_ROOT, "/run/systemd/generator" },
        { UNIT_PATH_ROOT, "/usr/local/lib/systemd/system" },
        { UNIT_PATH_ROOT, "/lib/systemd/system" },
        { UNIT_PATH_ROOT, "/usr/lib/systemd/system" },
        { UNIT_PATH_ROOT, "/run/systemd/generator.late" },
};

static const UnitPathPlace user_places[] = {
        { UNIT_PATH_CONFIG_HOME, "/systemd/user.control" },
        { UNIT_PATH_RUNTIME_DIR, "/systemd/user.control" },
        { UNIT_PATH_RUNTIME_DIR, "/systemd/transient" },
        { UNIT_PATH_RUNTIME_DIR, "/systemd/generator.early" },
        { UNIT_PATH_CONFIG_HOME, "/systemd/user" },
        { UNIT_PATH_CONFIG_DIRS, "/systemd/user" },
        { UNIT_PATH_ROOT, "/etc/systemd/user" },
        { UNIT_PATH_RUNTIME_DIR, "/systemd/user" },
        { UNIT_PATH_ROOT, "/run/systemd/user" },
        { UNIT_PATH_RUNTIME_DIR, "/systemd/generator" },
        { UNIT_PATH_DATA_HOME, "/systemd/user" },
        { UNIT_PATH_DATA_DIRS, "/systemd/user" },
        { UNIT_PATH_ROOT, "/usr/local/lib/systemd/user" },
        { UNIT_PATH_ROOT, "/usr/local/share/systemd/user" },
        { UNIT_PATH_ROOT, "/usr/lib/systemd/user" },
        { UNIT_PATH_ROOT, "/usr/share/systemd/user" },
        { UNIT_PATH_RUNTIME_DIR, "/systemd/generator.late" },
};

/* Returns: malloc()ed path; NULL: no home is known, or out of memory. */
static char *unit_path_below_home(const char *below) {
        const char *home = getenv("HOME");
        char *path;

        if (!home || *home != '/') {
                const struct passwd *user = getpwuid(getuid());
                home = user ? user->pw_dir : NULL;
        }
        return !home || asprintf(&path, "%s%s", home, below) < 0 ? NULL : path;
}

/* What a base stands for in this environment.
 * Returns: malloc()ed path, or list with colons; NULL: nothing, or out of memory. */
static char *unit_path_base(UnitPathBase base) {
        static const struct {
                const char *variable, *below_home, *otherwise;
        } bases[_UNIT_PATH_BASE_MAX] = {
                [UNIT_PATH_CONFIG_HOME] = { "XDG_CONFIG_HOME", "/.config", NULL },
                [UNIT_PATH_RUNTIME_DIR] = { "XDG_RUNTIME_DIR", NULL, NULL },
                [UNIT_PATH_DATA_HOME] = { "XDG_DATA_HOME", "/.local/share", NULL },
                [UNIT_PATH_CONFIG_DIRS] = { "XDG_CONFIG_DIRS", NULL, "/etc/xdg" },
                [UNIT_PATH_DATA_DIRS] = { "XDG_DATA_DIRS", NULL, "/usr/local/share:/usr/share" },
        };

        if (base == UNIT_PATH_ROOT)
                return strdup("");
        const char *value = getenv(bases[base].variable);
        if (value && *value)
                return strdup(value);
        if (bases[base].below_home)
                return unit_path_below_home(bases[base].below_home);
        return bases[base].otherwise ? strdup(bases[base].otherwise) : NULL;
}

/* Appends a directory that is not in the list yet, absolute and without slashes at its end. */
static int unit_path_add_directory(char ***list, const char *base, const char *below) {
        _cleanup_free_ char *path = NULL;
        char current[PATH_MAX] = "";

        if (*base != '/' && *below != '/' && !getcwd(current, sizeof(current)))
                return 0; /* nowhere: nothing is found there either */
        if (asprintf(&path, "%s%s%s%s", current, *current ? "/" : "", base, below) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
                path[n - 1] = '\0';
        return strv_contains(*list, path) ? 0 : strv_extend(list, path);
}

/* Appends the directories of a list with colons; empty ones are none. */
static int unit_path_add_list(char ***list, char *bases, const char *below) {
        char *saved;

        for (char *base = strtok_r(bases, ":", &saved); base; base = strtok_r(NULL, ":", &saved)) {
                int r = unit_path_add_directory(list, base, below);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int unit_path_add_place(char ***list, const UnitPathPlace *place) {
        _cleanup_free_ char *base = unit_path_base(place->base);

        if (!base)
                return 0;
        if (place->base == UNIT_PATH_CONFIG_DIRS || place->base == UNIT_PATH_DATA_DIRS)
                return unit_path_add_list(list, base, place->below);
        return unit_path_add_directory(list, base, place->below);
}

int unit_path_directories(UnitManager manager, char ***ret_directories) {
        const UnitPathPlace *places = manager == UNIT_MANAGER_USER ? user_places : system_places;
        const size_t n_places =
                manager == UNIT_MANAGER_USER ? ELEMENTSOF(user_places) : ELEMENTSOF(system_places);
        const char *environment = getenv("SYSTEMD_UNIT_PATH");
        _cleanup_strv_ char **list = NULL;

        assert(ret_directories);

        if (manager != UNIT_MANAGER_SYSTEM && manager != UNIT_MANAGER_USER)
                return -EINVAL;

        if (environment) {
                _cleanup_free_ char *bases = strdup(environment);
                if (!bases || unit_path_add_list(&list, bases, "") < 0)
                        return -ENOMEM;
        }

        const bool has_all = environment &&
                (*environment == '\0' || environment[strlen(environment) - 1] != ':');
        for (size_t i = 0; !has_all && i < n_places; i++)
                if (unit_path_add_place(&list, places + i) < 0)
                        return -ENOMEM;

        /* An empty list is one, too. */
        if (!list) {
                list = calloc(1, sizeof(char *));
                if (!list)
                        return -ENOMEM;
        }
        *ret_directories = TAKE_PTR(list);
        return 0;
}

char *unit_path_admin_directory(UnitManager manager) {
        char *path;

        if (manager == UNIT_MANAGER_SYSTEM)
                return strdup("/etc/systemd/system");
        if (manager != UNIT_MANAGER_USER)
                return NULL;

        _cleanup_free_ char *base = unit_path_base(UNIT_PATH_CONFIG_HOME);
        return !base || asprintf(&path, "%s/systemd/user", base) < 0 ? NULL : path;
}

/* ---- The file -------------------------------------------------------------------------------- */

/* May a link of this name lead to a unit of that one? */
static bool unit_path_is_alias(const char *name, const char *target) {
        static const char *const suffixes[] = { ".service", ".socket", ".target", ".device",
                ".timer", ".path" };
        const char *suffix = unit_name_suffix(name), *at = strchr(name, '@');
        const char *target_at = strchr(target, '@');
        bool is_type = false;

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
                is_type = is_type || strcmp(suffix, suffixes[i]) == 0;
        if (!is_type || !unit_name_is_valid(target) ||
                strcmp(suffix, unit_name_suffix(target)) != 0)
                return false;

        if (!at || !target_at)
                return !at && !target_at;
        return strcmp(at, target_at) == 0 ||
                (unit_name_is_instance(name) && unit_name_is_template(target));
}

/* Resolves the folders before the last name of an absolute path, as far as there are any; the rest stays
 * as it is written.
 * Returns: malloc()ed path; NULL: out of memory. */
static char *unit_path_resolve_folders(const char *path) {
        _cleanup_free_ char *folder = NULL, *prefix = strdup(path);
        const char *rest = path + strlen(path);
        char *resolved;

        while (prefix && !folder && rest > path) {
                for (rest--; *rest != '/'; rest--)
                        ;
                prefix[rest - path] = '\0';
                folder = realpath(rest == path ? "/" : prefix, NULL);
                if (!folder && errno == ENOMEM)
                        return NULL;
        }
        if (!folder)
                return NULL;
        return asprintf(&resolved, "%s%s", folder[1] ? folder : "", rest) < 0 ? NULL : resolved;
}

/* Where the link leads, one step.
 * Returns: 0; -ENOENT: no link that can be read; -ENOMEM. */
static int unit_path_read_link(const char *directory, const char *path, char **ret_target) {
        _cleanup_free_ char *target = NULL, *absolute = NULL;
        char link[PATH_MAX];

        ssize_t n = readlink(path, link, sizeof(link) - 1);
        if (n < 0)
                return -ENOENT;
        while (n > 1 && link[n - 1] == '/')
                n--;
        link[n] = '\0';

        if (*link != '/' && *directory != '/') {
                absolute = realpath(directory, NULL);
                if (!absolute)
                        return errno == ENOMEM ? -ENOMEM : -ENOENT;
        }
        target = *link == '/' ? strdup(link) : unit_path_join(absolute ?: directory, link);
        if (!target)
                return -ENOMEM;
        *ret_target = unit_path_resolve_folders(target);
        return *ret_target ? 0 : -ENOMEM;
}

/* Is this path below one of the directories? They are taken as they are written, as systemd does, links
 * in their own paths not followed; a relative one means where it is. */
static bool unit_path_is_below(const char *const directories[], const char *path) {
        for (; *directories; directories++) {
                char resolved[PATH_MAX];
                const char *directory = *directories;

                if (*directory != '/')
                        directory = realpath(directory, resolved);
                size_t n = directory ? strlen(directory) : 0;
                while (n > 1 && directory[n - 1] == '/')
                        n--;
                if (n > 0 && strncmp(path, directory, n) == 0 && path[n] == '/')
                        return true;
        }
        return false;
}

/* Looks for an entry in one directory.
 * Returns: 0: a file, *ret is its path; 1: an alias, *ret is the name it stands for; -ENOENT: nothing, or
 * a link that systemd passes over; -ENOMEM. */
static int unit_path_look_in(
        const char *const directories[], const char *directory, const char *name, char **ret) {
        _cleanup_free_ char *path = unit_path_join(directory, name), *target = NULL;
        struct stat st;

        if (!path)
                return -ENOMEM;
        if (lstat(path, &st) < 0)
                return -ENOENT;

        if (S_ISLNK(st.st_mode)) {
                int r = unit_path_read_link(directory, path, &target);
                if (r < 0)
                        return r;
                if (unit_path_is_below(directories, target)) {
                        const char *other = unit_path_base_name(target);
                        if (!unit_path_is_alias(name, other) || strcmp(name, other) == 0)
                                return -ENOENT;
                        *ret = strdup(other);
                        return *ret ? 1 : -ENOMEM;
                }
        }

        *ret = TAKE_PTR(path);
        return 0;
}

/* The same in all directories, the strongest first. */
static int unit_path_look_up(const char *const directories[], const char *name, char **ret) {
        for (size_t i = 0; directories[i]; i++) {
                int r = unit_path_look_in(directories, directories[i], name, ret);
                if (r != -ENOENT)
                        return r;
        }
        return -ENOENT;
}

/* The file that a name and its aliases lead to. An alias may name an instance of which there is but the
 * template, the name itself may not.
 * Returns: 0; -ENOENT; -ENOMEM. */
static int unit_path_follow(const char *const directories[], const char *name, char **ret_path) {
        _cleanup_free_ char *current = NULL;

        for (unsigned i = 0; i < UNIT_PATH_FOLLOW_MAX; i++) {
                char *next;

                int r = unit_path_look_up(directories, current ?: name, &next);
                if (r == -ENOENT && current) {
                        _cleanup_free_ char *template = unit_name_to_template(current);
                        if (template)
                                r = unit_path_look_up(directories, template, &next);
                }
                if (r < 0)
                        return r;
                if (r == 0) {
                        *ret_path = next;
                        return 0;
                }
                free(current);
                current = next;
        }
        return -ENOENT;
}

int unit_path_find_fragment(const char *const directories[], const char *name, char **ret_path) {
        assert(directories);
        assert(name);
        assert(ret_path);

        if (!unit_name_is_valid(name))
                return -ENOENT;

        int r = unit_path_follow(directories, name, ret_path);
        if (r != -ENOENT)
                return r;

        _cleanup_free_ char *template = unit_name_to_template(name);
        if (!template)
                return unit_name_is_instance(name) ? -ENOMEM : -ENOENT;
        return unit_path_follow(directories, template, ret_path);
}

/* ---- What it hides --------------------------------------------------------------------------- */

static bool unit_path_is_same(const char *path, const char *other) {
        struct stat st, other_st;

        return stat(path, &st) == 0 && stat(other, &other_st) == 0 &&
                st.st_dev == other_st.st_dev && st.st_ino == other_st.st_ino;
}

/* Has a stronger directory been this one? */
static bool unit_path_is_repeated(const char *const directories[], size_t i) {
        for (size_t j = 0; j < i; j++)
                if (unit_path_is_same(directories[j], directories[i]))
                        return true;
        return false;
}

/* The directory that holds the file. Returns: its index; that of the final NULL: none. */
static size_t unit_path_find_holder(const char *const directories[], const char *fragment) {
        const char *name = unit_path_base_name(fragment);
        char folder[PATH_MAX];
        size_t i = 0;

        (void) snprintf(folder, sizeof(folder), "%.*s.", (int) (name - fragment), fragment);
        while (directories[i] && !unit_path_is_same(directories[i], folder))
                i++;
        return i;
}

int unit_path_find_shadowed(const char *const directories[], const char *fragment, const char *name,
        char ***ret_paths) {
        _cleanup_strv_ char **list = NULL;

        assert(directories);
        assert(fragment);
        assert(name);
        assert(ret_paths);

        /* An instance's file is mostly its template's. */
        const char *file_name = unit_path_base_name(fragment);
        if (!unit_name_is_template(file_name))
                file_name = name;

        size_t i = unit_path_find_holder(directories, fragment);
        while (directories[i] && directories[++i]) {
                _cleanup_free_ char *path = unit_path_join(directories[i], file_name);
                struct stat st;

                if (!path)
                        return -ENOMEM;
                if (lstat(path, &st) < 0 || unit_path_is_repeated(directories, i) ||
                        unit_path_is_same(path, fragment))
                        continue;
                if (strv_extend(&list, path) < 0)
                        return -ENOMEM;
        }
        *ret_paths = TAKE_PTR(list);
        return 0;
}
