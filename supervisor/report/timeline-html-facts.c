/* SPDX-License-Identifier: MIT */

/* What is told of each stop besides its picture: the table of all stops, the facts that a person asks for first,
 * and every field. Nothing that is not known takes a place, so a short list is one of which little is known. */

#include <string.h>

#include "timeline-html.h"
#include "timeline-picture.h"
#include "xml-text.h"

void html_write_badge(FILE *file, const PastStop *stop) {
        (void) fprintf(
                file, "<span class=\"badge %s\">", picture_tone_class(story_tone_of_stop(stop)));
        xml_write(file, past_stop_outcome_word(stop), XML_LINE);
        (void) fputs("</span>", file);
}

void html_write_time(FILE *file, usec_t realtime_usec, TimestampStyle style) {
        char machine[TIMESTAMP_MAX], person[TIMESTAMP_MAX];

        if (realtime_usec == USEC_INFINITY) {
                (void) fputs("-", file);
                return;
        }
        (void) fputs("<time datetime=\"", file);
        xml_write(
                file, timestamp_format(machine, realtime_usec, TIMESTAMP_RFC3339, true), XML_LINE);
        (void) fputs("\">", file);
        xml_write(file, timestamp_format(person, realtime_usec, style, false), XML_LINE);
        (void) fputs("</time>", file);
}

/* "42.1s of 1min (70 %)". */
static void write_drain(FILE *file, const PastStop *stop) {
        char used[PICTURE_TIME_MAX], allowed[USEC_SPAN_MAX];
        const double share = past_stop_drain_share(stop);

        if (stop->drain_used_usec == USEC_INFINITY)
                (void) fputs("-", file);
        else
                (void) fputs(picture_format_duration(used, stop->drain_used_usec), file);
        if (stop->drain_usec != USEC_INFINITY)
                (void) fprintf(file, " of %s", usec_format_exact(allowed, stop->drain_usec));
        if (share >= 0 && share < 1e6)
                (void) fprintf(file, " (%d %%)", (int) (share * 100 + 0.5));
}

/* ---- The table of all --------------------------------------------------------------------------------- */

static int write_summary_row(FILE *file, const PastStop *stop, size_t number) {
        _cleanup_free_ char *unit = past_stop_format_unit(stop);
        _cleanup_free_ char *party = past_stop_format_party(stop);
        _cleanup_free_ char *ended = past_stop_format_exit(stop);

        if (!unit || !party || !ended)
                return -ENOMEM;
        (void) fprintf(file, "<tr><td><a href=\"#" HTML_ANCHOR "%zu\">", number);
        html_write_time(file, stop->realtime_usec, TIMESTAMP_TABLE);
        (void) fputs("</a></td><td>", file);
        xml_write(file, unit, XML_LINE);
        (void) fputs("</td><td>", file);
        xml_write(file, stop->host ?: "-", XML_LINE);
        (void) fputs("</td><td>", file);
        xml_write(file, past_stop_cause_word(stop), XML_LINE);
        (void) fputs("</td><td>", file);
        xml_write(file, party, XML_LINE);
        (void) fputs("</td><td>", file);
        html_write_badge(file, stop);
        (void) fputs("</td><td>", file);
        write_drain(file, stop);
        (void) fputs("</td><td>", file);
        xml_write(file, ended, XML_LINE);
        (void) fputs("</td></tr>\n", file);
        return 0;
}

int html_write_summary(FILE *file, const StopStory *stories, size_t n_stories) {
        int r = 0;

        (void) fputs(
                "<div class=\"scroll\" role=\"region\" aria-label=\"All stops\" tabindex=\"0\">"
                "<table class=\"summary\">\n<thead><tr>"
                "<th scope=\"col\">When</th><th scope=\"col\">Unit</th>"
                "<th scope=\"col\">Host</th><th scope=\"col\">Cause</th>"
                "<th scope=\"col\">By</th><th scope=\"col\">Outcome</th>"
                "<th scope=\"col\">Drain</th><th scope=\"col\">Exit</th></tr></thead>\n"
                "<tbody>\n",
                file);
        for (size_t i = 0; i < n_stories && r == 0; i++)
                r = write_summary_row(file, stories[i].stop, i + 1);
        (void) fputs("</tbody></table></div>\n", file);
        return r;
}

/* ---- Facts --------------------------------------------------------------------------------------------- */

