/* SPDX-License-Identifier: MIT */

/* The settings that rules look at, and what is shown of a unit that runs, each with its names: of the property
 * on D-Bus, of the setting in files, of the line in systemd's dump; and what holds when nothing sets it
 * (systemd 252). */

#include <string.h>

#include "units/unit-view.h"

#define SERVICE "Service"
#define UNIT    "Unit"

static const ViewKeyInfo view_key_table[_VIEW_KEY_MAX] = {
        [VIEW_TYPE] = { "Type", "Type", SERVICE, VIEW_KIND_STRING, "simple", NULL, "Type" },
        [VIEW_EXIT_TYPE] = { "ExitType", "ExitType", SERVICE, VIEW_KIND_STRING, "main", NULL,
                NULL },
        [VIEW_RESTART] = { "Restart", "Restart", SERVICE, VIEW_KIND_STRING, "no", NULL, "Restart" },
        [VIEW_RESTART_USEC] = { "RestartUSec", "RestartSec", SERVICE, VIEW_KIND_USEC, "100ms",
                "DefaultRestartSec", "RestartSec" },
        [VIEW_NOTIFY_ACCESS] = { "NotifyAccess", "NotifyAccess", SERVICE, VIEW_KIND_STRING, "none",
                NULL, "NotifyAccess" },
        [VIEW_TIMEOUT_START_USEC] = { "TimeoutStartUSec", "TimeoutStartSec", SERVICE,
                VIEW_KIND_USEC, "90s", "DefaultTimeoutStartSec", "TimeoutStartSec" },
        [VIEW_TIMEOUT_STOP_USEC] = { "TimeoutStopUSec", "TimeoutStopSec", SERVICE, VIEW_KIND_USEC,
                "90s", "DefaultTimeoutStopSec", "TimeoutStopSec" },
        [VIEW_TIMEOUT_ABORT_USEC] = { "TimeoutAbortUSec", "TimeoutAbortSec", SERVICE,
                VIEW_KIND_USEC, "90s", "DefaultTimeoutAbortSec", "TimeoutAbortSec" },
        [VIEW_TIMEOUT_STOP_FAILURE_MODE] = { "TimeoutStopFailureMode", "TimeoutStopFailureMode",
                SERVICE, VIEW_KIND_STRING, "terminate", NULL, "TimeoutStopFailureMode" },
        [VIEW_RUNTIME_MAX_USEC] = { "RuntimeMaxUSec", "RuntimeMaxSec", SERVICE, VIEW_KIND_USEC,
                "infinity", NULL, "RuntimeMaxSec" },
        [VIEW_WATCHDOG_USEC] = { "WatchdogUSec", "WatchdogSec", SERVICE, VIEW_KIND_USEC, "0", NULL,
                "WatchdogSec" },
        [VIEW_OOM_POLICY] = { "OOMPolicy", "OOMPolicy", SERVICE, VIEW_KIND_STRING, "stop",
                "DefaultOOMPolicy", "OOMPolicy" },
        [VIEW_PID_FILE] = { "PIDFile", "PIDFile", SERVICE, VIEW_KIND_STRING, "", NULL, "PIDFile" },
        [VIEW_BUS_NAME] = { "BusName", "BusName", SERVICE, VIEW_KIND_STRING, "", NULL, "BusName" },
        [VIEW_KILL_MODE] = { "KillMode", "KillMode", SERVICE, VIEW_KIND_STRING, "control-group",
                NULL, "KillMode" },
        [VIEW_KILL_SIGNAL] = { "KillSignal", "KillSignal", SERVICE, VIEW_KIND_SIGNAL, "SIGTERM",
                NULL, "KillSignal" },
        [VIEW_RESTART_KILL_SIGNAL] = { "RestartKillSignal", "RestartKillSignal", SERVICE,
                VIEW_KIND_SIGNAL, "SIGTERM", NULL, "RestartKillSignal" },
        [VIEW_FINAL_KILL_SIGNAL] = { "FinalKillSignal", "FinalKillSignal", SERVICE,
                VIEW_KIND_SIGNAL, "SIGKILL", NULL, "FinalKillSignal" },
        [VIEW_WATCHDOG_SIGNAL] = { "WatchdogSignal", "WatchdogSignal", SERVICE, VIEW_KIND_SIGNAL,
                "SIGABRT", NULL, NULL },
        [VIEW_SEND_SIGKILL] = { "SendSIGKILL", "SendSIGKILL", SERVICE, VIEW_KIND_BOOL, "yes", NULL,
                "SendSIGKILL" },
        [VIEW_SEND_SIGHUP] = { "SendSIGHUP", "SendSIGHUP", SERVICE, VIEW_KIND_BOOL, "no", NULL,
                "SendSIGHUP" },
        [VIEW_DELEGATE] = { "Delegate", "Delegate", SERVICE, VIEW_KIND_BOOL, "no", NULL,
                "Delegate" },
        [VIEW_LIMIT_RTPRIO] = { "LimitRTPRIOSoft", "LimitRTPRIO", SERVICE, VIEW_KIND_UNSIGNED, "0",
                "DefaultLimitRTPRIO", "LimitRTPRIOSoft" },
        [VIEW_RESTRICT_REALTIME] = { "RestrictRealtime", "RestrictRealtime", SERVICE,
                VIEW_KIND_BOOL, "no", NULL, "RestrictRealtime" },
        [VIEW_CAPABILITY_BOUNDING_SET] = { "CapabilityBoundingSet", "CapabilityBoundingSet",
                SERVICE, VIEW_KIND_UNSIGNED, "~", NULL, NULL },
        [VIEW_AMBIENT_CAPABILITIES] = { "AmbientCapabilities", "AmbientCapabilities", SERVICE,
                VIEW_KIND_UNSIGNED, "", NULL, "AmbientCapabilities" },
        [VIEW_PROTECT_PROC] = { "ProtectProc", "ProtectProc", SERVICE, VIEW_KIND_STRING, "default",
                NULL, "ProtectProc" },
        [VIEW_PROC_SUBSET] = { "ProcSubset", "ProcSubset", SERVICE, VIEW_KIND_STRING, "all", NULL,
                "ProcSubset" },
        [VIEW_PROTECT_CONTROL_GROUPS] = { "ProtectControlGroups", "ProtectControlGroups", SERVICE,
                VIEW_KIND_BOOL, "no", NULL, "ProtectControlGroups" },
        [VIEW_PRIVATE_USERS] = { "PrivateUsers", "PrivateUsers", SERVICE, VIEW_KIND_BOOL, "no",
                NULL, "PrivateUsers" },
        [VIEW_PRIVATE_PIDS] = { "PrivatePIDs", "PrivatePIDs", SERVICE, VIEW_KIND_BOOL, "no", NULL,
                "PrivatePIDs" },
        [VIEW_USER] = { "User", "User", SERVICE, VIEW_KIND_STRING, "", NULL, "User" },
        [VIEW_DYNAMIC_USER] = { "DynamicUser", "DynamicUser", SERVICE, VIEW_KIND_BOOL, "no", NULL,
                "DynamicUser" },
        [VIEW_STATE_DIRECTORY] = { "StateDirectory", "StateDirectory", SERVICE, VIEW_KIND_STRINGS,
                NULL, NULL, NULL },
        [VIEW_STANDARD_OUTPUT] = { "StandardOutput", "StandardOutput", SERVICE, VIEW_KIND_STRING,
                "journal", "DefaultStandardOutput", "StandardOutput" },
        [VIEW_LOG_RATE_LIMIT_INTERVAL_USEC] = { "LogRateLimitIntervalUSec",
                "LogRateLimitIntervalSec", SERVICE, VIEW_KIND_USEC, "0", NULL, NULL },
        [VIEW_LOG_RATE_LIMIT_BURST] = { "LogRateLimitBurst", "LogRateLimitBurst", SERVICE,
                VIEW_KIND_UNSIGNED, "0", NULL, NULL },
        [VIEW_RESTART_PREVENT_EXIT_STATUS] = { "RestartPreventExitStatus",
                "RestartPreventExitStatus", SERVICE, VIEW_KIND_STATUS_SET, NULL, NULL, NULL },
        [VIEW_SUCCESS_EXIT_STATUS] = { "SuccessExitStatus", "SuccessExitStatus", SERVICE,
                VIEW_KIND_STATUS_SET, NULL, NULL, NULL },
        [VIEW_START_LIMIT_INTERVAL_USEC] = { "StartLimitIntervalUSec", "StartLimitIntervalSec",
                UNIT, VIEW_KIND_USEC, "10s", "DefaultStartLimitIntervalSec", NULL },
        [VIEW_START_LIMIT_BURST] = { "StartLimitBurst", "StartLimitBurst", UNIT, VIEW_KIND_UNSIGNED,
                "5", "DefaultStartLimitBurst", NULL },
        [VIEW_JOB_TIMEOUT_USEC] = { "JobTimeoutUSec", "JobTimeoutSec", UNIT, VIEW_KIND_USEC,
                "infinity", NULL, NULL },
        [VIEW_JOB_RUNNING_TIMEOUT_USEC] = { "JobRunningTimeoutUSec", "JobRunningTimeoutSec", UNIT,
                VIEW_KIND_USEC, "infinity", NULL, NULL },
        [VIEW_EXEC_START] = { "ExecStart", "ExecStart", SERVICE, VIEW_KIND_COMMANDS, NULL, NULL,
                NULL },
        [VIEW_EXEC_STOP] = { "ExecStop", "ExecStop", SERVICE, VIEW_KIND_COMMANDS, NULL, NULL,
                NULL },
        [VIEW_EXEC_STOP_POST] = { "ExecStopPost", "ExecStopPost", SERVICE, VIEW_KIND_COMMANDS, NULL,
                NULL, NULL },
        [VIEW_ENVIRONMENT] = { "Environment", "Environment", SERVICE, VIEW_KIND_STRINGS, NULL, NULL,
                NULL },
        [VIEW_ENVIRONMENT_FILES] = { "EnvironmentFiles", "EnvironmentFile", SERVICE,
                VIEW_KIND_STRINGS, NULL, NULL, NULL },
        [VIEW_NEED_DAEMON_RELOAD] = { "NeedDaemonReload", NULL, NULL, VIEW_KIND_BOOL, "no", NULL,
                NULL },
        [VIEW_EXEC_MAIN_STARTED] = { "ExecMainStartTimestamp", NULL, NULL, VIEW_KIND_USEC, "0",
                NULL, NULL },
        [VIEW_EXEC_MAIN_STARTED_MONOTONIC] = { "ExecMainStartTimestampMonotonic", NULL, NULL,
                VIEW_KIND_USEC, "0", NULL, NULL },
        [VIEW_MAIN_PID] = { "MainPID", NULL, NULL, VIEW_KIND_UNSIGNED, "0", NULL, NULL },
        [VIEW_RESTARTS] = { "NRestarts", NULL, NULL, VIEW_KIND_UNSIGNED, "0", NULL, NULL },
        [VIEW_STATUS_TEXT] = { "StatusText", NULL, NULL, VIEW_KIND_STRING, "", NULL, NULL },
};

