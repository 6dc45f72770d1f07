/* SPDX-License-Identifier: MIT */

/* From findings to files. One drop-in a unit; what stands there is read first, and refused when it is not
 * ours. Nothing else is changed, and nothing is kept in copies: what is overwritten was written here. */

#include "check/check-fix.h"

#include <string.h>

#include "check/remedy-file.h"
#include "text-clean.h"

/* The file in which what overrides the first such mend stands. Returns: NULL: nothing does. */
static const char *fix_find_override(
        const UnitView *view, const Finding *finding, const Mend **ret_mend) {
        for (size_t i = 0; i < finding->n_mends; i++) {
                const Mend *mend = &finding->mends[i];

                if (!remedy_is_overridden(view, mend))
                        continue;
                *ret_mend = mend;
                return view->values[view_key_from_setting(mend->section, mend->setting)].source;
        }
        return NULL;
}

static void fix_tell_obstacle(const UnitView *view, const Finding *finding) {
        _cleanup_free_ char *where = NULL, *command = NULL;
        const Mend *mend = NULL;

        switch (remedy_obstacle(view, finding)) {
        case REMEDY_OVERRIDDEN:
                where = text_clean(fix_find_override(view, finding, &mend), TEXT_TERMINAL);
                if (where)
                        (void) fprintf(stderr,
                                "gatewatch check: %s: %s stays: %s is read after " REMEDY_FILE
                                ": change %s= there\n",
                                view->name, finding->rule->id, where, mend->setting);
                return;
        case REMEDY_NO_SETTING:
                command = finding->command ? text_clean(finding->command, TEXT_TERMINAL) : NULL;
                if (command)
                        (void) fprintf(stderr, "gatewatch check: %s: %s is mended by: %s\n",
                                view->name, finding->rule->id, command);
                return;
        default:
                return;
        }
}

static int fix_complain(const UnitView *view, const char *path, int error) {
        _cleanup_free_ char *clean = text_clean(path, TEXT_TERMINAL);
        const char *why;

        if (error == -ENOMEM)
                return error;
        switch (error) {
        case -EPERM:
        case -ELOOP:
        case -EBADFD:
                why = "it is there and was not written by gatewatch: move it away, or put the lines "
                      "of --fix=print into it";
                break;
        case -EACCES:
        case -EROFS:
                why = "it may not be written: run as root, or for a user's units with --user";
                break;
        default:
                why = strerror(-error);
        }
        (void) fprintf(stderr, "gatewatch check: %s: %s: %s\n", view->name, clean ?: "", why);
        return -EIO;
}

/* Returns: 1 and the text; 0: nothing to write; negative errno, told. */
static int fix_make(const Lint *lint, char **ret_path, char **ret_text) {
        _cleanup_free_ char *path = NULL, *present = NULL;
        int r;

        path = remedy_path(lint->view);
        if (!path) {
                (void) fprintf(stderr,
                        "gatewatch check: %s: there is no place for a drop-in: set HOME or "
                        "XDG_CONFIG_HOME\n",
                        lint->view->name);
                return -EIO;
        }
        r = remedy_read(path, &present);
        if (r < 0 && r != -ENOENT)
                return fix_complain(lint->view, path, r);
        r = remedy_write(lint, present, ret_text);
        if (r < 0)
                return fix_complain(lint->view, path, r);
        *ret_path = TAKE_PTR(path);
        return r;
}

static void fix_tell_obstacles(const Lint *lint) {
        for (size_t i = 0; i < lint->n_findings; i++)
                fix_tell_obstacle(lint->view, &lint->findings[i]);
}

int check_fix_print(const CheckSet *set) {
        int result = 0;

        for (size_t i = 0; i < set->n_lints; i++) {
                _cleanup_free_ char *path = NULL, *text = NULL;
                int r;

                r = fix_make(&set->lints[i], &path, &text);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        result = r;
                fix_tell_obstacles(&set->lints[i]);
                if (r <= 0)
                        continue;
                /* Of one unit the text alone, so that it can be saved as it is. */
                if (set->n_lints > 1)
                        (void) printf("# %s\n", path);
                (void) fputs(text, stdout);
                if (set->n_lints > 1)
                        (void) putchar('\n');
        }
        return result;
}

/* Returns: 1: written (or would be); 0: nothing to do; negative errno, told. */
static int fix_write_one(const Lint *lint, bool is_dry_run) {
        _cleanup_free_ char *path = NULL, *text = NULL, *clean = NULL;
        int r;

        r = fix_make(lint, &path, &text);
        fix_tell_obstacles(lint);
        if (r <= 0)
                return r;
        if (is_dry_run) {
                (void) printf("# %s would be written:\n%s", path, text);
                return 1;
        }
        r = remedy_install(path, text);
        if (r < 0)
                return fix_complain(lint->view, path, r);
        clean = text_clean(path, TEXT_TERMINAL);
        (void) printf("%s: wrote %s\n", lint->view->name, clean ?: "");
        return 1;
}

int check_fix_write(const CheckSet *set, const CheckOptions *options, size_t *ret_written) {
        int result = 0;

        *ret_written = 0;

        for (size_t i = 0; i < set->n_lints; i++) {
                int r = fix_write_one(&set->lints[i], options->is_dry_run);

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        result = r;
                else
                        *ret_written += (size_t) r;
        }
        return result;
}
