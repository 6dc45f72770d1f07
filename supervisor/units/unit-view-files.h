/* SPDX-License-Identifier: MIT */
#pragma once

/* A unit read from its files, without a manager: what each assigns, the last one wins. */

#include "units/unit-view.h"

/* Applies one file's text to a view. is_drop_in and path say where values come from.
 * Returns: 0; -EBADMSG: a malformed section header, up to which the text counts; -ENOMEM. */
int unit_view_apply_text(
        UnitView *view, const char *text, bool is_drop_in, const char *path) _warn_unused_;

/* Reads fragment and drop-ins of the view (both set by the caller) and settles it. Fills
 * files_changed_usec and has_files. A file that cannot be read is noted in load_error, and load_state
 * becomes "error"; an unusable ExecStart= makes "bad-setting".
 * Returns: 0; -ENOMEM. */
int unit_view_read_files(UnitView *view) _warn_unused_;

/* Of a view whose values a manager told: where each comes from, out of fragment and drop-ins, and
 * files_changed_usec. For other machines' files (has_files false) origins become UNKNOWN.
 * Returns: 0; -ENOMEM. */
int unit_view_find_origins(UnitView *view) _warn_unused_;

/* A unit by the path of its file: its name is the file's, its drop-ins are those beside it (NAME.d and
 * its like in the same folder), read as above, then by systemd's own parser where the machine has it.
 *
 * ret_why: malloc()ed sentence when systemd's parser could not be asked; NULL: it was.
 * Returns: 0; -EINVAL: the file's name is no service's; -ENOENT, -EACCES, -EISDIR and what else reading it
 * says; -ENOMEM. */
int unit_view_from_file(
        const char *path, UnitManager manager, UnitView *ret_view, char **ret_why) _warn_unused_;
