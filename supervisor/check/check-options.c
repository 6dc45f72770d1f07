/* SPDX-License-Identifier: MIT */

/* Options as systemctl has them, and those of the lint. Each value is checked where it stands; what does not
 * go together is refused at the end. */

#include "check/check-options.h"

#include <getopt.h>
#include <string.h>

#define FINITE_USEC_MAX (100 * USEC_PER_YEAR)

enum {
        OPTION_VERSION = 0x100,
        OPTION_SYSTEM,
        OPTION_USER,
        OPTION_DRAIN_TIMEOUT,
        OPTION_HEADROOM,
        OPTION_FIX,
        OPTION_DRY_RUN,
        OPTION_OFFLINE,
        OPTION_IGNORE,
        OPTION_LIST_RULES,
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
        { "drain-timeout", required_argument, NULL, OPTION_DRAIN_TIMEOUT },
        { "headroom", required_argument, NULL, OPTION_HEADROOM },
        { "fix", optional_argument, NULL, OPTION_FIX },
        { "dry-run", no_argument, NULL, OPTION_DRY_RUN },
        { "offline", no_argument, NULL, OPTION_OFFLINE },
        { "ignore", required_argument, NULL, OPTION_IGNORE },
        { "list-rules", no_argument, NULL, OPTION_LIST_RULES },
        { "json", required_argument, NULL, OPTION_JSON },
        { "no-legend", no_argument, NULL, OPTION_NO_LEGEND },
        { "no-pager", no_argument, NULL, OPTION_NO_PAGER },
        { "quiet", no_argument, NULL, 'q' },
        {},
};

FixMode fix_mode_from_string(const char *name) {
        if (strcmp(name, "print") == 0)
                return FIX_PRINT;
        return strcmp(name, "write") == 0 ? FIX_WRITE : _FIX_MODE_INVALID;
}

static int options_take_span(usec_t *target, const char *option, const char *value, char *reterr) {
        if (usec_parse_span(value, target, NULL) < 0 || *target > FINITE_USEC_MAX)
                return option_refuse(reterr,
                        "--%s=%.100s is not usable: give a finite time span such as 90, 90s or "
                        "1min 30s",
                        option, value);
        return 0;
}

