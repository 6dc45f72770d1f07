/* SPDX-License-Identifier: MIT */

/* One dlopen(3), one dlsym(3) a function. A missing one fails the whole: half a library is none. */

#include "smartcols.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#define SMARTCOLS_LIBRARY "libsmartcols.so.1"

static bool smartcols_find(void *library, Smartcols *smartcols) {
#define SMARTCOLS_FIND(name)                                          \
        *(void **) &smartcols->name = dlsym(library, "scols_" #name); \
        if (!smartcols->name)                                         \
                return false;
        SMARTCOLS_FUNCTIONS(SMARTCOLS_FIND)
#undef SMARTCOLS_FIND
        return true;
}

int smartcols_load(const Smartcols **ret_smartcols) {
        static Smartcols smartcols;
        static bool is_loaded;
        void *library;

        if (!is_loaded) {
                library = dlopen(SMARTCOLS_LIBRARY, RTLD_NOW | RTLD_LOCAL);
                if (!library)
                        return -ELIBACC;
                if (!smartcols_find(library, &smartcols)) {
                        (void) dlclose(library);
                        return -ELIBACC;
                }
                is_loaded = true;
        }
        *ret_smartcols = &smartcols;
        return 0;
}

void smartcols_locale_enter(SmartcolsLocale *ret_locale) {
        ret_locale->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", /* base= */ (locale_t) 0);
        ret_locale->before = uselocale(ret_locale->utf8); /* 0 changes nothing */
}

void smartcols_locale_leave(SmartcolsLocale *locale) {
        (void) uselocale(locale->before);
        if (locale->utf8)
                freelocale(locale->utf8);
}

/* U+29F5, REVERSE SOLIDUS OPERATOR: as wide as a backslash, and in no name of a unit. */
#define SMARTCOLS_BACKSLASH "\xe2\xa7\xb5"

/* Returns: malloc()ed text; NULL: out of memory. */
static char *smartcols_hide_escapes(const char *text) {
        char *hidden = malloc(strlen(SMARTCOLS_BACKSLASH) * strlen(text) + 1), *end = hidden;

        if (!hidden)
                return NULL;
        for (; *text; text++)
                if (text[0] == '\\' && text[1] == 'x')
                        end = stpcpy(end, SMARTCOLS_BACKSLASH);
                else
                        *end++ = *text;
        *end = '\0';
        return hidden;
}

static void smartcols_show_escapes(char *text) {
        char *end = text;

        while (*text)
                if (strncmp(text, SMARTCOLS_BACKSLASH "x", strlen(SMARTCOLS_BACKSLASH "x")) == 0) {
                        *end++ = '\\';
                        text += strlen(SMARTCOLS_BACKSLASH);
                } else
                        *end++ = *text++;
        *end = '\0';
}

int smartcols_put_cell(
        const Smartcols *smartcols, struct libscols_line *row, size_t column, char *text) {
        _cleanup_free_ char *cell = text;

        if (cell && strstr(cell, "\\x")) {
                char *hidden = smartcols_hide_escapes(cell);

                free(cell);
                cell = hidden;
        }
        if (!cell || smartcols->line_refer_data(row, column, cell) < 0)
                return -ENOMEM;
        TAKE_PTR(cell);
        return 0;
}

int smartcols_put_table(FILE *file, const Smartcols *smartcols, struct libscols_table *table) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = smartcols->print_table_to_string(table, &text);
        if (r < 0 || !text)
                return r < 0 ? r : -ENOMEM;
        smartcols_show_escapes(text);
        size_t size = strlen(text);
        (void) fprintf(file, "%s%s", text, size > 0 && text[size - 1] != '\n' ? "\n" : "");
        return 0;
}

int smartcols_put_row(
        FILE *file, const Smartcols *smartcols, struct libscols_table *table, size_t index) {
        struct libscols_line *row = smartcols->table_get_line(table, index);
        _cleanup_free_ char *text = NULL;
        int r;

        r = smartcols->table_print_range_to_string(table, row, row, &text);
        if (r < 0 || !text)
                return r < 0 ? r : -ENOMEM;
        smartcols_show_escapes(text);
        /* The last one has no line end, or has one, by version. */
        size_t size = strlen(text);
        while (size > 0 && strchr(" \n", text[size - 1]))
                size--;
        (void) fprintf(file, "%.*s\n", (int) size, text);
        return 0;
}
