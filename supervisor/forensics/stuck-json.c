/* SPDX-License-Identifier: MIT */

/* The collector's lines put together, and told in a sentence.
 *
 * A line is about a process ("pid"), about one of its threads ("tid" as well), or about none: a count of
 * what was left out. Lines about the same one complete each other; those that come first are the cheap
 * ones, so that every line that is there helps, whichever are missing. Only keys that the collector
 * writes are taken, and only with values of their type: its bytes are believed no more than others.
 *
 * The whole has to fit into a field of a record. What is worth least goes first, the last processes'
 * before main's; at the end there is always something that fits. */

#include <inttypes.h>
#include <string.h>

#include "marker-json.h"
#include "record-json.h"
#include "stuck-internal.h"
#include "utf8.h"

#define STUCK_SHORTEN_ROOM 128 /* counts that grow, the mark itself */
#define STUCK_PEERS_NAMED  3

typedef struct StuckParser {
        json_object *processes; /* array */
        size_t n_threads, n_sockets, n_files;
} StuckParser;

typedef struct StuckKey {
        const char *name;
        json_type type;
} StuckKey;

static const StuckKey process_keys[] = {
        { "comm", json_type_string },
        { "state", json_type_string },
        { "main", json_type_boolean },
        { "ppid", json_type_int },
        { "cpu_usec", json_type_int },
        { "cmdline", json_type_string },
};

static const StuckKey thread_keys[] = {
        { "comm", json_type_string },
        { "state", json_type_string },
        { "cpu_usec", json_type_int },
        { "wchan", json_type_string },
        { "syscall", json_type_string },
        { "syscall_number", json_type_int },
};

static const StuckKey socket_keys[] = {
        { "fd", json_type_int },
        { "family", json_type_string },
        { "local", json_type_string },
        { "peer", json_type_string },
        { "state", json_type_string },
        { "recv_queue", json_type_int },
        { "send_queue", json_type_int },
        { "retransmits", json_type_int },
        { "unanswered_usec", json_type_int },
        { "outgoing", json_type_boolean },
};

static const StuckKey file_keys[] = {
        { "fd", json_type_int },
        { "path", json_type_string },
};

static const StuckKey count_keys[] = {
        { "processes_left_out", json_type_int },
        { "threads_left_out", json_type_int },
        { "sockets_left_out", json_type_int },
        { "files_left_out", json_type_int },
};

/* ---- Values ---- */

/* Borrowed. Returns: NULL: not there, or of another type. */
static json_object *stuck_find(const json_object *object, const char *key, json_type type) {
        json_object *value;

        return json_object_object_get_ex(object, key, &value) && json_object_is_type(value, type)
                ? value
                : NULL;
}

static int64_t stuck_find_integer(const json_object *object, const char *key) {
        return json_object_get_int64(stuck_find(object, key, json_type_int));
}

static bool stuck_find_bool(const json_object *object, const char *key) {
        return json_object_get_boolean(stuck_find(object, key, json_type_boolean));
}

static void stuck_take(
        json_object *to, const json_object *from, const StuckKey *keys, size_t n_keys) {
        for (size_t i = 0; i < n_keys; i++) {
                json_object *value = stuck_find(from, keys[i].name, keys[i].type);
                if (value)
                        record_json_put(to, keys[i].name, json_object_get(value));
        }
}

/* The list under a key, made when it is not there. Returns: borrowed; NULL: out of memory. */
static json_object *stuck_list(json_object *object, const char *key) {
        if (!stuck_find(object, key, json_type_array))
                record_json_put(object, key, json_object_new_array());
        return stuck_find(object, key, json_type_array);
}

/* Takes value. Returns: the same, borrowed; NULL: out of memory. */
static json_object *stuck_list_add(json_object *list, json_object *value) {
        if (!value || !list || json_object_array_add(list, value) < 0) {
                (void) json_object_put(value);
                return NULL;
        }
        return value;
}

/* The item whose key has the value, made unless there are already as many as there may be.
 * n_items: how many there are, in all lists. Returns: borrowed; NULL: too many, or out of memory. */
static json_object *stuck_item(
        json_object *list, const char *key, int64_t value, size_t *n_items, size_t n_max) {
        for (size_t i = 0; list && i < json_object_array_length(list); i++) {
                json_object *item = json_object_array_get_idx(list, i);
                if (stuck_find_integer(item, key) == value)
                        return item;
        }
        if (*n_items >= n_max)
                return NULL;
        json_object *item = stuck_list_add(list, json_object_new_object());
        if (item)
                (*n_items)++;
        record_json_put(item, key, item ? json_object_new_int64(value) : NULL);
        return item;
}

