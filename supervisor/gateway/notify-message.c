/* SPDX-License-Identifier: MIT */

/* The notify protocol's grammar and our judgement of each key, in one table: what a key tells the
 * supervisor, and whether its line goes on to systemd as it stands. A key that is not in the table
 * goes on unseen, so that what systemd learns after us works through us.
 *
 * The split into lines is systemd's own (LF and CR), because a line that only systemd saw as one
 * could tell it what was never judged here.
 *
 * READY, RELOADING, STOPPING and STATUS are taken apart and put together again by
 * notify_message_format(): in between the supervisor may take them out or replace them.
 *
 * Our own keys are a second table: all of them end here, also those that a newer gateway knows and we
 * do not, and what cannot be used is named, because their sender would wonder in silence.
 *
 * BARRIER=1 is not in the table: it is no statement but a question about everything before it, and
 * counts only alone. Whether a datagram is one is settled before anything else is looked at.
 *
 * A message has room for as many steps as fit into a datagram, of which nearly every one has none: that
 * room is never cleared.
 *
 * Nothing here allocates, logs or looks at fds; values are checked for being well-formed, not for
 * being reasonable. */

#include "notify-message.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define NOTIFY_LINE_END "\n\r"
#define NOTIFY_BARRIER  "BARRIER=1"

#define NOTIFY_OWN_PREFIX  "X_GATEWATCH_"
#define NOTIFY_OWN_KEY_MAX 64U /* of one that we do not know, for the record */

typedef enum NotifyKey {
        NOTIFY_KEY_READY,
        NOTIFY_KEY_RELOADING,
        NOTIFY_KEY_STOPPING,
        NOTIFY_KEY_STATUS,
        NOTIFY_KEY_WATCHDOG,
        NOTIFY_KEY_WATCHDOG_USEC,
        NOTIFY_KEY_EXTEND_TIMEOUT_USEC,
        NOTIFY_KEY_MAINPID,
        NOTIFY_KEY_MAINPIDFD,
        NOTIFY_KEY_MAINPIDFDID,
        NOTIFY_KEY_NOTIFYACCESS,
        NOTIFY_KEY_FDSTORE,
        NOTIFY_KEY_FDSTOREREMOVE,
        NOTIFY_KEY_FDNAME,
        NOTIFY_KEY_FDPOLL,
        NOTIFY_KEY_ERRNO,
        NOTIFY_KEY_BUSERROR,
        NOTIFY_KEY_MONOTONIC_USEC,
        _NOTIFY_KEY_MAX,
} NotifyKey;

typedef struct NotifyKeyInfo {
        const char *name;
        bool is_passed;                                          /* the line goes on as it stands */
        void (*take)(NotifyMessage *message, const char *value); /* NULL: nobody here cares */
} NotifyKeyInfo;

typedef enum NotifyOwnKey {
        NOTIFY_OWN_PHASE,
        NOTIFY_OWN_ACTIVE,
        NOTIFY_OWN_STEP_BEGIN,
        NOTIFY_OWN_STEP_END,
        NOTIFY_OWN_STEP_TIMEOUT_USEC,
        _NOTIFY_OWN_KEY_MAX,
} NotifyOwnKey;

/* One datagram on its way into a message. */
typedef struct NotifyParser {
        NotifyMessage *message;
        uint32_t seen;          /* the keys that had their line already */
        uint32_t seen_own;      /* likewise, of our own */
        NotifyStep *begun;      /* the STEP_BEGIN before this line; NULL: none yet */
        bool has_first_timeout; /* one stood before all of them */
        usec_t first_timeout_usec;
} NotifyParser;

typedef struct NotifyOwnKeyInfo {
        const char *name;
        bool is_repeated;                                      /* each of its lines counts */
        bool (*take)(NotifyParser *parser, const char *value); /* false: unusable */
} NotifyOwnKeyInfo;

/* Digits alone: what systemd would not parse must not mean anything here either. */
static bool notify_value_parse_uint64(const char *value, uint64_t *ret_number) {
        if (!*value || value[strspn(value, "0123456789")] != '\0')
                return false;
        errno = 0;
        unsigned long long number = strtoull(value, NULL, 10);
        if (errno != 0)
                return false;
        *ret_number = number;
        return true;
}

static void notify_take_ready(NotifyMessage *message, const char *value) {
        message->has_ready = strcmp(value, "1") == 0;
}

static void notify_take_reloading(NotifyMessage *message, const char *value) {
        message->has_reloading = strcmp(value, "1") == 0;
}

static void notify_take_stopping(NotifyMessage *message, const char *value) {
        message->has_stopping = strcmp(value, "1") == 0;
}