static void begin_fact(FILE *file, const char *name) {
        (void) fprintf(file, "<div><dt>%s</dt><dd>", name);
}

static void end_fact(FILE *file) {
        (void) fputs("</dd></div>\n", file);
}

static void write_detail(FILE *file, const char *name, const char *text) {
        if (!text)
                return;
        (void) fprintf(file, "<p class=\"detail\"><span>%s</span> <code>", name);
        xml_write(file, text, XML_LINE);
        (void) fputs("</code></p>", file);
}

static void write_party(FILE *file, const char *role, const StopParty *party) {
        if (party->pid <= 0 && !party->comm)
                return;
        begin_fact(file, role);
        xml_write(file, party->comm ?: "process", XML_LINE);
        if (party->pid > 0)
                (void) fprintf(file, "(%d)", (int) party->pid);
        if (party->user) {
                (void) fputs(" by ", file);
                xml_write(file, party->user, XML_LINE);
        } else if (party->uid == 0)
                (void) fputs(" by root", file);
        else if (party->uid != (uid_t) -1)
                (void) fprintf(file, " by uid %u", (unsigned) party->uid);
        if (party->loginuid != (uid_t) -1 && party->loginuid != party->uid)
                (void) fprintf(file, ", logged in as uid %u", (unsigned) party->loginuid);
        if (party->verb) {
                (void) fputs(", asked for ", file);
                xml_write(file, party->verb, XML_LINE);
        }
        if (party->unit) {
                (void) fputs(", in ", file);
                xml_write(file, party->unit, XML_LINE);
        }
        write_detail(file, "Ancestry", party->ancestry);
        write_detail(file, "Command line", party->cmdline);
        end_fact(file);
}

static void write_cause(FILE *file, const PastStop *stop) {
        begin_fact(file, "Cause");
        (void) fputs("<strong>", file);
        xml_write(file, past_stop_cause_word(stop), XML_LINE);
        (void) fputs("</strong>", file);
        if (stop->cause_detail) {
                (void) fputs(": ", file);
                xml_write(file, stop->cause_detail, XML_LINE);
        }
        end_fact(file);
}

static void write_active(FILE *file, const PastStop *stop) {
        if (!stop->has_active ||
                (stop->active_now == UINT64_MAX && stop->active_at_start == UINT64_MAX))
                return;
        begin_fact(file, "Work in flight");
        if (stop->active_at_start != UINT64_MAX)
                (void) fprintf(file, "%" PRIu64 " at the beginning", stop->active_at_start);
        if (stop->active_now != UINT64_MAX)
                (void) fprintf(file, "%s<strong>%" PRIu64 " lost</strong>",
                        stop->active_at_start != UINT64_MAX ? ", " : "", stop->active_now);
        if (stop->active_source) {
                (void) fputs(" (", file);
                xml_write(file, stop->active_source, XML_LINE);
                (void) fputs(")", file);
        }
        end_fact(file);
}

static void write_duration(FILE *file, const char *name, usec_t duration_usec) {
        char text[PICTURE_TIME_MAX];

        if (duration_usec == USEC_INFINITY)
                return;
        begin_fact(file, name);
        (void) fputs(picture_format_duration(text, duration_usec), file);
        end_fact(file);
}

static void write_slowest_step(FILE *file, const PastStop *stop) {
        char text[PICTURE_TIME_MAX];

        if (!stop->slowest_step)
                return;
        begin_fact(file, "Slowest step");
        xml_write(file, stop->slowest_step, XML_LINE);
        if (stop->slowest_step_usec != USEC_INFINITY)
                (void) fprintf(
                        file, ", %s", picture_format_duration(text, stop->slowest_step_usec));
        end_fact(file);
}

static const char *outcome_sentence(const PastStop *stop) {
        static const char *const sentences[_OUTCOME_MAX] = {
                [OUTCOME_CLEAN] = "ended within the first phase",
                [OUTCOME_ESCALATED] = "a later phase was needed",
                [OUTCOME_KILLED] = "SIGKILL was needed",
                [OUTCOME_EXITED] = "by itself, with code 0",
                [OUTCOME_FAILED] = "by itself, with another code than 0",
                [OUTCOME_CRASHED] = "of a signal that nobody here sent",
                [OUTCOME_LOST] = "the supervisor itself was killed, or the machine went down",
        };

        if (stop->state == RUN_UNRECORDED)
                return "it is over, and nobody has recorded how";
        if (stop->outcome < 0 || stop->outcome >= _OUTCOME_MAX)
                return "";
        return sentences[stop->outcome];
}

