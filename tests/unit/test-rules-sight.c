/* SPDX-License-Identifier: MIT */

/* What a unit's settings let gatewatch see, and whether its records get through: each rule on the perfect
 * unit with one thing changed, one row a condition, for root and for others. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule-fixture.h"

#define CAPABILITY_SYS_PTRACE 19
#define CAPABILITY_SYS_NICE   23

/* What every rule leaves alone. */
#define ROWS_OF_OTHERS(...)                                                                       \
        { .name = "the perfect unit" }, { .name = "a user's perfect unit", .flags = ROW_USER },   \
                { .name = "somebody's perfect unit", .changes = { SOMEBODY } },                   \
                { .name = "not supervised",                                                       \
                        .flags = ROW_UNSUPERVISED,                                                \
                        .changes = { __VA_ARGS__ } },                                             \
                { .name = "not supervised, with a drain",                                         \
                        .flags = ROW_UNSUPERVISED | ROW_DRAIN_GIVEN,                              \
                        .changes = { __VA_ARGS__ } },                                             \
        {                                                                                         \
                .name = "refused by systemd", .flags = ROW_NOT_LOADED, .changes = { __VA_ARGS__ } \
        }

#define SOMEBODY \
        { VIEW_USER, "gate", 0 }
#define AMBIENT(names) \
        { VIEW_AMBIENT_CAPABILITIES, names, 0 }
#define PREFIXED(prefix)                                                         \
        { VIEW_EXEC_START, "", 0 }, {                                            \
                VIEW_EXEC_START, prefix "/usr/bin/gatewatch run -- /bin/true", 0 \
        }

static void arrange_bounding(UnitView *view, uint64_t set) {
        view->values[VIEW_CAPABILITY_BOUNDING_SET].is_known = true;
        view->values[VIEW_CAPABILITY_BOUNDING_SET].number = set;
}

static void arrange_nice_only(UnitView *view, RuleInput *input _unused_) {
        arrange_bounding(view, UINT64_C(1) << CAPABILITY_SYS_NICE);
}

static void arrange_all_but_nice(UnitView *view, RuleInput *input _unused_) {
        arrange_bounding(view, ~(UINT64_C(1) << CAPABILITY_SYS_NICE));
}

static void arrange_all_but_ptrace(UnitView *view, RuleInput *input _unused_) {
        arrange_bounding(view, ~(UINT64_C(1) << CAPABILITY_SYS_PTRACE));
}

static void arrange_root_s_manager(UnitView *view, RuleInput *input _unused_) {
        view->linger_user = strdup("root");
        assert_non_null(view->linger_user);
}

static void arrange_gate_s_manager(UnitView *view, RuleInput *input _unused_) {
        view->linger_user = strdup("gate");
        assert_non_null(view->linger_user);
}

/* ---- The sender ------------------------------------------------------------------------------ */

#define NO_RTPRIO \
        { VIEW_LIMIT_RTPRIO, "0", 0 }
#define RESTRICTED \
        { VIEW_RESTRICT_REALTIME, "yes", 0 }
#define RTPRIO   "hint LimitRTPRIO: LimitRTPRIO=1"
#define RESTRICT "hint RestrictRealtime: RestrictRealtime=no"
#define USER_MANAGER                                                                   \
        " $ mkdir -p /etc/systemd/system/user@.service.d && "                          \
        "printf '[Service]\\nLimitRTPRIO=1\\n' > "                                     \
        "/etc/systemd/system/user@.service.d/50-gatewatch-realtime.conf && systemctl " \
        "daemon-reload"

