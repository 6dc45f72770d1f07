/* SPDX-License-Identifier: MIT */

/* The copy of a view: the struct as it is, then everything in it that is owned anew. Until that is done the
 * copy owns nothing, so that giving it up half-built frees nothing of the original. */

#include "units/unit-view-copy.h"

#include <string.h>

static int copy_text(char **text, const char *original) {
        if (!original)
                return 0;
        *text = strdup(original);
        return *text ? 0 : -ENOMEM;
}

static int copy_commands(ViewValue *value, const ViewValue *original) {
        int r;

        if (original->n_commands == 0)
                return 0;
        value->commands = calloc(original->n_commands, sizeof(ViewCommand));
        if (!value->commands)
                return -ENOMEM;
        for (; value->n_commands < original->n_commands; value->n_commands++) {
                const ViewCommand *from = &original->commands[value->n_commands];
                ViewCommand command = { .flags = from->flags };

                r = copy_text(&command.path, from->path);
                if (r >= 0)
                        r = strv_copy(from->argv, &command.argv);
                if (r < 0) {
                        free(command.path);
                        return r;
                }
                value->commands[value->n_commands] = command;
        }
        return 0;
}

static int copy_value(ViewValue *value, const ViewValue *original) {
        int r;

        r = copy_text(&value->text, original->text);
        if (r >= 0)
                r = copy_text(&value->source, original->source);
        if (r >= 0)
                r = strv_copy(original->strings, &value->strings);
        return r < 0 ? r : copy_commands(value, original);
}

static int copy_texts(UnitView *copy, const UnitView *view) {
        const struct {
                char **text;
                const char *original;
        } texts[] = {
                { &copy->name, view->name },
                { &copy->load_state, view->load_state },
                { &copy->load_error, view->load_error },
                { &copy->active_state, view->active_state },
                { &copy->sub_state, view->sub_state },
                { &copy->fragment, view->fragment },
                { &copy->cap_unit, view->cap_unit },
                { &copy->linger_user, view->linger_user },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (copy_text(texts[i].text, texts[i].original) < 0)
                        return -ENOMEM;
        if (strv_copy(view->drop_ins, &copy->drop_ins) < 0 ||
                strv_copy(view->shadowed, &copy->shadowed) < 0)
                return -ENOMEM;
        return strv_copy(view->ignored, &copy->ignored);
}

static void disown_all(UnitView *copy) {
        copy->name = copy->load_state = copy->load_error = NULL;
        copy->active_state = copy->sub_state = NULL;
        copy->fragment = copy->cap_unit = copy->linger_user = NULL;
        copy->drop_ins = copy->shadowed = copy->ignored = NULL;
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                ViewValue *value = &copy->values[key];

                value->text = value->source = NULL;
                value->strings = NULL;
                value->commands = NULL;
                value->n_commands = 0;
        }
}

int unit_view_copy(const UnitView *view, UnitView *ret_copy) {
        UnitView copy = *view;
        int r;

        disown_all(&copy);
        r = copy_texts(&copy, view);
        for (ViewKey key = 0; r >= 0 && key < _VIEW_KEY_MAX; key++)
                r = copy_value(&copy.values[key], &view->values[key]);
        if (r < 0) {
                unit_view_done(&copy);
                return r;
        }
        *ret_copy = copy;
        return 0;
}
