/* SPDX-License-Identifier: MIT */

/* Command lines that ask for our unit's end, and those that do not: each rule of the grammars has its
 * rows. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "requester-rows.h"

static void test_requester_verb_of_systemctl_that_ends_matches(void **state) {
        static const Row rows[] = {
                { "systemctl stop hermes", "stop" },
                { "systemctl condstop hermes", "stop" },
                { "systemctl restart hermes", "restart" },
                { "systemctl try-restart hermes", "try-restart" },
                { "systemctl condrestart hermes", "try-restart" },
                { "systemctl reload-or-restart hermes", "reload-or-restart" },
                { "systemctl try-reload-or-restart hermes", "try-reload-or-restart" },
                { "systemctl reload-or-try-restart hermes", "try-reload-or-restart" },
                { "systemctl force-reload hermes", "try-reload-or-restart" },
                { "systemctl kill hermes", "kill" },
                { "systemctl disable --now hermes", "stop" },
                { "systemctl mask hermes --now", "stop" },
                { "systemctl reenable --now hermes", "restart" },
                { "/usr/bin/systemctl stop hermes", "stop" },
                { "/bin/systemctl --no-block stop hermes", "stop" },
        };

        assert_rows(rows, 0, &system_unit);
        assert_rows(rows, 4711, &system_unit); /* polkit may let anybody */
}

static void test_requester_verb_of_systemctl_that_ends_nothing_does_not_match(void **state) {
        static const Row rows[] = {
                { "systemctl", NULL },
                { "systemctl hermes", NULL },
                { "systemctl stop", NULL },
                { "systemctl status hermes", NULL },
                { "systemctl show hermes", NULL },
                { "systemctl start hermes", NULL },
                { "systemctl reload hermes", NULL },
                { "systemctl is-active hermes", NULL },
                { "systemctl cat hermes", NULL },
                { "systemctl edit hermes", NULL },
                { "systemctl set-property hermes MemoryMax=1G", NULL },
                { "systemctl daemon-reload", NULL },
                { "systemctl disable hermes", NULL },
                { "systemctl mask hermes", NULL },
                { "systemctl enable --now hermes", NULL },
                { "systemctl start --job-mode=isolate hermes", NULL },
                { "systemctl list-jobs", NULL },
                { "systemctl status stop hermes", NULL },
                { "systemctl STOP hermes", NULL },
                { "systemctl stopx hermes", NULL },
                { "systemctl reload-or-restart --marked", NULL },
                { "systemctl suspend", NULL },
        };

        assert_rows(rows, 0, &system_unit);
}

static void test_requester_unit_is_compared_as_systemctl_takes_it(void **state) {
        static const Row rows[] = {
                { "systemctl stop hermes.service", "stop" },
                { "systemctl stop gateway", "stop" },
                { "systemctl stop gateway.service", "stop" },
                { "systemctl stop hermes-api@eu", "stop" },
                { "systemctl stop hermes-api@eu.service", "stop" },
                { "systemctl stop nginx hermes postgres", "stop" },
                { "systemctl stop /etc/systemd/system/hermes.service", "stop" },
                { "systemctl stop hermes*", "stop" },
                { "systemctl stop *", "stop" },
                { "systemctl stop **", "stop" },
                { "systemctl stop *.service", "stop" },
                { "systemctl stop herme?.service", "stop" },
                { "systemctl stop [gh]ermes.service", "stop" },
                { "systemctl stop [a-h]ermes.s*", "stop" },
                { "systemctl stop [!a-g]ermes.*", "stop" },
                { "systemctl stop [^x]*.service", "stop" },
                { "systemctl stop hermes-api@*", "stop" },
                { "systemctl stop *api@eu*", "stop" },
                { "systemctl stop *h*e*r*m*e*s*.*", "stop" },
                { "systemctl stop *mes.service", "stop" },
                { "systemctl stop herme", NULL },
                { "systemctl stop hermes2", NULL },
                { "systemctl stop hermes.", NULL },
                { "systemctl stop hermes.serv", NULL },
                { "systemctl stop hermes.service.service", NULL },
                { "systemctl stop hermes.socket", NULL },
                { "systemctl stop hermes.timer", NULL },
                { "systemctl stop hermes-api", NULL },
                { "systemctl stop hermes-api@", NULL },
                { "systemctl stop hermes-api@us", NULL },
                { "systemctl stop hermes-api@us.service", NULL },
                { "systemctl stop nginx postgres", NULL },
                { "systemctl stop HERMES", NULL },
                { "systemctl stop  ", NULL },
                { "systemctl stop /", NULL },
                { "systemctl stop /etc/systemd/system/hermes.service/", NULL },
                { "systemctl stop herme?", NULL }, /* no suffix is added to a glob */
                { "systemctl stop [x]ermes*", NULL },
                { "systemctl stop [!h]ermes.service", NULL },
                { "systemctl stop [i-z]ermes.service", NULL },
                { "systemctl stop [hermes.service", NULL }, /* an open bracket is one */
                { "systemctl stop *.socket", NULL },
                { "systemctl stop hermes?.service", NULL },
        };

        assert_rows(rows, 0, &system_unit);
}

