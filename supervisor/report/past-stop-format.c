/* SPDX-License-Identifier: MIT */

/* What a stop says in one cell or in one word. This is the edge where strings of records are cleaned for a
 * terminal, and where names get a bound.
 *
 * A requester's record has no user name. It is looked up for people of this machine only: on another one the
 * same number is somebody else. Who has logged in says more than whom sudo has made of them. */

#include <stdarg.h>
#include <string.h>

#include "past-stop.h"
#include "text-clean.h"
#include "user-name.h"
#include "utf8.h"

/* Both together at most 80 characters. */
#define PARTY_COMM_MAX 48
#define PARTY_USER_MAX 32

static bool text_equals(const char *a, const char *b) {
        return a && b && strcmp(a, b) == 0;
}

/* ---- Words and figures ------------------------------------------------------------------------- */

double past_stop_drain_share(const PastStop *stop) {
        if (stop->drain_used_usec == USEC_INFINITY || stop->drain_usec == USEC_INFINITY ||
                stop->drain_usec == 0)
                return -1.0;
        return (double) stop->drain_used_usec / (double) stop->drain_usec;
}

bool past_stop_is_forced(const PastStop *stop) {
        return stop->state == RUN_STOPPED &&
                (stop->outcome == OUTCOME_KILLED || stop->outcome == OUTCOME_LOST);
}

bool past_stop_is_unexplained(const PastStop *stop) {
        if (stop->state != RUN_STOPPED)
                return stop->state == RUN_UNRECORDED;
        return stop->cause == CAUSE_CRASH || stop->cause == CAUSE_SUPERVISOR_KILLED ||
                stop->cause == CAUSE_UNKNOWN;
}

const char *past_stop_outcome_word(const PastStop *stop) {
        if (stop->state != RUN_STOPPED)
                return run_state_to_string(stop->state);
        return stop->outcome_word ?: "-";
}

const char *past_stop_cause_word(const PastStop *stop) {
        if (stop->state == RUN_RUNNING)
                return "-";
        return stop->cause_word ?: "-";
}

/* ---- Cells ------------------------------------------------------------------------------------- */

_printf_(1, 2) static char *format_clean(const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n < 0) {
                text = NULL;
                return NULL;
        }
        return text_clean(text, TEXT_TERMINAL);
}

/* The first max characters, cleaned. Returns: malloc()ed text; NULL: out of memory. */
static char *format_name(const char *name, size_t max) {
        char *clean = text_clean(name, TEXT_TERMINAL), *end = clean;

        if (!clean)
                return NULL;
        for (size_t left = strlen(clean); left > 0 && max > 0; max--) {
                const size_t size = utf8_sequence_size(end, left) ?: 1;

                end += size;
                left -= size;
        }
        *end = '\0';
        return clean;
}

static bool machine_is_this_one(sd_id128_t machine_id) {
        sd_id128_t own;

        return !sd_id128_is_null(machine_id) && sd_id128_get_machine(&own) >= 0 &&
                sd_id128_equal(own, machine_id);
}

static bool stop_party_is_known(const StopParty *party) {
        return party->pid > 0 || party->comm || text_equals(party->state, "kernel") ||
                text_equals(party->state, "other-namespace");
}

/* Returns: malloc()ed text, "" when nothing is known; NULL: out of memory. */
static char *stop_party_format_user(const StopParty *party, bool is_local) {
        const bool has_login = party->loginuid != (uid_t) -1 && party->loginuid != party->uid;
        char name[USER_NAME_MAX];
        char *text;

        if (has_login && is_local && user_name_from_uid("/etc/passwd", party->loginuid, name) >= 0)
                return format_name(name, PARTY_USER_MAX);
        if (party->user)
                return format_name(party->user, PARTY_USER_MAX);
        if (party->uid == (uid_t) -1)
                return strdup("");
        if (party->uid == 0)
                return strdup("root");
        if (is_local && user_name_from_uid("/etc/passwd", party->uid, name) >= 0)
                return format_name(name, PARTY_USER_MAX);
        return asprintf(&text, "uid %u", party->uid) < 0 ? NULL : text;
}

static char *stop_party_format_process(const StopParty *party) {
        _cleanup_free_ char *comm = NULL;
        char *text;
        int n;

        if (text_equals(party->state, "kernel"))
                return strdup("kernel");
        if (party->comm) {
                comm = format_name(party->comm, PARTY_COMM_MAX);
                if (!comm || party->pid == 0)
                        return TAKE_PTR(comm);
                n = asprintf(&text, "%s(%d)", comm, party->pid);
        } else if (party->pid > 0)
                n = asprintf(&text, "pid %d", party->pid);
        else
                return strdup("other namespace");
        return n < 0 ? NULL : text;
}

static const StopParty *past_stop_party(const PastStop *stop) {
        return stop_party_is_known(&stop->requester) ? &stop->requester : &stop->sender;
}

char *past_stop_format_user(const PastStop *stop) {
        const StopParty *party = past_stop_party(stop);

        if (!stop_party_is_known(party) || text_equals(party->state, "kernel"))
                return strdup("");
        return stop_party_format_user(party, machine_is_this_one(stop->machine_id));
}

char *past_stop_format_party(const PastStop *stop) {
        const StopParty *party = past_stop_party(stop);
        _cleanup_free_ char *process = NULL, *user = NULL;
        char *text;

        if (!stop_party_is_known(party))
                return strdup("-");
        process = stop_party_format_process(party);
        if (!process || text_equals(party->state, "kernel"))
                return TAKE_PTR(process);
        user = past_stop_format_user(stop);
        if (!user)
                return NULL;
        if (!user[0])
                return TAKE_PTR(process);
        return asprintf(&text, "%s by %s", process, user) < 0 ? NULL : text;
}

char *past_stop_format_exit(const PastStop *stop) {
        if (!stop->exit_code)
                return strdup("-");
        if (!stop->exit_status)
                return text_clean(stop->exit_code, TEXT_TERMINAL);
        return format_clean("%s %s", stop->exit_code, stop->exit_status);
}

char *past_stop_format_unit(const PastStop *stop) {
        if (stop->manager != UNIT_MANAGER_NONE || (stop->unit && !stop->name))
                return text_clean(stop->unit, TEXT_TERMINAL);
        if (!stop->unit)
                return text_clean(stop->name, TEXT_TERMINAL);
        return format_clean("%s (%s)", stop->name, stop->unit);
}
