/* SPDX-License-Identifier: MIT */

/* Options as journalctl has them where it has them, and those of past stops. Each value is checked where it
 * stands; what does not go together is refused at the end. The help is a screen of its own, report-help.c. */

#include "report/report-options.h"

#include <getopt.h>
#include <string.h>

#include "timestamp.h"

enum {
        OPTION_VERSION = 0x100,
        OPTION_SYSTEM,
        OPTION_USER,
        OPTION_FILE,
        OPTION_NAMESPACE,
        OPTION_CAUSE,
        OPTION_OUTCOME,
        OPTION_SENDER,
        OPTION_TIMELINE,
        OPTION_SVG,
        OPTION_HTML,
        OPTION_STATS,
        OPTION_BY,
        OPTION_JSON,
        OPTION_UTC,
        OPTION_NO_LEGEND,
        OPTION_NO_PAGER,
};

static const struct option long_options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "lines", required_argument, NULL, 'n' },
        { "boot", optional_argument, NULL, 'b' },
        { "since", required_argument, NULL, 'S' },
        { "until", required_argument, NULL, 'U' },
        { "cause", required_argument, NULL, OPTION_CAUSE },
        { "outcome", required_argument, NULL, OPTION_OUTCOME },
        { "sender", required_argument, NULL, OPTION_SENDER },
        { "system", no_argument, NULL, OPTION_SYSTEM },
        { "user", no_argument, NULL, OPTION_USER },
        { "machine", required_argument, NULL, 'M' },
        { "directory", required_argument, NULL, 'D' },
        { "file", required_argument, NULL, OPTION_FILE },
        { "namespace", required_argument, NULL, OPTION_NAMESPACE },
        { "merge", no_argument, NULL, 'm' },
        { "all", no_argument, NULL, 'a' },
        { "reverse", no_argument, NULL, 'r' },
        { "follow", no_argument, NULL, 'f' },
        { "verbose", no_argument, NULL, 'v' },
        { "timeline", no_argument, NULL, OPTION_TIMELINE },
        { "svg", required_argument, NULL, OPTION_SVG },
        { "html", required_argument, NULL, OPTION_HTML },
        { "stats", no_argument, NULL, OPTION_STATS },
        { "by", required_argument, NULL, OPTION_BY },
        { "json", required_argument, NULL, OPTION_JSON },
        { "output", required_argument, NULL, 'o' },
        { "full", no_argument, NULL, 'l' },
        { "utc", no_argument, NULL, OPTION_UTC },
        { "no-legend", no_argument, NULL, OPTION_NO_LEGEND },
        { "no-pager", no_argument, NULL, OPTION_NO_PAGER },
        { "pager-end", no_argument, NULL, 'e' },
        { "quiet", no_argument, NULL, 'q' },
        {},
};

static const char *const report_format_table[_REPORT_FORMAT_MAX] = {
        [REPORT_TABLE] = "table",
        [REPORT_JSON] = "json",
        [REPORT_CSV] = "csv",
        [REPORT_OPENMETRICS] = "openmetrics",
        [REPORT_TIMELINE] = "timeline",
};

const char *report_format_to_string(ReportFormat format) {
        if (format < 0 || format >= _REPORT_FORMAT_MAX)
                return NULL;
        return report_format_table[format];
}

ReportFormat report_format_from_string(const char *name) {
        for (ReportFormat format = 0; format < _REPORT_FORMAT_MAX; format++)
                if (strcmp(report_format_table[format], name) == 0)
                        return format;
        return _REPORT_FORMAT_INVALID;
}

/* ---- Values ------------------------------------------------------------------------------------ */

static bool cause_is_known(const char *word) {
        return cause_from_string(word) >= 0;
}

static bool outcome_is_known(const char *word) {
        return outcome_from_string(word) >= 0 || strcmp(word, "unrecorded") == 0 ||
                strcmp(word, "running") == 0;
}

/* "clean", "crash" …, all of them, for a sentence. Returns: malloc()ed; NULL: out of memory. */
static char *options_join_words(const char *(*get)(int i), int n) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};

        for (int i = 0; i < n; i++) {
                if (i > 0)
                        byte_buffer_append_text(&buffer, ", ");
                byte_buffer_append_text(&buffer, get(i));
        }
        return byte_buffer_steal(&buffer);
}

