/* SPDX-License-Identifier: MIT */

/* The help of `gatewatch report`: one screen. */

#include <stdio.h>

#include "report/report-options.h"

void report_print_help(void) {
        (void) fputs(
                "gatewatch report [OPTIONS…] [UNIT…|RUN_ID…]\n"
                "\n"
                "Past stops out of the journal: when, why, by whom, how they ended. Newest last.\n"
                "\n"
                "  -h --help              Show this help\n"
                "     --version           Show the version\n"
                "  -n --lines=N           The newest N stops\n"
                "  -b --boot[=ID]         Of this boot, or of that one (-1: the one before)\n"
                "  -S --since=TIME        Not before (yesterday, -2h, \"2026-11-21 18:00\")\n"
                "  -U --until=TIME        Not after\n"
                "     --cause=WORD[,…]    With one of these causes (stop, crash, oom, …)\n"
                "     --outcome=WORD[,…]  With one of these outcomes (clean, killed, lost, …)\n"
                "     --sender=GLOB       Asked for or signalled by: name, user, unit or pid\n"
                "     --system            Services of the system manager\n"
                "     --user              Services of your own manager\n"
                "  -a --all               Also running runs, and records that others have forged\n"
                "\n"
                "  -M --machine=NAME      The journal of a local container\n"
                "  -D --directory=DIR     Journal files of a directory\n"
                "     --file=GLOB         These journal files\n"
                "     --namespace=NAME    The journal of a namespace\n"
                "  -m --merge             Journals of other machines as well\n"
                "\n"
                "  -v --verbose           One picture a stop (--timeline, --output=timeline)\n"
                "     --svg=FILE          Write that as SVG;  --html=FILE  as a page\n"
                "     --stats             Per unit: counts, drain times, what to set\n"
                "     --by=host|unit|cause  One row a host, unit or cause\n"
                "     --json=MODE         off, short, pretty\n"
                "  -o --output=FORMAT     table, json, csv, openmetrics, timeline\n"
                "  -f --follow            Show stops as they happen\n"
                "  -r --reverse           Newest first\n"
                "  -l --full              Cut nothing;  --utc  Times in UTC\n"
                "     --no-legend         No header and no last line\n"
                "     --no-pager          No pager;  -e --pager-end  Jump to its end\n"
                "  -q --quiet             No remarks on what of the journal cannot be read\n"
                "\n"
                "Exit status: 0; 64 usage; 69 no journal. See gatewatch-report(1).\n",
                stdout);
}