static void test_requester_odd_names_are_compared_as_they_stand(void **state) {
        static const struct {
                const char *glob, *name;
                const char *verb;
        } rows[] = {
                { "a[]]b.service", "a]b.service", "stop" },
                { "a[!]]b.service", "a]b.service", NULL },
                { "a[!]]b.service", "axb.service", "stop" },
                { "a[x-]b.service", "a-b.service", "stop" },
                { "a[[]b.service", "a[b.service", "stop" },
                { "a\\[]?*.service", "a\\[]z.service", "stop" }, { "[[][[][[]*", "[[[", "stop" },
                { "hermes.v2", "hermes.v2.service", "stop" },
                { "hermes.socket", "hermes.socket.service", NULL }, /* it has a suffix */
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                RequesterTarget target = {
                        .manager = UNIT_MANAGER_SYSTEM,
                        .names = { rows[i].name },
                        .n_names = 1,
                };
                char line[128];
                (void) snprintf(line, sizeof(line), "systemctl stop %s", rows[i].glob);
                assert_row(&(Row){ line, rows[i].verb }, 0, &target);
        }
}

static void test_requester_options_of_systemctl_do_not_hide_the_verb(void **state) {
        static const Row rows[] = {
                { "systemctl -q stop hermes", "stop" },
                { "systemctl stop -q hermes --no-block", "stop" },
                { "systemctl stop hermes -q", "stop" },
                { "systemctl -t service stop hermes", "stop" },
                { "systemctl --type service stop hermes", "stop" },
                { "systemctl -p Id stop hermes", "stop" },
                { "systemctl -PId stop hermes", "stop" },
                { "systemctl -s TERM kill hermes", "kill" },
                { "systemctl --signal TERM kill hermes", "kill" },
                { "systemctl --signal=TERM --kill-whom main kill hermes", "kill" },
                { "systemctl -n 5 -o cat stop hermes", "stop" },
                { "systemctl -qn5 stop hermes", "stop" },
                { "systemctl -qt service stop hermes", "stop" },
                { "systemctl --job-mode fail stop hermes", "stop" },
                { "systemctl --job-mode=fail stop hermes", "stop" },
                { "systemctl --job fail stop hermes", "stop" }, /* abbreviated */
                { "systemctl --state running stop hermes", "stop" },
                { "systemctl --check-inhibitors no stop hermes", "stop" },
                { "systemctl --what all --message x --timestamp us stop hermes", "stop" },
                { "systemctl --system stop hermes", "stop" },
                { "systemctl stop -- hermes", "stop" },
                { "systemctl -- stop hermes", "stop" },
                { "systemctl --unheard-of stop hermes", "stop" },
                { "systemctl --unheard-of=5 -z stop hermes", "stop" },
                { "systemctl --wait restart hermes", "restart" },
                { "systemctl -t stop hermes", NULL },
                { "systemctl -qt stop hermes", NULL },
                { "systemctl --property stop hermes", NULL },
                { "systemctl stop -p hermes", NULL },
                { "systemctl stop --signal hermes", NULL },
                { "systemctl stop -- -H hermes", "stop" }, /* "-H" is a unit there */
                { "systemctl stop hermes -n", "stop" },
                { "systemctl --dry-run stop hermes", NULL },
                { "systemctl stop hermes --dry-run", NULL },
                { "systemctl stop hermes --help", NULL },
                { "systemctl stop hermes -h", NULL },
                { "systemctl stop hermes --version", NULL },
        };

        assert_rows(rows, 0, &system_unit);
}

