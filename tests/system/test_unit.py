# SPDX-License-Identifier: MIT
"""`gatewatch unit`: what it prints is installed as it is, passes systemd's own verifier and `gatewatch
check`, and runs: the gateway is called as it was before, or as it was given, and its stop ends clean."""

import os
import pathlib
import unittest

from harness import GATEWATCH, GATEWAY, RUN_DIR, SYSTEM, Unit, run
from lint import (DROP_IN, LintScenario, MARK, UserLintScenario, ask, check, ids, plain_unit, section)

PYTHON = "/usr/bin/python3"
# What means something to a shell, to systemd's parser, to its specifiers or to its variables.
ODD_WORDS = ("a b", " ", "", "%n %% 100%", "$HOME", "${HOME} $$ $", '"double" \'single\' "',
             "back\\slash \\x41 \\", ";", "#", "|", "tab\tand\nline", "@x", "+-:!", "é ☃", "~", "*", "a=b c")


class UnitScenario(LintScenario):
    options = ()
    prefix = ()
    # As the first lines of what is printed call it.
    told_dir = "/etc/systemd/system"

    def scripted(self, name=None, service=None):
        """A unit that something else will write."""
        name = name or self.unit_name()
        # Its path stands in command lines, where a backslash means something.
        log_path = RUN_DIR / (name.replace("\\", "_") + ".log")
        unit = Unit(name, self.manager, service=service, log_path=log_path)
        unit.is_scripted = True
        self.units.append(unit)
        return unit

    def command(self, unit, *more):
        return [PYTHON, GATEWAY, "--log", str(unit.log_path), "--notify", *more]

    def ask_unit(self, *arguments, **settings):
        """What `gatewatch unit` prints. It must be content with its arguments."""
        done = ask("unit", *self.options, *arguments, prefix=self.prefix, status=0, **settings)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def install(self, path, text, service):
        """Where the first lines say."""
        self.addCleanup(self.forget, service)
        self.write(path, text)
        self.manager.hold(service)
        self.manager.reload()

    def assert_verified(self, what):
        """systemd has nothing to say about it. what: a unit's name, or its path."""
        manager = "--user" if self.manager is not SYSTEM else "--system"
        done = run(*self.prefix, "systemd-analyze", "verify", manager, "--", what, check=False)
        name = pathlib.Path(what).name
        self.assertEqual([line for line in done.stderr.splitlines() if name in line or DROP_IN in line], [])
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_nothing_found(self, what):
        """what: a unit's name, or its path; of files some things cannot be known."""
        entry, = check(*self.options, "--", what, prefix=self.prefix, status=0).values()
        self.assertEqual((entry["findings"], entry["supervised"]), ([], True))
        if not isinstance(what, pathlib.Path):
            self.assertEqual(entry["unknown"], [])

    def called(self, unit):
        """The command line of the gateway that runs, in bytes, argv[0] and all."""
        pid = unit.seen("start")[-1]["pid"]
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]

    def assert_stops_clean(self, unit, signals=("SIGTERM",)):
        pid = unit.seen("start")[-1]["pid"]
        unit.stop()
        self.assertEqual(unit.signals_seen(pid), list(signals))
        return self.assert_clean(unit)


class WholeScenario(UnitScenario):
    def install_unit(self, unit, *arguments, **settings):
        text = self.ask_unit(f"--name={unit.name}", "--drain-timeout=2s", *arguments, **settings)
        path = self.admin_dir / unit.service
        self.assertIn(f"# {self.told_dir}/{unit.service}, then:\n", text)
        self.install(path, text, unit.service)
        return path

    def run_words(self, unit, words):
        """The gateway is started with the words, and stopped."""
        unit.start()
        self.assertEqual(self.called(unit), [os.fsencode(word) for word in words])
        self.assertEqual(unit.seen("start")[-1]["argv"], list(words[2:]))
        return self.assert_stops_clean(unit)

    def assert_odd_words_reach_the_gateway(self):
        unit = self.scripted()
        words = self.command(unit, *(part for word in ODD_WORDS for part in ("--read-at-stop", word)))
        path = self.install_unit(unit, "--", *words)
        self.assert_verified(path)
        self.assert_verified(unit.service)
        self.assert_nothing_found(path)
        self.assert_nothing_found(unit.service)
        self.run_words(unit, words)