static void notify_take_status(NotifyMessage *message, const char *value) {
        message->status = utf8_is_valid(value) ? value : NULL;
}

static void notify_take_watchdog(NotifyMessage *message, const char *value) {
        message->has_watchdog = strcmp(value, "1") == 0;
        message->has_watchdog_trigger = strcmp(value, "trigger") == 0;
}

static void notify_take_watchdog_usec(NotifyMessage *message, const char *value) {
        message->has_watchdog_usec = notify_value_parse_uint64(value, &message->watchdog_usec);
}

/* systemd takes neither 0 nor infinity as an extension. */
static void notify_take_extend(NotifyMessage *message, const char *value) {
        usec_t usec;

        message->has_extend =
                notify_value_parse_uint64(value, &usec) && usec > 0 && usec < USEC_INFINITY;
        if (message->has_extend)
                message->extend_usec = usec;
}

static void notify_take_main_pid(NotifyMessage *message, const char *value) {
        uint64_t pid;

        message->has_main_pid = notify_value_parse_uint64(value, &pid) && pid > 0 && pid <= INT_MAX;
        if (message->has_main_pid)
                message->main_pid = (pid_t) pid;
}

static void notify_take_fdstore(NotifyMessage *message, const char *value) {
        message->has_fdstore = strcmp(value, "1") == 0;
}

static const NotifyKeyInfo notify_keys[_NOTIFY_KEY_MAX] = {
        [NOTIFY_KEY_READY] = { "READY", false, notify_take_ready },
        [NOTIFY_KEY_RELOADING] = { "RELOADING", false, notify_take_reloading },
        [NOTIFY_KEY_STOPPING] = { "STOPPING", false, notify_take_stopping },
        [NOTIFY_KEY_STATUS] = { "STATUS", false, notify_take_status },
        [NOTIFY_KEY_WATCHDOG] = { "WATCHDOG", false, notify_take_watchdog },
        [NOTIFY_KEY_WATCHDOG_USEC] = { "WATCHDOG_USEC", false, notify_take_watchdog_usec },
        [NOTIFY_KEY_EXTEND_TIMEOUT_USEC] = { "EXTEND_TIMEOUT_USEC", false, notify_take_extend },
        [NOTIFY_KEY_MAINPID] = { "MAINPID", false, notify_take_main_pid },
        /* With any of the next three systemd would listen to the gateway instead of to us. */
        [NOTIFY_KEY_MAINPIDFD] = { "MAINPIDFD", false, NULL },
        [NOTIFY_KEY_MAINPIDFDID] = { "MAINPIDFDID", false, NULL },
        [NOTIFY_KEY_NOTIFYACCESS] = { "NOTIFYACCESS", false, NULL },
        [NOTIFY_KEY_FDSTORE] = { "FDSTORE", true, notify_take_fdstore },
        [NOTIFY_KEY_FDSTOREREMOVE] = { "FDSTOREREMOVE", true, NULL },
        [NOTIFY_KEY_FDNAME] = { "FDNAME", true, NULL },
        [NOTIFY_KEY_FDPOLL] = { "FDPOLL", true, NULL },
        [NOTIFY_KEY_ERRNO] = { "ERRNO", true, NULL },
        [NOTIFY_KEY_BUSERROR] = { "BUSERROR", true, NULL },
        [NOTIFY_KEY_MONOTONIC_USEC] = { "MONOTONIC_USEC", true, NULL },
};
static_assert(_NOTIFY_KEY_MAX <= 32, "keys that were seen are kept in 32 bits");

/* Returns: the key; _NOTIFY_KEY_MAX: not one of ours. */
static NotifyKey notify_key_find(const char *name, size_t size) {
        for (NotifyKey key = 0; key < _NOTIFY_KEY_MAX; key++)
                if (strlen(notify_keys[key].name) == size &&
                        memcmp(notify_keys[key].name, name, size) == 0)
                        return key;
        return _NOTIFY_KEY_MAX;
}

static void notify_message_pass(NotifyMessage *message, const char *line) {
        size_t size = strlen(line);

        memcpy(message->passed + message->passed_size, line, size);
        message->passed[message->passed_size + size] = '\n';
        message->passed_size += size + 1;
}

/* ---- Our own keys ---------------------------------------------------------------------------- */

static bool notify_take_phase(NotifyParser *parser, const char *value) {
        parser->message->phase = value;
        return true;
}

static bool notify_take_active(NotifyParser *parser, const char *value) {
        NotifyMessage *message = parser->message;

        message->has_active = notify_value_parse_uint64(value, &message->active);
        return message->has_active;
}

/* Returns: the step, whose timeout is not set; NULL: without a name, which would not be one line of
 * NOTIFY_STEPS_MAX either. */