/* Other settings that a file may use for the same. */
static const struct {
        const char *section, *setting;
        ViewKey key;
} view_alias_table[] = {
        { SERVICE, "TimeoutSec", VIEW_TIMEOUT_STOP_USEC },
        { SERVICE, "StartLimitInterval", VIEW_START_LIMIT_INTERVAL_USEC },
        { SERVICE, "StartLimitBurst", VIEW_START_LIMIT_BURST },
        { UNIT, "StartLimitInterval", VIEW_START_LIMIT_INTERVAL_USEC },
};

static const char *const view_origin_table[_VIEW_ORIGIN_MAX] = {
        [VIEW_ORIGIN_UNKNOWN] = "unknown",
        [VIEW_ORIGIN_DEFAULT] = "default",
        [VIEW_ORIGIN_MANAGER] = "manager",
        [VIEW_ORIGIN_FRAGMENT] = "fragment",
        [VIEW_ORIGIN_DROP_IN] = "drop-in",
        [VIEW_ORIGIN_COMPUTED] = "computed",
};

const char *view_origin_to_string(ViewOrigin origin) {
        if (origin < 0 || origin >= _VIEW_ORIGIN_MAX)
                return NULL;
        return view_origin_table[origin];
}

const ViewKeyInfo *view_key_info(ViewKey key) {
        return key >= 0 && key < _VIEW_KEY_MAX ? &view_key_table[key] : NULL;
}

ViewKey view_key_from_setting(const char *section, const char *setting) {
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                const ViewKeyInfo *info = &view_key_table[key];

                if (info->setting && strcmp(info->setting, setting) == 0 &&
                        strcmp(info->section, section) == 0)
                        return key;
        }
        for (size_t i = 0; i < ELEMENTSOF(view_alias_table); i++)
                if (strcmp(view_alias_table[i].setting, setting) == 0 &&
                        strcmp(view_alias_table[i].section, section) == 0)
                        return view_alias_table[i].key;
        return _VIEW_KEY_INVALID;
}

ViewKey view_key_from_property(const char *property) {
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                if (strcmp(view_key_table[key].property, property) == 0)
                        return key;
        return _VIEW_KEY_INVALID;
}

ViewKey view_key_from_dump(const char *label) {
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                if (view_key_table[key].dump && strcmp(view_key_table[key].dump, label) == 0)
                        return key;
        return _VIEW_KEY_INVALID;
}
