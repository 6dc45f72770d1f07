/* SPDX-License-Identifier: MIT */

/* Which drop-ins a unit has, as systemd 252 finds them (observed with systemd-analyze(1), and see
 * systemd.unit(5)).
 *
 * Folders first, files then. Folders belong to names: those of the name of the unit's file, then of its
 * other names (every link in the directories that leads to the same file), then of its type. For one name
 * the stronger directory comes first, and within a directory the more specific folder. Of equal file names
 * the first one found is taken, even if it is a mask; what is taken is sorted by file name alone.
 *
 * systemd takes a unit's other names in no particular order, here it is the alphabet's. What a drop-in
 * says is not read; whoever reads it finds out whether it may. */

#include "unit-path.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "unit-name.h"

/* ---- The unit's names ------------------------------------------------------------------------ */

/* What a link is compared with. */
typedef struct DropInUnit {
        const char *const *directories;
        const char *fragment;
        const char *id; /* the file's name, an instance's with the instance */
} DropInUnit;

/* Takes a link's name, as the instance would have it, for one of the unit's if it leads to the same file
 * and the same instance.
 * Returns: 0; -ENOMEM. */
static int drop_in_add_alias(const DropInUnit *unit, const char *link, char ***names) {
        _cleanup_free_ char *name = unit_name_for_instance(link, unit->id), *fragment = NULL,
                            *id = NULL;

        if (!name)
                return -ENOMEM;
        if (strv_contains(*names, name))
                return 0;
        int r = unit_path_find_fragment(unit->directories, name, &fragment);
        if (r == -ENOENT || (r == 0 && strcmp(fragment, unit->fragment) != 0))
                return 0;
        if (r < 0)
                return r;

        id = unit_name_for_instance(strrchr(fragment, '/') + 1, name);
        if (!id)
                return -ENOMEM;
        return strcmp(id, unit->id) == 0 ? strv_extend(names, name) : 0;
}

static bool drop_in_is_link(DIR *folder, const struct dirent *entry) {
        struct stat st;

        if (entry->d_type != DT_UNKNOWN)
                return entry->d_type == DT_LNK;
        return fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISLNK(st.st_mode);
}

