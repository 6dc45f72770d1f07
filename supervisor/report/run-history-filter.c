/* SPDX-License-Identifier: MIT */

/* What is asked for, once as a question to the journal and once about a stop that is there. The question may let
 * more through than is asked for, never less: of what a writer says of itself (GATEWATCH_UNIT, GATEWATCH_NAME) it
 * takes anything, for those that have exited before the journal could look at them. Globs the journal cannot. */

#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>

#include "record.h"
#include "run-history-internal.h"
#include "unit-name.h"

#define HISTORY_SUFFIX ".service"

static bool name_is_glob(const char *name) {
        return strpbrk(name, "*?[") != NULL;
}

static bool name_is_run_id(const char *name, sd_id128_t *ret_id) {
        return strlen(name) == 32 && sd_id128_from_string(name, ret_id) >= 0;
}

/* Whether name, as it was given, is this unit. */
static bool name_is_unit(const char *name, const char *unit) {
        const size_t length = strlen(name);

        if (strcmp(name, unit) == 0)
                return true;
        return !unit_name_is_valid(name) && strncmp(unit, name, length) == 0 &&
                strcmp(unit + length, HISTORY_SUFFIX) == 0;
}

/* ---- The question ------------------------------------------------------------------------------ */

int history_terms_add(char ***terms, const char *format, ...) {
        _cleanup_free_ char *term = NULL;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(&term, format, arguments);
        va_end(arguments);
        if (n < 0) {
                term = NULL;
                return -ENOMEM;
        }
        return strv_extend(terms, term);
}

static const char *unit_suffix_to_append(const char *name) {
        return unit_name_is_valid(name) ? "" : HISTORY_SUFFIX;
}

/* One field of all units that were named. */
static int terms_add_units(char ***terms, const char *field, char *const *units) {
        sd_id128_t run_id;
        int r = 0;

        for (size_t i = 0; r >= 0 && units[i]; i++)
                if (!name_is_run_id(units[i], &run_id))
                        r = history_terms_add(
                                terms, "%s=%s%s", field, units[i], unit_suffix_to_append(units[i]));
        return r;
}

static int terms_add_names(char ***terms, char *const *units) {
        sd_id128_t run_id;
        int r = 0;

        for (size_t i = 0; r >= 0 && units[i]; i++) {
                const size_t length = strlen(units[i]);

                if (name_is_run_id(units[i], &run_id))
                        continue;
                r = history_terms_add(terms, "GATEWATCH_NAME=%s", units[i]);
                if (r >= 0 && length > strlen(HISTORY_SUFFIX) &&
                        strcmp(units[i] + length - strlen(HISTORY_SUFFIX), HISTORY_SUFFIX) == 0)
                        r = history_terms_add(terms, "GATEWATCH_NAME=%.*s",
                                (int) (length - strlen(HISTORY_SUFFIX)), units[i]);
        }
        return r;
}

static int terms_add_run_ids(char ***terms, char *const *units) {
        char text[SD_ID128_STRING_MAX];
        sd_id128_t run_id;
        int r = 0;

        for (size_t i = 0; r >= 0 && units[i]; i++)
                if (name_is_run_id(units[i], &run_id))
                        r = history_terms_add(
                                terms, "GATEWATCH_RUN_ID=%s", sd_id128_to_string(run_id, text));
        return r;
}

static bool units_have(char *const *units, bool is_run_id) {
        sd_id128_t run_id;

        for (size_t i = 0; units[i]; i++)
                if (name_is_run_id(units[i], &run_id) == is_run_id)
                        return true;
        return false;
}

bool history_options_name_units(const HistoryOptions *options) {
        if (!options->units || !options->units[0])
                return false;
        for (size_t i = 0; options->units[i]; i++)
                if (name_is_glob(options->units[i]))
                        return false;
        return true;
}

static int terms_add_all_units(char ***terms, char *const *units) {
        static const char *const fields[] = { "_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT",
                "GATEWATCH_UNIT" };
        const bool has_names = units_have(units, /* is_run_id= */ false);
        const bool has_run_ids = units_have(units, /* is_run_id= */ true);
        int r;

        r = history_terms_add(terms, "&");
        for (size_t i = 0; r >= 0 && has_names && i < ELEMENTSOF(fields); i++) {
                r = terms_add_units(terms, fields[i], units);
                if (r >= 0)
                        r = history_terms_add(terms, "+");
        }
        if (r >= 0 && has_names)
                r = terms_add_names(terms, units);
        if (r >= 0 && has_names && has_run_ids)
                r = history_terms_add(terms, "+");
        return r < 0 ? r : terms_add_run_ids(terms, units);
}

