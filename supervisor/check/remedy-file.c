/* SPDX-License-Identifier: MIT */

/* The drop-in's file, in the folder where an administrator's own drop-ins lie. It is ours when its
 * first line says so; anything else under that name is somebody's work and stays as it is, and
 * nothing is followed that leads elsewhere. Who may write that folder may do anything to the unit,
 * so nobody races with us between the look and the rename.
 *
 * The manager is not told: that is the caller's affair. */

#include "check/remedy-file.h"

#include <fcntl.h>
#include <string.h>

#include "file.h"
#include "unit-path.h"

/* systemd.unit(5) knows no bound; nobody's drop-in is that long. */
#define REMEDY_FILE_MAX_BYTES ((size_t) 1024 * 1024)

/* The folder of a unit file. Returns: malloc()ed; NULL: out of memory. */
static char *remedy_file_directory(const char *path) {
        const char *slash = strrchr(path, '/');

        if (!slash)
                return strdup(".");
        return strndup(path, slash == path ? 1 : (size_t) (slash - path));
}

char *remedy_path(const UnitView *view) {
        _cleanup_free_ char *directory = NULL;
        char *path;

        assert(view);

        if (!view->is_offline)
                directory = unit_path_admin_directory(view->manager);
        else if (view->fragment)
                directory = remedy_file_directory(view->fragment);
        if (!directory ||
                asprintf(&path, "%s/%s.d/" REMEDY_FILE,
                        strcmp(directory, "/") == 0 ? "" : directory, view->name) < 0)
                return NULL;
        return path;
}

int remedy_read(const char *path, char **ret_text) {
        char *text;
        size_t size;

        assert(path);
        assert(ret_text);

        int r = file_read_bounded(AT_FDCWD, path, REMEDY_FILE_MAX_BYTES, &text, &size);
        if (r < 0)
                return r;

        /* systemd takes a NUL for a line end. */
        for (size_t i = 0; i < size; i++)
                if (text[i] == '\0')
                        text[i] = '\n';

        *ret_text = text;
        return 0;
}

int remedy_install(const char *path, const char *text) {
        _cleanup_free_ char *present = NULL, *directory = NULL;

        assert(path);
        assert(text && remedy_is_ours(text));

        int r = remedy_read(path, &present);
        if (r < 0 && r != -ENOENT)
                return r;
        if (present && !remedy_is_ours(present))
                return -EPERM;

        directory = remedy_file_directory(path);
        if (!directory)
                return -ENOMEM;
        r = file_make_directories(directory, 0755);
        if (r < 0)
                return r;
        return file_write_atomic(AT_FDCWD, path, text, strlen(text), 0644);
}
