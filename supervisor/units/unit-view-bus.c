/* SPDX-License-Identifier: MIT */

/* Replies of systemd's D-Bus interface, turned into values.
 *
 * A reply of some 300 properties is walked once. Each name is looked up in a small hash of the fifty that
 * somebody asks for, which is built on the stack before the walk: to compare each with all fifty would
 * take longer than all else that is done here. Of the others not even the type is looked at.
 *
 * Property types are systemd's business and have changed: a boolean became a word (PrivatePIDs=), so
 * either is taken where either makes sense. A list of commands comes twice, as ExecStart with one flag
 * and as ExecStartEx (systemd 243) with all of them; the second counts.
 *
 * Not here: asking, and where values come from. */

#include "units/unit-view-bus.h"

#include <stddef.h>
#include <string.h>

#define COMMANDS_TYPE    "a(sasbttttuii)"
#define COMMANDS_EX_TYPE "a(sasasttttuii)"
#define ROW_TYPE         "ssssssouso"

/* ---- What is behind a name ------------------------------------------------------------------- */

/* Properties that are no settings, and second names of such that are. */
typedef enum PropertyTarget {
        PROPERTY_TEXT,     /* a string of the view */
        PROPERTY_ERROR,    /* (ss): name and message */
        PROPERTY_DROP_INS, /* as */
        PROPERTY_COMMANDS, /* in full */
} PropertyTarget;

static const struct PropertyRow {
        const char *name;
        PropertyTarget target;
        size_t offset; /* TEXT: of the string in the view */
        ViewKey key;   /* COMMANDS */
} property_rows[] = {
        { "LoadState", PROPERTY_TEXT, offsetof(UnitView, load_state) },
        { "ActiveState", PROPERTY_TEXT, offsetof(UnitView, active_state) },
        { "SubState", PROPERTY_TEXT, offsetof(UnitView, sub_state) },
        { "FragmentPath", PROPERTY_TEXT, offsetof(UnitView, fragment) },
        { "LoadError", PROPERTY_ERROR },
        { "DropInPaths", PROPERTY_DROP_INS },
        { "ExecStartEx", PROPERTY_COMMANDS, .key = VIEW_EXEC_START },
        { "ExecStopEx", PROPERTY_COMMANDS, .key = VIEW_EXEC_STOP },
        { "ExecStopPostEx", PROPERTY_COMMANDS, .key = VIEW_EXEC_STOP_POST },
};

/* A property's number: a ViewKey, or behind them a row of the table above. */
#define PROPERTIES_MAX        (_VIEW_KEY_MAX + ELEMENTSOF(property_rows))
#define PROPERTY_UNKNOWN      UINT8_MAX
#define PROPERTY_BUCKETS      256 /* a power of 2, several times as many as there are properties */
#define PROPERTY_BUCKET(hash) ((hash) % PROPERTY_BUCKETS)

static_assert(PROPERTIES_MAX < PROPERTY_BUCKETS / 2, "the hash stays sparse");

static const char *property_name(size_t property) {
        return property < _VIEW_KEY_MAX ? view_key_info((ViewKey) property)->property
                                        : property_rows[property - _VIEW_KEY_MAX].name;
}

/* FNV-1a. */
static uint32_t property_hash(const char *name) {
        uint32_t hash = 2166136261;

        for (const char *p = name; *p; p++)
                hash = (hash ^ (unsigned char) *p) * 16777619;
        return hash ^ hash >> 16;
}

typedef struct PropertyIndex {
        uint8_t buckets[PROPERTY_BUCKETS];
} PropertyIndex;

static void property_index_init(PropertyIndex *index) {
        memset(index->buckets, PROPERTY_UNKNOWN, sizeof(index->buckets));
        for (size_t i = 0; i < PROPERTIES_MAX; i++) {
                uint32_t hash = property_hash(property_name(i));

                while (index->buckets[PROPERTY_BUCKET(hash)] != PROPERTY_UNKNOWN)
                        hash++;
                index->buckets[PROPERTY_BUCKET(hash)] = (uint8_t) i;
        }
}

