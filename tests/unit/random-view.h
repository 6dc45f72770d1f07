/* SPDX-License-Identifier: MIT */
#pragma once

/* Views of units that nobody would write, one a seed: each setting with one of the words that it takes,
 * known or not, from the fragment, a drop-in or nowhere. Include after cmocka.h. */

#include <stdlib.h>
#include <string.h>

#include "units/unit-view.h"

/* xorshift64*: the same row of numbers on every machine. */
typedef struct Random {
        uint64_t state;
} Random;

static void random_start(Random *random, uint64_t seed) {
        random->state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static uint64_t random_below(Random *random, uint64_t n) {
        random->state ^= random->state >> 12;
        random->state ^= random->state << 25;
        random->state ^= random->state >> 27;
        return (random->state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

static bool random_is_one_in(Random *random, uint64_t n) {
        return random_below(random, n) == 0;
}

#define RANDOM_WORDS_MAX 16

/* NULL ends them. */
static const char *const random_words_of_kind[_VIEW_KIND_MAX][RANDOM_WORDS_MAX] = {
        [VIEW_KIND_USEC] = { "0", "1us", "100ms", "1999ms", "2s", "10s", "30s", "60s", "90s",
                "100s", "2min", "10min", "1y", "infinity" },
        [VIEW_KIND_BOOL] = { "yes", "no" },
        [VIEW_KIND_UNSIGNED] = { "0", "1", "5", "100", "9999", "10000", "4294967295" },
        [VIEW_KIND_SIGNAL] = { "TERM", "INT", "QUIT", "HUP", "USR1", "ABRT", "KILL", "STOP",
                "RTMIN+3", "RTMAX" },
        [VIEW_KIND_STRINGS] = { "", "A=b", "a \"b c\"" },
        [VIEW_KIND_STATUS_SET] = { "", "0", "78", "64 78", "1 SIGUSR1", "SIGTERM", "255" },
        [VIEW_KIND_COMMANDS] = { "", "/bin/true", "-/usr/bin/gatewatch post",
                "/bin/kill -TERM $MAINPID", "/bin/sh -c 'kill -QUIT ${MAINPID}; sleep 1'",
                "/bin/true ; /bin/kill $MAINPID", "/usr/bin/env X=1 /opt/gatewatch post" },
};

static const char *const random_words_of_key[_VIEW_KEY_MAX][RANDOM_WORDS_MAX] = {
        [VIEW_TYPE] = { "simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload",
                "idle" },
        [VIEW_EXIT_TYPE] = { "main", "cgroup" },
        [VIEW_RESTART] = { "no", "on-success", "on-failure", "on-abnormal", "on-watchdog",
                "on-abort", "always" },
        [VIEW_NOTIFY_ACCESS] = { "none", "main", "exec", "all" },
        [VIEW_TIMEOUT_STOP_FAILURE_MODE] = { "terminate", "abort", "kill" },
        [VIEW_OOM_POLICY] = { "continue", "stop", "kill" },
        [VIEW_PID_FILE] = { "", "/run/gate.pid", "gate.pid" },
        [VIEW_BUS_NAME] = { "org.example.Gate" },
        [VIEW_KILL_MODE] = { "control-group", "mixed", "process", "none" },
        [VIEW_LIMIT_RTPRIO] = { "0", "1", "infinity" },
        [VIEW_CAPABILITY_BOUNDING_SET] = { "", "~", "CAP_SYS_NICE", "CAP_CHOWN", "~CAP_CHOWN" },
        [VIEW_AMBIENT_CAPABILITIES] = { "", "CAP_SYS_NICE CAP_SYS_PTRACE", "CAP_CHOWN",
                "~CAP_CHOWN" },
        [VIEW_PROTECT_PROC] = { "default", "noaccess", "invisible", "ptraceable" },
        [VIEW_PROC_SUBSET] = { "all", "pid" },
        [VIEW_USER] = { "", "root", "0", "gate" },
        [VIEW_STANDARD_OUTPUT] = { "journal", "journal+console", "null", "inherit",
                "append:/var/log/gate" },
        [VIEW_EXEC_START] = { "/usr/bin/gatewatch run -- /bin/sleep infinity",
                "/usr/bin/gatewatch run --ready=exec -- /bin/sleep infinity",
                "+/usr/bin/gatewatch run --sender-capture=plain -- /bin/sleep infinity",
                "!/opt/gatewatch run --drain-timeout=5min --name=\"a b\" -- /bin/gate",
                "@/usr/bin/gatewatch gate run --on-short-timeout=clamp -- /bin/gate",
                "/usr/bin/gatewatch run --on-short-timeout=refuse --state-dir=/var/x -- /bin/gate",
                "/usr/bin/gatewatch run --on-short-timeout=warn --drain-timeout=1 -- /bin/gate",
                "/usr/bin/gatewatch run --step-timeout=1min --watchdog=10s -- /bin/gate",
                "/usr/bin/gatewatch run --drain-timeout=fumble -- /bin/gate",
                "/usr/bin/gatewatch run --name=${HOME} -- /bin/gate",
                "/usr/bin/gatewatch run --drain-timeout=100y -- /bin/gate", "/bin/gate", "" },
        [VIEW_ENVIRONMENT_FILES] = { "", "-/nonexistent/gate.env" },
        [VIEW_STATUS_TEXT] = { "", "Draining: 3 active, 42s left (phase 1/4)" },
};

static const char *random_word(Random *random, ViewKey key) {
        const char *const *words = random_words_of_key[key][0]
                ? random_words_of_key[key]
                : random_words_of_kind[view_key_info(key)->kind];
        size_t n = 0;

        while (n < RANDOM_WORDS_MAX && words[n])
                n++;
        if (n == 0)
                fail_msg("no words for %s", view_key_info(key)->property);
        return words[random_below(random, n)];
}

static void random_assign(Random *random, UnitView *view, ViewKey key) {
        ViewOrigin origin =
                random_is_one_in(random, 3) ? VIEW_ORIGIN_DROP_IN : VIEW_ORIGIN_FRAGMENT;
        const char *word = random_word(random, key);

        if (unit_view_assign(view, key, word, origin,
                    origin == VIEW_ORIGIN_DROP_IN ? "/etc/gate.service.d/60-own.conf"
                                                  : "/etc/gate.service") != 0)
                fail_msg("%s=%s is not taken", view_key_info(key)->property, word);
}

static char *random_text(const char *text) {
        char *copy = strdup(text);

        assert_non_null(copy);
        return copy;
}

/* What lies around it. */
static void random_surround(Random *random, UnitView *view) {
        static const usec_t caps_usec[] = { 0, 1, 30 * USEC_PER_SEC, 120 * USEC_PER_SEC,
                USEC_INFINITY };
        static const char *const load_states[] = { "error", "bad-setting", "masked", "not-found" };

        view->is_offline = random_is_one_in(random, 2);
        view->has_files = !random_is_one_in(random, 5);
        view->is_proc_hidden = random_is_one_in(random, 4);
        view->cap_usec = caps_usec[random_below(random, ELEMENTSOF(caps_usec))];
        view->linger = (int) random_below(random, 3) - 1;
        view->files_changed_usec = random_below(random, 3) * 20 * USEC_PER_SEC;
        if (random_is_one_in(random, 2))
                view->linger_user = random_text(random_is_one_in(random, 4) ? "root" : "gate");
        if (random_is_one_in(random, 2))
                view->cap_unit = random_text("user@7.service");
        if (random_is_one_in(random, 5))
                assert_int_equal(strv_extend(&view->shadowed, "/usr/lib/gate.service"), 0);
        for (uint64_t n = random_is_one_in(random, 5) ? random_below(random, 3) : 0; n > 0; n--)
                assert_int_equal(
                        strv_extend(&view->ignored, "/etc/gate.service:7: x, ignoring."), 0);
        if (random_is_one_in(random, 10)) {
                free(view->load_state);
                view->load_state =
                        random_text(load_states[random_below(random, ELEMENTSOF(load_states))]);
                view->load_error = random_is_one_in(random, 2) ? random_text("so. ") : NULL;
        }
}

/* Some values are not known, or it is not known where they come from. */
static void random_forget(Random *random, UnitView *view) {
        const uint64_t rarity = random_is_one_in(random, 3) ? 3 : 100;

        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                if (random_is_one_in(random, rarity))
                        view->values[key].is_known = false;
                if (!view->has_files)
                        view->values[key].origin = VIEW_ORIGIN_UNKNOWN;
        }
}

/* A view of that seed. view: a zeroed one. */
static void random_view_fill(UnitView *view, uint64_t seed) {
        Random random;

        random_start(&random, seed);
        assert_int_equal(
                unit_view_init(view, "gate.service",
                        random_is_one_in(&random, 3) ? UNIT_MANAGER_USER : UNIT_MANAGER_SYSTEM),
                0);
        random_surround(&random, view);
        const uint64_t rarity = 1 + random_below(&random, 8);
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                if (key == VIEW_EXEC_START || random_is_one_in(&random, rarity))
                        random_assign(&random, view, key);
        if (random_is_one_in(&random, 10))
                random_assign(&random, view, VIEW_EXEC_START);
        assert_int_equal(unit_view_settle(view), 0);
        random_forget(&random, view);
}
