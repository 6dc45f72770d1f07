/* SPDX-License-Identifier: MIT */

/* Specifiers are expanded for the rules' sake only: paths and names in the command line of `gatewatch run`
 * have to be what the run will see. What depends on the machine that the unit will run on (host name,
 * machine id, versions) stays as it is; so does what is misspelt. */

#include "units/unit-view-specifier.h"

#include <string.h>

#include "byte-buffer.h"

/* A folder of the system manager's units, or of a user's below the home. */
static const struct {
        char specifier;
        const char *of_system, *of_user;
} specifier_directories[] = {
        { 'S', "/var/lib", "/.config" }, /* systemd 252; from 254 on .local/state */
        { 'C', "/var/cache", "/.cache" },
        { 'L', "/var/log", "/.config/log" },
        { 'E', "/etc", "/.config" },
};

static const char *view_home(const UnitView *view) {
        const char *home = view->manager == UNIT_MANAGER_USER ? getenv("HOME") : NULL;

        return home ? home : "/root";
}

static void append_runtime_directory(const UnitView *view, ByteBuffer *buffer) {
        const char *directory =
                view->manager == UNIT_MANAGER_USER ? getenv("XDG_RUNTIME_DIR") : NULL;

        byte_buffer_append_text(buffer, directory ? directory : "/run");
}

/* Returns: false: not one of those that are expanded here. */
static bool append_directory(const UnitView *view, char specifier, ByteBuffer *buffer) {
        bool is_user = view->manager == UNIT_MANAGER_USER;

        for (size_t i = 0; i < ELEMENTSOF(specifier_directories); i++) {
                if (specifier_directories[i].specifier != specifier)
                        continue;
                byte_buffer_append_text(buffer, is_user ? view_home(view) : "");
                byte_buffer_append_text(buffer,
                        is_user ? specifier_directories[i].of_user
                                : specifier_directories[i].of_system);
                return true;
        }
        return false;
}

/* The parts of "prefix@instance.service". Returns: false: not a part of the name. */
static bool append_name(const char *name, char specifier, ByteBuffer *buffer) {
        const char *dot = strrchr(name, '.') ?: name + strlen(name);
        const char *at = memchr(name, '@', (size_t) (dot - name));

        /* Which instance of a template it will be nobody knows yet. */
        if (at && at + 1 == dot && specifier != 'p')
                return false;
        switch (specifier) {
        case 'n':
                byte_buffer_append_text(buffer, name);
                return true;
        case 'N':
                byte_buffer_append(buffer, name, (size_t) (dot - name));
                return true;
        case 'p':
                byte_buffer_append(buffer, name, (size_t) ((at ? at : dot) - name));
                return true;
        case 'i':
                if (at)
                        byte_buffer_append(buffer, at + 1, (size_t) (dot - at - 1));
                return true;
        default:
                return false;
        }
}

/* "u" and "h" are the manager's user and its home: User= has no part in them. */
static void append_specifier(const UnitView *view, char specifier, ByteBuffer *buffer) {
        const char text[] = { '%', specifier };

        if (append_name(view->name, specifier, buffer) || append_directory(view, specifier, buffer))
                return;
        if (specifier == '%')
                byte_buffer_append(buffer, "%", 1);
        else if (specifier == 't')
                append_runtime_directory(view, buffer);
        else if (specifier == 'h')
                byte_buffer_append_text(buffer, view_home(view));
        else if (specifier == 'u' && view->manager == UNIT_MANAGER_SYSTEM)
                byte_buffer_append_text(buffer, "root");
        else
                byte_buffer_append(buffer, text, specifier ? 2 : 1);
}

char *unit_view_expand(const UnitView *view, const char *text) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};

        for (const char *c = text; *c; c++) {
                if (*c != '%') {
                        byte_buffer_append(&buffer, c, 1);
                        continue;
                }
                append_specifier(view, c[1], &buffer);
                if (c[1])
                        c++;
        }
        return byte_buffer_steal(&buffer);
}
