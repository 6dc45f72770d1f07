/* SPDX-License-Identifier: MIT */
#pragma once

/* The text of a diagnostic on its way into the log, and the sections that make it. Private to the
 * diagnostic's files. */

#include <stddef.h>

#include "byte-buffer.h"
#include "forensics/diagnostic.h"

/* Embedded. A failure is kept, and what follows it is not written: ask once, at the end. */
typedef struct DiagnosticPage {
        int fd; /* weak */
        ByteBuffer text;
        int error; /* negative errno of write(2), -ENOMEM */
} DiagnosticPage;

void diagnostic_page_done(DiagnosticPage *page);

/* For what is ours or a number. */
void diagnostic_page_print(DiagnosticPage *page, const char *format, ...) _printf_(2, 3);

/* For what others say: one line whatever is in it. Control characters and backslashes become escapes,
 * invalid UTF-8 U+FFFD. */
void diagnostic_page_print_foreign(DiagnosticPage *page, const char *text, size_t size);

/* "--- title ---", with an empty line before it. */
void diagnostic_page_begin_section(DiagnosticPage *page, const char *title);

/* Says that there is nothing to be had, and why. error: negative errno. */
void diagnostic_page_print_missing(DiagnosticPage *page, int error);

/* Writes out what there is. */
void diagnostic_page_flush(DiagnosticPage *page);

/* The sections, each flushed at its end. What can be long is flushed in between. */
void diagnostic_write_processes(
        DiagnosticPage *page, int proc_fd, const DiagnosticRequest *request);
void diagnostic_write_host(DiagnosticPage *page, int proc_fd);
/* mount_point: NULL: there is no unified hierarchy. */
void diagnostic_write_cgroup(
        DiagnosticPage *page, const char *mount_point, const DiagnosticRequest *request);
/* kmsg_path: "/dev/kmsg", or a file of the same form (tests). */
void diagnostic_write_kernel_log(DiagnosticPage *page, const char *kmsg_path);
void diagnostic_write_journal(DiagnosticPage *page, const DiagnosticRequest *request);