int html_write_facts(FILE *file, const PastStop *stop) {
        _cleanup_free_ char *ended = past_stop_format_exit(stop);

        if (!ended)
                return -ENOMEM;
        (void) fputs("<dl class=\"facts\">\n", file);
        write_cause(file, stop);
        write_party(file, "Requested by", &stop->requester);
        write_party(file, "Signalled by", &stop->sender);
        begin_fact(file, "Outcome");
        html_write_badge(file, stop);
        (void) fprintf(file, " %s", outcome_sentence(stop));
        end_fact(file);
        if (strcmp(ended, "-") != 0) {
                begin_fact(file, "Exit");
                xml_write(file, ended, XML_LINE);
                end_fact(file);
        }
        if (stop->drain_used_usec != USEC_INFINITY || stop->drain_usec != USEC_INFINITY) {
                begin_fact(file, "Drain");
                write_drain(file, stop);
                end_fact(file);
        }
        if (stop->total_usec > 0)
                write_duration(file, "Whole stop", stop->total_usec);
        write_active(file, stop);
        write_slowest_step(file, stop);
        write_duration(file, "It had run for", stop->uptime_usec);
        (void) fputs("</dl>\n", file);
        return 0;
}

/* ---- Every field ---------------------------------------------------------------------------------------- */

static void begin_field(FILE *file, const char *name) {
        (void) fprintf(file, "<tr><th scope=\"row\">%s</th><td>", name);
}

static void end_field(FILE *file) {
        (void) fputs("</td></tr>\n", file);
}

static void write_text_field(FILE *file, const char *name, const char *text) {
        if (!text)
                return;
        begin_field(file, name);
        xml_write(file, text, XML_LINES);
        end_field(file);
}

static void write_number_field(FILE *file, const char *name, uint64_t number, uint64_t unknown) {
        if (number == unknown)
                return;
        begin_field(file, name);
        (void) fprintf(file, "%" PRIu64, number);
        end_field(file);
}

static void write_usec_field(FILE *file, const char *name, usec_t usec) {
        char text[PICTURE_TIME_MAX];

        if (usec == USEC_INFINITY)
                return;
        begin_field(file, name);
        (void) fprintf(file, "%" PRIu64 " <span class=\"soft\">(%s)</span>", usec,
                picture_format_duration(text, usec));
        end_field(file);
}

static void write_id_field(FILE *file, const char *name, sd_id128_t id) {
        char text[SD_ID128_STRING_MAX];

        if (!sd_id128_is_null(id))
                write_text_field(file, name, sd_id128_to_string(id, text));
}

static void write_party_fields(FILE *file, const StopParty *party, bool is_sender) {
        const struct {
                const char *sender, *requester, *text;
        } rows[] = {
                { "GATEWATCH_SENDER_STATE", "GATEWATCH_REQUESTER_STATE", party->state },
                { "GATEWATCH_SENDER_USER", "GATEWATCH_REQUESTER_USER", party->user },
                { "GATEWATCH_SENDER_COMM", "GATEWATCH_REQUESTER_COMM", party->comm },
                { "GATEWATCH_SENDER_CMDLINE", "GATEWATCH_REQUESTER_CMDLINE", party->cmdline },
                { "GATEWATCH_SENDER_UNIT", "GATEWATCH_REQUESTER_UNIT", party->unit },
                { "GATEWATCH_SENDER_ANCESTRY", "GATEWATCH_REQUESTER_ANCESTRY", party->ancestry },
                { "GATEWATCH_SENDER_VERB", "GATEWATCH_REQUESTER_VERB", party->verb },
        };

        if (party->pid > 0)
                write_number_field(file,
                        is_sender ? "GATEWATCH_SENDER_PID" : "GATEWATCH_REQUESTER_PID",
                        (uint64_t) party->pid, UINT64_MAX);
        write_number_field(file, is_sender ? "GATEWATCH_SENDER_UID" : "GATEWATCH_REQUESTER_UID",
                party->uid, (uid_t) -1);
        write_number_field(file,
                is_sender ? "GATEWATCH_SENDER_LOGINUID" : "GATEWATCH_REQUESTER_LOGINUID",
                party->loginuid, (uid_t) -1);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                write_text_field(
                        file, is_sender ? rows[i].sender : rows[i].requester, rows[i].text);
}

