# SPDX-License-Identifier: MIT
"""`gatewatch check` asks a real manager: units of all names and in all states, and what it says of them."""

import json
import pathlib
import unittest

from harness import GATEWATCH, SYSTEM, Unit, run
from lint import (LintScenario, ask, check, finding, ids, perfect_unit, plain_unit, section,
                  worst)

RULES = pathlib.Path("/srv/tests/rules")

# nginx.service of Debian 12, without its comments.
NGINX = """[Unit]
Description=A high performance web server and a reverse proxy server
Documentation=man:nginx(8)
After=network-online.target remote-fs.target nss-lookup.target
Wants=network-online.target

[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStartPre=/usr/sbin/nginx -t -q -g 'daemon on; master_process on;'
ExecStart=/usr/sbin/nginx -g 'daemon on; master_process on;'
ExecReload=/usr/sbin/nginx -g 'daemon on; master_process on;' -s reload
ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry QUIT/5 --pidfile /run/nginx.pid
TimeoutStopSec=5
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""


class Names(LintScenario):
    def test_names_of_every_kind_are_found(self):
        self.unit_file("gw@.service")
        for name in ("gw-a-b-c.service", "gw_a:1.2.service", r"gw\x2desc\xc3\xa9.service"):
            self.unit_file(name)
        names = ["gw-a-b-c.service", "gw@one.service", r"gw@a-b\x2dc.service", "gw_a:1.2.service",
                 r"gw\x2desc\xc3\xa9.service"]
        SYSTEM.systemctl("daemon-reload")
        found = check(*names, status=0)
        self.assertEqual(list(found), names)
        for name, entry in found.items():
            self.assertEqual((entry["load_state"], entry["supervised"], ids(entry)),
                             ("loaded", True, set()), name)

    def test_drop_ins_of_prefixes_and_templates_are_named(self):
        self.unit_file("gw-a-b.service")
        self.unit_file("gw@.service")
        folder = SYSTEM.unit_dir
        set_by = {
            ("gw-a-b.service", "kill-mode"): self.write(
                folder / "gw-a-.service.d/10-dash.conf", section("Service", {"KillMode": "process"})),
            ("gw@one.service", "send-sighup"): self.write(
                folder / "gw@.service.d/10-template.conf", section("Service", {"SendSIGHUP": "yes"})),
            ("gw@one.service", "final-kill-signal"): self.write(
                folder / "gw@one.service.d/10-one.conf", section("Service", {"FinalKillSignal": "TERM"})),
        }
        for path in set_by.values():
            self.addCleanup(path.parent.rmdir)
            self.addCleanup(path.unlink)
        SYSTEM.systemctl("daemon-reload")
        self.assert_finds("gw@two.service", "send-sighup")
        for (name, rule), path in set_by.items():
            found = finding(self.look(name), rule)
            self.assertEqual((found["origin"], found["file"]), ("drop-in", str(path)))

    def test_name_with_a_backslash_can_be_typed_as_it_is_told(self):
        name = self.loaded(r"gw\x2dmasked.service")
        SYSTEM.systemctl("mask", name)
        self.run_command(finding(self.assert_finds(name, "masked"), "masked"))
        self.assert_finds(name)

    def test_names_without_suffix_and_units_given_twice_are_one_each(self):
        for i in (1, 2):
            SYSTEM.systemctl("start", self.loaded(f"gw-twice-{i}.service", plain_unit()))
        found = check("gw-twice-2", "gw-twice-1.service", "gw-twice-2.service", "gw-twice-*")
        self.assertEqual(list(found), ["gw-twice-2.service", "gw-twice-1.service"])

    def test_alias_is_its_unit(self):
        self.unit_file("gw-real.service", perfect_unit(KillMode="none"))
        self.link("/etc/systemd/system/gw-alias.service", SYSTEM.unit_dir / "gw-real.service")
        SYSTEM.systemctl("daemon-reload")
        real = self.look("gw-real.service")
        alias, = check("gw-alias").values()
        self.assertEqual(alias | {"unit": ""}, real | {"unit": ""})
        self.assertEqual(finding(alias, "kill-mode")["file"], str(SYSTEM.unit_dir / "gw-real.service"))

    def test_glob_matches_what_is_loaded(self):
        for name in ("gw-glob-1.service", "gw-glob-2.service", "gw-other.service"):
            SYSTEM.systemctl("start", self.loaded(name, plain_unit()))
        self.loaded("gw-glob-3.service")
        self.assertEqual(list(check("gw-glob-*")), ["gw-glob-1.service", "gw-glob-2.service"])
        self.assertEqual(list(check("gw-[go]*-1*", "gw-oth??.service")),
                         ["gw-glob-1.service", "gw-other.service"])
        self.assertEqual(check("gw-no-such-*", status=0), {})

    def test_two_hundred_units_at_once_each_get_their_own_answer(self):
        kinds = [(perfect_unit(), set()), (perfect_unit(KillMode="process"), {"kill-mode"}),
                 (perfect_unit(TimeoutStopSec="10s"), {"timeout-too-short"}), (plain_unit(), set())]
        names = [f"gw-many-{i:03}.service" for i in range(200)]
        self.addCleanup(SYSTEM.systemctl, "daemon-reload")
        for i, name in enumerate(names):
            self.write(SYSTEM.unit_dir / name, kinds[i % len(kinds)][0])
        SYSTEM.systemctl("daemon-reload")
        found = check(*names, status=2)
        self.assertEqual(list(found), names)
        for i, name in enumerate(names):
            self.assertEqual(ids(found[name]), kinds[i % len(kinds)][1], name)
            self.assertEqual(found[name]["supervised"], i % len(kinds) != 3, name)


class Commands(LintScenario):
    def test_program_in_a_folder_with_spaces_is_gatewatch(self):
        folder = pathlib.Path("/opt/gw %n $HOME")
        folder.mkdir()
        self.addCleanup(folder.rmdir)
        self.link(folder / "gatewatch", GATEWATCH)
        name = self.loaded("gw-spaces.service", perfect_unit(
            ExecStart='"/opt/gw %%n $HOME/gatewatch" run --drain-timeout=5min --ready=exec -- '
                      '/bin/sleep infinity', ExecStopPost=None, TimeoutStopSec="330s"))
        entry = self.assert_finds(name, "post-missing")
        self.assertEqual(entry["drain_usec"], 300_000_000)
        ask("check", "--fix=write", name, status=0)
        self.assert_finds(name)
        SYSTEM.systemctl("start", name)
        post = SYSTEM.systemctl("show", "--property=ExecStopPost", name).stdout
        self.assertIn(f"path={folder}/gatewatch ", post)
        SYSTEM.systemctl("stop", name)
        self.assertEqual(SYSTEM.systemctl("show", "--property=Result", "--value", name).stdout, "success\n")

    def test_bytes_that_are_no_utf8_in_a_command_hide_no_other_unit(self):
        """systemd cannot put them into a message: it answers nothing about such a unit."""
        command = rf'{GATEWATCH} run --ready=exec -- /bin/sleep "\xff\xfe" infinity'
        names = [self.loaded("gw-good.service"),
                 self.loaded("gw-bytes.service", perfect_unit(ExecStart=command)),
                 self.loaded("gw-bad.service", perfect_unit(KillMode="none"))]
        done = ask("check", "--json=short", *names, status=69)
        self.assertRegex(done.stderr, r"\A[^\n]*gw-bytes.service[^\n]*\n\Z")
        self.assertEqual({entry["unit"]: ids(entry) for entry in json.loads(done.stdout)},
                         {"gw-good.service": set(), "gw-bad.service": {"kill-mode"}})
        self.assert_finds_in_file(names[1])

    def test_bytes_that_are_no_utf8_in_a_file_are_read_as_systemd_reads_them(self):
        """systemd 252 refuses the whole file, whatever they stand in."""
        for before, after in (b"X=", b"X=\xff"), (b"=mixed", b"=mixed\xff"), (b" infinity", b" infinity\xff"):
            text = perfect_unit(Environment="X=").encode().replace(before, after)
            name = self.loaded("gw-raw.service", text)
            with self.subTest(after):
                state = SYSTEM.systemctl("show", "--property=LoadState", "--value", name).stdout.strip()
                self.assertIn(state, ("loaded", "error", "bad-setting"))
                entry = self.look(name)
                self.assertEqual(entry["load_state"], state)
                self.assertEqual("not-loaded" in ids(entry), state != "loaded")
                if state != "loaded":
                    self.assert_finds_in_file(name, "not-loaded", "ignored-lines")

    def assert_finds_in_file(self, name, *rules):
        self.assertEqual(ids(check(SYSTEM.unit_dir / name)[name]), set(rules))


class States(LintScenario):
    def test_unit_that_does_not_exist_does_not_hide_the_others(self):
        names = [self.loaded("gw-bad.service", perfect_unit(KillMode="none")), "gw-no-such",
                 self.loaded("gw-good.service"), "gw-no-such@1"]
        done = ask("check", "--json=short", *names, status=69)
        found = {entry["unit"]: ids(entry) for entry in json.loads(done.stdout)}
        self.assertEqual(found, {"gw-bad.service": {"kill-mode"}, "gw-good.service": set()})
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("gw-no-such.service", lines[0])
        self.assertIn("gw-no-such@1.service", lines[1])

    def test_masked_unit_is_an_error(self):
        name = self.loaded("gw-masked.service", plain_unit(), "/usr/lib/systemd/system")
        SYSTEM.systemctl("mask", "--runtime", name)
        self.addCleanup(SYSTEM.systemctl, "unmask", "--runtime", name, check=False)
        entry = self.look(name, status=2)
        self.assertEqual((ids(entry), entry["load_state"]), ({"masked"}, "masked"))

    def test_unit_that_systemd_refuses_is_an_error(self):
        name = self.loaded("gw-refused.service", section("Service", {"Type": "simple"}))
        entry = self.look(name, status=2)
        self.assertEqual((ids(entry), entry["load_state"]), ({"not-loaded"}, "bad-setting"))
        self.assertIn("bad unit file setting", finding(entry, "not-loaded")["message"])

    def test_unit_that_failed_is_looked_at_like_any_other(self):
        name = self.loaded("gw-failed.service", perfect_unit(
            ExecStart=f"{GATEWATCH} run --ready=exec -- /bin/false", RestartPreventExitStatus="1 64 78",
            Restart="always", Type="exec", KillMode="process"))
        SYSTEM.systemctl("start", name, check=False)
        Unit("gw-failed").wait_ended()
        entry = self.assert_finds(name, "kill-mode", status=2)
        self.assertEqual(entry["active_state"], "failed")

    def test_running_gateways_are_found_without_being_named(self):
        SYSTEM.systemctl("start", self.loaded("gw-plain.service", plain_unit()))
        self.loaded("gw-not-loaded.service")
        unit = self.gateway()
        found = check(status=0)
        self.assertEqual(set(found), {unit.service})
        self.assertEqual(ids(found[unit.service]), set())
        self.assertEqual(found[unit.service]["active_state"], "active")

    def test_no_gateway_at_all_is_told(self):
        SYSTEM.systemctl("daemon-reload")
        self.assertEqual(check(status=0), {})
        self.assertRegex(ask("check", status=0).stderr, r"\A[^\n]*no loaded unit runs gatewatch[^\n]*\n\Z")

    def test_changed_file_counts_once_it_is_in_force(self):
        name = self.loaded("gw-changed.service", perfect_unit(KillMode="process"))
        SYSTEM.systemctl("start", name)
        path = self.unit_file(name, perfect_unit(TimeoutStopSec="10s"))
        entry = self.assert_finds(name, "kill-mode", "daemon-reload", "running-older")
        self.run_command(finding(entry, "daemon-reload"))
        self.assert_finds(name, "timeout-too-short", "running-older")
        path.touch()
        self.assert_finds(name, "timeout-too-short", "running-older", "daemon-reload")

    def test_new_drop_in_counts_once_it_is_in_force(self):
        name = "gw-changed.service"
        self.write(f"/etc/systemd/system/{name}.d/10-old.conf", section("Service", {"Environment": "A=1"}))
        SYSTEM.systemctl("start", self.loaded(name))
        path = self.write(f"/etc/systemd/system/{name}.d/20-new.conf",
                          section("Service", {"KillMode": "none"}))
        self.run_command(finding(self.assert_finds(name, "daemon-reload"), "daemon-reload"))
        entry = self.assert_finds(name, "kill-mode", "running-older")
        self.assertEqual(finding(entry, "kill-mode")["file"], str(path))

    def test_first_drop_in_counts_once_it_is_in_force(self):
        """systemd 252 does not notice files in a folder that it has not seen yet."""
        name = self.loaded("gw-changed.service", perfect_unit())
        SYSTEM.systemctl("start", name)
        self.assert_finds(name)
        self.write(f"/etc/systemd/system/{name}.d/10-new.conf", section("Service", {"KillMode": "none"}))
        self.run_command(finding(self.assert_finds(name, "daemon-reload"), "daemon-reload"))
        self.assert_finds(name, "kill-mode", "running-older")

    def test_unit_started_before_its_file_changed_is_told_until_it_is_restarted(self):
        unit = self.gateway()
        self.assert_finds(unit.service)
        path = SYSTEM.unit_dir / unit.service
        path.write_text(path.read_text() + "# changed\n")
        SYSTEM.systemctl("daemon-reload")
        entry = self.assert_finds(unit.service, "running-older", status=0)
        self.run_command(finding(entry, "running-older"))
        self.assert_finds(unit.service)

    def test_hidden_file_is_named(self):
        name = "gw-shadow.service"
        hidden = self.unit_file(name, perfect_unit(KillMode="none"), "/usr/lib/systemd/system")
        path = self.unit_file(name, perfect_unit(), "/etc/systemd/system")
        SYSTEM.systemctl("daemon-reload")
        message = finding(self.assert_finds(name, "shadowed", status=0), "shadowed")["message"]
        self.assertIn(str(path), message)
        self.assertIn(str(hidden).removeprefix("/usr"), message)
        # Of a unit that does not drain it is none of our business.
        self.loaded(name, plain_unit(), "/etc/systemd/system")
        self.assert_finds(name)


class Drains(LintScenario):
    def test_nginx_as_packaged_is_told_for_a_drain_only(self):
        name = self.loaded("gw-nginx.service", NGINX)
        self.assertIsNone(self.assert_finds(name, status=0)["drain_usec"])
        entry = self.assert_finds(name, "timeout-too-short", "oom-policy", options=["--drain-timeout=3min"],
                                  status=2)
        found = finding(entry, "timeout-too-short")
        self.assertEqual((found["severity"], found["value"], found["file"], found["mend"]),
                         ("error", "5s", str(SYSTEM.unit_dir / name),
                          [{"section": "Service", "setting": "TimeoutStopSec", "value": "3min 30s"}]))
        self.assertEqual((entry["supervised"], entry["drain_usec"], entry["headroom_usec"],
                          entry["required_usec"], entry["timeout_stop_usec"], entry["timeout_stop"]),
                         (False, 180_000_000, 30_000_000, 210_000_000, 5_000_000, "5s"))
        ask("check", "--drain-timeout=3min", "--fix=write", name, status=0)
        self.assert_finds(name, options=["--drain-timeout=3min"])
        self.assertEqual(SYSTEM.systemctl("show", "--property=TimeoutStopUSec", "--value", name).stdout,
                         "3min 30s\n")

    def test_headroom_of_units_without_gatewatch_is_the_callers(self):
        name = self.loaded("gw-plain.service", plain_unit(TimeoutStopSec="70s", OOMPolicy="continue",
                                                          KillMode="mixed"))
        self.assert_finds(name, options=["--drain-timeout=1min", "--headroom=10s"])
        self.assert_finds(name, "timeout-too-short", options=["--drain-timeout=1min", "--headroom=11s"])

    def test_settings_come_from_environment_files(self):
        path = self.write("/etc/gatewatch-test.env", "# comment\nGATEWATCH_DRAIN_TIMEOUT='4 min'\nWHAT=run\n",
                          mode=0o600)
        name = self.loaded("gw-environment.service", perfect_unit(
            EnvironmentFile=[path, "-/etc/gatewatch-no-such.env"],
            ExecStart=f"{GATEWATCH} $WHAT --ready=exec -- /bin/sleep infinity"))
        entry = self.assert_finds(name, "timeout-too-short")
        self.assertEqual((entry["supervised"], entry["drain_usec"], entry["unknown"]),
                         (True, 240_000_000, []))

    def test_environment_file_that_may_not_be_read_is_told_as_not_known(self):
        path = self.write("/etc/gatewatch-test.env", "GATEWATCH_DRAIN_TIMEOUT=4min\n", mode=0o600)
        name = self.loaded("gw-environment.service", perfect_unit(EnvironmentFile=path))
        entry = self.look(name, "--system", prefix=self.user("gwsomebody"))
        self.assertEqual((entry["supervised"], entry["drain_usec"], entry["required_usec"]),
                         (True, None, None))
        self.assertEqual(ids(entry), set())
        self.assertEqual([str(path) in text for text in entry["unknown"]], [True])
        shown = ask("check", "--system", name, prefix=self.user("gwsomebody"), status=0).stdout
        self.assertRegex(shown, rf"(?m)^not known: [^\n]*{path}")

    def test_environment_file_that_must_be_there_and_is_not(self):
        name = self.loaded("gw-environment.service", perfect_unit(EnvironmentFile="/etc/gatewatch-no-such"))
        self.assertEqual(["/etc/gatewatch-no-such" in text for text in self.look(name)["unknown"]], [True])

    def test_proc_that_hides_matters_to_units_of_other_users(self):
        names = [self.loaded("gw-of-nobody.service", perfect_unit(User="nobody")),
                 self.loaded("gw-of-root.service")]
        self.assertEqual([ids(entry) for entry in check(*names).values()], [set(), set()])
        self.addCleanup(run, "mount", "-o", "remount,hidepid=0", "/proc")
        run("mount", "-o", "remount,hidepid=2", "/proc")
        found = check(*names, status=0)
        self.assertEqual([ids(entry) for entry in found.values()], [{"proc-hidepid"}, set()])
        self.run_command(finding(found[names[0]], "proc-hidepid"))
        self.assertEqual([ids(entry) for entry in check(*names).values()], [set(), set()])


class Output(LintScenario):
    def bad(self):
        return self.loaded("gw-bad.service", perfect_unit(KillMode="none", SendSIGHUP="yes",
                                                          SendSIGKILL="no"))

    def test_json_is_the_same_short_and_pretty(self):
        names = [self.bad(), self.loaded("gw-good.service")]
        short, pretty = (ask("check", f"--json={mode}", *names, status=2) for mode in ("short", "pretty"))
        self.assertEqual(json.loads(short.stdout), json.loads(pretty.stdout))
        self.assertEqual((short.stderr, pretty.stderr), ("", ""))
        self.assertEqual(len(short.stdout.splitlines()), 1)
        self.assertGreater(len(pretty.stdout.splitlines()), 20)

    def test_json_says_all_that_is_promised(self):
        entry = self.look(self.bad())
        self.assertEqual(set(entry), {
            "unit", "manager", "load_state", "active_state", "supervised", "drain_usec", "headroom_usec",
            "required_usec", "timeout_stop_usec", "timeout_stop", "findings", "unknown"})
        for one in entry["findings"]:
            self.assertEqual(set(one), {"id", "severity", "property", "setting", "value", "origin", "file",
                                        "message", "mend", "command", "fixable"})
        self.assertEqual([(one["id"], one["severity"]) for one in entry["findings"]],
                         [("kill-mode", "error"), ("send-sigkill", "warning"), ("send-sighup", "hint")])
        found = finding(entry, "kill-mode")
        del found["message"]
        self.assertEqual(found, {
            "id": "kill-mode", "severity": "error", "property": "KillMode", "setting": "KillMode",
            "value": "none", "origin": "fragment", "file": str(SYSTEM.unit_dir / entry["unit"]),
            "mend": [{"section": "Service", "setting": "KillMode", "value": "mixed"}], "command": None,
            "fixable": True})

    def test_timeout_that_never_comes_is_a_word(self):
        entry = self.assert_finds(self.loaded("gw-endless.service", perfect_unit(TimeoutStopSec="infinity")))
        self.assertEqual((entry["timeout_stop_usec"], entry["timeout_stop"]), (None, "infinity"))

    def test_rules_that_are_ignored_have_no_say(self):
        name = self.bad()
        self.assert_finds(name, "send-sigkill", "send-sighup", options=["--ignore=kill-mode"], status=1)
        self.assert_finds(name, "send-sighup", options=["--ignore=kill-mode,send-sigkill"], status=0)
        self.assert_finds(name, "send-sighup", options=["--ignore=kill-mode", "--ignore=send-sigkill"])

    def test_every_rule_is_listed(self):
        lines = ask("check", "--list-rules", status=0).stdout.splitlines()
        listed = {line.split()[0]: line.split()[1] for line in lines}
        self.assertEqual(len(listed), len(lines))
        self.assertLessEqual({path.name for path in RULES.iterdir()}, set(listed))
        self.assertLessEqual(set(listed.values()), {"error", "warning", "hint"})
        ask("check", "--ignore=" + ",".join(listed), self.bad(), status=0)

    def test_quiet_shows_only_units_with_findings(self):
        names = [self.bad(), self.loaded("gw-good.service")]
        self.assertIn("gw-good.service", ask("check", *names, status=2).stdout)
        quiet = ask("check", "--quiet", *names, status=2).stdout
        self.assertNotIn("gw-good.service", quiet)
        self.assertIn("gw-bad.service", quiet)

    def test_table_names_finding_setting_and_file(self):
        name = self.bad()
        lines = [line.split() for line in ask("check", name, status=2).stdout.splitlines()]
        self.assertIn(["error", "kill-mode", "KillMode=none", str(SYSTEM.unit_dir / name)], lines)
        self.assertIn(["[Service]", "KillMode=mixed"], lines)

    def test_without_legend_there_is_neither_header_nor_summary(self):
        name = self.bad()
        shown = ask("check", name, status=2).stdout.splitlines()
        bare = ask("check", "--no-legend", "--no-pager", name, status=2).stdout.splitlines()
        self.assertLess(set(bare), set(shown))
        self.assertEqual([line.split()[0] for line in shown if line not in bare and line],
                         ["SEVERITY", "1", "gatewatch"])

    def test_exit_status_is_the_worst_of_all_units(self):
        bad, warned, good = (self.bad(), self.loaded("gw-warned.service", perfect_unit(SendSIGKILL="no")),
                             self.loaded("gw-good.service"))
        for names, status in (([bad, good], 2), ([good, warned], 1), ([warned, bad], 2), ([good], 0)):
            self.assertEqual(worst(check(*names, status=status)), status)


class Usage(LintScenario):
    def assert_refused(self, *arguments, names):
        with self.subTest(arguments=arguments):
            self.assert_one_line(ask("check", *arguments, status=64), *names)

    def test_what_cannot_be_used_is_named_in_one_line(self):
        for arguments, names in (
                (["--drain-timeout=soon"], ["--drain-timeout", "soon"]),
                (["--drain-timeout=infinity"], ["--drain-timeout", "infinity"]),
                (["--headroom=-1s"], ["--headroom", "-1s"]),
                (["--ignore=kill-mode,no-such-rule"], ["no-such-rule"]),
                (["--json=yaml"], ["--json", "yaml"]),
                (["--fix=all"], ["--fix", "all"]),
                (["--bogus"], ["--bogus"]),
                (["-x"], ["-x"]),
                (["--host"], ["--host"]),
                (["--user=1"], ["--user"]),
                (["--offline"], ["--offline"]),
                (["--dry-run"], ["--dry-run"]),
                (["--fix", "--json=short"], ["--fix", "--json"]),
                (["--host=a", "--machine=b"], ["--host", "--machine"]),
                (["--user", "--host=a"], ["--user", "--host"]),
                (["--fix=write", "--machine=b"], ["--fix", "b"]),
                (["gw@.service"], ["gw@.service"]),
                (["gw.socket"], ["gw.socket"]),
                (["gw a"], ["gw a"]),
                (["gw\na"], ["gw?a"]),
                ([""], ["''"])):
            self.assert_refused(*arguments, names=names)

    def test_good_names_beside_a_bad_one_are_not_looked_at(self):
        name = self.loaded("gw-good.service")
        self.assert_refused(name, "gw.socket", names=["gw.socket"])

    def test_file_that_does_not_exist_does_not_hide_the_others(self):
        path = self.unit_file("gw-file.service", perfect_unit(KillMode="none"))
        done = ask("check", "--json=short", "/run/gw-no-such.service", path, status=69)
        self.assertRegex(done.stderr, r"\A[^\n]*/run/gw-no-such.service[^\n]*\n\Z")
        self.assertEqual([entry["unit"] for entry in json.loads(done.stdout)], ["gw-file.service"])

    def test_name_of_a_file_cannot_speak_to_the_terminal(self):
        said = ask("check", "/run/gw\na\x1b[31m.service", status=69).stderr
        self.assertRegex(said, r"\A[^\x00-\x1f]+\n\Z")

    def test_text_of_units_cannot_speak_to_the_terminal(self):
        name = self.loaded("gw-terminal.service", perfect_unit(
            PIDFile=r"/run/\x1b]0;x\x07" + "\u009b31m.pid", Type="notify"))
        shown = ask("check", name).stdout
        self.assertEqual([c for c in shown if c != "\n" and (ord(c) < 32 or 0x7f <= ord(c) < 0xa0)], [])


if __name__ == "__main__":
    unittest.main()