/* ---- Lines ---- */

static void stuck_take_kernel_stack(json_object *thread, const json_object *line) {
        json_object *frames = stuck_find(line, "kernel_stack", json_type_array);

        if (!frames)
                return;
        for (size_t i = 0; i < json_object_array_length(frames); i++)
                if (!json_object_is_type(json_object_array_get_idx(frames, i), json_type_string))
                        return;
        record_json_put(thread, "kernel_stack", json_object_get(frames));
}

/* It comes in pieces. */
static void stuck_take_user_stack(json_object *process, const json_object *line) {
        json_object *piece = stuck_find(line, "user_stack", json_type_string);
        json_object *before = stuck_find(process, "user_stack", json_type_string);

        if (!piece)
                return;
        if (!before) {
                record_json_put(process, "user_stack", json_object_get(piece));
                return;
        }
        char *text = NULL;
        if (asprintf(&text, "%s%s", json_object_get_string(before), json_object_get_string(piece)) <
                0)
                return;
        record_json_put(process, "user_stack", json_object_new_string(text));
        free(text);
}

static void stuck_take_item(json_object *process, const char *list, const json_object *from,
        const StuckKey *keys, size_t n_keys, size_t *n_items, size_t n_max) {
        if (!from || *n_items >= n_max)
                return;
        json_object *item = stuck_list_add(stuck_list(process, list), json_object_new_object());
        if (!item)
                return;
        stuck_take(item, from, keys, n_keys);
        (*n_items)++;
}

static void stuck_take_process(StuckParser *parser, json_object *process, const json_object *line) {
        json_object *tid = stuck_find(line, "tid", json_type_int);

        if (tid) {
                json_object *thread = stuck_item(stuck_list(process, "threads"), "tid",
                        json_object_get_int64(tid), &parser->n_threads, STUCK_THREADS_MAX);
                if (!thread)
                        return;
                stuck_take(thread, line, thread_keys, ELEMENTSOF(thread_keys));
                stuck_take_kernel_stack(thread, line);
                return;
        }
        stuck_take(process, line, process_keys, ELEMENTSOF(process_keys));
        stuck_take_user_stack(process, line);
        stuck_take_item(process, "sockets", stuck_find(line, "socket", json_type_object),
                socket_keys, ELEMENTSOF(socket_keys), &parser->n_sockets, STUCK_SOCKETS_MAX);
        stuck_take_item(process, "files", stuck_find(line, "file", json_type_object), file_keys,
                ELEMENTSOF(file_keys), &parser->n_files, STUCK_FILES_MAX);
}

static void stuck_take_line(
        StuckParser *parser, json_object *whole, const char *text, size_t size) {
        _cleanup_(marker_json_putp) json_object *line = NULL;

        if (size == 0 || marker_json_parse(text, size, &line) < 0)
                return;
        if (!stuck_find(line, "pid", json_type_int)) {
                stuck_take(whole, line, count_keys, ELEMENTSOF(count_keys));
                return;
        }
        size_t n_processes = json_object_array_length(parser->processes);
        json_object *process = stuck_item(parser->processes, "pid", stuck_find_integer(line, "pid"),
                &n_processes, STUCK_PROCESSES_MAX);
        if (process)
                stuck_take_process(parser, process, line);
}

/* ---- Shortening ---- */

static size_t stuck_text_size(json_object *value) {
        size_t size = 0;

        (void) json_object_to_json_string_length(value, JSON_C_TO_STRING_PLAIN, &size);
        return size;
}

static void stuck_shorten_by(size_t *over, size_t size) {
        *over -= size < *over ? size : *over;
}

static void stuck_remove_key(json_object *object, const char *key, size_t *over) {
        json_object *value;

        if (*over == 0 || !json_object_object_get_ex(object, key, &value))
                return;
        stuck_shorten_by(over, stuck_text_size(value));
        json_object_object_del(object, key);
}

/* Whole lines of it stay, if that is enough. */
static void stuck_cut_user_stack(json_object *process, size_t *over) {
        json_object *value = stuck_find(process, "user_stack", json_type_string);
        const char *text = json_object_get_string(value);

        if (!value || *over == 0 || strlen(text) <= *over) {
                stuck_remove_key(process, "user_stack", over);
                return;
        }
        size_t size = utf8_cut(text, strlen(text) - *over);
        const char *end = memrchr(text, '\n', size);
        if (end)
                size = (size_t) (end - text) + 1;
        *over = 0;
        record_json_put(process, "user_stack", json_object_new_string_len(text, (int) size));
}