static void test_requester_of_another_manager_does_not_match(void **state) {
        static const Row rows[] = {
                { "systemctl -H web1 stop hermes", NULL },
                { "systemctl -Hweb1 stop hermes", NULL },
                { "systemctl --host web1 stop hermes", NULL },
                { "systemctl --host=root@web1 stop hermes", NULL },
                { "systemctl stop hermes -H web1", NULL },
                { "systemctl -M box stop hermes", NULL },
                { "systemctl --machine=box stop hermes", NULL },
                { "systemctl --machine=anna@box stop hermes", NULL },
                { "systemctl --root=/mnt stop hermes", NULL },
                { "systemctl --root /mnt disable --now hermes", NULL },
                { "systemctl --image=disk.raw mask --now hermes", NULL },
                { "systemctl --global disable --now hermes", NULL },
                { "systemctl --user stop hermes", NULL },
                { "systemctl --user --machine=anna@ stop hermes", NULL },
                { "systemctl --user --system stop hermes", "stop" },
                { "systemctl -M .host stop hermes", "stop" },
                { "systemctl -M root@.host stop hermes", "stop" },
                { "systemctl -M anna@ stop hermes", "stop" },
                { "systemctl -H web1 poweroff", NULL },
                { "systemctl -M box poweroff", NULL },
                { "systemctl -C capsule stop hermes", NULL },
        };

        assert_rows(rows, OWNER_UID, &system_unit);
}

static void test_requester_of_a_user_manager_is_its_owner(void **state) {
        static const Row of_owner[] = {
                { "systemctl --user stop hermes", "stop" },
                { "systemctl stop hermes --user", "stop" },
                { "systemctl --user -M .host stop hermes", "stop" },
                { "systemctl --user -M @.host stop hermes", "stop" },
                { "systemctl --user isolate x.target", "isolate" },
                { "systemctl --user exit", "exit" },
                { "systemctl --user default", "default" },
                { "systemctl stop hermes", NULL },
                { "systemctl --user -M box stop hermes", NULL },
                { "systemctl --user --system stop hermes", NULL },
                { "systemctl --user -H web1 exit", NULL },
        }, of_any[] = {
                { "systemctl --user -M anna@ stop hermes", "stop" },
                { "systemctl --user -M anna@.host stop hermes", "stop" },
                { "systemctl --user -M 1000@ stop hermes", "stop" },
                { "systemctl --quiet --user --machine 1000@ stop hermes", "stop" },
                { "systemctl --user -M anna@.host exit", "exit" },
                { "systemctl --user -M ann@ stop hermes", NULL },
                { "systemctl --user -M annab@ stop hermes", NULL },
                { "systemctl --user -M 100@ stop hermes", NULL },
                { "systemctl --user -M 10001@ stop hermes", NULL },
                { "systemctl --user -M anna@box stop hermes", NULL },
                { "systemctl -M anna@ stop hermes", NULL },
                { "systemctl -M anna@box poweroff", NULL },
                /* what the manager itself is to the system */
                { "systemctl stop user@1000", "stop" },
                { "systemctl restart user@1000.service", "restart" },
                { "systemctl stop user@*.service", "stop" },
                { "systemctl stop user-1000.slice", "stop" },
                { "systemctl stop user@1001", NULL },
                { "systemctl --user stop user@1000", NULL },
                { "systemctl stop hermes", NULL },
                { "systemctl rescue", NULL },
                { "systemctl isolate multi-user.target", NULL },
                { "systemctl exit", "exit" },
                { "systemctl poweroff", "poweroff" },
                { "reboot", "reboot" },
        }, of_others[] = {
                { "systemctl --user stop hermes", NULL },
                { "systemctl --user exit", NULL },
                { "systemctl --user -M .host stop hermes", NULL },
                { "systemctl --user poweroff", NULL },
        };
        RequesterTarget nameless = user_unit;

        assert_rows(of_owner, OWNER_UID, &user_unit);
        assert_rows(of_any, OWNER_UID, &user_unit);
        assert_rows(of_any, 0, &user_unit);
        assert_rows(of_others, 0, &user_unit);
        assert_rows(of_others, 1001, &user_unit);

        nameless.owner_name = NULL;
        assert_null(ask("systemctl --user -M anna@ stop hermes", 0, &nameless));
        assert_non_null(ask("systemctl --user -M 1000@ stop hermes", 0, &nameless));
}

