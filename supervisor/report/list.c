/* SPDX-License-Identifier: MIT */

/* The verb: options, units, table, exit status. What is known of a unit comes from list-unit.c, its picture
 * from list-print.c, and list-watch.c draws that again and again. */

#include "list.h"

#include <string.h>
#include <sysexits.h>

#include "list-options.h"

static int list_complain(const char *text, int exit_status) {
        (void) fprintf(stderr, "gatewatch list: %s\n", text);
        return exit_status;
}

int list_verb(int argc, char *argv[]) {
        ListOptions options = {};
        char error[LIST_ERROR_MAX] = "";
        int r;

        r = list_options_parse(argc - 1, argv + 1, &options, error);
        if (r < 0)
                return list_complain(error, EX_USAGE);
        switch (options.action) {
        case LIST_SHOW_HELP:
                list_print_help();
                return 0;
        case LIST_SHOW_VERSION:
                (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                return 0;
        case LIST_UNITS:
                break;
        }
        return 0;
}
