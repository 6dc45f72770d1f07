/* SPDX-License-Identifier: MIT */
#pragma once

/* libsmartcols, loaded when a table is printed and not before: a supervisor that runs for months prints none
 * and shall neither load nor relocate it at its start. */

#include <libsmartcols.h>
#include <locale.h>
#include <stdio.h>

#include "cleanup.h"

/* clang-format off */
#define SMARTCOLS_FUNCTIONS(use) \
        use(cell_set_color) \
        use(line_get_cell) \
        use(line_refer_data) \
        use(line_set_data) \
        use(new_table) \
        use(print_table_to_string) \
        use(table_enable_colors) \
        use(table_enable_noheadings) \
        use(table_get_line) \
        use(table_new_column) \
        use(table_new_line) \
        use(table_print_range_to_string) \
        use(table_set_termforce) \
        use(table_set_termwidth) \
        use(unref_table)
/* clang-format on */

/* Its functions, without "scols_". */
typedef struct Smartcols {
#define SMARTCOLS_MEMBER(name) __typeof__(&scols_##name) name;
        SMARTCOLS_FUNCTIONS(SMARTCOLS_MEMBER)
#undef SMARTCOLS_MEMBER
} Smartcols;

/* Loads it; it stays loaded. Not for several threads at once.
 * Returns: 0; -ELIBACC: it is not installed, or lacks one of these (util-linux 2.38). */
int smartcols_load(const Smartcols **ret_smartcols) _warn_unused_;

/* It reads text by the locale, and of what that does not know it prints the bytes' numbers: a table of UTF-8 is
 * made between these two, under a UTF-8 locale that is this thread's only. Where there is none nothing changes.
 * (Told not to print numbers, 2.38 never returns.) */
typedef struct SmartcolsLocale {
        locale_t utf8, before;
} SmartcolsLocale;

void smartcols_locale_enter(SmartcolsLocale *ret_locale);
void smartcols_locale_leave(SmartcolsLocale *locale);

/* Gives a row a cell. It would print the "\x" of an escaped name as "\x5cx": the name is put into the cell with
 * another character of one column instead, which the writers below take back.
 *
 * text: malloc()ed, taken over also on failure; NULL: there was no memory.
 * Returns: 0; -ENOMEM. */
int smartcols_put_cell(const Smartcols *smartcols, struct libscols_line *row, size_t column,
        char *text) _warn_unused_;

/* Writes a table.
 * Returns: 0; negative errno of scols_print_table_to_string(), -ENOMEM above all. */
int smartcols_put_table(
        FILE *file, const Smartcols *smartcols, struct libscols_table *table) _warn_unused_;

/* Writes one row of a table, the first one below the header, so that text can stand between rows.
 * Returns: 0; negative errno of scols_table_print_range_to_string(), -ENOMEM above all. */
int smartcols_put_row(FILE *file, const Smartcols *smartcols, struct libscols_table *table,
        size_t index) _warn_unused_;