static void test_requester_of_all_units_matches(void **state) {
        static const Row rows[] = {
                { "systemctl poweroff", "poweroff" },
                { "systemctl reboot", "reboot" },
                { "systemctl reboot --firmware-setup", "reboot" },
                { "systemctl --message update reboot", "reboot" },
                { "systemctl -f halt", "halt" },
                { "systemctl kexec", "kexec" },
                { "systemctl soft-reboot", "soft-reboot" },
                { "systemctl exit", "exit" },
                { "systemctl exit 3", "exit" },
                { "systemctl default", "default" },
                { "systemctl rescue", "rescue" },
                { "systemctl emergency", "emergency" },
                { "systemctl isolate multi-user.target", "isolate" },
                { "systemctl isolate rescue", "isolate" },
                { "systemctl --dry-run reboot", NULL },
                { "systemctl --user exit", NULL },
                { "systemctl --user poweroff", NULL },
                { "systemctl isolate hermes", NULL }, /* the one that stays */
                { "poweroff", "poweroff" },
                { "/sbin/reboot", "reboot" },
                { "reboot bootloader", "reboot" },
                { "reboot -f", "reboot" },
                { "halt", "halt" },
                { "halt -p", "poweroff" },
                { "poweroff --reboot", "reboot" },
                { "reboot --halt", "halt" },
                { "reboot -w", NULL },
                { "reboot --wtmp-only", NULL },
                { "reboot --help", NULL },
                { "shutdown now", "poweroff" },
                { "shutdown -h now", "poweroff" },
                { "shutdown -r now", "reboot" },
                { "shutdown -H now bye", "halt" },
                { "shutdown -P +0", "poweroff" },
                { "shutdown --kexec now", "kexec" },
                { "shutdown", NULL },
                { "shutdown -r", NULL },
                { "shutdown -r +5", NULL },
                { "shutdown -r 23:00 now", NULL },
                { "shutdown -c", NULL },
                { "shutdown -c now", NULL },
                { "shutdown -k now", NULL },
                { "init 0", "poweroff" },
                { "telinit 6", "reboot" },
                { "init 1", "rescue" },
                { "init S", "rescue" },
                { "init 3", "isolate" },
                { "init", NULL },
                { "init u", NULL },
                { "init splash", NULL },
        };

        assert_rows(rows, 0, &system_unit);
}

static void test_requester_script_around_systemctl_matches(void **state) {
        static const Row rows[] = {
                { "/bin/sh /usr/sbin/service hermes stop", "stop" },
                { "/bin/sh -e /usr/sbin/service hermes restart", "restart" },
                { "service hermes stop", "stop" }, { "service hermes.service stop", "stop" },
                { "service hermes.sh stop", "stop" }, { "service gateway restart", "restart" },
                { "service hermes try-restart", "try-restart" },
                { "service hermes force-reload", "try-reload-or-restart" },
                { "service hermes force-stop", "kill" },
                { "service hermes --full-restart", "restart" },
                { "service --skip-redirect hermes stop", "stop" },
                { "service hermes status", NULL }, { "service hermes start", NULL },
                { "service hermes reload", NULL }, { "service hermes", NULL },
                { "service stop hermes", NULL }, { "service --status-all", NULL },
                { "service nginx stop", NULL }, { "service nginx stop hermes", NULL },
                { "service nginx --full-restart", NULL },
                { "/bin/sh /usr/sbin/invoke-rc.d hermes stop", "stop" },
                { "invoke-rc.d --quiet hermes restart", "restart" },
                { "invoke-rc.d --query hermes stop", NULL }, { "invoke-rc.d nginx stop", NULL },
                { "/usr/bin/perl /usr/bin/deb-systemd-invoke stop hermes.service", "stop" },
                { "/usr/bin/perl -w /usr/bin/deb-systemd-invoke restart a b hermes.service",
                        "restart" },
                { "deb-systemd-invoke stop nginx.service", NULL },
                { "deb-systemd-invoke start hermes.service", NULL },
                { "deb-systemd-invoke --user stop hermes.service", NULL },
                { "deb-systemd-invoke", NULL }, { "/bin/sh /etc/init.d/hermes stop", "stop" },
                { "/bin/sh -eu /etc/init.d/hermes.sh restart", "restart" },
                { "/bin/bash -p /etc/init.d/hermes stop", "stop" },
                { "/etc/init.d/hermes stop", "stop" },
                { "/bin/sh /etc/init.d/hermes status", NULL },
                { "/bin/sh /etc/init.d/hermes", NULL }, { "/bin/sh /etc/init.d/nginx stop", NULL },
                { "/bin/sh /opt/hermes stop", NULL },
                { "/bin/sh /usr/sbin/systemctl stop hermes", NULL }, /* no script */
        };

        assert_rows(rows, 0, &system_unit);
        assert_string_equal(
                ask("deb-systemd-invoke --user stop hermes.service", 0, &user_unit), "stop");
        assert_null(ask("deb-systemd-invoke stop hermes.service", 0, &user_unit));
        assert_null(ask("service hermes stop", OWNER_UID, &user_unit));
}

