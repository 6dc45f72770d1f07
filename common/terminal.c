/* SPDX-License-Identifier: MIT */

/* Colours and width, decided as systemctl and journalctl decide, so that one setting serves all. */

#include "terminal.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>

#include "cleanup.h"

#define TERMINAL_DEFAULT_WIDTH 80

/* What SYSTEMD_COLORS says. Returns: 1, 0; -ENODATA: nothing that systemd understands. */
static int read_systemd_colors(void) {
        static const char *const on[] = { "1", "yes", "y", "true", "t", "on", "16", "256", "24bit",
                "auto-16", "auto-256", "auto-24bit" };
        static const char *const off[] = { "0", "no", "n", "false", "f", "off" };
        const char *value = getenv("SYSTEMD_COLORS");

        for (size_t i = 0; value && i < ELEMENTSOF(on); i++)
                if (strcasecmp(value, on[i]) == 0)
                        return 1;
        for (size_t i = 0; value && i < ELEMENTSOF(off); i++)
                if (strcasecmp(value, off[i]) == 0)
                        return 0;
        return -ENODATA;
}

bool terminal_wants_colour(FILE *file) {
        const char *terminal = getenv("TERM"), *no_colour = getenv("NO_COLOR");

        /* Before NO_COLOR, as it is the more specific one; systemd's programs do so. */
        int r = read_systemd_colors();
        if (r >= 0)
                return r;
        if (no_colour && *no_colour)
                return false;
        return isatty(fileno(file)) && terminal && strcmp(terminal, "dumb") != 0;
}

unsigned terminal_width(FILE *file) {
        struct winsize size = {};
        const char *columns = getenv("COLUMNS");

        if (!isatty(fileno(file)))
                return 0;
        if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;

        unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
        return width > 0 && width <= USHRT_MAX ? (unsigned) width : TERMINAL_DEFAULT_WIDTH;
}

bool terminal_is_utf8(void) {
        static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
        const char *locale = setlocale(LC_CTYPE, "");

        if (!locale) /* one that is not installed is none */
                locale = setlocale(LC_CTYPE, "C");
        if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
                return true;
        if (strcmp(locale, "C") != 0 && strcmp(locale, "POSIX") != 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *value = getenv(names[i]);

                if (value && *value)
                        return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
        }
        return true;
}
