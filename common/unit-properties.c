/* SPDX-License-Identifier: MIT */
/* A manager's replies about a unit, turned into UnitProperties by two tables.
 *
 * A row names a property, the type that it has in systemd and where its value goes. The replies to
 * Get on the unit come one to a row, that to GetAll on its type is walked once. Whatever has no
 * row, or another type than its row says, is passed over, so that older and newer managers are read
 * alike. Values are taken as told but bounded: long strings are cut off, signal numbers that are
 * none keep their default.
 *
 * The strings of a reply live as long as it does, so the file that a timeout comes from is looked
 * for while the replies are being read, and they are read together. */

#include "unit-properties.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "unit-file.h"

#define DROP_INS_MAX 64
#define NAMES_MAX    64

typedef struct UnitReading {
        UnitProperties *properties;
        const char *fragment; /* these point into the messages */
        const char *drop_ins[DROP_INS_MAX];
        size_t n_drop_ins;
        const char *names[NAMES_MAX];
        size_t n_names;
} UnitReading;

/* Reads the value of a property, whose type has been checked. Returns: >= 0; negative errno of
 * sd_bus_message_read_basic(3). */
typedef int (*PropertyReader)(sd_bus_message *message, UnitReading *reading, void *target);

typedef struct Property {
        const char *name;
        const char *type;
        PropertyReader read;
        size_t offset; /* of the target in UnitProperties */
} Property;

static int property_read_usec(sd_bus_message *message, UnitReading *reading, void *target) {
        return sd_bus_message_read_basic(message, 't', target);
}

static int property_read_bool(sd_bus_message *message, UnitReading *reading, void *target) {
        int value;

        int r = sd_bus_message_read_basic(message, 'b', &value);
        if (r >= 0)
                *(bool *) target = value;
        return r;
}

static int property_read_pid(sd_bus_message *message, UnitReading *reading, void *target) {
        uint32_t value;

        int r = sd_bus_message_read_basic(message, 'u', &value);
        if (r >= 0 && value <= INT32_MAX)
                *(pid_t *) target = (pid_t) value;
        return r;
}

static int property_read_signal(sd_bus_message *message, UnitReading *reading, void *target) {
        int32_t value;

        int r = sd_bus_message_read_basic(message, 'i', &value);
        if (r >= 0 && value > 0 && value <= SIGRTMAX)
                *(int *) target = value;
        return r;
}

static int property_read_id(sd_bus_message *message, UnitReading *reading, void *target) {
        const char *value;

        int r = sd_bus_message_read_basic(message, 's', &value);
        if (r >= 0)
                (void) snprintf(target, sizeof(reading->properties->id), "%s", value);
        return r;
}

static int property_read_load_state(sd_bus_message *message, UnitReading *reading, void *target) {
        const char *value;

        int r = sd_bus_message_read_basic(message, 's', &value);
        if (r >= 0)
                *(bool *) target = strcmp(value, "loaded") == 0;
        return r;
}

static int property_read_kill_mode(sd_bus_message *message, UnitReading *reading, void *target) {
        const char *value;

        int r = sd_bus_message_read_basic(message, 's', &value);
        if (r >= 0)
                *(KillMode *) target = kill_mode_from_string(value);
        return r;
}

static int property_read_notify_access(
        sd_bus_message *message, UnitReading *reading, void *target) {
        const char *value;

        int r = sd_bus_message_read_basic(message, 's', &value);
        if (r >= 0)
                *(bool *) target = strcmp(value, "none") != 0;
        return r;
}

static int property_read_invocation_id(
        sd_bus_message *message, UnitReading *reading, void *target) {
        const void *bytes;
        size_t size;

        int r = sd_bus_message_read_array(message, 'y', &bytes, &size);
        if (r >= 0 && size == sizeof(sd_id128_t))
                memcpy(target, bytes, size);
        return r;
}

static int property_read_fragment(sd_bus_message *message, UnitReading *reading, void *target) {
        return sd_bus_message_read_basic(message, 's', &reading->fragment);
}