class Whole(WholeScenario):
    def test_words_of_every_kind_reach_the_gateway_as_they_are(self):
        self.assert_odd_words_reach_the_gateway()

    def test_bytes_that_are_no_utf8_reach_the_gateway_as_they_are(self):
        unit = self.scripted()
        words = self.command(unit, os.fsdecode(b"--read-at-stop=\xff\xfe\x80 %n"))
        path = self.install_unit(unit, "--", *words)
        path.read_text(encoding="ascii")
        self.assert_verified(path)
        self.assert_nothing_found(path)
        # Of the loaded one systemd cannot tell anything, and neither can the harness.
        self.units.remove(unit)
        unit.start()
        self.assertEqual(self.called(unit), [os.fsencode(word) for word in words])
        unit.stop()
        self.assert_stopped(unit, outcome="clean", exit_status="0")

    def test_program_of_an_odd_name_is_run(self):
        unit = self.scripted()
        folder = pathlib.Path("/usr/local/lib/gatewatch-test/100% $HOME")
        program = self.write(folder / "my 'gate' way\\.py", pathlib.Path(GATEWAY).read_bytes(), mode=0o755)
        self.addCleanup(folder.rmdir)
        self.addCleanup(program.unlink, missing_ok=True)
        # Its modules are where it was written for.
        for module in pathlib.Path(GATEWAY).parent.glob("gateway_*.py"):
            (folder / module.name).symlink_to(module)
            self.addCleanup((folder / module.name).unlink)
        path = self.install_unit(unit, "--", str(program), "--log", str(unit.log_path))
        self.assert_verified(path)
        self.assert_nothing_found(unit.service)
        unit.start()
        self.assertEqual(self.called(unit)[1:], [os.fsencode(program), b"--log", os.fsencode(unit.log_path)])
        self.assert_stops_clean(unit)

    def test_options_of_run_reach_it(self):
        unit = self.scripted()
        self.install_unit(unit, "--ready=notify", "--argv0=my %n $gate", "--description=100% of $it; \\",
                          "--stop-schedule=drain:INT@main,kill:KILL@all/1s", "--",
                          *self.command(unit))
        self.assert_verified(unit.service)
        self.assert_nothing_found(unit.service)
        self.assertEqual(unit.show("Description"), "100% of $it;")
        unit.start()
        self.assertEqual(self.called(unit)[0], b"my %n $gate")
        self.assertEqual(unit.seen("ready")[0]["event"], "ready")
        self.assert_stops_clean(unit, signals=["SIGINT"])

    def test_killed_supervisor_of_a_printed_unit_is_recorded(self):
        unit = self.scripted()
        unit.stopped_records = None
        self.install_unit(unit, "--", *self.command(unit))
        unit.start()
        unit.systemctl("kill", "--kill-whom=main", "--signal=KILL")
        record = unit.wait_record("stopped")
        self.assertEqual(record["RECORDED_BY"], "post")
        unit.wait_seen("start", count=2)
        self.assert_nothing_found(unit.service)
        unit.stop()

    def test_unit_of_an_odd_name_is_installed_by_it(self):
        unit = self.scripted(r"gw\x2dodd\x20one")
        text = self.ask_unit(r"--name=gw\x2dodd one", "--drain-timeout=2s", "--", *self.command(unit))
        path = "/etc/systemd/system/gw\\x2dodd\\x20one.service"
        self.assertIn(f"# {path}, then:\n", text)
        self.install(path, text, unit.service)
        self.assert_nothing_found(unit.service)
        unit.systemctl("start")
        unit.wait_seen("start")
        unit.stop()
        self.units.remove(unit)
        unit.remove()

    def test_what_is_wrong_is_said_in_one_line(self):
        for arguments, status, names in (
                ([], 64, ["COMMAND"]),
                (["--bogus", "--", "sleep"], 64, ["--bogus"]),
                (["--drain-timeout=soon", "--", "sleep"], 64, ["--drain-timeout", "soon"]),
                (["--config=/nowhere", "--", "sleep"], 64, ["/nowhere"]),
                (["--name=" + 300 * "a", "--", "sleep"], 64, ["--name"]),
                (["--drain-timeout=2min", "--stop-schedule=TERM/60/KILL/5", "--", "sleep"], 78,
                 ["--drain-timeout"])):
            with self.subTest(arguments=arguments):
                self.assert_one_line(ask("unit", *arguments, status=status), *names)


