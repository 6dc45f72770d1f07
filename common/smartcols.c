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

int smartcols_put_row(
        FILE *file, const Smartcols *smartcols, struct libscols_table *table, size_t index) {
        struct libscols_line *row = smartcols->table_get_line(table, index);
        _cleanup_free_ char *text = NULL;
        int r;

        r = smartcols->table_print_range_to_string(table, row, row, &text);
        if (r < 0)
                return r;
        /* The last one has no line end, or has one, by version. */
        size_t size = strlen(text);
        while (size > 0 && strchr(" \n", text[size - 1]))
                size--;
        (void) fprintf(file, "%.*s\n", (int) size, text);
        return 0;
}
