/* SPDX-License-Identifier: MIT */

/* The supervisor and its unit: where it runs by the cgroup path, whether systemd executed it, and what
 * the manager says of the unit, set against the drain.
 *
 * Inherited variables prove nothing: INVOCATION_ID and NOTIFY_SOCKET survive into every shell that a
 * service starts. SYSTEMD_EXEC_PID names one process only, so it is believed when it is ours; and the
 * unit's properties count only when the manager names this very process as the unit's main one. */

#include <stdlib.h>
#include <string.h>

#include "run/supervisor-internal.h"

static bool is_executed_by_systemd(void) {
        const char *value = getenv("SYSTEMD_EXEC_PID");

        return value && strtol(value, NULL, 10) == getpid();
}

static bool unit_is_service(const CgroupUnit *unit) {
        size_t length = strlen(unit->unit);

        return unit->manager != UNIT_MANAGER_NONE && length > strlen(".service") &&
                strcmp(unit->unit + length - strlen(".service"), ".service") == 0;
}

static int supervisor_set_name(Supervisor *supervisor) {
        const char *text, *slash;
        int length;

        if (supervisor->config->name) {
                text = supervisor->config->name;
                length = (int) strlen(text);
        } else if (supervisor->is_unit_main) {
                text = supervisor->unit.unit;
                length = (int) (strrchr(text, '.') - text);
        } else {
                text = supervisor->config->argv[0];
                slash = strrchr(text, '/');
                text = slash ? slash + 1 : text;
                length = (int) strnlen(text, CONFIG_NAME_MAX);
        }
        if (asprintf(&supervisor->name, "%.*s", length, text) < 0) {
                supervisor->name = NULL;
                return -ENOMEM;
        }
        return 0;
}

int supervisor_locate(Supervisor *supervisor) {
        char path[CGROUP_PATH_MAX];
        const char *invocation;
        int r;

        supervisor->proc_fd = proc_open_root("/proc");
        if (supervisor->proc_fd < 0 ||
                proc_read_cgroup(supervisor->proc_fd, 0, path, sizeof(path)) < 0 ||
                cgroup_path_to_unit(path, &supervisor->unit) < 0)
                supervisor->unit = (CgroupUnit){ .owner_uid = (uid_t) -1 };

        supervisor->is_unit_main = unit_is_service(&supervisor->unit) && is_executed_by_systemd();
        if (supervisor->unit.manager == UNIT_MANAGER_SYSTEM)
                supervisor->manager_pid = 1;
        else if (supervisor->unit.manager == UNIT_MANAGER_USER && supervisor->is_unit_main)
                supervisor->manager_pid = getppid();

        invocation = getenv("INVOCATION_ID");
        if (!supervisor->is_unit_main || !invocation ||
                sd_id128_from_string(invocation, &supervisor->run_id) < 0) {
                r = sd_id128_randomize(&supervisor->run_id);
                if (r < 0)
                        return r;
        }
        return supervisor_set_name(supervisor);
}

void supervisor_update_budget(Supervisor *supervisor) {
        const UnitProperties *properties = &supervisor->properties;
        bool has = supervisor->has_properties;

        budget_compute(
                &(BudgetInput){
                        .schedule = &supervisor->config->schedule,
                        .headroom_usec = supervisor->config->headroom_usec,
                        .is_timeout_known = has,
                        .timeout_stop_usec = has ? properties->timeout_stop_usec : USEC_INFINITY,
                        .cap_usec = has ? properties->cap_usec : USEC_INFINITY,
                        .can_extend = supervisor->is_unit_main &&
                                notify_proxy_has_upstream(supervisor->proxy) &&
                                (!has || properties->has_notify_access),
                        .action = supervisor->config->on_short_timeout,
                },
                &supervisor->budget);
}

static void supervisor_take_properties(
        Supervisor *supervisor, const UnitProperties *properties, usec_t now_usec) {
        supervisor->properties = *properties;
        supervisor->has_properties = true;
        supervisor_update_budget(supervisor);
        supervisor_budget_changed(supervisor);
        supervisor_divide_signals(supervisor);
        supervisor_arm_relay(supervisor);
        if (sd_id128_equal(properties->invocation_id, supervisor->run_id))
                supervisor->is_under_systemd = true;

        if (!supervisor->budget.is_short) {
                supervisor->is_short_recorded = false;
                return;
        }
        if (supervisor->is_short_recorded &&
                supervisor->recorded_timeout_usec == properties->timeout_stop_usec)
                return;
        run_record_short_timeout(supervisor, now_usec);
        supervisor->is_short_recorded = true;
        supervisor->recorded_timeout_usec = properties->timeout_stop_usec;
}

static void supervisor_dispatch_unit(
        UnitBus *bus, const UnitProperties *properties, int error, void *userdata) {
        Supervisor *supervisor = userdata;
        bool is_first = !supervisor->is_bus_answered;

        supervisor->is_bus_answered = true;
        if (!properties) {
                run_record_degraded(supervisor, "bus", -error,
                        supervisor->has_properties
                                ? "the unit's settings as last read stay in force"
                                : "the unit's stop timeout is not known");
                return;
        }
        if (!properties->is_loaded || properties->main_pid != getpid()) {
                if (is_first)
                        run_record_degraded(supervisor, "unit",
                                properties->is_loaded ? ESRCH : ENOENT,
                                "the unit's stop timeout is not known");
                return;
        }
        supervisor_take_properties(supervisor, properties, usec_now(CLOCK_MONOTONIC));
        if (is_first)
                supervisor_trim(
                        supervisor); /* sd-bus is not needed any more, but for its signals */
}

int supervisor_ask_unit(Supervisor *supervisor) {
        if (!supervisor->is_unit_main) {
                supervisor->is_bus_answered = true;
                return 0;
        }
        return unit_bus_new(supervisor->event, &supervisor->unit, /* address= */ NULL, PRIORITY_BUS,
                supervisor_dispatch_unit, supervisor, &supervisor->bus);
}
