/* SPDX-License-Identifier: MIT */

/* A buffer in front of the log.
 *
 * Sections go out whole, in one write(2) each where they are short, so that a diagnostic that is cut
 * off ends with a whole one. The log is read on terminals: what processes, units and the kernel say
 * passes through one function that leaves no byte in it which a terminal would act upon, nor a
 * newline that would begin a forged line. */

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "diagnostic-page.h"
#include "utf8.h"

#define REPLACEMENT_CHARACTER "\xef\xbf\xbd" /* U+FFFD */

void diagnostic_page_done(DiagnosticPage *page) {
        byte_buffer_done(&page->text);
}

void diagnostic_page_print(DiagnosticPage *page, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        int n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n < 0) {
                text = NULL;
                page->text.is_failed = true;
        } else
                byte_buffer_append(&page->text, text, (size_t) n);
}

/* C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F. */
static bool diagnostic_is_control(const unsigned char *text, size_t n) {
        return text[0] < 0x20 || text[0] == 0x7f || (n == 2 && text[0] == 0xc2 && text[1] < 0xa0);
}

void diagnostic_page_print_foreign(DiagnosticPage *page, const char *text, size_t size) {
        for (size_t i = 0, n; i < size; i += n) {
                n = utf8_sequence_size(text + i, size - i);
                if (n == 0) {
                        n = 1;
                        byte_buffer_append_text(&page->text, REPLACEMENT_CHARACTER);
                } else if (text[i] == '\n')
                        byte_buffer_append_text(&page->text, "\\n");
                else if (text[i] == '\t')
                        byte_buffer_append_text(&page->text, "\\t");
                else if (text[i] == '\\')
                        byte_buffer_append_text(&page->text, "\\\\");
                else if (diagnostic_is_control((const unsigned char *) text + i, n))
                        for (size_t k = 0; k < n; k++)
                                diagnostic_page_print(page, "\\x%02x", (unsigned char) text[i + k]);
                else
                        byte_buffer_append(&page->text, text + i, n);
        }
}

void diagnostic_page_begin_section(DiagnosticPage *page, const char *title) {
        diagnostic_page_print(page, "\n--- %s ---\n", title);
}

void diagnostic_page_print_missing(DiagnosticPage *page, int error) {
        if (error == -EPERM || error == -EACCES)
                diagnostic_page_print(page, "not permitted\n");
        else
                diagnostic_page_print(page, "not available: %s\n", strerror(-error));
}

void diagnostic_page_flush(DiagnosticPage *page) {
        size_t n_written = 0;

        if (page->text.is_failed && page->error == 0)
                page->error = -ENOMEM;
        while (page->error == 0 && n_written < page->text.size) {
                ssize_t n =
                        write(page->fd, page->text.data + n_written, page->text.size - n_written);
                if (n >= 0)
                        n_written += (size_t) n;
                else if (errno != EINTR)
                        page->error = -errno;
        }
        byte_buffer_cut(&page->text, 0);
}