/* Of more drop-ins than fit the last ones are kept, since the last one that sets a value wins. */
static int property_read_drop_ins(sd_bus_message *message, UnitReading *reading, void *target) {
        const char *path;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        reading->n_drop_ins = 0;
        while ((r = sd_bus_message_read_basic(message, 's', &path)) > 0) {
                if (reading->n_drop_ins == DROP_INS_MAX) {
                        memmove(reading->drop_ins, reading->drop_ins + 1,
                                (DROP_INS_MAX - 1) * sizeof(reading->drop_ins[0]));
                        reading->n_drop_ins--;
                }
                reading->drop_ins[reading->n_drop_ins++] = path;
        }
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(message);
}

static int property_read_names(sd_bus_message *message, UnitReading *reading, void *target) {
        const char *name;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        reading->n_names = 0;
        while ((r = sd_bus_message_read_basic(message, 's', &name)) > 0)
                if (reading->n_names < NAMES_MAX)
                        reading->names[reading->n_names++] = name;
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(message);
}

#define TARGET(member) offsetof(UnitProperties, member)

static const char *const kill_mode_table[_KILL_MODE_MAX] = {
        [KILL_MODE_CONTROL_GROUP] = "control-group",
        [KILL_MODE_MIXED] = "mixed",
        [KILL_MODE_PROCESS] = "process",
        [KILL_MODE_NONE] = "none",
};

const char *kill_mode_to_string(KillMode mode) {
        if (mode < 0 || mode >= _KILL_MODE_MAX)
                return NULL;
        return kill_mode_table[mode];
}

KillMode kill_mode_from_string(const char *name) {
        assert(name);

        for (KillMode mode = 0; mode < _KILL_MODE_MAX; mode++)
                if (strcmp(kill_mode_table[mode], name) == 0)
                        return mode;
        return _KILL_MODE_INVALID;
}

static const Property unit_table[_UNIT_PROPERTY_MAX] = {
        [UNIT_PROPERTY_ID] = { "Id", "s", property_read_id, TARGET(id) },
        [UNIT_PROPERTY_NAMES] = { "Names", "as", property_read_names },
        [UNIT_PROPERTY_LOAD_STATE] = { "LoadState", "s", property_read_load_state,
                TARGET(is_loaded) },
        [UNIT_PROPERTY_INVOCATION_ID] = { "InvocationID", "ay", property_read_invocation_id,
                TARGET(invocation_id) },
        [UNIT_PROPERTY_FRAGMENT_PATH] = { "FragmentPath", "s", property_read_fragment },
        [UNIT_PROPERTY_DROP_IN_PATHS] = { "DropInPaths", "as", property_read_drop_ins },
};

const char *unit_property_to_string(UnitProperty property) {
        if (property < 0 || property >= _UNIT_PROPERTY_MAX)
                return NULL;
        return unit_table[property].name;
}

static const Property type_table[] = { { "KillMode", "s", property_read_kill_mode,
                                               TARGET(kill_mode) },
        { "KillSignal", "i", property_read_signal, TARGET(kill_signal) },
        { "MainPID", "u", property_read_pid, TARGET(main_pid) },
        { "NotifyAccess", "s", property_read_notify_access, TARGET(has_notify_access) },
        { "RestartKillSignal", "i", property_read_signal, TARGET(restart_kill_signal) },
        { "WatchdogSignal", "i", property_read_signal, TARGET(watchdog_signal) },
        { "SendSIGHUP", "b", property_read_bool, TARGET(send_sighup) },
        { "SendSIGKILL", "b", property_read_bool, TARGET(send_sigkill) },
        { "TimeoutStopUSec", "t", property_read_usec, TARGET(timeout_stop_usec) },
        { "WatchdogUSec", "t", property_read_usec, TARGET(watchdog_usec) }, {} };

static const Property *property_find_of_type(const char *name) {
        for (const Property *property = type_table; property->name; property++)
                if (strcmp(property->name, name) == 0)
                        return property;
        return NULL;
}

