# SPDX-License-Identifier: MIT
"""`gatewatch list`: what it says of units that run, drain, were restarted, have ended or are short of time, to
whom, and how it looks on a terminal."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from harness import DEADLINE_SEC, GATEWATCH, QUICK, SYSTEM, run
from lint import LintScenario, UserLintScenario, ask, plain_unit
from reports import rows

LONG = ("--drain-timeout=60s", "--headroom=30s")
SECOND = 1_000_000
# After which a manager that does not answer is given up.
ANSWER_TIMEOUT_SEC = 25


def listed(*arguments, **settings):
    """`gatewatch list --json=short`, which must have worked. Returns: the objects by unit."""
    done = ask("list", "--json=short", *arguments, **{"status": 0, **settings})
    if done.stderr and "-q" not in arguments and "status" not in settings:
        raise AssertionError(f"list {arguments}: {done.stderr}")
    return {entry["unit"]: entry for entry in json.loads(done.stdout)}


def await_listed(unit, accept, *options, **settings):
    """Lists one unit until what is said of it is accepted."""
    deadline = time.monotonic() + DEADLINE_SEC
    while time.monotonic() < deadline:
        entry = listed(*options, unit.service, **settings)[unit.service]
        if accept(entry):
            return entry
    raise AssertionError(f"{unit.name}: never listed as wanted: {entry}")


class Listing(LintScenario):
    def test_running_unit_is_listed_with_its_run(self):
        unit = self.gateway()
        entry = listed()[unit.service]
        self.assertEqual(
            {key: entry[key] for key in ("state", "active_state", "sub_state", "main_pid", "gateway_pid", "run_id",
                                         "phase", "restarts", "budget", "last", "manager", "steps_open")},
            {"state": "running", "active_state": "active", "sub_state": "running", "main_pid": unit.main_pid,
             "gateway_pid": unit.seen("start")[0]["pid"], "run_id": unit.show("InvocationID"), "phase": "running",
             "restarts": 0, "budget": "aligned", "last": None, "manager": "system", "steps_open": 0})
        self.assertGreater(entry["uptime_usec"], 0)
        self.assertEqual(entry["timeout_stop_usec"], 90 * SECOND)
        self.assertEqual(entry["drain_usec"], 2 * SECOND)
        self.assertIsNone(entry["heartbeat_age_usec"])
        done = ask("list", unit.service, status=0)
        self.assertRegex(done.stdout, rf"(?m)^{re.escape(unit.service)} +running +{unit.main_pid} ")
        self.assertIn("1 unit: 1 running", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_draining_unit_is_listed_with_its_progress(self):
        unit = self.unit("--drain", "inf", "--sessions", "3", "--active", "--phase", '"disconnect adapters:inf"',
                         "--step", "telegram:inf", "--leave-on", "INT", options=LONG).start()
        unit.begin_stop()
        entry = await_listed(unit, lambda entry: entry["step"] and entry["active"] == 3 and entry["gateway_phase"])
        self.assertEqual(
            {key: entry[key] for key in ("state", "active_state", "phase", "gateway_phase", "step", "steps_open")},
            {"state": "draining", "active_state": "deactivating", "phase": "drain",
             "gateway_phase": "disconnect adapters", "step": "telegram", "steps_open": 1})
        self.assertGreater(entry["phase_left_usec"], 0)
        self.assertLessEqual(entry["phase_left_usec"], 60 * SECOND)
        entry = await_listed(unit, lambda entry: "telegram" in (entry["status"] or ""))
        self.assertRegex(entry["status"], r"^Draining: 3 active, \d+s left \(phase 1/\d\)")
        done = ask("list", unit.service, status=0)
        self.assertRegex(done.stdout, rf"(?m)^{re.escape(unit.service)} +draining .*Draining: 3 active, \d+s left")
        os.kill(unit.seen("start")[0]["pid"], signal.SIGINT)
        unit.wait_ended()

    def test_work_of_a_running_unit_is_listed(self):
        unit = self.unit("--drain", "0.1", "--early-step", '"reload peers:inf"', options=QUICK).start()
        entry = await_listed(unit, lambda entry: entry["step"] is not None)
        self.assertEqual((entry["state"], entry["step"], entry["steps_open"]), ("running", "reload peers", 1))

    def test_unit_that_starts_is_listed_as_such(self):
        unit = self.unit("--never-ready", "--drain", "0", options=QUICK).start_without_waiting()
        entry = await_listed(unit, lambda entry: entry["phase"] is not None)
        self.assertEqual((entry["state"], entry["phase"]), ("starting", "starting"))
        unit.systemctl("stop")

    def test_unit_that_is_short_of_time_is_told_from_one_that_is_aligned(self):
        short = self.unit(options=LONG, service={"TimeoutStopSec": "89s"}, suffix="-short").start()
        aligned = self.unit(options=LONG, service={"TimeoutStopSec": "90s"}, suffix="-aligned").start()
        entries = listed(f"{self.unit_name()}*")
        self.assertEqual({name: entry["budget"] for name, entry in entries.items()},
                         {short.service: "short", aligned.service: "aligned"})
        done = ask("list", f"{self.unit_name()}*", status=0)
        self.assertIn("2 units: 2 running\n1 short: gatewatch check", done.stdout)

    def test_restarted_unit_is_listed_with_its_restarts_and_what_ended_it(self):
        unit = self.unit("--drain", "0", options=QUICK, service={"Restart": "always", "RestartSec": "0"})
        unit.start()
        os.kill(unit.main_pid, signal.SIGKILL)
        unit.wait_seen("start", count=2)
        unit.wait_record("stopped")
        run("journalctl", "--sync")
        entry = await_listed(unit, lambda entry: entry["last"])
        self.assertEqual((entry["state"], entry["restarts"], entry["last"]["outcome"], entry["last"]["cause"]),
                         ("running", 1, "lost", "supervisor-killed"))

    def test_last_stop_is_the_last_one(self):
        unit = self.unit("--drain", "0", options=QUICK).start()
        unit.systemctl("kill", "--signal=KILL", "--kill-whom=all")
        unit.wait_ended()
        unit.systemctl("reset-failed")
        unit.start()
        run_id = unit.show("InvocationID")
        unit.stop()
        unit.wait_record("stopped", count=2)
        unit.start()
        run("journalctl", "--sync")
        last = listed(unit.service)[unit.service]["last"]
        self.assertEqual((last["outcome"], last["cause"], last["run_id"]), ("clean", "stop", run_id))
        self.assertLess(last["age_usec"], DEADLINE_SEC * SECOND)
        self.assertLess(abs(time.time() * SECOND - last["realtime_usec"]), DEADLINE_SEC * SECOND)
        self.assertRegex(ask("list", unit.service, status=0).stdout, r"clean \d+s ago")

    def test_heartbeat_ages_until_the_next(self):
        unit = self.unit("--drain", "0", "--watchdog", "0.1:30", options=[*QUICK, "--watchdog=50s"]).start()
        entry = await_listed(unit, lambda entry: entry["heartbeat_age_usec"] is not None)
        self.assertEqual(entry["watchdog_usec"], 50 * SECOND)
        self.assertLess(entry["heartbeat_age_usec"], 40 * SECOND)
        # Thirty beats take three seconds, and are followed by none.
        aged = await_listed(unit, lambda entry: entry["heartbeat_age_usec"] > 4 * SECOND)
        again = listed(unit.service)[unit.service]
        self.assertGreater(again["heartbeat_age_usec"], aged["heartbeat_age_usec"])
        self.assertGreater(again["uptime_usec"], again["heartbeat_age_usec"])

    def test_heartbeat_that_goes_on_stays_young(self):
        unit = self.unit("--drain", "0", "--watchdog", "0.2", options=[*QUICK, "--watchdog=50s"]).start()
        began = await_listed(unit, lambda entry: entry["heartbeat_age_usec"] is not None)
        entry = await_listed(unit, lambda entry: entry["uptime_usec"] > began["uptime_usec"] + 4 * SECOND)
        self.assertLess(entry["heartbeat_age_usec"], 3 * SECOND)

    def test_unit_that_is_not_running_is_listed_when_asked_for(self):
        unit = self.unit("--drain", "0", options=QUICK).start()
        unit.stop()
        self.assertNotIn(unit.service, listed("-q"))
        for arguments in (["--all"], [unit.service], [unit.name]):
            with self.subTest(arguments):
                entry = listed(*arguments)[unit.service]
                self.assertEqual((entry["state"], entry["main_pid"], entry["uptime_usec"], entry["status"]),
                                 ("inactive", None, None, None))

    def test_failed_unit_is_listed(self):
        unit = self.unit("--drain", "0", "--exit-code", "3", "--exit-after", "0.1", options=QUICK).start()
        unit.wait_ended()
        run("journalctl", "--sync")
        entry = await_listed(unit, lambda entry: entry["state"] == "failed")
        self.assertEqual((entry["main_pid"], entry["last"]["outcome"]), (None, "failed"))
        self.assertIn(unit.service, listed())

    def test_what_is_missing_is_said_in_one_line(self):
        plain = self.loaded(self.unit_name("-plain.service"), plain_unit())
        for arguments, status, names in (
                (["no-such-thing"], 69, ["no-such-thing.service", "does not exist"]),
                ([plain], 69, [plain, "does not run gatewatch"]),
                (["hermes.socket"], 64, ["hermes.socket"]),
                (["--bogus"], 64, ["--bogus"]),
                (["--watch"], 64, ["--watch", "terminal"])):
            with self.subTest(arguments=arguments):
                self.assert_one_line(ask("list", *arguments, status=status), *names)
        self.assertEqual(listed(f"{self.unit_name()}*", "-q"), {})

    def test_missing_unit_does_not_hide_the_others(self):
        unit = self.gateway()
        entries = listed("no-such-thing", unit.name, status=69)
        self.assertEqual(set(entries), {unit.service})

    def test_json_is_read_by_jq(self):
        unit = self.gateway()
        for mode in ("short", "pretty"):
            text = ask("list", f"--json={mode}", unit.service, status=0).stdout
            done = subprocess.run(["jq", "--raw-output", ".[] | [.unit, .state, .main_pid] | @tsv"], input=text,
                                  capture_output=True, text=True, check=True)
            self.assertEqual(done.stdout, f"{unit.service}\trunning\t{unit.main_pid}\n")

    def test_words_of_a_hostile_gateway_do_not_reach_the_terminal(self):
        # Characters of a datagram in the file are its bytes.
        words = self.write("/run/gatewatch-test/hostile-words", "".join(
            json.dumps(text.encode().decode("latin-1")) + "\n" for text in (
                "STATUS=\x1b[31mred\x9b32m\u202etxt.exe", "X_GATEWATCH_PHASE=\u202ephase", "X_GATEWATCH_ACTIVE=7")))
        unit = self.unit("--drain", "0", "--send-at-start", words, options=QUICK).start()
        entry = await_listed(unit, lambda entry: entry["active"] == 7 and entry["status"])
        self.assertIn("txt.exe", entry["status"])
        done = ask("list", unit.service, status=0)
        self.assertIn("txt.exe", done.stdout)
        self.assertIn("7 active", done.stdout)
        self.assertNotRegex(done.stdout, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")

    def test_stranger_sees_what_systemd_tells(self):
        unit = self.gateway()
        prefix = self.user("liststranger")
        done = ask("list", "--system", "--json=short", unit.service, prefix=prefix, status=0)
        entry, = json.loads(done.stdout)
        self.assertEqual((entry["state"], entry["main_pid"], entry["budget"]), ("running", unit.main_pid, "aligned"))
        self.assertEqual((entry["gateway_pid"], entry["last"], entry["heartbeat_age_usec"]), (None, None, None))
        self.assertRegex(done.stderr, r"\A[^\n]*systemd-journal[^\n]*\n\Z")
        self.assertEqual(ask("list", "--system", "-q", unit.service, prefix=prefix, status=0).stderr, "")


class Screen:
    """A terminal with `gatewatch list --watch` in it."""

    def __init__(self, *arguments, prefix=(), columns=100, rows=24):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen([*prefix, GATEWATCH, "list", "--watch", *arguments], stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env={**os.environ, "TERM": "xterm"})
        self.seen = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def await_text(self, pattern):
        """Reads until it matches what has been drawn since the last match. Returns that."""
        deadline = time.monotonic() + DEADLINE_SEC
        while not re.search(pattern, self.seen, re.DOTALL):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"never drawn: {pattern}: {self.seen}")
            self.seen += os.read(self.master, 65536)
        text, self.seen = self.seen, b""
        return text

    def await_question(self):
        """Until it asks its manager, the only time at which its signals are not blocked."""
        deadline = time.monotonic() + DEADLINE_SEC
        while time.monotonic() < deadline:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            blocked = int(re.search(r"(?m)^SigBlk:\s*(\w+)$", status)[1], base=16)
            caught = int(re.search(r"(?m)^SigCgt:\s*(\w+)$", status)[1], base=16)
            if caught & ~blocked & 1 << signal.SIGINT - 1:
                return
        raise AssertionError("--watch never asks with its signals unblocked")

    def press(self, key):
        os.write(self.master, key)

    def wait(self):
        """Returns the exit status, and what was written until then."""
        fd = os.pidfd_open(self.process.pid)
        try:
            while not select.select([fd], [], [], 0)[0]:
                if not select.select([self.master, fd], [], [], DEADLINE_SEC)[0]:
                    raise AssertionError("--watch does not end")
                if select.select([self.master], [], [], 0)[0]:
                    self.seen += os.read(self.master, 65536)
        finally:
            os.close(fd)
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 65536)
        return self.process.wait(), self.seen

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class WatchScenario(LintScenario):
    def screen(self, *arguments, **settings):
        screen = Screen(*arguments, **settings)
        self.addCleanup(screen.close)
        return screen

    def assert_ended_well(self, screen):
        status, text = screen.wait()
        self.assertEqual(status, 0, text)
        self.assertTrue(text.endswith(b"\x1b[?25h"), text)
        self.assertEqual(termios.tcgetattr(screen.slave), screen.before)


class UserListing(WatchScenario, UserLintScenario):
    USER = "listuser"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Else its children talk before they are in their unit, and journald takes them for the manager.
        cls.manager.systemctl("log-level", "info")

    def test_unit_of_a_user_is_listed_by_the_user_and_by_root(self):
        unit = self.user_unit("--drain", "0", "--watchdog", "0.2", options=[*QUICK, "--watchdog=50s"])
        unit.stop()
        unit.wait_record("stopped")
        unit.start()
        run("journalctl", "--sync")
        for options, settings in ((["--user"], {"prefix": self.prefix}),
                                  (["--user", f"--machine={self.USER}@.host"], {})):
            with self.subTest(options):
                entry = await_listed(unit, lambda entry: entry["heartbeat_age_usec"] is not None, *options, **settings)
                self.assertEqual((entry["state"], entry["manager"], entry["main_pid"], entry["last"]["outcome"]),
                                 ("running", "user", unit.main_pid, "clean"))
        self.assertNotIn(unit.service, listed("-q"))

    @contextlib.contextmanager
    def frozen_manager(self):
        pid = int(SYSTEM.systemctl("show", "--property=MainPID", "--value", f"user@{self.uid}.service").stdout)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def assert_ended_at_once(self, screen):
        """Long before the manager is given up."""
        began = time.monotonic()
        self.assert_ended_well(screen)
        self.assertLess(time.monotonic() - began, ANSWER_TIMEOUT_SEC / 2)

    def test_watch_of_a_manager_that_hangs_is_ended_at_once(self):
        unit = self.user_unit("--drain", "0", options=QUICK)
        for end in (lambda screen: screen.press(b"\x03"), lambda screen: screen.process.terminate()):
            screen = self.screen("--user", unit.service, prefix=self.prefix)
            screen.await_text(rb"1 unit: 1 running")
            with self.frozen_manager():
                screen.await_question()
                end(screen)
                self.assert_ended_at_once(screen)

    def test_watch_of_a_manager_that_hangs_can_be_stopped_and_goes_on(self):
        unit = self.user_unit("--drain", "0", options=QUICK)
        screen = self.screen("--user", unit.service, prefix=self.prefix)
        screen.await_text(rb"1 unit: 1 running")
        with self.frozen_manager():
            screen.await_question()
            screen.press(b"\x1a")
            screen.await_text(rb"\x1b\[\?25h")
            os.waitid(os.P_PID, screen.process.pid, os.WSTOPPED | os.WNOWAIT)
            self.assertEqual(termios.tcgetattr(screen.slave), screen.before)
            screen.process.send_signal(signal.SIGCONT)
            screen.await_text(rb"\x1b\[\?25l")
        screen.await_text(rb"1 unit: 1 running")
        screen.press(b"q")
        self.assert_ended_well(screen)

    def test_watch_that_was_never_answered_leaves_the_terminal_alone(self):
        with self.frozen_manager():
            screen = self.screen("--user", prefix=self.prefix)
            screen.await_question()
            screen.process.terminate()
            self.assertEqual(screen.wait(), (0, b""))
            self.assertEqual(termios.tcgetattr(screen.slave), screen.before)


class Watching(WatchScenario):
    def test_watch_shows_the_drain_and_ends_with_q(self):
        unit = self.unit("--drain", "inf", "--sessions", "3", "--active", "--leave-on", "INT", options=LONG).start()
        screen = self.screen(unit.service)
        screen.await_text(rb"running.*1 unit: 1 running")
        unit.begin_stop()
        text = screen.await_text(rb"draining.*Draining: 3 active.*1 unit: 1 draining")
        # Nothing is cleared: each line is written over the one before.
        self.assertNotIn(b"\x1b[2J", text)
        self.assertIn(b"\x1b[H", text)
        screen.press(b"x")
        screen.press(b"q")
        self.assert_ended_well(screen)
        os.kill(unit.seen("start")[0]["pid"], signal.SIGINT)
        unit.wait_ended()

    def test_watch_sees_units_come_and_their_runs_end(self):
        unit = self.unit("--drain", "0", options=QUICK)
        screen = self.screen(f"{self.unit_name()}*")
        screen.await_text(rb"0 units")
        unit.start()
        screen.await_text(rb"1 unit: 1 running")
        unit.stop()
        screen.await_text(rb"0 units")
        unit.start()
        screen.await_text(rb"running.*clean \d+s ago.*1 unit: 1 running")
        screen.press(b"\x03")
        self.assert_ended_well(screen)

    def test_watch_follows_the_size_of_the_terminal(self):
        units = [self.unit("--drain", "0", options=QUICK, suffix=f"-{i}").start() for i in range(3)]
        screen = self.screen(f"{self.unit_name()}*", columns=150, rows=24)
        screen.await_text(rb"PROGRESS.*3 units")
        screen.resize(60, 4)
        text = screen.await_text(rb"\x1b\[2J.*\x1b\[J")
        page = text[text.rindex(b"\x1b[H"):].decode()
        lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", page).replace("\r", "").split("\n")
        self.assertEqual(len(lines), 4, lines)
        self.assertLessEqual(max(map(len, lines)), 60, lines)
        self.assertRegex(lines[-1], r"^… \d+ more lines$")
        screen.process.send_signal(signal.SIGTERM)
        self.assert_ended_well(screen)
        self.assertEqual(len(units), 3)

    def test_watch_that_is_stopped_gives_the_terminal_back_and_goes_on(self):
        unit = self.gateway()
        screen = self.screen(unit.service)
        screen.await_text(rb"1 unit: 1 running")
        screen.process.send_signal(signal.SIGTSTP)
        screen.await_text(rb"\x1b\[\?25h")
        os.waitid(os.P_PID, screen.process.pid, os.WSTOPPED | os.WNOWAIT)
        self.assertEqual(termios.tcgetattr(screen.slave), screen.before)
        screen.process.send_signal(signal.SIGCONT)
        screen.await_text(rb"\x1b\[\?25l.*1 unit: 1 running")
        screen.press(b"q")
        self.assert_ended_well(screen)

    def test_watch_outlives_the_managers_reexecution(self):
        unit = self.gateway()
        screen = self.screen(unit.service)
        screen.await_text(rb"1 unit: 1 running")
        run("systemctl", "daemon-reexec")
        screen.await_text(rb"1 unit: 1 running")
        screen.press(b"q")
        self.assert_ended_well(screen)

    def test_watch_that_cannot_begin_says_so_in_one_line(self):
        screen = self.screen("no-such.socket")
        status, text = screen.wait()
        self.assertEqual(status, 64)
        self.assertEqual(text.count(b"\n"), 1)
        self.assertNotIn(b"\x1b", text)


class Elsewhere(LintScenario):
    """What systemd calls another machine, and is this one, so that what it says can be compared."""

    def stopped_and_running(self):
        unit = self.unit("--drain", "0", options=QUICK).start()
        unit.stop()
        unit.wait_record("stopped")
        unit.start()
        run("journalctl", "--sync")
        return unit

    def ssh(self, script):
        """Stands for ssh(1), the transport. Returns an environment."""
        folder = pathlib.Path("/usr/local/lib/gatewatch-test/list-bin")
        self.write(folder / "ssh", f"#!/bin/sh\n{script}\n", mode=0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def assert_differs_by_none_only(self, unit, here, there, *keys):
        """there: knows less."""
        for entry in (here[unit.service], there[unit.service]):
            self.assertGreater(entry.pop("uptime_usec"), 0)
            if entry["last"]:
                del entry["last"]["age_usec"]
        here, there = here[unit.service], there[unit.service]
        differing = {key: there[key] for key in here if here[key] != there.get(key)}
        self.assertEqual(differing, dict.fromkeys(keys))

    def test_own_machine_is_listed_by_its_other_name(self):
        unit = self.stopped_and_running()
        there = listed("--machine=.host", unit.service)
        self.assertEqual(there[unit.service]["last"]["outcome"], "clean")
        self.assert_differs_by_none_only(unit, listed(unit.service), there)
        done = ask("list", "-M", ".host", unit.service, status=0)
        self.assertRegex(done.stdout, rf"(?m)^{re.escape(unit.service)} +running +{unit.main_pid} .* clean \S+ ago ")

    def test_own_machine_is_reported_by_its_other_name(self):
        unit = self.stopped_and_running()
        row, = rows("--machine=.host", unit.service)
        self.assertEqual((row["unit"], row["cause"], row["outcome"]), (unit.service, "stop", "clean"))
        self.assertEqual([row], rows(unit.service))

    def test_machine_that_is_not_there_is_named_in_one_line(self):
        for verb in ("list", "report"):
            with self.subTest(verb):
                self.assert_one_line(ask(verb, "-M", "gw-no-such", status=69), "gw-no-such")

    def test_host_is_listed_by_ssh_without_what_only_its_files_tell(self):
        unit = self.stopped_and_running()
        environment = self.ssh('while [ "$1" != admin@far ] && [ $# -gt 0 ]; do shift; done\nshift\nexec "$@"')
        options = ["--host=admin@far", unit.service]
        self.assert_differs_by_none_only(unit, listed(unit.service), listed(*options, environment=environment),
                                         "gateway_pid", "last", "phase", "run_id", "steps_open")
        here = ask("list", unit.service, status=0).stdout.splitlines()
        there = ask("list", *options, environment=environment, status=0).stdout.splitlines()
        self.assertEqual(here[0].split(), there[0].split())
        self.assertEqual(here[2:], there[2:])
        cells = rf"^{re.escape(unit.service)} +running +{unit.main_pid} +\d\w* +0 +{{}} +aligned "
        self.assertRegex(here[1], cells.format(r"clean \S+ ago"))
        self.assertRegex(there[1], cells.format("-"))

    def test_host_that_does_not_answer_is_named_and_what_ssh_says_is_shown(self):
        done = ask("list", "-H", "far", environment=self.ssh("echo no route to it >&2; exit 255"), status=69)
        self.assertEqual(done.stdout, "")
        said, told = done.stderr.splitlines()
        self.assertEqual(said, "no route to it")
        self.assertIn("far", told)