static NotifyStep *notify_message_add_step(NotifyMessage *message, const char *name) {
        if (!*name)
                return NULL;
        assert(message->n_steps < NOTIFY_STEPS_MAX);
        NotifyStep *step = &message->steps[message->n_steps++];
        *step = (NotifyStep){ .name = name };
        return step;
}

static bool notify_take_step_begin(NotifyParser *parser, const char *value) {
        NotifyStep *step = notify_message_add_step(parser->message, value);

        if (!step)
                return false;
        step->is_begin = true;
        if (parser->has_first_timeout) {
                step->has_timeout = true;
                step->timeout_usec = parser->first_timeout_usec;
                parser->has_first_timeout = false;
        }
        parser->begun = step;
        return true;
}

static bool notify_take_step_end(NotifyParser *parser, const char *value) {
        return notify_message_add_step(parser->message, value);
}

/* A second one for the same step is told of: which of them was meant is not ours to guess. */
static bool notify_take_step_timeout(NotifyParser *parser, const char *value) {
        usec_t usec = USEC_INFINITY;

        if (strcmp(value, "infinity") != 0 && !notify_value_parse_uint64(value, &usec))
                return false;
        if (!parser->begun) {
                if (parser->has_first_timeout)
                        return false;
                parser->has_first_timeout = true;
                parser->first_timeout_usec = usec;
                return true;
        }
        if (parser->begun->has_timeout)
                return false;
        parser->begun->has_timeout = true;
        parser->begun->timeout_usec = usec;
        return true;
}

static const NotifyOwnKeyInfo notify_own_keys[_NOTIFY_OWN_KEY_MAX] = {
        [NOTIFY_OWN_PHASE] = { NOTIFY_OWN_PREFIX "PHASE", false, notify_take_phase },
        [NOTIFY_OWN_ACTIVE] = { NOTIFY_OWN_PREFIX "ACTIVE", false, notify_take_active },
        [NOTIFY_OWN_STEP_BEGIN] = { NOTIFY_OWN_PREFIX "STEP_BEGIN", true, notify_take_step_begin },
        [NOTIFY_OWN_STEP_END] = { NOTIFY_OWN_PREFIX "STEP_END", true, notify_take_step_end },
        [NOTIFY_OWN_STEP_TIMEOUT_USEC] = { NOTIFY_OWN_PREFIX "STEP_TIMEOUT_USEC", true,
                notify_take_step_timeout },
};
static_assert(_NOTIFY_OWN_KEY_MAX <= 32, "keys that were seen are kept in 32 bits");

/* Keeps a key that we do not know as far as it is made of what keys are made of: it goes into records. */
static const char *notify_own_key_cut(char *key) {
        size_t size = strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

        key[size < NOTIFY_OWN_KEY_MAX ? size : NOTIFY_OWN_KEY_MAX] = '\0';
        return key;
}

/* equals: within the line. */
static void notify_parser_take_own(NotifyParser *parser, char *line, const char *equals) {
        const char *bad_key = NULL;
        NotifyOwnKey key;

        for (key = 0; key < _NOTIFY_OWN_KEY_MAX; key++)
                if (strlen(notify_own_keys[key].name) == (size_t) (equals - line) &&
                        memcmp(notify_own_keys[key].name, line, (size_t) (equals - line)) == 0)
                        break;
        if (key == _NOTIFY_OWN_KEY_MAX)
                bad_key = notify_own_key_cut(line);
        else if (notify_own_keys[key].is_repeated || !(parser->seen_own & (UINT32_C(1) << key))) {
                parser->seen_own |= UINT32_C(1) << key;
                if (!notify_own_keys[key].take(parser, equals + 1))
                        bad_key = notify_own_keys[key].name;
        }
        if (!parser->message->bad_key)
                parser->message->bad_key = bad_key;
}

/* ---- Parsing --------------------------------------------------------------------------------- */

static void notify_parser_take_line(NotifyParser *parser, char *line) {
        NotifyMessage *message = parser->message;
        const char *equals = strchr(line, '=');
        if (!equals || equals == line)
                return;
        if (strncmp(line, NOTIFY_OWN_PREFIX, strlen(NOTIFY_OWN_PREFIX)) == 0) {
                notify_parser_take_own(parser, line, equals);
                return;
        }

        NotifyKey key = notify_key_find(line, (size_t) (equals - line));
        if (key == _NOTIFY_KEY_MAX) {
                notify_message_pass(message, line);
                return;
        }
        if (parser->seen & (UINT32_C(1) << key))
                return;
        parser->seen |= UINT32_C(1) << key;
        if (notify_keys[key].take)
                notify_keys[key].take(message, equals + 1);
        if (notify_keys[key].is_passed)
                notify_message_pass(message, line);
}