class UserWhole(UserLintScenario, WholeScenario):
    USER = "unituser"
    options = ("--user",)
    told_dir = "~/.config/systemd/user"

    def test_words_of_every_kind_reach_the_gateway_of_a_user(self):
        self.assert_odd_words_reach_the_gateway()


class DropInScenario(UnitScenario):
    def put_under_gatewatch(self, unit, *arguments):
        """Saves the drop-in where it says, and has systemd read it. Returns its text."""
        text = self.ask_unit(f"--drop-in={unit.service}", "--drain-timeout=2s", *arguments)
        path = self.admin_dir / f"{unit.service}.d" / DROP_IN
        self.assertTrue(text.startswith(MARK))
        self.assertIn(f"# {self.told_dir}/{unit.service}.d/{DROP_IN}, then:\n", text)
        self.install(path, text, unit.service)
        return text

    def plain_run(self, unit):
        """Without gatewatch. Returns the gateway's start, and how it was called."""
        unit.start()
        start, called = unit.seen("start")[-1], self.called(unit)
        unit.systemctl("stop")
        return start, called

    def assert_runs_alike(self, unit, text, *arguments, signals=("SIGTERM",)):
        """The unit of this text is run without gatewatch and with it. Returns the drop-in and both starts."""
        self.loaded(unit.service, text)
        before, called = self.plain_run(unit)
        drop_in = self.put_under_gatewatch(unit, *arguments)
        self.assert_verified(unit.service)
        self.assert_nothing_found(unit.service)
        unit.start()
        after = unit.seen("start")[-1]
        self.assertEqual(self.called(unit), called)
        self.assertEqual((after["argv"], after["uid"]), (before["argv"], before["uid"]))
        self.assertIn("gatewatch", after["cmdline_ppid"])
        self.assert_stops_clean(unit, signals)
        return drop_in, before, after

    def line(self, unit, *more):
        """The gateway's command, to be continued in the words of a unit file."""
        return " ".join([*self.command(unit), *more])