static size_t property_find(const PropertyIndex *index, const char *name) {
        for (uint32_t hash = property_hash(name);; hash++) {
                size_t property = index->buckets[PROPERTY_BUCKET(hash)];

                if (property == PROPERTY_UNKNOWN || strcmp(property_name(property), name) == 0)
                        return property;
        }
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* Each reader is given what the variant holds. Returns: 1: read; 0: of a type that this kind does not have
 * (nothing has been read); negative errno of sd_bus_message_*(3); -ENOMEM. */

static int read_usec(ViewValue *value, sd_bus_message *message, const char *type) {
        return strcmp(type, "t") == 0 ? sd_bus_message_read_basic(message, 't', &value->number) : 0;
}

static int read_bool(ViewValue *value, sd_bus_message *message, const char *type) {
        const char *word;
        int r, is_on;

        if (strcmp(type, "b") == 0) {
                r = sd_bus_message_read_basic(message, 'b', &is_on);
                if (r > 0)
                        value->number = is_on != 0;
                return r;
        }
        if (strcmp(type, "s") != 0)
                return 0;
        /* "no", or the way in which it is done: "yes", "strict", "private". */
        r = sd_bus_message_read_basic(message, 's', &word);
        if (r > 0)
                value->number = *word && strcmp(word, "no") != 0;
        return r;
}

static int read_unsigned(ViewValue *value, sd_bus_message *message, const char *type) {
        uint32_t number;
        int r;

        if (strcmp(type, "u") != 0)
                return read_usec(value, message, type);
        r = sd_bus_message_read_basic(message, 'u', &number);
        if (r > 0)
                value->number = number;
        return r;
}

static int read_signal(ViewValue *value, sd_bus_message *message, const char *type) {
        int32_t signo;
        int r;

        if (strcmp(type, "i") != 0)
                return 0;
        r = sd_bus_message_read_basic(message, 'i', &signo);
        if (r > 0) {
                value->number = signo > 0 && signo <= SIGRTMAX ? (uint64_t) signo : 0;
                value->is_known = value->number != 0;
        }
        return r;
}

static int replace_text(char **target, const char *text) {
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(*target);
        *target = copy;
        return 1;
}

static int read_string(ViewValue *value, sd_bus_message *message, const char *type) {
        const char *text;
        int r, is_on;

        if (strcmp(type, "b") == 0) {
                r = sd_bus_message_read_basic(message, 'b', &is_on);
                return r <= 0 ? r : replace_text(&value->text, is_on ? "yes" : "no");
        }
        if (strcmp(type, "s") != 0)
                return 0;
        r = sd_bus_message_read_basic(message, 's', &text);
        return r <= 0 ? r : replace_text(&value->text, text);
}

/* "as", into a list that is replaced. */
static int read_list(char ***target, sd_bus_message *message) {
        _cleanup_strv_ char **list = NULL;
        int r;

        r = sd_bus_message_read_strv(message, &list);
        if (r < 0)
                return r;
        (void) strv_free(*target);
        *target = TAKE_PTR(list);
        return 1;
}

/* Files, and whether each may be missing. */
static int read_files(char ***target, sd_bus_message *message) {
        _cleanup_strv_ char **list = NULL;
        int r, may_be_missing;
        const char *path;

        r = sd_bus_message_enter_container(message, 'a', "(sb)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(message, "(sb)", &path, &may_be_missing)) > 0) {
                _cleanup_free_ char *file = NULL;

                if (asprintf(&file, "%s%s", may_be_missing ? "-" : "", path) < 0)
                        return -ENOMEM;
                if (strv_extend(&list, file) < 0)
                        return -ENOMEM;
        }
        if (r < 0)
                return r;
        (void) strv_free(*target);
        *target = TAKE_PTR(list);
        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 1;
}

static int read_strings(ViewValue *value, sd_bus_message *message, const char *type) {
        if (strcmp(type, "as") == 0)
                return read_list(&value->strings, message);
        return strcmp(type, "a(sb)") == 0 ? read_files(&value->strings, message) : 0;
}

static int read_status_set(ViewValue *value, sd_bus_message *message, const char *type) {
        const int32_t *codes, *signals;
        size_t codes_bytes, signals_bytes;
        ExitStatusSet set = {};
        int r;

        if (strcmp(type, "(aiai)") != 0)
                return 0;
        r = sd_bus_message_enter_container(message, 'r', "aiai");
        if (r >= 0)
                r = sd_bus_message_read_array(message, 'i', (const void **) &codes, &codes_bytes);
        if (r >= 0)
                r = sd_bus_message_read_array(
                        message, 'i', (const void **) &signals, &signals_bytes);
        if (r < 0)
                return r;
        for (size_t i = 0; i < codes_bytes / sizeof(*codes); i++)
                if (codes[i] >= 0 && codes[i] < 256)
                        set.codes[codes[i] / 64] |= UINT64_C(1) << codes[i] % 64;
        for (size_t i = 0; i < signals_bytes / sizeof(*signals); i++)
                if (signals[i] > 0 && signals[i] < 64)
                        set.signals |= UINT64_C(1) << signals[i];
        value->set = set;
        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 1;
}

/* ---- Commands -------------------------------------------------------------------------------- */

typedef struct CommandList {
        ViewCommand *commands;
        size_t n;
} CommandList;

static void command_list_done(CommandList *list) {
        for (size_t i = 0; i < list->n; i++) {
                free(list->commands[i].path);
                (void) strv_free(list->commands[i].argv);
        }
        free(list->commands);
        *list = (CommandList){};
}

static int command_list_add(CommandList *list, const char *path, char ***argv, unsigned flags) {
        ViewCommand *grown;
        char *copy;

        if (!*argv || !**argv) { /* a program is always told a name */
                *argv = strv_free(*argv);
                if (strv_extend(argv, path) < 0)
                        return -ENOMEM;
        }
        if (strcmp((*argv)[0], path) != 0)
                flags |= EXEC_ARGV0;
        grown = reallocarray(list->commands, list->n + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        list->commands = grown;
        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        grown[list->n++] = (ViewCommand){ copy, TAKE_PTR(*argv), flags };
        return 1;
}

/* A list of names, or the one boolean of old. */
static int read_command_flags(sd_bus_message *message, bool is_full, unsigned *ret_flags) {
        _cleanup_strv_ char **names = NULL;
        int r, ignores_failure;

        *ret_flags = 0;
        if (!is_full) {
                r = sd_bus_message_read_basic(message, 'b', &ignores_failure);
                if (r > 0 && ignores_failure)
                        *ret_flags = EXEC_IGNORE_FAILURE;
                return r;
        }
        r = sd_bus_message_read_strv(message, &names);
        for (size_t i = 0; r >= 0 && names && names[i]; i++)
                *ret_flags |= exec_flag_from_string(names[i]);
        return r;
}

static int read_command(CommandList *list, sd_bus_message *message, bool is_full) {
        _cleanup_strv_ char **argv = NULL;
        unsigned flags = 0;
        const char *path;
        int r;

        r = sd_bus_message_read_basic(message, 's', &path);
        if (r >= 0)
                r = sd_bus_message_read_strv(message, &argv);
        if (r >= 0)
                r = read_command_flags(message, is_full, &flags);
        if (r >= 0)
                r = sd_bus_message_skip(message, "ttttuii"); /* when and how it last ran */
        if (r < 0)
                return r;
        return command_list_add(list, path, &argv, flags);
}

static int read_commands(ViewValue *value, sd_bus_message *message, const char *type) {
        _cleanup_(command_list_done) CommandList list = {};
        bool is_full = strcmp(type, COMMANDS_EX_TYPE) == 0;
        int r;

        if (!is_full && strcmp(type, COMMANDS_TYPE) != 0)
                return 0;
        r = sd_bus_message_enter_container(message, 'a', type + 1);
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(
                        message, 'r', is_full ? "sasasttttuii" : "sasbttttuii")) > 0) {
                r = read_command(&list, message, is_full);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        CommandList old = { value->commands, value->n_commands };
        command_list_done(&old);
        value->commands = TAKE_PTR(list.commands);
        value->n_commands = list.n;
        list.n = 0;
        return 1;
}

/* ---- One property ---------------------------------------------------------------------------- */

static int read_value(ViewValue *value, ViewKind kind, sd_bus_message *message, const char *type) {
        static int (*const readers[_VIEW_KIND_MAX])(
                ViewValue * value, sd_bus_message * message, const char *type) = {
                [VIEW_KIND_USEC] = read_usec,
                [VIEW_KIND_BOOL] = read_bool,
                [VIEW_KIND_UNSIGNED] = read_unsigned,
                [VIEW_KIND_SIGNAL] = read_signal,
                [VIEW_KIND_STRING] = read_string,
                [VIEW_KIND_STRINGS] = read_strings,
                [VIEW_KIND_STATUS_SET] = read_status_set,
                [VIEW_KIND_COMMANDS] = read_commands,
        };
        int r;

        value->is_known = true;
        r = readers[kind](value, message, type);
        if (r <= 0)
                value->is_known = false;
        return r;
}

static int read_error(UnitView *view, sd_bus_message *message, const char *type) {
        const char *name, *text;
        int r;

        if (strcmp(type, "(ss)") != 0)
                return 0;
        r = sd_bus_message_read(message, "(ss)", &name, &text);
        if (r <= 0)
                return r;
        if (*text || *name)
                return replace_text(&view->load_error, *text ? text : name);
        view->load_error = (free(view->load_error), NULL);
        return 1;
}

/* An empty path is none; a state is never empty. */
static int read_text(char **target, sd_bus_message *message, const char *type) {
        const char *text;
        int r;

        if (strcmp(type, "s") != 0)
                return 0;
        r = sd_bus_message_read_basic(message, 's', &text);
        return r <= 0 || !*text ? r : replace_text(target, text);
}

static int read_row(
        UnitView *view, const struct PropertyRow *row, sd_bus_message *message, const char *type) {
        switch (row->target) {
        case PROPERTY_TEXT:
                return read_text((char **) ((char *) view + row->offset), message, type);
        case PROPERTY_ERROR:
                return read_error(view, message, type);
        case PROPERTY_DROP_INS:
                return strcmp(type, "as") == 0 ? read_list(&view->drop_ins, message) : 0;
        case PROPERTY_COMMANDS:
                if (strcmp(type, COMMANDS_EX_TYPE) != 0)
                        return 0;
                return read_value(&view->values[row->key], VIEW_KIND_COMMANDS, message, type);
        }
        return 0;
}

/* Whether the fuller form of a list of commands has been read before the plain one. */
static bool has_fuller_form(const bool is_read[static PROPERTIES_MAX], size_t property) {
        for (size_t i = 0; i < ELEMENTSOF(property_rows); i++)
                if (is_read[_VIEW_KEY_MAX + i] && property_rows[i].target == PROPERTY_COMMANDS &&
                        property_rows[i].key == (ViewKey) property)
                        return true;
        return false;
}

/* The variant that comes next. Returns: 1: its value has been taken; 0: passed over; negative errno. */
static int read_variant(UnitView *view, size_t property, sd_bus_message *message) {
        const char *type; /* the message's, until it is asked for another one */
        bool is_taken;
        int r;

        r = sd_bus_message_peek_type(message, NULL, &type);
        if (r >= 0)
                r = sd_bus_message_enter_container(message, 'v', type);
        if (r < 0)
                return r;
        if (property < _VIEW_KEY_MAX)
                r = read_value(&view->values[property], view_key_info((ViewKey) property)->kind,
                        message, type);
        else
                r = read_row(view, &property_rows[property - _VIEW_KEY_MAX], message, type);
        if (r < 0)
                return r;
        is_taken = r > 0;
        if (!is_taken)
                r = sd_bus_message_skip(message, NULL);
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        return r < 0 ? r : is_taken;
}

/* ---- Replies --------------------------------------------------------------------------------- */

/* What sd-bus says of a message that is not what it should be (-ENXIO, -EINVAL) is one thing here. */
static int reply_error(int r) {
        return r == -ENOMEM ? r : -EBADMSG;
}

static int read_entry(UnitView *view, const PropertyIndex *index,
        bool is_read[static PROPERTIES_MAX], sd_bus_message *message) {
        const char *name;
        size_t property;
        int r;

        r = sd_bus_message_read_basic(message, 's', &name);
        if (r < 0)
                return r;
        property = property_find(index, name);
        if (property == PROPERTY_UNKNOWN || has_fuller_form(is_read, property))
                return sd_bus_message_skip(message, "v");
        r = read_variant(view, property, message);
        if (r > 0)
                is_read[property] = true;
        return r;
}

int unit_view_read_reply(UnitView *view, sd_bus_message *reply) {
        bool is_read[PROPERTIES_MAX] = {};
        PropertyIndex index;
        int r;

        assert(view && reply);

        property_index_init(&index);
        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        if (r <= 0)
                return reply_error(r);
        while ((r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = read_entry(view, &index, is_read, reply);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        return reply_error(r);
        }
        return r < 0 ? reply_error(r) : 0;
}

int unit_view_read_property(UnitView *view, const char *property, sd_bus_message *reply) {
        int r = 0;

        assert(view && property && reply);

        if (!sd_bus_message_has_signature(reply, "v"))
                return -EBADMSG;
        for (size_t i = 0; i < PROPERTIES_MAX; i++)
                if (strcmp(property_name(i), property) == 0) {
                        r = read_variant(view, i, reply);
                        break;
                }
        return r < 0 ? reply_error(r) : 0;
}

int unit_view_read_row(UnitView *view, sd_bus_message *reply) {
        const char *load, *active, *sub;
        int r;

        assert(view && reply);

        r = sd_bus_message_read(reply, "(" ROW_TYPE ")", NULL, NULL, &load, &active, &sub, NULL,
                NULL, NULL, NULL, NULL);
        if (r <= 0)
                return reply_error(r);
        if (replace_text(&view->load_state, load) < 0 ||
                replace_text(&view->active_state, active) < 0 ||
                replace_text(&view->sub_state, sub) < 0)
                return -ENOMEM;
        return 0;
}

void unit_view_forget(UnitView *view) {
        assert(view);

        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                view->values[key].is_known = false;
}
