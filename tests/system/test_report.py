# SPDX-License-Identifier: MIT
"""What `gatewatch report` says of stops that have just happened: a gateway for each of the ways in which one
ends, all in one test, and each row compared with what was done to it."""

import datetime
import json
import os
import pathlib
import pty
import signal
import unittest

from causes import kill
from harness import GATEWATCH, QUICK, SYSTEM, follow_journal, run, wait_until_gone
from reports import STOPPED, ReportScenario, ask, rows, table

SECOND = 1_000_000
POST = {"ExecStopPost": f"{GATEWATCH} post"}
NO_CORE = {"LimitCORE": "0"}
BY_SYSTEMCTL = {"uid": 0, "comm": "systemctl"}
BY_MANAGER = {"pid": 1, "state": "manager"}


def stop(unit):
    unit.stop()


def restart(unit):
    unit.systemctl("restart")


def kill_by_manager(unit):
    unit.systemctl("kill")


def stop_dependency(unit):
    unit.manager.systemctl("stop", "gw-reported.target")


def kill_supervisor(unit):
    kill(unit, signal.SIGKILL)


def kill_gateway(unit):
    os.kill(unit.seen("start")[0]["pid"], signal.SIGKILL)


def freeze_supervisor(unit):
    kill(unit, signal.SIGSTOP)


def announce(marker):
    def announce_and_kill(unit):
        now = datetime.datetime.now(datetime.timezone.utc)
        path = pathlib.Path("/var/lib") / unit.name / f".gateway-{marker}.json"
        path.write_text(json.dumps({"target_pid": unit.seen("start")[0]["pid"], "written_at": now.isoformat()}))
        kill(unit)
    return announce_and_kill


def nothing(_unit):
    """It ends by itself."""