/* Returns: 1: nothing but a barrier; 0: no barrier; -EBADMSG: one with other lines beside it. */
static int notify_text_is_barrier(const char *text) {
        size_t n_lines = 0, n_barriers = 0;

        if (!strstr(text, NOTIFY_BARRIER))
                return 0;
        while (*(text += strspn(text, NOTIFY_LINE_END))) {
                size_t size = strcspn(text, NOTIFY_LINE_END);

                n_lines++;
                n_barriers +=
                        size == strlen(NOTIFY_BARRIER) && memcmp(text, NOTIFY_BARRIER, size) == 0;
                text += size;
        }
        return n_barriers == 0 ? 0 : n_lines == 1 ? 1 : -EBADMSG;
}

/* All but the room for steps and what is set here stands before it. */
static void notify_message_init(NotifyMessage *message, char *passed) {
        memset(message, 0, offsetof(NotifyMessage, steps));
        message->n_steps = 0;
        message->bad_key = NULL;
        message->passed = passed;
        message->passed_size = 0;
}

int notify_message_parse(
        char *buffer, size_t size, size_t n_fds, char *passed, NotifyMessage *ret_message) {
        NotifyParser parser = { .message = ret_message };

        assert(buffer);
        assert(passed);
        assert(ret_message);

        if (size > NOTIFY_MESSAGE_MAX)
                return -EMSGSIZE;
        if (size > 0 && buffer[size - 1] == '\0')
                size--;
        if (memchr(buffer, '\0', size))
                return -EBADMSG;
        buffer[size] = '\0';
        int is_barrier = notify_text_is_barrier(buffer);
        if (is_barrier < 0 || (is_barrier > 0 && n_fds != 1))
                return -EBADMSG;

        notify_message_init(ret_message, passed);
        ret_message->has_barrier = is_barrier > 0;
        for (char *line = buffer; *line && !ret_message->has_barrier;) {
                char *end = line + strcspn(line, NOTIFY_LINE_END);
                char *next = *end ? end + 1 : end;

                *end = '\0';
                notify_parser_take_line(&parser, line);
                line = next;
        }
        if (parser.has_first_timeout && !ret_message->bad_key)
                ret_message->bad_key = notify_own_keys[NOTIFY_OWN_STEP_TIMEOUT_USEC].name;
        passed[ret_message->passed_size] = '\0';
        return 0;
}

/* ---- Rebuilding ------------------------------------------------------------------------------ */

static const char *notify_message_state_line(const NotifyMessage *message) {
        if (message->has_barrier)
                return NOTIFY_BARRIER "\n";
        if (message->has_stopping)
                return "STOPPING=1\n";
        if (message->has_ready)
                return "READY=1\n";
        if (message->has_reloading)
                return "RELOADING=1\n";
        return "";
}

/* Appends as much of the status as there is room for; nothing rather than an empty one, which would
 * erase what systemd shows.
 * Returns: the new size. */
static size_t notify_message_format_status(const char *status, char *buffer, size_t size) {
        static const char key[] = "STATUS=";
        const size_t key_size = sizeof(key) - 1;

        if (!status || NOTIFY_MESSAGE_MAX - size < key_size)
                return size;

        size_t room = NOTIFY_MESSAGE_MAX - size - key_size;
        /* A line break in a status of the supervisor's must not become a line of its own. */
        size_t status_size = strcspn(status, NOTIFY_LINE_END);
        if (status_size > room)
                status_size = utf8_cut(status, room);
        if (status_size == 0 && *status)
                return size;

        memcpy(buffer + size, key, key_size);
        memcpy(buffer + size + key_size, status, status_size);
        return size + key_size + status_size;
}

ssize_t notify_message_format(const NotifyMessage *message, char *buffer) {
        assert(message);
        assert(buffer);

        const char *state = notify_message_state_line(message);
        size_t state_size = strlen(state);
        size_t size = state_size + message->passed_size;
        /* Each line brings its LF; the last one needs none. */
        if (size > NOTIFY_MESSAGE_MAX + 1)
                return -EMSGSIZE;

        memcpy(buffer, state, state_size);
        if (size > NOTIFY_MESSAGE_MAX) {
                memcpy(buffer + state_size, message->passed, message->passed_size - 1);
                return NOTIFY_MESSAGE_MAX;
        }
        if (message->passed_size > 0)
                memcpy(buffer + state_size, message->passed, message->passed_size);

        size_t full_size = notify_message_format_status(message->status, buffer, size);
        if (full_size > size)
                return (ssize_t) full_size;
        return size > 0 ? (ssize_t) size - 1 : 0;
}