static void write_text_fields(FILE *file, const PastStop *stop) {
        const struct {
                const char *name, *text;
        } rows[] = {
                { "GATEWATCH_NAME", stop->name },
                { "GATEWATCH_RECORDED_BY", stop->recorded_by },
                { "GATEWATCH_CAUSE", stop->cause_word },
                { "GATEWATCH_CAUSE_DETAIL", stop->cause_detail },
                { "GATEWATCH_OUTCOME", stop->outcome_word },
                { "GATEWATCH_EXIT_CODE", stop->exit_code },
                { "GATEWATCH_EXIT_STATUS", stop->exit_status },
                { "GATEWATCH_SIGNAL", stop->signal },
                { "GATEWATCH_PHASES", stop->phases },
                { "GATEWATCH_GATEWAY_PHASES", stop->gateway_phases },
                { "GATEWATCH_STEPS", stop->steps },
                { "GATEWATCH_SLOWEST_STEP", stop->slowest_step },
                { "GATEWATCH_TIMELINE", stop->timeline },
                { "GATEWATCH_ACTIVE_SOURCE", stop->active_source },
                { "GATEWATCH_SERVICE_RESULT", stop->service_result },
                { "GATEWATCH_PREVIOUS_PHASE", stop->previous_phase },
                { "GATEWATCH_PREVIOUS_GATEWAY_PHASE", stop->previous_gateway_phase },
                { "GATEWATCH_PREVIOUS_STEP", stop->previous_step },
                { "GATEWATCH_COMMAND", stop->command },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                write_text_field(file, rows[i].name, rows[i].text);
}

static void write_number_fields(FILE *file, const PastStop *stop) {
        write_usec_field(file, "GATEWATCH_UPTIME_USEC", stop->uptime_usec);
        write_usec_field(file, "GATEWATCH_DRAIN_USEC", stop->drain_usec);
        write_usec_field(file, "GATEWATCH_DRAIN_USED_USEC", stop->drain_used_usec);
        write_usec_field(file, "GATEWATCH_HEADROOM_USEC", stop->headroom_usec);
        write_usec_field(file, "GATEWATCH_TIMEOUT_STOP_USEC", stop->timeout_stop_usec);
        write_usec_field(file, "GATEWATCH_TOTAL_USEC", stop->total_usec);
        write_usec_field(file, "GATEWATCH_SLOWEST_STEP_USEC",
                stop->slowest_step ? stop->slowest_step_usec : USEC_INFINITY);
        write_number_field(file, "GATEWATCH_ACTIVE_AT_START", stop->active_at_start, UINT64_MAX);
        write_number_field(file, "GATEWATCH_ACTIVE_NOW", stop->active_now, UINT64_MAX);
        write_number_field(file, "GATEWATCH_OOM_KILLS", stop->n_oom_kills, UINT64_MAX);
}

static void write_journal_fields(FILE *file, const PastStop *stop) {
        begin_field(file, "Recorded at");
        html_write_time(file, stop->realtime_usec, TIMESTAMP_FULL);
        end_field(file);
        if (stop->began_realtime_usec != USEC_INFINITY) {
                begin_field(file, "Run began at");
                html_write_time(file, stop->began_realtime_usec, TIMESTAMP_FULL);
                end_field(file);
        }
        write_text_field(file, "Trust", record_trust_to_string(stop->trust));
        write_text_field(file, "_HOSTNAME", stop->host);
        write_text_field(file, "_SYSTEMD_UNIT", stop->unit);
        if (stop->writer_pid > 0)
                write_number_field(file, "_PID", (uint64_t) stop->writer_pid, UINT64_MAX);
        write_number_field(file, "_UID", stop->uid, (uid_t) -1);
        write_id_field(file, "_BOOT_ID", stop->boot_id);
        write_id_field(file, "_MACHINE_ID", stop->machine_id);
        write_id_field(file, "GATEWATCH_RUN_ID", stop->run_id);
}

void html_write_fields(FILE *file, const PastStop *stop) {
        (void) fputs("<table class=\"fields\">\n<tbody>\n", file);
        write_journal_fields(file, stop);
        write_text_fields(file, stop);
        write_number_fields(file, stop);
        write_party_fields(file, &stop->requester, /* is_sender= */ false);
        write_party_fields(file, &stop->sender, /* is_sender= */ true);
        (void) fputs("</tbody></table>\n", file);
}