DRAIN = ("--drain", "0.3")
# Name, the gateway's arguments, how the unit is made, what is done, what the row must say. sender.pid None: the
# test's own.
ENDS = (
    ("stop", DRAIN, {}, stop,
     {"cause": "stop", "outcome": "clean", "signal": "SIGTERM", "sender": BY_MANAGER,
      "requester": BY_SYSTEMCTL | {"verb": "stop"}, "exit_code": "exited", "exit_status": "0"}),
    ("restart", DRAIN, {}, restart,
     {"cause": "restart", "outcome": "clean", "requester": BY_SYSTEMCTL | {"verb": "restart"}}),
    ("dependency", DRAIN, {"unit": {"Requires": "gw-reported.target", "After": "gw-reported.target"}},
     stop_dependency, {"cause": "dependency", "outcome": "clean", "sender": BY_MANAGER}),
    ("runtime-limit", DRAIN, {"service": {"RuntimeMaxSec": "1s"}}, nothing,
     {"cause": "runtime-limit", "outcome": "clean", "sender": BY_MANAGER, "requester": {"pid": None}}),
    ("start-timeout", ("--never-ready", *DRAIN), {"service": {"TimeoutStartSec": "1s"}}, nothing,
     {"cause": "start-timeout", "outcome": "clean", "sender": BY_MANAGER}),
    ("manager-kill", DRAIN, {}, kill_by_manager,
     {"cause": "manager-kill", "outcome": "clean", "sender": BY_MANAGER}),
    ("manager-watchdog", DRAIN, {"service": NO_CORE | {"WatchdogSec": "1s"}}, freeze_supervisor,
     {"cause": "manager-watchdog", "signal": "SIGABRT", "sender": BY_MANAGER}),
    ("signal", DRAIN, {}, kill,
     {"cause": "signal", "outcome": "clean", "signal": "SIGTERM", "requester": {"pid": None},
      "sender": {"pid": None, "uid": 0, "user": "root", "comm": "python3", "state": "alive"}}),
    ("takeover", DRAIN, {}, announce("takeover"), {"cause": "takeover", "outcome": "clean", "sender": {"pid": None}}),
    ("planned-stop", DRAIN, {}, announce("planned-stop"),
     {"cause": "planned-stop", "outcome": "clean", "sender": {"pid": None}}),
    ("watchdog", ("--watchdog", "0.2:2", "--default", "ABRT"),
     {"options": (*QUICK, "--watchdog=1s"), "service": NO_CORE}, nothing,
     {"cause": "watchdog", "outcome": "escalated", "exit_code": "killed", "exit_status": "SIGABRT",
      "sender": {"pid": None, "comm": None}}),
    ("step-timeout", ("--early-step", "warm::500000", *DRAIN), {"options": (*QUICK, "--on-step-timeout=stop")},
     nothing, {"cause": "step-timeout", "sender": {"pid": None, "comm": None}}),
    ("self-stop", ("--self-stop-after", "0.2", *DRAIN), {}, nothing,
     {"cause": "self-stop", "outcome": "clean", "signal": None}),
    ("exit", ("--exit-after", "0.2"), {}, nothing,
     {"cause": "exit", "outcome": "exited", "exit_code": "exited", "exit_status": "0", "total_usec": 0}),
    ("failure", ("--exit-after", "0.2", "--exit-code", "3"), {}, nothing,
     {"cause": "exit", "outcome": "failed", "exit_code": "exited", "exit_status": "3", "total_usec": 0}),
    ("crash", ("--exit-after", "0.2", "--die-by", "SEGV"), {"service": NO_CORE}, nothing,
     {"cause": "crash", "outcome": "crashed", "exit_code": "killed", "exit_status": "SIGSEGV"}),
    ("killed-gateway", DRAIN, {}, kill_gateway,
     {"cause": "crash", "outcome": "crashed", "exit_code": "killed", "exit_status": "SIGKILL"}),
    ("killed-supervisor", DRAIN, {"service": POST}, kill_supervisor,
     {"cause": "supervisor-killed", "outcome": "lost", "recorded_by": "post", "service_result": "signal",
      "previous_phase": "running"}),
    ("kill", ("--drain", "inf", "--ignore", "all", "--active", "--sessions", "2"),
     {"options": ("--drain-timeout=500ms", "--headroom=10s", "--stop-schedule=drain:TERM@main,kill:KILL@all/2s")},
     stop, {"cause": "stop", "outcome": "killed", "exit_status": "SIGKILL", "active_at_start": 2, "active_now": 2,
            "active_source": "gateway", "drain_usec": SECOND // 2, "headroom_usec": 10 * SECOND}),
    ("escalation", ("--drain", "inf", "--leave-on", "INT"),
     {"options": ("--drain-timeout=500ms", "--headroom=10s",
                  "--stop-schedule=drain:TERM@main,interrupt:INT@main/5s,kill:KILL@all/1s")},
     stop, {"cause": "stop", "outcome": "escalated", "exit_status": "0"}),
)


class Ends(ReportScenario):
    def test_every_end_has_one_row_that_says_why_by_whom_and_how(self):
        units = self.started_units()
        run_ids = {name: unit.show("InvocationID") for name, unit in units.items()}
        for name, _, _, act, _ in ENDS:
            act(units[name])
        for name, run_id in run_ids.items():
            units[name].wait_record("stopped")
        run("journalctl", "--sync")
        found = rows(f"{self.unit_name()}-*")
        for name, _, _, _, expected in ENDS:
            with self.subTest(name):
                row, = [row for row in found if row["run_id"] == run_ids[name]]
                self.assert_end(units[name], row, name, expected)
        self.assert_order(found)
        self.assert_filters(found)
        self.assert_table(found)
        self.assert_pictures(run_ids)

    def started_units(self):
        units = {}
        for name, gateway, settings, _, _ in ENDS:
            units[name] = self.unit(*gateway, suffix="-" + name, **{"options": QUICK, **settings})
        units["dependency"].write_file("gw-reported.target", "[Unit]\nDescription=What a gateway needs\n")
        SYSTEM.reload()
        SYSTEM.systemctl("start", "--no-block", *(unit.service for unit in units.values()))
        for unit in units.values():
            unit.wait_seen("start")
            unit.wait_record("started" if unit is units["start-timeout"] else "ready")
        return units

    def assert_end(self, unit, row, name, expected):
        expected = dict(expected)
        if name in ("signal", "takeover", "planned-stop"):
            expected["sender"] = expected["sender"] | {"pid": os.getpid()}
        self.assert_row(row, **{"state": "stopped", "trust": "believed", "unit": unit.service, "name": unit.name,
                                "manager": "system", "uid": 0, "recorded_by": "run", **expected})
        self.assertTrue(row["cause_detail"])
        self.assertGreaterEqual(row["realtime_usec"], row["began_realtime_usec"])
        record, = [record for record in unit.records("stopped") if record["RUN_ID"] == row["run_id"]]
        self.assertEqual(row["cause_detail"], record["CAUSE_DETAIL"])
        started, = [record for record in unit.records("started") if record["RUN_ID"] == row["run_id"]]
        for key in ("drain_used_usec", "total_usec", "drain_usec", "timeout_stop_usec"):
            told = record[key.upper()] or started[key.upper()]
            self.assertEqual(row.get(key), int(told) if told else None, key)

    def assert_order(self, found):
        """As the journal has them, by its own clock of this boot."""
        times = [row["monotonic_usec"] for row in found]
        self.assertEqual(times, sorted(times))
        backwards = rows("--reverse", f"{self.unit_name()}-*")
        self.assertEqual([row["run_id"] for row in backwards], [row["run_id"] for row in found][::-1])
        newest = rows("-n3", f"{self.unit_name()}-*")
        self.assertEqual(newest, found[-3:])

    def assert_filters(self, found):
        everywhere = f"{self.unit_name()}-*"
        for option, accept in (
                ("--cause=stop,exit", lambda row: row["cause"] in ("stop", "exit")),
                ("--outcome=lost", lambda row: row["outcome"] == "lost"),
                (f"--sender={os.getpid()}", lambda row: row.get("sender", {}).get("pid") == os.getpid()),
                ("--sender=systemctl", lambda row: row.get("requester", {}).get("comm") == "systemctl"),
                ("--user", lambda row: False),
                ("--system", lambda row: True),
                ("--boot", lambda row: True),
                ("--since=-1h", lambda row: True),
                ("--until=-1h", lambda row: False)):
            with self.subTest(option):
                expected = [row["run_id"] for row in found if accept(row)]
                self.assertEqual([row["run_id"] for row in rows(option, everywhere)], expected)

    def assert_table(self, found):
        lines = table(f"{self.unit_name()}-*")
        self.assertEqual(len(lines), len(found))
        for line, row in zip(lines, found):
            for word in (row["unit"], row["cause"], row["outcome"]):
                self.assertIn(word, line)

    def assert_pictures(self, run_ids):
        """Of each end there is one, with its verdict, and in it what systemd and the gateway themselves said."""
        for name in ("stop", "watchdog", "crash", "killed-supervisor", "kill"):
            with self.subTest(name):
                text = ask("report", run_ids[name], status=0).stdout
                self.assertIn(run_ids[name], text)
                expected, = [expected for end, _, _, _, expected in ENDS if end == name]
                self.assertIn(expected["cause"], text)
                self.assertIn(expected["outcome"], text)


class Terminal(ReportScenario):
    def test_interrupt_from_a_terminal_is_the_kernels(self):
        """It runs in the test's own service, and is found by its name as well."""
        name = self.unit_name()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(GATEWATCH, [GATEWATCH, "run", f"--name={name}", *QUICK, "--", "/bin/sleep", "infinity"])
        self.addCleanup(os.close, terminal)
        ready = [f"GATEWATCH_NAME={name}", "GATEWATCH_EVENT=ready"]
        follow_journal(ready, lambda: lambda line: line, "a gateway in a terminal")
        os.write(terminal, b"\x03")
        os.waitpid(pid, 0)
        follow_journal([f"GATEWATCH_NAME={name}", f"MESSAGE_ID={STOPPED}"], lambda: lambda line: line, "its end")
        row, = rows("--cause=terminal", "-n1")
        self.assert_row(row, name=name, outcome="clean", signal="SIGINT", trust="believed",
                        sender={"pid": None, "state": "kernel"})
        self.assertIn("kernel", table("--cause=terminal", "-n1")[0])


class Unfinished(ReportScenario):
    def test_running_run_is_shown_with_all_only(self):
        unit = self.unit("--drain", "0", options=QUICK).start()
        run_id = unit.show("InvocationID")
        run("journalctl", "--sync")
        self.assertEqual(rows(unit.name), [])
        row, = rows("--all", unit.name)
        self.assert_row(row, state="running", run_id=run_id, unit=unit.service, trust="believed", outcome=None)
        unit.stop()
        unit.wait_record("stopped")
        self.assert_row(self.row_of(run_id, "--all", unit.name), state="stopped", outcome="clean")

    def test_run_that_nobody_recorded_is_unrecorded(self):
        unit = self.unit("--drain", "0", options=QUICK, stopped_records=0).start()
        run_id, gateway = unit.show("InvocationID"), unit.seen("start")[0]["pid"]
        kill_supervisor(unit)
        unit.wait_ended()
        wait_until_gone(gateway)
        row, = rows(unit.name)
        self.assert_row(row, state="unrecorded", run_id=run_id, cause="unknown", outcome=None, trust="believed",
                        unit=unit.service)
        line, = table(unit.name)
        self.assertIn("unrecorded", line)
        self.assertEqual(rows("--outcome=unrecorded", unit.name), [row])
        self.assertIn("unrecorded", ask("report", "--stats", unit.name, status=0).stdout)


if __name__ == "__main__":
    unittest.main()