static const char *cause_word(int i) {
        return cause_to_string(i);
}

/* And behind them what a run can be that left no last record. */
static const char *outcome_word(int i) {
        return i < _OUTCOME_MAX     ? outcome_to_string(i)
                : i == _OUTCOME_MAX ? "unrecorded"
                                    : "running";
}

/* Appends the words of a list with commas. */
static int options_take_words(char ***words, const char *option, const char *value,
        bool (*is_known)(const char *word), char *reterr) {
        _cleanup_free_ char *copy = strdup(value), *known = NULL;
        char *rest = copy, *word;
        int r;

        if (!copy)
                return -ENOMEM;
        while ((word = strsep(&rest, ","))) {
                if (!*word)
                        continue;
                if (!is_known(word)) {
                        known = is_known == cause_is_known
                                ? options_join_words(cause_word, _CAUSE_MAX)
                                : options_join_words(outcome_word, _OUTCOME_MAX + 2);
                        return option_refuse(reterr, "--%s=%.64s is none: give %.380s", option,
                                word, known ?: "");
                }
                r = strv_extend(words, word);
                if (r < 0)
                        return r;
        }
        if (!*words)
                return option_refuse(
                        reterr, "--%s= is empty: give a word, or several with commas", option);
        return 0;
}

static int options_take_lines(ReportOptions *options, const char *value, char *reterr) {
        char *end;
        unsigned long long n;

        if (strcmp(value, "all") == 0) {
                options->history.n_max = SIZE_MAX;
                return 0;
        }
        errno = 0;
        n = strtoull(value, &end, 10);
        if (value[0] < '0' || value[0] > '9' || *end || errno != 0)
                return option_refuse(reterr,
                        "--lines=%.64s is not usable: give a number of stops, or all", value);
        options->history.n_max = n;
        return 0;
}

static int options_take_time(
        usec_t now_usec, usec_t *target, const char *option, const char *value, char *reterr) {
        int r = timestamp_parse(value, now_usec, target);

        if (r < 0)
                return option_refuse(reterr,
                        "--%s=%.64s is %s: give a time such as \"2026-11-21 18:00\", yesterday or "
                        "-2h (see systemd.time(7))",
                        option, value, r == -ERANGE ? "a time that does not exist" : "no time");
        return 0;
}

static int options_take_output(ReportOptions *options, const char *value, char *reterr) {
        ReportFormat format = report_format_from_string(value);

        if (format < 0)
                return option_refuse(reterr,
                        "--output=%.64s is not usable: give table, json, csv, openmetrics or timeline",
                        value);
        options->format = format;
        if (format == REPORT_JSON && options->json == JSON_OFF)
                options->json = JSON_SHORT;
        return 0;
}

static int options_take_json(ReportOptions *options, const char *value, char *reterr) {
        options->json = json_mode_from_string(value);
        if (options->json < 0)
                return option_refuse(
                        reterr, "--json=%.64s is not usable: give off, short or pretty", value);
        if (options->json != JSON_OFF)
                options->format = REPORT_JSON;
        else if (options->format == REPORT_JSON)
                options->format = REPORT_TABLE;
        return 0;
}

static int options_take_by(ReportOptions *options, const char *value, char *reterr) {
        options->by = statistics_by_from_string(value);
        if (options->by < 0)
                return option_refuse(
                        reterr, "--by=%.64s is not usable: give host, unit or cause", value);
        options->has_by = true;
        return 0;
}

static int options_take_file(ReportOptions *options, const char *value) {
        char **files = (char **) options->source.files; /* ours: see report_options_done() */
        int r = strv_extend(&files, value);

        options->source.files = files;
        return r;
}

/* ---- Options ----------------------------------------------------------------------------------- */