int history_options_terms(const HistoryOptions *options, bool has_started, char ***ret_terms) {
        _cleanup_strv_ char **terms = NULL;
        int r;

        r = history_terms_add(
                &terms, "MESSAGE_ID=%s", record_event_info(RECORD_STOPPED)->message_id);
        if (r >= 0 && has_started)
                r = history_terms_add(
                        &terms, "MESSAGE_ID=%s", record_event_info(RECORD_STARTED)->message_id);
        if (r >= 0 && history_options_name_units(options))
                r = terms_add_all_units(&terms, options->units);
        if (r < 0)
                return r;
        *ret_terms = TAKE_PTR(terms);
        return 0;
}

/* ---- The answer -------------------------------------------------------------------------------- */

/* A run's own name counts where the journal knows no service, and for who claims to be one. */
static bool name_matches_name(const char *name, const PastStop *stop) {
        if (!stop->name || (stop->manager != UNIT_MANAGER_NONE && stop->trust != TRUST_FORGED))
                return false;
        if (name_is_glob(name))
                return fnmatch(name, stop->name, 0) == 0;
        return strcmp(name, stop->name) == 0 || name_is_unit(stop->name, name);
}

static bool name_matches(const char *name, const PastStop *stop) {
        sd_id128_t run_id;

        if (name_is_run_id(name, &run_id))
                return sd_id128_equal(run_id, stop->run_id);
        if (stop->unit &&
                (name_is_glob(name) ? fnmatch(name, stop->unit, 0) == 0
                                    : name_is_unit(name, stop->unit)))
                return true;
        return name_matches_name(name, stop);
}

static bool history_options_match_unit(const HistoryOptions *options, const PastStop *stop) {
        if (!options->units || !options->units[0])
                return true;
        for (size_t i = 0; options->units[i]; i++)
                if (name_matches(options->units[i], stop))
                        return true;
        return false;
}

static bool history_options_match_manager(const HistoryOptions *options, const PastStop *stop) {
        switch (options->manager) {
        case HISTORY_SYSTEM:
                return stop->manager == UNIT_MANAGER_SYSTEM;
        case HISTORY_USER:
                return stop->manager == UNIT_MANAGER_USER && stop->uid == options->own_uid;
        default:
                return true;
        }
}

static bool words_match(char *const *words, const char *word) {
        return !words || !words[0] || strv_contains(words, word);
}

static bool text_matches(const char *glob, const char *text) {
        return text && fnmatch(glob, text, 0) == 0;
}

static bool stop_party_matches(const StopParty *party, const char *glob) {
        char pid[16];

        (void) snprintf(pid, sizeof(pid), "%d", party->pid);
        return text_matches(glob, party->comm) || text_matches(glob, party->user) ||
                text_matches(glob, party->unit) || (party->pid > 0 && text_matches(glob, pid));
}

/* What is shown can be asked for: the user of a requester is not in the record, but in the column BY. */
static bool user_matches(const PastStop *stop, const char *glob) {
        _cleanup_free_ char *user = past_stop_format_user(stop);

        return user && user[0] && fnmatch(glob, user, 0) == 0;
}

static bool history_options_match_sender(const HistoryOptions *options, const PastStop *stop) {
        return !options->sender || stop_party_matches(&stop->sender, options->sender) ||
                stop_party_matches(&stop->requester, options->sender) ||
                user_matches(stop, options->sender);
}

/* A run that went down with its machine is of that boot, and of the one in which the next run has recorded it. */
static bool history_options_match_boot(const HistoryOptions *options, const PastStop *stop) {
        return sd_id128_is_null(options->boot_id) ||
                sd_id128_equal(options->boot_id, stop->boot_id) ||
                sd_id128_equal(options->boot_id, stop->run_boot_id);
}

static bool history_options_match_time(const HistoryOptions *options, const PastStop *stop) {
        return stop->realtime_usec >= options->since_usec &&
                stop->realtime_usec <= options->until_usec;
}

/* A run that is not over is none of the stops, unless it or such runs are asked for. */
static bool history_options_ask_for_running(const HistoryOptions *options, const PastStop *stop) {
        sd_id128_t run_id;

        if (options->has_all || (options->outcomes && strv_contains(options->outcomes, "running")))
                return true;
        for (size_t i = 0; options->units && options->units[i]; i++)
                if (name_is_run_id(options->units[i], &run_id) &&
                        sd_id128_equal(run_id, stop->run_id))
                        return true;
        return false;
}

bool history_options_match(const HistoryOptions *options, const PastStop *stop) {
        if (!options->has_all && stop->trust == TRUST_FORGED)
                return false;
        if (stop->state == RUN_RUNNING && !history_options_ask_for_running(options, stop))
                return false;
        return history_options_match_time(options, stop) &&
                history_options_match_boot(options, stop) &&
                history_options_match_manager(options, stop) &&
                history_options_match_unit(options, stop) &&
                words_match(options->causes, past_stop_cause_word(stop)) &&
                words_match(options->outcomes, past_stop_outcome_word(stop)) &&
                history_options_match_sender(options, stop);
}
