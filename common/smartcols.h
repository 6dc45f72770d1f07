/* SPDX-License-Identifier: MIT */
#pragma once

/* libsmartcols, loaded when a table is printed and not before: a supervisor that runs for months prints none
 * and shall neither load nor relocate it at its start. */

#include <libsmartcols.h>

#include "cleanup.h"

/* clang-format off */
#define SMARTCOLS_FUNCTIONS(use) \
        use(cell_set_color) \
        use(line_get_cell) \
        use(line_refer_data) \
        use(line_set_data) \
        use(new_table) \
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
