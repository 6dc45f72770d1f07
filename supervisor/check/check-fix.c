/* SPDX-License-Identifier: MIT */

/* From findings to files. One drop-in a unit; what stands there is read first, and refused when it is not
 * ours. Nothing else is changed, and nothing is kept in copies: what is overwritten was written here. */

#include "check/check-fix.h"

#include <string.h>

#include "check/remedy-file.h"

static void fix_tell_obstacle(const UnitView *view, const Finding *finding) {
        const char *id = finding->rule->id;

        if (remedy_obstacle(view, finding) == REMEDY_OVERRIDDEN)
                (void) fprintf(stderr,
                        "gatewatch check: %s: %s stays: %s is read after " REMEDY_FILE
                        ": change %s= there\n",
                        view->name, id, view->values[finding->key].source,
                        finding->mends[0].setting);
        else if (remedy_obstacle(view, finding) == REMEDY_NO_SETTING && finding->command)
                (void) fprintf(stderr, "gatewatch check: %s: %s is mended by: %s\n", view->name, id,
                        finding->command);
}

static int fix_complain(const UnitView *view, const char *path, int error) {
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
        (void) fprintf(stderr, "gatewatch check: %s: %s: %s\n", view->name, path, why);
        return -EIO;
}

/* Returns: 1 and the text; 0: nothing to write; negative errno, told. */
static int fix_make(const Lint *lint, char **ret_path, char **ret_text) {
        _cleanup_free_ char *path = NULL, *present = NULL;
        int r;

        path = remedy_path(lint->view);
        if (!path)
                return -ENOMEM;
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
        _cleanup_free_ char *path = NULL, *text = NULL;
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
        (void) printf("%s: wrote %s\n", lint->view->name, path);
        return 1;
}

int check_fix_write(const CheckSet *set, const CheckOptions *options) {
        int n_written = 0, result = 0;

        for (size_t i = 0; i < set->n_lints; i++) {
                int r = fix_write_one(&set->lints[i], options->is_dry_run);

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        result = r;
                else
                        n_written += r;
        }
        return result < 0 ? result : n_written;
}