class DropIns(DropInScenario):
    def test_plain_command_is_run_alike(self):
        unit = self.scripted()
        drop_in, _, _ = self.assert_runs_alike(unit, plain_unit(ExecStart=self.line(unit)))
        self.assertEqual(drop_in.count("\nExecStart="), 2)

    def test_argv0_is_the_same(self):
        unit = self.scripted()
        self.assert_runs_alike(unit, plain_unit(
            ExecStart=f'@{PYTHON} "my gate: %n" {self.line(unit).removeprefix(PYTHON)}'))
        self.assertEqual(unit.records("started")[0]["NAME"], unit.name)

    def test_failure_that_does_not_count_does_not_count(self):
        unit = self.scripted()
        self.loaded(unit.service, plain_unit(ExecStart="-" + self.line(unit, "--exit-code", "3")))
        self.put_under_gatewatch(unit)
        self.assert_nothing_found(unit.service)
        unit.start()
        unit.stop()
        self.assert_stopped(unit, exit_code="exited", exit_status="3")
        self.assert_unit(unit, Result="success", ExecMainStatus="3")

    def test_variables_that_are_none_stay_as_they_are(self):
        unit = self.scripted()
        _, start, _ = self.assert_runs_alike(unit, plain_unit(
            Environment="X=1", ExecStart=":" + self.line(unit, "--read-at-stop", "$X", "--read-at-stop",
                                                         "a${X}$$")))
        self.assertEqual(start["argv"][-3:], ["$X", "--read-at-stop", "a${X}$$"])

    def test_privileges_are_the_same(self):
        for i, (prefix, is_root) in enumerate((("+", True), ("!", True), ("!!", False), ("", False),
                                               ("@-:+", True))):
            with self.subTest(prefix):
                unit = self.scripted(self.unit_name(f"-{i}"))
                words = self.line(unit)
                if "@" in prefix:
                    words = f"{PYTHON} renamed {words.removeprefix(PYTHON)}"
                text = plain_unit(User="daemon", ExecStart=prefix + words)
                _, start, _ = self.assert_runs_alike(unit, text)
                self.assertEqual(start["uid"] == 0, is_root)

    def test_quotes_specifiers_and_variables_mean_the_same(self):
        instance = r"a\x2db"
        unit = self.scripted(self.unit_name() + f"@{instance}")
        expected = {
            "'single ${Y} $Y %%'": "single one $Y %",
            r'"double \"x\" \x41\t%i %I"': f'double "x" A\t{instance} a-b',
            "%p-%n-%N": f"{self.unit_name()}-{unit.service}-{unit.name}",
            '"${X}"': "two words",
            "${Z}b": "'a b' cb",
            "$Y": "one",
            "$$Y": "$Y",
            r"un\x20quoted": "un quoted",
            r"\;": ";",
        }
        words = [part for word in expected for part in ("--read-at-stop", word)]
        self.unit_file(unit.service.replace(f"@{instance}", "@"), plain_unit(
            Environment=['"X=two words"', "Y=one", "\"Z='a b' c\"", "'W=--sessions 7'"],
            ExecStart=self.line(unit, *words, "$W", "$NOT_SET", "--read-at-stop=100%%")))
        self.manager.systemctl("daemon-reload")
        start, called = self.plain_run(unit)
        self.assertEqual(start["argv"][3:],
                         [part for word in expected.values() for part in ("--read-at-stop", word)]
                         + ["--sessions", "7", "--read-at-stop=100%"])
        text = self.put_under_gatewatch(unit)
        self.assertIn("%p-%n-%N", text)
        self.assert_nothing_found(unit.service)
        unit.start()
        self.assertEqual(self.called(unit), called)
        self.assert_stops_clean(unit)

    def test_line_that_goes_on_in_the_next_is_one(self):
        unit = self.scripted()
        line = self.line(unit).replace(" --log", " \\\n# a comment\n; another\n    --log \\\n")
        self.assert_runs_alike(unit, plain_unit(ExecStart=line))

    def test_command_of_an_earlier_drop_in_counts(self):
        unit = self.scripted()
        self.write(f"/etc/systemd/system/{unit.service}.d/10-other.conf", section("Service", {
            "ExecStart": ["", self.line(unit, "--sessions", "5")]}))
        _, start, _ = self.assert_runs_alike(unit, plain_unit(ExecStart=self.line(unit)))
        self.assertEqual(start["argv"][-2:], ["--sessions", "5"])

    def test_command_of_a_later_drop_in_is_told_where_to_go_behind(self):
        unit = self.scripted()
        late = self.write(f"/etc/systemd/system/{unit.service}.d/override.conf", section("Service", {
            "ExecStart": ["", self.line(unit, "--sessions", "5")]}))
        self.loaded(unit.service, plain_unit(ExecStart=self.line(unit)))
        text = self.ask_unit(f"--drop-in={unit.service}", "--drain-timeout=2s")
        path = late.parent / "zz-gatewatch.conf"
        self.assertIn(f"# {path}\n", text)
        self.install(path, text, unit.service)
        self.assert_nothing_found(unit.service)
        unit.start()
        self.assertEqual(unit.seen("start")[-1]["argv"][-2:], ["--sessions", "5"])
        self.assert_stops_clean(unit)

    def test_stop_command_is_taken_away_and_named(self):
        unit = self.scripted()
        drop_in, _, _ = self.assert_runs_alike(unit, plain_unit(
            ExecStart=self.line(unit), ExecStop="/bin/kill -s INT $MAINPID"))
        self.assertIn("/bin/kill -s INT $MAINPID", " ".join(drop_in.replace("\n# ", " ").split()))
        self.assertIn("\nExecStop=\n", drop_in)

    def test_pid_file_is_taken_away(self):
        unit = self.scripted()
        drop_in, _, _ = self.assert_runs_alike(unit, plain_unit(
            ExecStart=self.line(unit), PIDFile="/run/%n.pid"))
        self.assertIn("\nPIDFile=\n", drop_in)
        self.assertEqual(unit.show("PIDFile"), "")

    def test_stop_signal_of_the_unit_is_the_gateways_first(self):
        unit = self.scripted()
        self.assert_runs_alike(unit, plain_unit(ExecStart=self.line(unit), KillSignal="SIGQUIT"),
                               signals=["SIGQUIT"])
        self.assert_unit(unit, KillSignal="15", RestartKillSignal="15")

    def test_restart_signal_of_the_unit_does_not_matter(self):
        unit = self.scripted()
        unit.stopped_records = 1
        self.assert_runs_alike(unit, plain_unit(ExecStart=self.line(unit), RestartKillSignal="SIGUSR2"))

    def test_gateway_that_says_when_it_is_ready_is_listened_to(self):
        unit = self.scripted()
        drop_in, _, _ = self.assert_runs_alike(unit, plain_unit(
            Type="notify", NotifyAccess="all", ExecStart=self.line(unit, "--ready-after", "0.2")))
        self.assertNotIn("--ready=exec", drop_in)
        self.assertEqual(len(unit.records("ready")), 1)

    def test_gateway_that_takes_a_name_on_the_bus_is_waited_for(self):
        name = "org.gatewatch.Test"
        self.addCleanup(run, "systemctl", "reload", "dbus.service")
        self.write("/etc/dbus-1/system.d/gatewatch-test.conf", f"""<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><policy user="root"><allow own="{name}"/></policy></busconfig>
""")
        run("systemctl", "reload", "dbus.service")
        unit = self.scripted()
        script = self.write("/usr/local/lib/gatewatch-test/named-gateway", f"""#!{PYTHON}
import ctypes, os, sys
sd = ctypes.CDLL("libsystemd.so.0")
bus = ctypes.c_void_p()
assert sd.sd_bus_open_system(ctypes.byref(bus)) >= 0
assert sd.sd_bus_request_name(bus, b"{name}", ctypes.c_uint64(0)) >= 0
os.set_inheritable(sd.sd_bus_get_fd(bus), True)
os.execv("{PYTHON}", ["{PYTHON}", *sys.argv[1:]])
""", mode=0o755)
        words = self.line(unit).removeprefix(PYTHON)
        self.assert_runs_alike(unit, plain_unit(Type="dbus", BusName=name, ExecStart=f"{script} {words}"))
        self.assert_unit(unit, Type="dbus")

    def test_command_that_is_given_takes_the_place_of_one_that_forks(self):
        unit = self.scripted()
        self.loaded(unit.service, plain_unit(
            Type="forking", PIDFile="/run/gw-forks.pid", ExecStart="/usr/sbin/no-such-daemon --fork",
            ExecStop="-/sbin/start-stop-daemon --stop --pidfile /run/gw-forks.pid"))
        self.put_under_gatewatch(unit, "--", *self.command(unit, "--read-at-stop", "$HOME %n"))
        self.assert_verified(unit.service)
        self.assert_nothing_found(unit.service)
        unit.start()
        self.assertEqual(unit.seen("start")[-1]["argv"][-1], "$HOME %n")
        self.assert_stops_clean(unit)

    def test_loaded_command_is_taken_where_the_file_has_changed(self):
        unit = self.scripted()
        text = plain_unit(ExecStart=self.line(unit))
        path = self.unit_file(unit.service, text)
        SYSTEM.systemctl("daemon-reload")
        SYSTEM.systemctl("start", unit.service)
        unit.wait_seen("start")
        path.write_text(plain_unit(ExecStart=self.line(unit, "--sessions", "7")))
        done = ask("unit", f"--drop-in={unit.service}", "--drain-timeout=2s", status=0)
        self.assertRegex(done.stderr, r"\A[^\n]*daemon-reload[^\n]*\n\Z")
        self.assertNotIn("--sessions", done.stdout)
        unit.systemctl("stop")

    def test_drop_in_is_kept_and_added_to_by_check(self):
        unit = self.scripted()
        self.loaded(unit.service, plain_unit(ExecStart=self.line(unit)))
        text = self.put_under_gatewatch(unit)
        self.loaded(unit.service, plain_unit(ExecStart=self.line(unit), SendSIGKILL="no"))
        self.assertEqual(ids(self.look(unit.service)), {"send-sigkill"})
        ask("check", "--fix=write", unit.service, status=0)
        grown = (self.admin_dir / f"{unit.service}.d" / DROP_IN).read_text()
        self.assertEqual([line for line in text.splitlines()[1:] if line not in grown.splitlines()], [])
        self.assertIn("\nSendSIGKILL=yes\n", grown)
        self.assert_nothing_found(unit.service)
        unit.start()
        self.assert_stops_clean(unit)

    def test_drop_in_of_a_longer_drain_replaces_the_one_before(self):
        unit = self.scripted()
        self.loaded(unit.service, plain_unit(ExecStart=self.line(unit)))
        self.put_under_gatewatch(unit)
        # To change its options the drop-in is printed anew from the unit without it.
        self.assert_refused(f"--drop-in={unit.service}", status=64, names=[unit.service, "already"])
        (self.admin_dir / f"{unit.service}.d" / DROP_IN).unlink()
        SYSTEM.systemctl("daemon-reload")
        self.install(self.admin_dir / f"{unit.service}.d" / DROP_IN,
                     self.ask_unit(f"--drop-in={unit.service}", "--drain-timeout=5min"), unit.service)
        self.assert_nothing_found(unit.service)
        self.assertEqual(unit.show("TimeoutStopUSec"), "5min 30s")

    # ---- refusals --------------------------------------------------------------------------------------

    def assert_refused(self, *arguments, status, names):
        self.assert_one_line(ask("unit", *arguments, status=status), *names)

    def test_units_that_cannot_be_put_under_gatewatch_are_refused(self):
        once = "/bin/true"
        for name, text, status, words in (
                ("gw-once", plain_unit(Type="oneshot", ExecStart=once), 64, ["oneshot"]),
                ("gw-lines", plain_unit(Type="oneshot", ExecStart=[once, once]), 64, ["oneshot"]),
                ("gw-forks", plain_unit(Type="forking"), 64, ["forking", "--drop-in"]),
                ("gw-joined", plain_unit(ExecStart=[None], Type="oneshot"), 64, []),
                ("gw-done", plain_unit(ExecStart=f"{GATEWATCH} run -- /bin/sleep 1"), 64, ["already"]),
                ("gw-bad", section("Service", {"Type": "simple"}), 64, [])):
            with self.subTest(name):
                self.loaded(f"{name}.service", text)
                self.assert_refused(f"--drop-in={name}", status=status, names=[name, *words])

    def test_units_that_are_not_there_are_named(self):
        self.unit_file("gw-template@.service", plain_unit())
        for name in ("gw-one.service", "gw-two.service"):
            SYSTEM.systemctl("start", self.loaded(name, plain_unit()))
        self.loaded("gw-masked.service", plain_unit())
        SYSTEM.systemctl("mask", "gw-masked.service")
        self.addCleanup(SYSTEM.systemctl, "unmask", "gw-masked.service")
        for name, status in (("gw-no-such", 69), ("/run/gw-no-such.service", 69), ("gw-masked", 69),
                             ("gw-template@.service", 64), ("gw-*.service", 64), ("gw.socket", 64)):
            with self.subTest(name):
                self.assert_refused(f"--drop-in={name}", status=status, names=[name])

    def test_user_who_cannot_ask_is_told(self):
        done = ask("unit", "--drop-in=gw-any", prefix=self.user("gwsomebody"), status=69)
        self.assert_one_line(done, "gw-any", "user manager")


class UserDropIns(UserLintScenario, DropInScenario):
    USER = "unituser"
    options = ("--user",)
    told_dir = "~/.config/systemd/user"

    def test_command_of_a_user_is_run_alike(self):
        unit = self.scripted()
        _, start, _ = self.assert_runs_alike(unit, plain_unit(
            ExecStart=f"@{PYTHON} mine {self.line(unit, '--read-at-stop', '%h/x').removeprefix(PYTHON)}"))
        self.assertEqual(start["argv"][-1], f"/home/{self.USER}/x")


if __name__ == "__main__":
    unittest.main()
