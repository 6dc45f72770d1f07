/* SPDX-License-Identifier: MIT */

/* The verb table, and nothing else. */

#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "check/unit.h"
#include "cleanup.h"
#include "config/exit-status.h"
#include "forensics/post.h"
#include "gateway/notify.h"
#include "report/list.h"
#include "report/report.h"
#include "run/run.h"

typedef struct Verb {
        const char *name;
        const char *summary;
        int (*run)(int argc, char *argv[]);
} Verb;

static const Verb verbs[] = {
        { "run", "Supervise a gateway: the ExecStart= wrapper", run_verb },
        { "notify", "Tell the supervisor, from a shell gateway, how far it is", notify_verb },
        { "post", "Write the last record of a run that could not: for ExecStopPost=", post_verb },
        { "check", "Would systemd kill this gateway in the middle of its drain?", check_verb },
        { "unit", "Print a unit or a drop-in that is aligned with the drain", unit_verb },
        { "report", "Past stops: when, why, by whom, how they ended", report_verb },
        { "list", "Units under gatewatch now: state, progress, budget", list_verb },
};

static void print_help(FILE *file) {
        (void) fputs("gatewatch VERB [OPTIONS…]\n"
                     "\n"
                     "Supervisor and watchdog for gateways under systemd.\n"
                     "\n"
                     "Verbs:\n",
                file);
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                (void) fprintf(file, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
        (void) fputs("\n"
                     "Options:\n"
                     "  -h --help     Show this help\n"
                     "     --version  Show the version\n"
                     "\n"
                     "See gatewatch(1), and 'gatewatch VERB --help'.\n",
                file);
}

int main(int argc, char *argv[]) {
        const char *word = argc > 1 ? argv[1] : NULL;

        if (!word) {
                print_help(stderr);
                return EXIT_STATUS_USAGE;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
                print_help(stdout);
                return 0;
        }
        if (strcmp(word, "--version") == 0) {
                (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].name, word) == 0)
                        return verbs[i].run(argc, argv);

        (void) fprintf(stderr, "gatewatch: unknown verb '%.64s': see 'gatewatch --help'\n", word);
        return EXIT_STATUS_USAGE;
}