#define MANAGER \
        "org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager "
#define UNIT(path)                                                      \
        "org.freedesktop.systemd1 /org/freedesktop/systemd1/unit/" path \
        " org.freedesktop.systemd1.Unit "
#define LOGIN "org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager "

static void test_requester_call_by_busctl_matches(void **state) {
        static const Row rows[] = {
                { "busctl call " MANAGER "StopUnit ss hermes.service replace", "stop" },
                { "busctl call " MANAGER "RestartUnit ss hermes.service fail", "restart" },
                { "busctl call " MANAGER "TryRestartUnit ss hermes.service fail", "try-restart" },
                { "busctl call " MANAGER "ReloadOrRestartUnit ss hermes.service fail",
                        "reload-or-restart" },
                { "busctl call " MANAGER "ReloadOrTryRestartUnit ss hermes.service fail",
                        "try-reload-or-restart" },
                { "busctl call " MANAGER "KillUnit ssi hermes.service all 15", "kill" },
                { "busctl call " MANAGER "EnqueueUnitJob sss hermes.service restart fail",
                        "restart" },
                { "busctl call " MANAGER "PowerOff", "poweroff" },
                { "busctl call " MANAGER "Reboot", "reboot" },
                { "busctl call " MANAGER "Exit", "exit" },
                { "busctl call " LOGIN "Reboot b true", "reboot" },
                { "busctl call " LOGIN "PowerOffWithFlags t 0", "poweroff" },
                { "busctl call " UNIT("hermes_2eservice") "Stop s replace", "stop" },
                { "busctl call " UNIT("hermes_2dapi_40eu_2eservice") "Restart s fail", "restart" },
                { "busctl call " UNIT("hermes_2eservice") "EnqueueJob ss stop fail", "stop" },
                { "busctl --system -q --timeout 5 call " MANAGER
                  "StopUnit ss hermes.service replace",
                        "stop" },
                { "busctl --expect-reply=no call " MANAGER "StopUnit ss hermes.service replace",
                        "stop" },
                { "busctl call " MANAGER "StopUnit ss nginx.service replace", NULL },
                { "busctl call " MANAGER "StopUnit ss nginx.service hermes.service", NULL },
                { "busctl call " MANAGER "StopUnit", NULL },
                { "busctl call " MANAGER "StartUnit ss hermes.service replace", NULL },
                { "busctl call " MANAGER "ReloadUnit ss hermes.service replace", NULL },
                { "busctl call " MANAGER "EnqueueUnitJob sss hermes.service start fail", NULL },
                { "busctl call " MANAGER "EnqueueUnitJob s hermes.service", NULL },
                { "busctl call " UNIT("nginx_2eservice") "Stop s replace", NULL },
                { "busctl call " UNIT("hermes_2eservice") "Start s replace", NULL },
                { "busctl call " UNIT("hermes_2") "Stop s replace", NULL },
                { "busctl call " UNIT("") "Stop s hermes.service", NULL },
                { "busctl call org.freedesktop.systemd1 /x org.example.Manager StopUnit ss "
                  "hermes.service replace",
                        NULL },
                { "busctl call org.example /org/freedesktop/systemd1 "
                  "org.freedesktop.systemd1.Manager StopUnit ss hermes.service replace",
                        NULL },
                { "busctl introspect " MANAGER "StopUnit ss hermes.service replace", NULL },
                { "busctl --user call " MANAGER "StopUnit ss hermes.service replace", NULL },
                { "busctl -H web1 call " MANAGER "StopUnit ss hermes.service replace", NULL },
                { "busctl -M box call " MANAGER "PowerOff", NULL },
                { "busctl --address=unix:path=/x call " MANAGER "PowerOff", NULL },
                { "busctl monitor org.freedesktop.systemd1", NULL },
                { "busctl", NULL },
        };

        assert_rows(rows, 0, &system_unit);
        assert_string_equal(ask("busctl --user call " MANAGER "StopUnit ss hermes.service fail",
                                    OWNER_UID, &user_unit),
                "stop");
        assert_null(ask(
                "busctl --user call " MANAGER "StopUnit ss hermes.service fail", 1001, &user_unit));
        assert_null(ask(
                "busctl call " MANAGER "StopUnit ss hermes.service fail", OWNER_UID, &user_unit));
}