static int options_take_ignore(CheckOptions *options, const char *value, char *reterr) {
        _cleanup_free_ char *copy = strdup(value);
        char *rest = copy, *id;
        int r;

        if (!copy)
                return -ENOMEM;
        while ((id = strsep(&rest, ","))) {
                if (!*id)
                        continue;
                if (!rule_find(id))
                        return option_refuse(reterr,
                                "--ignore=%.100s names no rule: see 'gatewatch check --list-rules'",
                                id);
                r = strv_extend(&options->lint.ignore, id);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int options_take_fix(CheckOptions *options, const char *value, char *reterr) {
        options->fix = value ? fix_mode_from_string(value) : FIX_PRINT;
        if (options->fix < 0)
                return option_refuse(
                        reterr, "--fix=%.100s is not usable: give print or write", value);
        return 0;
}

static int options_take_json(CheckOptions *options, const char *value, char *reterr) {
        options->json = json_mode_from_string(value);
        if (options->json < 0)
                return option_refuse(
                        reterr, "--json=%.100s is not usable: give off, short or pretty", value);
        return 0;
}

/* The switches; those with a value are below. Returns: false: not one of these. */
static bool options_take_switch(CheckOptions *options, int code) {
        switch (code) {
        case 'h':
                options->action = CHECK_SHOW_HELP;
                return true;
        case OPTION_VERSION:
                options->action = CHECK_SHOW_VERSION;
                return true;
        case OPTION_LIST_RULES:
                options->action = CHECK_LIST_RULES;
                return true;
        case OPTION_SYSTEM:
                options->target.manager = UNIT_MANAGER_SYSTEM;
                return true;
        case OPTION_USER:
                options->target.manager = UNIT_MANAGER_USER;
                return true;
        case OPTION_DRY_RUN:
                options->is_dry_run = true;
                return true;
        case OPTION_OFFLINE:
                options->is_offline = true;
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

static int options_take(CheckOptions *options, int argc, char *argv[], int code, char *reterr) {
        if (options_take_switch(options, code))
                return 0;
        switch (code) {
        case 'H':
                options->target.host = optarg;
                return 0;
        case 'M':
                options->target.machine = optarg;
                return 0;
        case OPTION_DRAIN_TIMEOUT:
                options->lint.has_drain = true;
                return options_take_span(
                        &options->lint.drain_usec, "drain-timeout", optarg, reterr);
        case OPTION_HEADROOM:
                return options_take_span(&options->lint.headroom_usec, "headroom", optarg, reterr);
        case OPTION_FIX:
                return options_take_fix(options, optarg, reterr);
        case OPTION_IGNORE:
                return options_take_ignore(options, optarg, reterr);
        case OPTION_JSON:
                return options_take_json(options, optarg, reterr);
        default:
                return option_refuse_word(reterr, "check", /* hint= */ "", argc, argv, code);
        }
}

static int options_check(const CheckOptions *options, char *reterr) {
        const UnitReaderTarget *target = &options->target;
        const char *refusal = unit_reader_target_refuse(target);

        if (refusal)
                return option_refuse(reterr, "%s", refusal);
        if (options->fix != FIX_NONE && (target->host || target->machine))
                return option_refuse(reterr,
                        "--fix works on this machine's units only: run it on '%.100s'",
                        target->host ?: target->machine);
        if (options->fix != FIX_NONE && options->json != JSON_OFF)
                return option_refuse(
                        reterr, "--fix and --json exclude each other: the JSON has the mends");
        if (options->is_dry_run && options->fix != FIX_WRITE)
                return option_refuse(reterr, "--dry-run goes with --fix=write only");
        if (options->is_offline && !options->arguments[0])
                return option_refuse(reterr, "--offline needs files: name unit files to check");
        return 0;
}

int check_options_parse(
        int argc, char *argv[], CheckOptions *ret_options, char reterr[static OPTION_ERROR_MAX]) {
        CheckOptions options = {
                .lint.headroom_usec = 30 * USEC_PER_SEC,
                .has_legend = true,
                .has_pager = true,
        };
        int code, r = 0;

        optind = 0; /* glibc: start over */
        opterr = 0;
        while (r >= 0 && (code = getopt_long(argc, argv, ":hH:M:q", long_options, NULL)) >= 0)
                r = options_take(&options, argc, argv, code, reterr);
        options.arguments = argv + optind;
        unit_reader_target_settle(&options.target);
        if (r >= 0 && options.action == CHECK_UNITS)
                r = options_check(&options, reterr);
        if (r < 0) {
                check_options_done(&options);
                return r;
        }
        *ret_options = options;
        return 0;
}

void check_options_done(CheckOptions *options) {
        options->lint.ignore = strv_free(options->lint.ignore);
}

void check_print_help(void) {
        (void) fputs(
                "gatewatch check [OPTIONS…] [UNIT…|FILE…]\n"
                "\n"
                "Would systemd kill this gateway in the middle of its drain? Checks units as they are\n"
                "loaded, or unit files (arguments with a '/'); without arguments every loaded unit\n"
                "that runs gatewatch.\n"
                "\n"
                "  -h --help                Show this help\n"
                "     --version             Show the version\n"
                "     --system              Units of the system manager (default for root)\n"
                "     --user                Units of the user's manager\n"
                "  -H --host=[USER@]HOST    On another machine, by ssh\n"
                "  -M --machine=CONTAINER   In a local container\n"
                "     --offline             All arguments are files; ask no manager\n"
                "\n"
                "     --drain-timeout=TIME  The drain of units that do not run gatewatch yet\n"
                "     --headroom=TIME       And what systemd must leave after it (30s)\n"
                "     --ignore=RULE[,…]     Leave out findings of these rules\n"
                "     --list-rules          List the rules\n"
                "\n"
                "     --fix[=print]         Print the drop-in that mends what a drop-in can mend\n"
                "     --fix=write           Write it (50-gatewatch.conf), reload, and check again\n"
                "     --dry-run             With --fix=write: say what would be written\n"
                "\n"
                "     --json=MODE           off (default), short, pretty\n"
                "     --no-legend           No header and no summary\n"
                "     --no-pager            Not through a pager\n"
                "  -q --quiet               Only units with findings\n"
                "\n"
                "Exit status: 0 nothing found, or hints only; 1 warnings; 2 errors; 64 usage;\n"
                "69 no manager, or a unit that does not exist. See gatewatch-check(1).\n",
                stdout);
}
