/* SPDX-License-Identifier: MIT */

/* Options as systemctl has them, and --watch. Each value is checked where it stands; what does not go together
 * is refused at the end. Whether a terminal is there to be redrawn is not known here. */

#include "report/list-options.h"

#include <getopt.h>
#include <string.h>

enum {
        OPTION_VERSION = 0x100,
        OPTION_SYSTEM,
        OPTION_USER,
        OPTION_WATCH,
        OPTION_JSON,
        OPTION_NO_LEGEND,
        OPTION_NO_PAGER,
};

static const struct option long_options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "system", no_argument, NULL, OPTION_SYSTEM },
        { "user", no_argument, NULL, OPTION_USER },
        { "host", required_argument, NULL, 'H' },
        { "machine", required_argument, NULL, 'M' },
        { "all", no_argument, NULL, 'a' },
        { "watch", no_argument, NULL, OPTION_WATCH },
        { "json", required_argument, NULL, OPTION_JSON },
        { "no-legend", no_argument, NULL, OPTION_NO_LEGEND },
        { "no-pager", no_argument, NULL, OPTION_NO_PAGER },
        { "quiet", no_argument, NULL, 'q' },
        {},
};

static int options_take_json(ListOptions *options, const char *value, char *reterr) {
        options->json = json_mode_from_string(value);
        if (options->json < 0)
                return option_refuse(
                        reterr, "--json=%.100s is not usable: give off, short or pretty", value);
        return 0;
}

/* The switches; those with a value are below. Returns: false: not one of these. */
static bool options_take_switch(ListOptions *options, int code) {
        switch (code) {
        case 'h':
                options->action = LIST_SHOW_HELP;
                return true;
        case OPTION_VERSION:
                options->action = LIST_SHOW_VERSION;
                return true;
        case OPTION_SYSTEM:
                options->target.manager = UNIT_MANAGER_SYSTEM;
                return true;
        case OPTION_USER:
                options->target.manager = UNIT_MANAGER_USER;
                return true;
        case 'a':
                options->has_all = true;
                return true;
        case OPTION_WATCH:
                options->is_watching = true;
                return true;
        case OPTION_NO_LEGEND:
                options->has_legend = false;
                return true;
        case OPTION_NO_PAGER:
                options->has_pager = false;
                return true;
        case 'q':
                options->is_quiet = true;
                return true;
        default:
                return false;
        }
}

static int options_take(ListOptions *options, int argc, char *argv[], int code, char *reterr) {
        if (options_take_switch(options, code))
                return 0;
        switch (code) {
        case 'H':
                options->target.host = optarg;
                return 0;
        case 'M':
                options->target.machine = optarg;
                return 0;
        case OPTION_JSON:
                return options_take_json(options, optarg, reterr);
        default:
                return option_refuse_word(reterr, "list", /* hint= */ "", argc, argv, code);
        }
}

static int options_check(const ListOptions *options, char *reterr) {
        const char *refusal = unit_reader_target_refuse(&options->target);

        if (refusal)
                return option_refuse(reterr, "%s", refusal);
        if (options->is_watching && options->json != JSON_OFF)
                return option_refuse(
                        reterr, "--watch and --json exclude each other: --watch is for a terminal");
        return 0;
}

int list_options_parse(
        int argc, char *argv[], ListOptions *ret_options, char reterr[static OPTION_ERROR_MAX]) {
        ListOptions options = { .has_legend = true, .has_pager = true };
        int code, r = 0;

        optind = 0; /* glibc: start over */
        opterr = 0;
        while (r >= 0 && (code = getopt_long(argc, argv, ":hH:M:aq", long_options, NULL)) >= 0)
                r = options_take(&options, argc, argv, code, reterr);
        options.arguments = argv + optind;
        unit_reader_target_settle(&options.target);
        if (r >= 0 && options.action == LIST_UNITS)
                r = options_check(&options, reterr);
        if (r < 0)
                return r;
        *ret_options = options;
        return 0;
}

void list_print_help(void) {
        (void) fputs(
                "gatewatch list [OPTIONS…] [UNIT…]\n"
                "\n"
                "How are the gateways? Shows the units that run under gatewatch now: state and\n"
                "progress, main process, uptime, restarts, the last stop, whether systemd leaves\n"
                "time for the drain, and the age of the last heartbeat. Without arguments every\n"
                "loaded unit that runs gatewatch.\n"
                "\n"
                "  -h --help                Show this help\n"
                "     --version             Show the version\n"
                "     --system              Units of the system manager (default for root)\n"
                "     --user                Units of the user's manager\n"
                "  -H --host=[USER@]HOST    On another machine, by ssh\n"
                "  -M --machine=CONTAINER   In a local container\n"
                "\n"
                "  -a --all                 Also units that are not running\n"
                "     --watch               Redraw once a second; q ends it\n"
                "\n"
                "     --json=MODE           off (default), short, pretty\n"
                "     --no-legend           No header and no summary\n"
                "     --no-pager            Not through a pager\n"
                "  -q --quiet               No remarks: the list and errors only\n"
                "\n"
                "Exit status: 0; 64 usage; 69 no manager, or a unit that does not exist. See\n"
                "gatewatch-list(1).\n",
                stdout);
}