static void test_rule_sender_realtime_that_cannot_be_is_a_hint(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS(NO_RTPRIO, RESTRICTED),
                { .name = "root", .changes = { NO_RTPRIO } },
                { .name = "root by name", .changes = { NO_RTPRIO, { VIEW_USER, "root", 0 } } },
                { .name = "root by number", .changes = { NO_RTPRIO, { VIEW_USER, "0", 0 } } },
                { .name = "somebody",
                        .changes = { NO_RTPRIO, SOMEBODY },
                        .finds = RTPRIO,
                        .says = "LimitRTPRIO=0" },
                { .name = "somebody, nothing set",
                        .changes = { { VIEW_LIMIT_RTPRIO, "0", VIEW_ORIGIN_MANAGER }, SOMEBODY },
                        .finds = RTPRIO },
                { .name = "a user of the unit's own",
                        .changes = { NO_RTPRIO, { VIEW_DYNAMIC_USER, "yes", 0 } },
                        .finds = RTPRIO },
                { .name = "somebody, but not the supervisor: !",
                        .changes = { NO_RTPRIO, SOMEBODY, PREFIXED("!") } },
                { .name = "somebody, but not the supervisor: +",
                        .changes = { NO_RTPRIO, SOMEBODY, PREFIXED("+") } },
                { .name = "root in a user namespace",
                        .changes = { NO_RTPRIO, { VIEW_PRIVATE_USERS, "yes", 0 } },
                        .finds = RTPRIO },
                { .name = "root with the capability",
                        .changes = { NO_RTPRIO },
                        .arrange = arrange_nice_only },
                { .name = "root without the capability",
                        .changes = { NO_RTPRIO },
                        .arrange = arrange_all_but_nice,
                        .finds = RTPRIO },
                { .name = "root without the capability, but with a limit",
                        .arrange = arrange_all_but_nice },
                { .name = "root, the prefix gives the capability back",
                        .changes = { NO_RTPRIO, PREFIXED("+") },
                        .arrange = arrange_all_but_nice },
                { .name = "root, capabilities not known",
                        .changes = { NO_RTPRIO,
                                { VIEW_CAPABILITY_BOUNDING_SET, "~CAP_CHOWN", 0 } } },
                { .name = "root, bounded by a file that names it",
                        .changes = { NO_RTPRIO,
                                { VIEW_CAPABILITY_BOUNDING_SET, "CAP_SYS_NICE", 0 } } },
                { .name = "root, bounded by a file that names others",
                        .changes = { NO_RTPRIO, { VIEW_CAPABILITY_BOUNDING_SET, "CAP_CHOWN", 0 } },
                        .finds = RTPRIO },
                { .name = "somebody with the capability",
                        .changes = { NO_RTPRIO, SOMEBODY, AMBIENT("CAP_CHOWN CAP_SYS_NICE") } },
                { .name = "somebody with another",
                        .changes = { NO_RTPRIO, SOMEBODY, AMBIENT("CAP_SYS_PTRACE") },
                        .finds = RTPRIO },
                { .name = "somebody with a capability outside of the bounds",
                        .changes = { NO_RTPRIO, SOMEBODY, AMBIENT("CAP_SYS_NICE") },
                        .arrange = arrange_all_but_nice,
                        .finds = RTPRIO },
                { .name = "somebody with a capability in a user namespace",
                        .changes = { NO_RTPRIO, SOMEBODY, AMBIENT("CAP_SYS_NICE"),
                                { VIEW_PRIVATE_USERS, "yes", 0 } },
                        .finds = RTPRIO },
                { .name = "somebody, capabilities not known",
                        .changes = { NO_RTPRIO, SOMEBODY, AMBIENT("~CAP_CHOWN") } },
                { .name = "a user's unit",
                        .flags = ROW_USER,
                        .changes = { { VIEW_LIMIT_RTPRIO, "0", VIEW_ORIGIN_MANAGER } },
                        .finds = "hint LimitRTPRIO" USER_MANAGER },
                { .name = "a user's unit that says so itself",
                        .flags = ROW_USER,
                        .changes = { NO_RTPRIO },
                        .arrange = arrange_gate_s_manager,
                        .finds = RTPRIO USER_MANAGER },
                { .name = "a unit of root's own manager",
                        .flags = ROW_USER,
                        .changes = { NO_RTPRIO },
                        .arrange = arrange_root_s_manager },
                { .name = "restricted",
                        .changes = { RESTRICTED },
                        .finds = RESTRICT,
                        .says = "RestrictRealtime=yes" },
                { .name = "restricted, root without a limit",
                        .changes = { RESTRICTED, NO_RTPRIO },
                        .finds = RESTRICT },
                { .name = "restricted, somebody without a limit",
                        .changes = { RESTRICTED, NO_RTPRIO, SOMEBODY },
                        .finds = RESTRICT "; LimitRTPRIO=1" },
                { .name = "restricted, but for the supervisor",
                        .changes = { RESTRICTED, PREFIXED("+") } },
                { .name = "restricted, a user's unit",
                        .flags = ROW_USER,
                        .changes = { RESTRICTED },
                        .finds = RESTRICT },
                { .name = "asked for",
                        .changes = { NO_RTPRIO, SOMEBODY },
                        .options = "--sender-capture=realtime",
                        .finds = RTPRIO },
                { .name = "not wanted",
                        .changes = { RESTRICTED, NO_RTPRIO, SOMEBODY },
                        .options = "--sender-capture=plain" },
                { .name = "settings unknown",
                        .flags = ROW_RUN_UNKNOWN,
                        .changes = { RESTRICTED, NO_RTPRIO, SOMEBODY } },
                { .name = "no command",
                        .changes = { NO_RTPRIO, SOMEBODY, { VIEW_EXEC_START, "", 0 } },
                        .finds = RTPRIO },
                { .name = "limit not known",
                        .changes = { { VIEW_LIMIT_RTPRIO, NOT_KNOWN, 0 }, SOMEBODY } },
                { .name = "user not known",
                        .changes = { NO_RTPRIO, SOMEBODY, { VIEW_USER, NOT_KNOWN, 0 } } },
                { .name = "restriction not known",
                        .changes = { RESTRICTED, { VIEW_RESTRICT_REALTIME, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_sender_realtime, rows);
}

#define PROTECT(how) \
        { VIEW_PROTECT_PROC, how, 0 }
#define SUBSET \
        { VIEW_PROC_SUBSET, "pid", 0 }
#define SEEN "hint ProtectProc: ProtectProc=default"

static void test_rule_proc_hidden_by_the_unit_is_a_hint(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS(PROTECT("invisible"), SUBSET, SOMEBODY),
                { .name = "somebody, invisible",
                        .changes = { PROTECT("invisible"), SOMEBODY },
                        .finds = SEEN,
                        .says = "ProtectProc=invisible" },
                { .name = "somebody, noaccess",
                        .changes = { PROTECT("noaccess"), SOMEBODY },
                        .finds = SEEN,
                        .says = "ProtectProc=noaccess" },
                { .name = "somebody, ptraceable",
                        .changes = { PROTECT("ptraceable"), SOMEBODY },
                        .finds = SEEN },
                { .name = "somebody, default", .changes = { PROTECT("default"), SOMEBODY } },
                { .name = "somebody with the capability",
                        .changes = { PROTECT("invisible"), SOMEBODY, AMBIENT("CAP_SYS_PTRACE") } },
                { .name = "somebody with the capability, ptraceable",
                        .changes = { PROTECT("ptraceable"), SOMEBODY, AMBIENT("CAP_SYS_PTRACE") } },
                { .name = "somebody with another",
                        .changes = { PROTECT("invisible"), SOMEBODY, AMBIENT("CAP_SYS_NICE") },
                        .finds = SEEN },
                { .name = "somebody, capabilities not known",
                        .changes = { PROTECT("ptraceable"), SOMEBODY, AMBIENT(NOT_KNOWN) } },
                { .name = "somebody, but for the supervisor",
                        .changes = { PROTECT("invisible"), SUBSET, SOMEBODY, PREFIXED("+") } },
                { .name = "a user's unit",
                        .flags = ROW_USER,
                        .changes = { PROTECT("invisible") },
                        .finds = SEEN },
                { .name = "root", .changes = { PROTECT("invisible") } },
                { .name = "root, ptraceable", .changes = { PROTECT("ptraceable") } },
                { .name = "root without the capability, invisible",
                        .changes = { PROTECT("invisible") },
                        .arrange = arrange_all_but_ptrace },
                { .name = "root without the capability, ptraceable",
                        .changes = { PROTECT("ptraceable") },
                        .arrange = arrange_all_but_ptrace,
                        .finds = SEEN },
                { .name = "root in a user namespace, ptraceable",
                        .changes = { PROTECT("ptraceable"), { VIEW_PRIVATE_USERS, "yes", 0 } },
                        .finds = SEEN },
                { .name = "subset",
                        .changes = { SUBSET },
                        .finds = "hint ProcSubset: ProcSubset=all",
                        .says = "boot id" },
                { .name = "both",
                        .changes = { PROTECT("invisible"), SUBSET, SOMEBODY },
                        .finds = SEEN "; ProcSubset=all" },
                { .name = "both, root",
                        .changes = { PROTECT("invisible"), SUBSET },
                        .finds = "hint ProcSubset: ProcSubset=all" },
                { .name = "settings unknown",
                        .flags = ROW_RUN_UNKNOWN,
                        .changes = { SUBSET },
                        .finds = "hint ProcSubset: ProcSubset=all" },
                { .name = "neither known",
                        .changes = { PROTECT("invisible"), SUBSET, SOMEBODY, PROTECT(NOT_KNOWN),
                                { VIEW_PROC_SUBSET, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_proc_hidden, rows);
}

static void arrange_hidepid(UnitView *view, RuleInput *input _unused_) {
        view->is_proc_hidden = true;
}

static void arrange_hidepid_of_root_s_manager(UnitView *view, RuleInput *input) {
        arrange_hidepid(view, input);
        arrange_root_s_manager(view, input);
}

#define REMOUNT "hint - $ mount -o remount,hidepid=0 /proc  # and the same in /etc/fstab"

static void test_rule_proc_hidepid_of_the_machine_is_a_hint(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS(SOMEBODY),
                { .name = "somebody",
                        .changes = { SOMEBODY },
                        .arrange = arrange_hidepid,
                        .finds = REMOUNT,
                        .says = "hidepid=" },
                { .name = "a user's unit",
                        .flags = ROW_USER,
                        .arrange = arrange_hidepid,
                        .finds = REMOUNT },
                { .name = "a unit of root's own manager",
                        .flags = ROW_USER,
                        .arrange = arrange_hidepid_of_root_s_manager },
                { .name = "root", .arrange = arrange_hidepid },
                { .name = "somebody with the capability",
                        .changes = { SOMEBODY, AMBIENT("CAP_SYS_PTRACE") },
                        .arrange = arrange_hidepid },
                { .name = "somebody with another",
                        .changes = { SOMEBODY, AMBIENT("CAP_SYS_NICE") },
                        .arrange = arrange_hidepid,
                        .finds = REMOUNT },
                { .name = "user not known",
                        .changes = { SOMEBODY, { VIEW_USER, NOT_KNOWN, 0 } },
                        .arrange = arrange_hidepid },
                { .name = "somebody, refused by systemd",
                        .flags = ROW_NOT_LOADED,
                        .changes = { SOMEBODY },
                        .arrange = arrange_hidepid },
                { .name = "somebody, not supervised",
                        .flags = ROW_UNSUPERVISED | ROW_DRAIN_GIVEN,
                        .changes = { SOMEBODY },
                        .arrange = arrange_hidepid },
                { .name = "settings unknown",
                        .flags = ROW_RUN_UNKNOWN,
                        .changes = { SOMEBODY },
                        .arrange = arrange_hidepid,
                        .finds = REMOUNT },
        };

        assert_rule_rows(state, rule_proc_hidepid, rows);
}

static void test_rule_private_pids_is_a_warning(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_PRIVATE_PIDS, "yes", 0 }),
                { .name = "yes",
                        .changes = { { VIEW_PRIVATE_PIDS, "yes", 0 } },
                        .finds = "warning PrivatePIDs: PrivatePIDs=no" },
                { .name = "yes, settings unknown",
                        .flags = ROW_RUN_UNKNOWN,
                        .changes = { { VIEW_PRIVATE_PIDS, "yes", 0 } },
                        .finds = "warning PrivatePIDs: PrivatePIDs=no" },
                { .name = "no", .changes = { { VIEW_PRIVATE_PIDS, "no", 0 } } },
                { .name = "not known",
                        .changes = { { VIEW_PRIVATE_PIDS, "yes", 0 },
                                { VIEW_PRIVATE_PIDS, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_private_pids, rows);
}

static void test_rule_private_users_is_a_hint(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_PRIVATE_USERS, "yes", 0 }),
                { .name = "yes",
                        .changes = { { VIEW_PRIVATE_USERS, "yes", 0 } },
                        .finds = "hint PrivateUsers: PrivateUsers=no" },
                { .name = "yes, somebody",
                        .changes = { { VIEW_PRIVATE_USERS, "yes", 0 }, SOMEBODY },
                        .finds = "hint PrivateUsers: PrivateUsers=no" },
                { .name = "yes, but for the supervisor",
                        .changes = { { VIEW_PRIVATE_USERS, "yes", 0 }, PREFIXED("+") } },
                { .name = "not known",
                        .changes = { { VIEW_PRIVATE_USERS, "yes", 0 },
                                { VIEW_PRIVATE_USERS, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_private_users, rows);
}

/* ---- The records ----------------------------------------------------------------------------- */

#define EVERY(time) \
        { VIEW_LOG_RATE_LIMIT_INTERVAL_USEC, time, 0 }
#define LINES(n) \
        { VIEW_LOG_RATE_LIMIT_BURST, n, 0 }
#define GRANTED "LogRateLimitIntervalSec=30s; LogRateLimitBurst=10000"

static void test_rule_log_rate_limit_below_journald_s_own_is_a_warning(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS(LINES("100")),
                { .name = "fewer lines",
                        .changes = { LINES("9999") },
                        .finds = "warning LogRateLimitBurst: " GRANTED,
                        .says = "9999 lines in 30s" },
                { .name = "one line",
                        .changes = { LINES("1") },
                        .finds = "warning LogRateLimitBurst: " GRANTED },
                { .name = "a longer time",
                        .changes = { EVERY("31s") },
                        .finds = "warning LogRateLimitIntervalSec: " GRANTED,
                        .says = "10000 lines in 31s" },
                { .name = "both",
                        .changes = { EVERY("1s"), LINES("333") },
                        .finds = "warning LogRateLimitBurst: " GRANTED,
                        .says = "333 lines in 1s" },
                { .name = "a time without end",
                        .changes = { EVERY("infinity"), LINES("4294967295") },
                        .finds = "warning LogRateLimitBurst: " GRANTED },
                { .name = "fewer lines and a zero",
                        .changes = { EVERY("0"), LINES("100") },
                        .finds = "warning LogRateLimitBurst: " GRANTED,
                        .says = "100 lines in 30s" },
                { .name = "to the console as well",
                        .changes = { LINES("100"), { VIEW_STANDARD_OUTPUT, "journal+console", 0 } },
                        .finds = "warning LogRateLimitBurst: " GRANTED },
                { .name = "the same rate", .changes = { EVERY("3s"), LINES("1000") } },
                { .name = "journald's own, said", .changes = { EVERY("30s"), LINES("10000") } },
                { .name = "more lines", .changes = { LINES("10001") } },
                { .name = "output elsewhere",
                        .changes = { LINES("100"), { VIEW_STANDARD_OUTPUT, "null", 0 } } },
                { .name = "output not known",
                        .changes = { LINES("100"), { VIEW_STANDARD_OUTPUT, NOT_KNOWN, 0 } } },
                { .name = "lines not known", .changes = { EVERY("1h"), LINES(NOT_KNOWN) } },
                { .name = "time not known", .changes = { EVERY(NOT_KNOWN), LINES("100") } },
                { .name = "a user's unit",
                        .flags = ROW_USER,
                        .changes = { LINES("100") },
                        .finds = "hint LogRateLimitBurst",
                        .says = "no effect" },
        };

        assert_rule_rows(state, rule_log_rate_limit, rows);
}

static void test_rule_log_rate_limit_of_zero_is_a_hint(void **state) {
        static const RuleRow rows[] = {
                { .name = "no time",
                        .changes = { EVERY("0") },
                        .finds = "hint LogRateLimitIntervalSec: " GRANTED,
                        .says = "LogRateLimitIntervalSec=0 does not" },
                { .name = "no lines",
                        .changes = { LINES("0") },
                        .finds = "hint LogRateLimitBurst: " GRANTED,
                        .says = "LogRateLimitBurst=0 does not" },
                { .name = "no lines, a shorter time",
                        .changes = { EVERY("1s"), LINES("0") },
                        .finds = "hint LogRateLimitBurst: " GRANTED },
                { .name = "no time, more lines",
                        .changes = { EVERY("0"), LINES("20000") },
                        .finds = "hint LogRateLimitIntervalSec: " GRANTED },
                { .name = "where it is said is not known",
                        .flags = ROW_ORIGINS_UNKNOWN,
                        .changes = { EVERY("0") } },
                { .name = "not supervised", .flags = ROW_UNSUPERVISED, .changes = { EVERY("0") } },
                { .name = "output elsewhere",
                        .changes = { EVERY("0"), { VIEW_STANDARD_OUTPUT, "null", 0 } } },
                { .name = "a user's unit",
                        .flags = ROW_USER,
                        .changes = { EVERY("0") },
                        .finds = "hint LogRateLimitIntervalSec",
                        .says = "no effect" },
        };

        assert_rule_rows(state, rule_log_rate_limit, rows);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                rule_test(test_rule_sender_realtime_that_cannot_be_is_a_hint),
                rule_test(test_rule_proc_hidden_by_the_unit_is_a_hint),
                rule_test(test_rule_proc_hidepid_of_the_machine_is_a_hint),
                rule_test(test_rule_private_pids_is_a_warning),
                rule_test(test_rule_private_users_is_a_hint),
                rule_test(test_rule_log_rate_limit_below_journald_s_own_is_a_warning),
                rule_test(test_rule_log_rate_limit_of_zero_is_a_hint),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