/* The switches; those with a value are below. Returns: false: not one of these. */
static bool options_take_switch(ReportOptions *options, int code) {
        switch (code) {
        case 'h':
                options->action = REPORT_SHOW_HELP;
                return true;
        case OPTION_VERSION:
                options->action = REPORT_SHOW_VERSION;
                return true;
        case OPTION_SYSTEM:
                options->history.manager = HISTORY_SYSTEM;
                return true;
        case OPTION_USER:
                options->history.manager = HISTORY_USER;
                return true;
        case 'm':
                options->source.is_merged = true;
                return true;
        case 'a':
                options->history.has_all = true;
                return true;
        case 'r':
                options->is_reversed = true;
                return true;
        case 'f':
                options->is_following = true;
                return true;
        case 'v':
        case OPTION_TIMELINE:
                options->format = REPORT_TIMELINE;
                return true;
        case OPTION_STATS:
                options->has_statistics = true;
                return true;
        default:
                return false;
        }
}

/* Those that change how it looks. Returns: false: not one of these. */
static bool options_take_look(ReportOptions *options, int code) {
        switch (code) {
        case 'l':
                options->is_full = true;
                return true;
        case OPTION_UTC:
                options->is_utc = true;
                return true;
        case OPTION_NO_LEGEND:
                options->has_legend = false;
                return true;
        case OPTION_NO_PAGER:
                options->has_pager = false;
                return true;
        case 'e':
                options->jumps_to_end = true;
                return true;
        case 'q':
                options->is_quiet = true;
                return true;
        default:
                return false;
        }
}

typedef struct ReportArguments {
        int argc;
        char **argv;
        char **causes, **outcomes;
        usec_t now_usec;
        char *reterr;
} ReportArguments;

/* "-b -1" is written as often as "-b-1": the next word is its value if it can be one, as for journalctl. */
static const char *options_find_boot(const ReportArguments *arguments, const char *value) {
        if (!value && optind < arguments->argc && journal_boot_is_name(arguments->argv[optind]))
                value = arguments->argv[optind++];
        return value ?: "";
}

/* Weak strings that are taken as they are. Returns: false: not one of these. */
static bool options_take_text(ReportOptions *options, int code, const char *value) {
        switch (code) {
        case 'M':
                options->source.machine = value;
                return true;
        case 'D':
                options->source.directory = value;
                return true;
        case OPTION_NAMESPACE:
                options->source.namespace = value;
                return true;
        case OPTION_SENDER:
                options->history.sender = value;
                return true;
        case OPTION_SVG:
                options->svg = value;
                return true;
        case OPTION_HTML:
                options->html = value;
                return true;
        default:
                return false;
        }
}

static int options_take(ReportOptions *options, ReportArguments *arguments, int code) {
        char *reterr = arguments->reterr;

        if (options_take_switch(options, code) || options_take_look(options, code) ||
                options_take_text(options, code, optarg))
                return 0;
        switch (code) {
        case 'b':
                options->boot = options_find_boot(arguments, optarg);
                return 0;
        case 'n':
                return options_take_lines(options, optarg, reterr);
        case 'S':
                return options_take_time(
                        arguments->now_usec, &options->history.since_usec, "since", optarg, reterr);
        case 'U':
                return options_take_time(
                        arguments->now_usec, &options->history.until_usec, "until", optarg, reterr);
        case OPTION_CAUSE:
                return options_take_words(
                        &arguments->causes, "cause", optarg, cause_is_known, reterr);
        case OPTION_OUTCOME:
                return options_take_words(
                        &arguments->outcomes, "outcome", optarg, outcome_is_known, reterr);
        case OPTION_FILE:
                return options_take_file(options, optarg);
        case OPTION_BY:
                return options_take_by(options, optarg, reterr);
        case OPTION_JSON:
                return options_take_json(options, optarg, reterr);
        case 'o':
                return options_take_output(options, optarg, reterr);
        default:
                return option_refuse_word(
                        reterr, "report", /* hint= */ "", arguments->argc, arguments->argv, code);
        }
}

static int options_check_source(const ReportOptions *options, char *reterr) {
        const JournalSource *source = &options->source;
        const char *const given[] = {
                source->directory ? "--directory=" : NULL,
                source->files ? "--file=" : NULL,
                source->namespace ? "--namespace=" : NULL,
                source->machine ? "--machine=" : NULL,
        };
        const char *first = NULL;

        for (size_t i = 0; i < ELEMENTSOF(given); i++) {
                if (first && given[i])
                        return option_refuse(
                                reterr, "%s and %s exclude each other: give one", first, given[i]);
                first = first ?: given[i];
        }
        return 0;
}