#define GDBUS_TO  "--dest org.freedesktop.systemd1 --object-path /org/freedesktop/systemd1 "
#define GDBUS     "gdbus call --system " GDBUS_TO "--method org.freedesktop.systemd1.Manager."
#define SEND      "dbus-send --system --dest=org.freedesktop.systemd1 "
#define SEND_PATH "/org/freedesktop/systemd1 org.freedesktop.systemd1.Manager."

static void test_requester_call_by_gdbus_or_dbus_send_matches(void **state) {
        static const Row rows[] = {
                { GDBUS "StopUnit hermes.service replace", "stop" },
                { GDBUS "RestartUnit 'hermes.service' 'replace'", "restart" },
                { GDBUS "StopUnit \"hermes.service\" replace", "stop" },
                { GDBUS "Reboot", "reboot" },
                { "gdbus call -y -d org.freedesktop.systemd1 -o /org/freedesktop/systemd1 -m "
                  "org.freedesktop.systemd1.Manager.StopUnit hermes.service replace",
                        "stop" },
                { "gdbus call --system --dest=org.freedesktop.systemd1 "
                  "--object-path=/org/freedesktop/systemd1/unit/hermes_2eservice "
                  "--method=org.freedesktop.systemd1.Unit.Stop replace",
                        "stop" },
                { GDBUS "StopUnit nginx.service replace", NULL },
                { GDBUS "StopUnit 'hermes.service", NULL },
                { GDBUS "StartUnit hermes.service replace", NULL },
                { "gdbus call --session " GDBUS_TO
                  "--method org.freedesktop.systemd1.Manager.StopUnit hermes.service replace",
                        NULL },
                { "gdbus monitor --system --dest org.freedesktop.systemd1", NULL },
                { SEND "--print-reply " SEND_PATH "StopUnit string:hermes.service string:replace",
                        "stop" },
                { SEND "--type=method_call " SEND_PATH
                       "RestartUnit string:hermes.service string:replace",
                        "restart" },
                { SEND "--print-reply=literal --reply-timeout=100 " SEND_PATH "PowerOff",
                        "poweroff" },
                { SEND "--print-reply /org/freedesktop/systemd1/unit/hermes_2eservice "
                       "org.freedesktop.systemd1.Unit.Stop string:replace",
                        "stop" },
                { SEND SEND_PATH "StopUnit string:hermes.service string:replace", NULL },
                { SEND "--type=signal " SEND_PATH "StopUnit string:hermes.service", NULL },
                { SEND "--print-reply " SEND_PATH "StopUnit string:nginx.service", NULL },
                { "dbus-send --print-reply --dest=org.freedesktop.systemd1 " SEND_PATH
                  "StopUnit string:hermes.service string:replace",
                        NULL }, /* the session's bus */
                { "dbus-send --bus=unix:path=/x --print-reply --dest=org.freedesktop.systemd1 " SEND_PATH
                  "StopUnit string:hermes.service string:replace",
                        NULL },
        };

        assert_rows(rows, OWNER_UID, &system_unit);
        assert_string_equal(ask("gdbus call -e " GDBUS_TO
                                "-m org.freedesktop.systemd1.Manager.StopUnit hermes.service fail",
                                    OWNER_UID, &user_unit),
                "stop");
        assert_string_equal(ask("dbus-send --print-reply --dest=org.freedesktop.systemd1 " SEND_PATH
                                "StopUnit string:hermes.service string:replace",
                                    OWNER_UID, &user_unit),
                "stop");
}