static int drop_in_add_aliases(const DropInUnit *unit, const char *directory, char ***names) {
        _cleanup_closedir_ DIR *folder = opendir(directory);
        const char *suffix = unit_name_suffix(unit->id);

        for (struct dirent *entry; folder && (entry = readdir(folder));) {
                if (strcmp(unit_name_suffix(entry->d_name), suffix) != 0 ||
                        !drop_in_is_link(folder, entry) || !unit_name_is_valid(entry->d_name))
                        continue;
                int r = drop_in_add_alias(unit, entry->d_name, names);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int drop_in_compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* All names of the unit, that of its file first; without a file its own. */
static int drop_in_find_names(
        const char *const directories[], const char *name, char ***ret_names) {
        _cleanup_free_ char *fragment = NULL, *id = NULL;
        _cleanup_strv_ char **names = NULL;

        int r = unit_path_find_fragment(directories, name, &fragment);
        if (r < 0 && r != -ENOENT)
                return r;
        id = r < 0 ? strdup(name) : unit_name_for_instance(strrchr(fragment, '/') + 1, name);
        if (!id || strv_extend(&names, id) < 0)
                return -ENOMEM;
        if (strcmp(id, name) != 0 && strv_extend(&names, name) < 0)
                return -ENOMEM;

        const DropInUnit unit = { .directories = directories, .fragment = fragment, .id = id };
        for (size_t i = 0; fragment && directories[i]; i++)
                if (drop_in_add_aliases(&unit, directories[i], &names) < 0)
                        return -ENOMEM;

        qsort(names + 1, strv_length(names) - 1, sizeof(*names), drop_in_compare_names);
        *ret_names = TAKE_PTR(names);
        return 0;
}

/* ---- Their folders --------------------------------------------------------------------------- */

/* Appends directory/name.d, by its own path as systemd tells it, if it is there. */
static int drop_in_add_folder(const char *directory, const char *name, char ***folders) {
        _cleanup_free_ char *path = NULL, *resolved = NULL;

        if (asprintf(&path, "%s/%s.d", directory, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        resolved = realpath(path, NULL);
        if (!resolved)
                return errno == ENOMEM ? -ENOMEM : 0;
        return strv_contains(*folders, resolved) ? 0 : strv_extend(folders, resolved);
}

/* Appends the folders of a name in a directory: its own, those of its template, those of its prefixes. */
static int drop_in_add_folders(const char *directory, const char *name, char ***folders) {
        _cleanup_free_ char *template = NULL, *shorter = NULL;
        int r;

        r = drop_in_add_folder(directory, name, folders);
        if (r < 0)
                return r;

        if (unit_name_is_instance(name)) {
                template = unit_name_to_template(name);
                if (!template)
                        return -ENOMEM;
                r = drop_in_add_folders(directory, template, folders);
                if (r < 0)
                        return r;
        }

        r = unit_name_shorten(name, &shorter);
        if (r <= 0)
                return r;
        return drop_in_add_folders(directory, shorter, folders);
}

static int drop_in_find_folders(
        const char *const directories[], char *const names[], char ***ret_folders) {
        _cleanup_strv_ char **folders = NULL;
        const char *type = unit_name_suffix(names[0]);

        for (size_t n = 0; names[n]; n++)
                for (size_t i = 0; directories[i]; i++)
                        if (drop_in_add_folders(directories[i], names[n], &folders) < 0)
                                return -ENOMEM;
        for (size_t i = 0; *type && directories[i]; i++)
                if (drop_in_add_folder(directories[i], type + 1, &folders) < 0)
                        return -ENOMEM;

        *ret_folders = TAKE_PTR(folders);
        return 0;
}

/* ---- The files ------------------------------------------------------------------------------- */

typedef struct DropIn {
        char *path;
        const char *name; /* in path */
        size_t rank;      /* of its folder, 0 is the strongest */
} DropIn;

typedef struct DropInList {
        DropIn *items;
        size_t n_items, n_allocated;
} DropInList;

static void drop_in_list_done(DropInList *list) {
        for (size_t i = 0; i < list->n_items; i++)
                free(list->items[i].path);
        free(list->items);
}

static int drop_in_list_add(DropInList *list, const char *folder, const char *name, size_t rank) {
        if (list->n_items == list->n_allocated) {
                const size_t n = list->n_allocated * 2 + 16;
                DropIn *items = reallocarray(list->items, n, sizeof(*items));
                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->n_allocated = n;
        }

        char *path;
        if (asprintf(&path, "%s/%s", folder, name) < 0)
                return -ENOMEM;
        list->items[list->n_items++] = (DropIn){
                .path = path,
                .name = path + strlen(folder) + 1,
                .rank = rank,
        };
        return 0;
}

static int drop_in_list_add_folder(DropInList *list, const char *path, size_t rank) {
        _cleanup_closedir_ DIR *folder = opendir(path);

        for (struct dirent *entry; folder && (entry = readdir(folder));) {
                const char *name = entry->d_name, *dot = strrchr(name, '.');

                if (*name == '.' || !dot || strcmp(dot, ".conf") != 0)
                        continue;
                if (drop_in_list_add(list, path, name, rank) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int drop_in_compare(const void *a, const void *b) {
        const DropIn *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r != 0 ? r : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Does the file say nothing: empty, a device, a folder, a link to nowhere? One that may not be looked at is
 * for the reader to find out. */
static bool drop_in_is_masked(const DropIn *drop_in) {
        struct stat st;

        if (stat(drop_in->path, &st) < 0)
                return errno != EACCES;
        return !S_ISREG(st.st_mode) || st.st_size == 0;
}

static int drop_in_list_tell(const DropInList *list, char ***ret_paths) {
        _cleanup_strv_ char **paths = NULL;

        for (size_t i = 0; i < list->n_items; i++) {
                const DropIn *drop_in = list->items + i;

                if (i > 0 && strcmp(drop_in->name, drop_in[-1].name) == 0)
                        continue; /* a stronger one stands before it */
                if (!drop_in_is_masked(drop_in) && strv_extend(&paths, drop_in->path) < 0)
                        return -ENOMEM;
        }
        *ret_paths = TAKE_PTR(paths);
        return 0;
}

int unit_path_find_drop_ins(const char *const directories[], const char *name, char ***ret_paths) {
        _cleanup_(drop_in_list_done) DropInList list = {};
        _cleanup_strv_ char **names = NULL, **folders = NULL;

        assert(directories);
        assert(name);
        assert(ret_paths);

        if (!unit_name_is_valid(name)) {
                *ret_paths = NULL;
                return 0;
        }
        if (drop_in_find_names(directories, name, &names) < 0 ||
                drop_in_find_folders(directories, names, &folders) < 0)
                return -ENOMEM;
        for (size_t i = 0; folders && folders[i]; i++)
                if (drop_in_list_add_folder(&list, folders[i], i) < 0)
                        return -ENOMEM;

        if (list.n_items > 0)
                qsort(list.items, list.n_items, sizeof(*list.items), drop_in_compare);
        return drop_in_list_tell(&list, ret_paths);
}