static bool text_is_id(const char *text) {
        sd_id128_t id;

        return sd_id128_from_string(text, &id) >= 0;
}

static int options_check(const ReportOptions *options, char *reterr) {
        const HistoryOptions *history = &options->history;
        bool is_summary =
                options->has_statistics || options->has_by || options->format == REPORT_OPENMETRICS;

        if (history->since_usec > history->until_usec)
                return option_refuse(
                        reterr, "--since= is later than --until=: swap them, or give one");
        if (options->is_following &&
                (is_summary || options->is_reversed || options->svg || options->html))
                return option_refuse(reterr,
                        "--follow shows stops as they happen: it does not go with --stats, --by=, "
                        "--output=openmetrics, --reverse, --svg= or --html=");
        if (options->is_following && history->until_usec != USEC_INFINITY)
                return option_refuse(reterr, "--follow has no end: it does not go with --until=");
        if (is_summary && options->is_reversed)
                return option_refuse(reterr,
                        "--reverse orders stops: it does not go with --stats, --by= or --output=openmetrics");
        if ((options->has_statistics || options->has_by) && options->format != REPORT_TABLE &&
                options->format != REPORT_JSON && options->format != REPORT_OPENMETRICS)
                return option_refuse(reterr,
                        "--stats and --by= are printed as a table, json or openmetrics: not with "
                        "--output=%s",
                        report_format_to_string(options->format));
        if ((options->svg || options->html) && is_summary)
                return option_refuse(reterr,
                        "--svg= and --html= show stops: they do not go with --stats, --by= or "
                        "--output=openmetrics");
        if (options->svg && options->html && strcmp(options->svg, options->html) == 0)
                return option_refuse(
                        reterr, "--svg= and --html= name one file, %.200s: give two", options->svg);
        return options_check_source(options, reterr);
}

/* A run that is named is shown in detail, unless another format is asked for. */
static void options_settle_format(ReportOptions *options, bool is_format_given) {
        char *const *units = options->history.units;

        if (is_format_given || !units || !units[0] || options->has_statistics || options->has_by ||
                options->is_following)
                return;
        for (size_t i = 0; units[i]; i++)
                if (!text_is_id(units[i]))
                        return;
        options->format = REPORT_TIMELINE;
}

int report_options_parse(int argc, char *argv[], usec_t now_realtime_usec,
        ReportOptions *ret_options, char reterr[static OPTION_ERROR_MAX]) {
        ReportOptions options = {
                .history.n_max = SIZE_MAX,
                .history.until_usec = USEC_INFINITY,
                .history.own_uid = getuid(),
                .has_legend = true,
                .has_pager = true,
        };
        ReportArguments arguments = {
                .argc = argc,
                .argv = argv,
                .now_usec = now_realtime_usec,
                .reterr = reterr,
        };
        bool is_format_given = false;
        int code, r = 0;

        optind = 0; /* glibc: start over */
        opterr = 0;
        while (r >= 0 &&
                (code = getopt_long(argc, argv, ":hn:b::S:U:M:D:marfvo:leq", long_options, NULL)) >=
                        0) {
                r = options_take(&options, &arguments, code);
                is_format_given = is_format_given || code == 'o' || code == OPTION_JSON ||
                        code == 'v' || code == OPTION_TIMELINE;
        }
        options.history.causes = arguments.causes;
        options.history.outcomes = arguments.outcomes;
        options.history.units = argv[optind] ? argv + optind : NULL;
        if (r >= 0) {
                options_settle_format(&options, is_format_given);
                if (options.action == REPORT_STOPS)
                        r = options_check(&options, reterr);
        }
        if (r < 0) {
                report_options_done(&options);
                return r;
        }
        *ret_options = options;
        return 0;
}

void report_options_done(ReportOptions *options) {
        (void) strv_free((char **) options->source.files);
        (void) strv_free((char **) options->history.causes);
        (void) strv_free((char **) options->history.outcomes);
        options->source.files = NULL;
        options->history.causes = options->history.outcomes = NULL;
}