static void test_requester_that_only_mentions_it_does_not_match(void **state) {
        static const Row rows[] = {
                { "sudo systemctl stop hermes", NULL },
                { "sudo -u root /usr/bin/systemctl stop hermes", NULL },
                { "pkexec systemctl stop hermes", NULL },
                { "doas systemctl stop hermes", NULL },
                { "runuser -u anna systemctl stop hermes", NULL },
                { "env systemctl stop hermes", NULL },
                { "timeout 5 systemctl stop hermes", NULL },
                { "sh -c systemctl stop hermes", NULL },
                { "sh -ec systemctl stop hermes", NULL },
                { "bash -lc service hermes stop", NULL },
                { "bash deploy.sh systemctl stop hermes", NULL },
                { "perl -e service hermes stop", NULL },
                { "script -c systemctl stop hermes", NULL },
                { "ssh web1 systemctl stop hermes", NULL },
                { "watch systemctl stop hermes", NULL },
                { "vim /etc/init.d/hermes stop", NULL },
                { "less systemctl stop hermes", NULL },
                { "journalctl -u hermes stop", NULL },
                { "tail -f systemctl stop hermes", NULL },
                { "grep systemctl stop hermes", NULL },
                { "python3 /usr/bin/systemctl stop hermes", NULL },
                { "systemctl-wrapper stop hermes", NULL },
                { "gatewatch run -- systemctl stop hermes", NULL },
                { "hermes stop", NULL },
                { "sh", NULL },
                { "sh -e", NULL },
                { "-bash", NULL },
                { "", NULL },
        };

        assert_rows(rows, 0, &system_unit);
}

static void test_requester_without_argv_manager_or_names_does_not_match(void **state) {
        const char *const empty[] = { NULL };
        RequesterTarget target = system_unit;
        char verb[REQUESTER_VERB_MAX];

        assert_false(requester_matches(empty, 0, &system_unit, verb));
        target.n_names = 0;
        assert_null(ask("systemctl stop hermes", 0, &target));
        assert_null(ask("systemctl stop *", 0, &target));
        assert_non_null(ask("poweroff", 0, &target));
        target.manager = UNIT_MANAGER_NONE;
        assert_null(ask("poweroff", 0, &target));
}

static void test_requester_hostile_words_are_survived(void **state) {
        static char line[8192];
        size_t length = (size_t) snprintf(line, sizeof(line), "systemctl stop ");

        /* Exponential for a matcher that tries every asterisk again. */
        for (size_t i = 0; i < 120; i++)
                length += (size_t) snprintf(line + length, sizeof(line) - length, "*e");
        (void) snprintf(line + length, sizeof(line) - length, "x");
        RequesterTarget target = system_unit;
        char name[UNIT_NAME_MAX];
        memset(name, 'e', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        target.names[0] = name;
        assert_null(ask(line, 0, &target));

        /* Longer than any unit. */
        memset(line, 'h', sizeof(line) - 1);
        memcpy(line, "systemctl stop ", strlen("systemctl stop "));
        line[sizeof(line) - 1] = '\0';
        assert_null(ask(line, 0, &system_unit));
        memset(line + 15, '*', 300);
        assert_null(ask(line, 0, &system_unit));
        memcpy(line, "service        ", strlen("service        "));
        assert_null(ask(line, 0, &system_unit));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_requester_verb_of_systemctl_that_ends_matches),
                cmocka_unit_test(test_requester_verb_of_systemctl_that_ends_nothing_does_not_match),
                cmocka_unit_test(test_requester_unit_is_compared_as_systemctl_takes_it),
                cmocka_unit_test(test_requester_odd_names_are_compared_as_they_stand),
                cmocka_unit_test(test_requester_options_of_systemctl_do_not_hide_the_verb),
                cmocka_unit_test(test_requester_of_another_manager_does_not_match),
                cmocka_unit_test(test_requester_of_a_user_manager_is_its_owner),
                cmocka_unit_test(test_requester_of_all_units_matches),
                cmocka_unit_test(test_requester_script_around_systemctl_matches),
                cmocka_unit_test(test_requester_call_by_busctl_matches),
                cmocka_unit_test(test_requester_call_by_gdbus_or_dbus_send_matches),
                cmocka_unit_test(test_requester_that_only_mentions_it_does_not_match),
                cmocka_unit_test(test_requester_without_argv_manager_or_names_does_not_match),
                cmocka_unit_test(test_requester_hostile_words_are_survived),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