/* From the end of the last process's. Returns: how many were removed. */
static size_t stuck_remove_items(json_object *process, const char *key, size_t *over) {
        json_object *list = stuck_find(process, key, json_type_array);
        size_t n_removed = 0;

        for (size_t n = list ? json_object_array_length(list) : 0; n > 0 && *over > 0; n--) {
                stuck_shorten_by(over, stuck_text_size(json_object_array_get_idx(list, n - 1)));
                (void) json_object_array_del_idx(list, n - 1, 1);
                n_removed++;
        }
        return n_removed;
}

static void stuck_remove_kernel_stacks(json_object *process, size_t *over) {
        json_object *threads = stuck_find(process, "threads", json_type_array);

        for (size_t n = threads ? json_object_array_length(threads) : 0; n > 0; n--)
                stuck_remove_key(json_object_array_get_idx(threads, n - 1), "kernel_stack", over);
}

static void stuck_count(json_object *whole, const char *key, size_t n) {
        int64_t before = stuck_find_integer(whole, key);

        if (n > 0 && before >= 0 && before <= INT64_MAX - (int64_t) n)
                record_json_put(whole, key, json_object_new_int64(before + (int64_t) n));
}

typedef enum StuckCut {
        STUCK_CUT_USER_STACKS,
        STUCK_CUT_FILES,
        STUCK_CUT_KERNEL_STACKS,
        STUCK_CUT_THREADS,
        STUCK_CUT_SOCKETS,
        _STUCK_CUT_MAX,
} StuckCut;

static void stuck_cut(json_object *whole, json_object *process, StuckCut cut, size_t *over) {
        switch (cut) {
        case STUCK_CUT_USER_STACKS:
                stuck_cut_user_stack(process, over);
                break;
        case STUCK_CUT_FILES:
                stuck_count(whole, "files_left_out", stuck_remove_items(process, "files", over));
                break;
        case STUCK_CUT_KERNEL_STACKS:
                stuck_remove_kernel_stacks(process, over);
                break;
        case STUCK_CUT_THREADS:
                stuck_count(
                        whole, "threads_left_out", stuck_remove_items(process, "threads", over));
                break;
        case STUCK_CUT_SOCKETS:
                stuck_count(
                        whole, "sockets_left_out", stuck_remove_items(process, "sockets", over));
                break;
        case _STUCK_CUT_MAX:
                break;
        }
}

static void stuck_shorten(json_object *whole, json_object *processes) {
        size_t size = stuck_text_size(whole);

        if (size <= STUCK_JSON_MAX)
                return;
        size_t over = size - STUCK_JSON_MAX + STUCK_SHORTEN_ROOM;
        record_json_put(whole, "shortened", json_object_new_boolean(true));
        for (StuckCut cut = 0; cut < _STUCK_CUT_MAX; cut++)
                for (size_t n = json_object_array_length(processes); n > 0 && over > 0; n--)
                        stuck_cut(whole, json_object_array_get_idx(processes, n - 1), cut, &over);
        stuck_count(whole, "processes_left_out", stuck_remove_items(whole, "processes", &over));
}

json_object *stuck_parse(const char *output, size_t size, bool is_complete) {
        assert(output || size == 0);

        StuckParser parser = {};
        _cleanup_(marker_json_putp) json_object *whole = json_object_new_object();

        record_json_put(whole, "complete", json_object_new_boolean(is_complete));
        parser.processes = whole ? stuck_list(whole, "processes") : NULL;
        if (!parser.processes)
                return NULL;
        while (size > 0) {
                const char *end = memchr(output, '\n', size);
                size_t n = end ? (size_t) (end - output) : size;
                stuck_take_line(&parser, whole, output, n);
                output += end ? n + 1 : n;
                size -= end ? n + 1 : n;
        }
        stuck_shorten(whole, parser.processes);
        return TAKE_PTR(whole);
}

/* ---- The sentence ---- */

typedef struct StuckPeer {
        const char *name; /* borrowed */
        int64_t fd;
        int64_t send_queue;
        int64_t retransmits;
        usec_t silent_usec;
        unsigned rank; /* 0: a SYN without answer */
} StuckPeer;