/* Reads one variant. What is unknown, or not of the type that it has in systemd, is passed over. */
static int property_read(const Property *property, sd_bus_message *message, UnitReading *reading) {
        const char *contents;
        int r;

        r = sd_bus_message_peek_type(message, NULL, &contents);
        if (r < 0)
                return r;
        if (!property || strcmp(contents, property->type) != 0)
                return sd_bus_message_skip(message, "v");

        r = sd_bus_message_enter_container(message, 'v', property->type);
        if (r < 0)
                return r;
        r = property->read(message, reading, (char *) reading->properties + property->offset);
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(message);
}

/* Reads the reply to GetAll on the type. Returns: 0; -EBADMSG: malformed. */
static int unit_reading_walk_type(UnitReading *reading, sd_bus_message *message) {
        const char *name;
        int r;

        if (!sd_bus_message_has_signature(message, "a{sv}"))
                return -EBADMSG;
        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(message, 's', &name);
                if (r < 0)
                        return r;
                r = property_read(property_find_of_type(name), message, reading);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r;
}

static void unit_reading_find_source(const UnitReading *reading, const char *section) {
        static const char *const keys[] = { "TimeoutStopSec", "TimeoutSec", NULL };
        const char *files[1 + DROP_INS_MAX + 1] = {};
        size_t n = 0;
        const char *source;

        if (reading->fragment && reading->fragment[0] == '/')
                files[n++] = reading->fragment;
        for (size_t i = 0; i < reading->n_drop_ins; i++)
                files[n++] = reading->drop_ins[i];

        source = unit_file_find_source(files, section, keys);
        (void) snprintf(reading->properties->timeout_source,
                sizeof(reading->properties->timeout_source), "%s",
                source ? source : "DefaultTimeoutStopSec");
}

static void unit_properties_add_name(UnitProperties *properties, const char *name) {
        size_t n = strlen(properties->names), length = strlen(name);

        if (length == 0 || strchr(name, ' ') || n + 1 + length >= sizeof(properties->names))
                return;
        if (n > 0)
                properties->names[n++] = ' ';
        memcpy(properties->names + n, name, length + 1);
}

/* The manager keeps the names in no order, and the id is among them. */
static void unit_reading_join_names(const UnitReading *reading) {
        UnitProperties *properties = reading->properties;

        properties->names[0] = '\0';
        unit_properties_add_name(properties, properties->id);
        for (size_t i = 0; i < reading->n_names; i++)
                if (strcmp(reading->names[i], properties->id) != 0)
                        unit_properties_add_name(properties, reading->names[i]);
}

void unit_properties_reset(UnitProperties *properties) {
        *properties = (UnitProperties){
                .timeout_stop_usec = USEC_INFINITY,
                .kill_mode = _KILL_MODE_INVALID,
                .kill_signal = SIGTERM,
                .watchdog_signal = SIGABRT,
                .send_sigkill = true,
                .cap_usec = USEC_INFINITY,
        };
}

int unit_properties_read_unit(UnitProperties *properties,
        sd_bus_message *const replies[static _UNIT_PROPERTY_MAX], const char *section) {
        UnitReading reading = { .properties = properties };
        int r;

        assert(properties && replies && section);

        for (UnitProperty i = 0; i < _UNIT_PROPERTY_MAX; i++) {
                if (!replies[i])
                        continue;
                if (!sd_bus_message_has_signature(replies[i], "v"))
                        return -EBADMSG;
                r = property_read(&unit_table[i], replies[i], &reading);
                if (r < 0)
                        return r;
        }
        unit_reading_join_names(&reading);
        if (properties->is_loaded)
                unit_reading_find_source(&reading, section);
        return 0;
}

int unit_properties_read_type(UnitProperties *properties, sd_bus_message *reply) {
        UnitReading reading = { .properties = properties };
        int r;

        assert(properties && reply);

        r = unit_reading_walk_type(&reading, reply);
        if (properties->restart_kill_signal == 0)
                properties->restart_kill_signal = properties->kill_signal;
        return r;
}