/* Only text that a terminal may have. */
static bool stuck_peer_is_printable(const char *name) {
        for (; *name; name++)
                if (*name < 0x21 || *name > 0x7e)
                        return false;
        return true;
}

/* Returns: 1; 0: not one to be named. */
static int stuck_peer_from_socket(const json_object *socket, StuckPeer *ret_peer) {
        const char *state = json_object_get_string(stuck_find(socket, "state", json_type_string));
        const char *name = json_object_get_string(stuck_find(socket, "peer", json_type_string));
        const char *family = json_object_get_string(stuck_find(socket, "family", json_type_string));
        StuckPeer peer = {
                .name = name,
                .fd = stuck_find_integer(socket, "fd"),
                .send_queue = stuck_find_integer(socket, "send_queue"),
                .retransmits = stuck_find_integer(socket, "retransmits"),
        };
        int64_t silent_usec = stuck_find_integer(socket, "unanswered_usec");

        if (!state || !name || !family || strncmp(family, "tcp", 3) != 0 ||
                strcmp(state, "LISTEN") == 0 || !stuck_peer_is_printable(name))
                return 0;
        peer.silent_usec = silent_usec > 0 ? (usec_t) silent_usec : 0;
        if (strcmp(state, "SYN_SENT") == 0)
                peer.rank = 0;
        else if (peer.send_queue > 0)
                peer.rank = 1;
        else if (stuck_find_bool(socket, "outgoing"))
                peer.rank = 2;
        else
                return 0;
        *ret_peer = peer;
        return 1;
}

static bool stuck_peer_precedes(const StuckPeer *a, const StuckPeer *b) {
        return a->rank != b->rank ? a->rank < b->rank : a->silent_usec > b->silent_usec;
}

static size_t stuck_peers_insert(
        StuckPeer peers[static STUCK_PEERS_NAMED], size_t n, const StuckPeer *peer) {
        size_t i = n;

        if (n == STUCK_PEERS_NAMED && !stuck_peer_precedes(peer, &peers[--i]))
                return n;
        for (; i > 0 && stuck_peer_precedes(peer, &peers[i - 1]); i--)
                peers[i] = peers[i - 1];
        peers[i] = *peer;
        return n < STUCK_PEERS_NAMED ? n + 1 : n;
}

static size_t stuck_peers_find(
        const json_object *stuck, StuckPeer peers[static STUCK_PEERS_NAMED]) {
        json_object *processes = stuck_find(stuck, "processes", json_type_array);
        size_t n = 0;

        for (size_t i = 0; processes && i < json_object_array_length(processes); i++) {
                json_object *sockets = stuck_find(
                        json_object_array_get_idx(processes, i), "sockets", json_type_array);
                for (size_t j = 0; sockets && j < json_object_array_length(sockets); j++) {
                        StuckPeer peer;
                        if (stuck_peer_from_socket(json_object_array_get_idx(sockets, j), &peer) >
                                0)
                                n = stuck_peers_insert(peers, n, &peer);
                }
        }
        return n;
}

static char *stuck_peer_format(const StuckPeer *peer) {
        char span[USEC_SPAN_MAX], *text = NULL, state[64] = "";

        if (peer->rank == 0)
                (void) snprintf(state, sizeof(state), ", not connected, %" PRId64 " retries",
                        peer->retransmits);
        else if (peer->rank == 1)
                (void) snprintf(state, sizeof(state),
                        ", %" PRId64 " bytes unsent or unacknowledged", peer->send_queue);
        const bool is_silent = peer->silent_usec >= USEC_PER_SEC;
        int r = asprintf(&text, "tcp %s (fd %" PRId64 "%s%s%s)", peer->name, peer->fd, state,
                is_silent ? ", silent for " : "",
                is_silent ? usec_format_span(span, peer->silent_usec, USEC_PER_SEC) : "");
        return r < 0 ? NULL : text;
}

const char *stuck_format_peers(const json_object *stuck, char buffer[static STUCK_PEERS_MAX]) {
        StuckPeer peers[STUCK_PEERS_NAMED];
        size_t n = stuck_peers_find(stuck, peers), size = 0;

        buffer[0] = '\0';
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *text = stuck_peer_format(&peers[i]);
                const char *separator = size > 0 ? ", " : "";
                /* What does not fit is not named, rather than in part. */
                if (!text || size + strlen(separator) + strlen(text) >= STUCK_PEERS_MAX)
                        continue;
                size += (size_t) snprintf(
                        buffer + size, STUCK_PEERS_MAX - size, "%s%s", separator, text);
        }
        return buffer;
}
