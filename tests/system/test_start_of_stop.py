# SPDX-License-Identifier: MIT
"""What must exist before the wait begins: the gateway has its signal, the marker and the flight record
stand, and the `signal` record is on its way, even while nobody reads the journal's socket."""

import json
import os
import pathlib
import signal
import socket
import stat
import time
import unittest

from causes import CauseScenario, kill
from harness import run

JOURNAL_SOCKET = "/run/systemd/journal/socket"
# By the gateway's clock: far more than it takes, far less than a wait for a journal.
BOUND_USEC = 1_000_000


def realtime_usec(monotonic_usec):
    """Of an instant of the monotonic clock."""
    return monotonic_usec + (time.clock_gettime_ns(time.CLOCK_REALTIME) -
                             time.clock_gettime_ns(time.CLOCK_MONOTONIC)) // 1000


class StartOfStop(CauseScenario):
    def state_file(self, unit, name):
        return pathlib.Path("/var/lib") / unit.name / name

    def signalled_at(self, unit):
        """When the gateway had its signal."""
        return realtime_usec(unit.seen("signal")[0]["t"])

    def assert_soon(self, unit, realtime, what):
        self.assertLess(abs(realtime - self.signalled_at(unit)), BOUND_USEC, what)

    def assert_files_stand(self, unit, run_id):
        """Once a third of the drain is over."""
        unit.wait_seen("session-end")
        marker = self.state_file(unit, ".clean_shutdown")
        self.assertEqual(json.loads(marker.read_text())["run_id"], run_id)
        self.assert_soon(unit, marker.stat().st_mtime_ns // 1000, "the marker")
        flight = self.state_file(unit, "gatewatch.flight").read_bytes()
        self.assertIn(bytes.fromhex(run_id), flight)
        self.assertIn(b"drain\0", flight)
        self.assertEqual(unit.seen("drained"), [], "the test was too late")


class WithJournald(StartOfStop):
    def test_files_stand_while_the_gateway_drains(self):
        unit = self.unit("--drain", "1").start()
        run_id = unit.show("InvocationID")
        kill(unit)
        self.assert_files_stand(unit, run_id)
        unit.wait_ended()
        stopped, _ = self.assert_cause(unit, "signal")
        record = unit.wait_record("signal")
        self.assert_soon(unit, int(record.fields["_SOURCE_REALTIME_TIMESTAMP"]), "the signal record")
        self.assertEqual(json.loads(self.state_file(unit, ".clean_shutdown").read_text())["outcome"],
                         stopped["OUTCOME"])

    def test_records_of_a_stop_come_in_order(self):
        unit = self.unit("--drain", "0.7").start()
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop")
        events = [record.event for record in unit.records() if record.event in (
            "signal", "cause", "phase", "stopped")]
        self.assertEqual(events, ["signal", "cause", "phase", "stopped"])

    def test_verdict_comes_within_two_seconds(self):
        unit = self.unit("--drain", "inf", "--leave-on", "USR1").start()
        unit.begin_stop()
        verdict = unit.wait_record("cause")
        self.assertLess(int(verdict.fields["_SOURCE_REALTIME_TIMESTAMP"]) - self.signalled_at(unit), 3_000_000)
        unit.systemctl("kill", "--kill-whom=main", "--signal=USR1")
        unit.wait_ended()
        self.assert_cause(unit, "stop", job_type="stop")


class WithoutJournald(StartOfStop):
    """journald is there and does nothing: whoever waits for it waits long."""

    def setUp(self):
        super().setUp()
        self.journald = int(run("systemctl", "show", "--property=MainPID", "--value",
                                "systemd-journald.service").stdout)

    def tearDown(self):
        # What the scenario's end asks of the journal would wait.
        self.thaw_journald()
        super().tearDown()

    def freeze_journald(self):
        os.kill(self.journald, signal.SIGSTOP)

    def fill_socket(self):
        """Until nobody can send to journald any more without waiting."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as filler:
            filler.connect(JOURNAL_SOCKET)
            try:
                while True:
                    filler.send(b"MESSAGE=filler\nSYSLOG_IDENTIFIER=gatewatch-test\n")
            except BlockingIOError:
                pass

    def thaw_journald(self):
        os.kill(self.journald, signal.SIGCONT)

    def test_stop_with_a_frozen_journald_is_recorded_with_its_time(self):
        unit = self.unit("--drain", "1").start()
        run_id = unit.show("InvocationID")
        unit.wait_record("ready")
        supervisor = unit.main_pid
        self.freeze_journald()
        os.kill(supervisor, signal.SIGTERM)
        self.assert_files_stand(unit, run_id)
        unit.wait_seen("end")
        self.thaw_journald()
        unit.wait_ended()
        self.assert_cause(unit, "signal", sender_pid=str(os.getpid()))
        record = unit.wait_record("signal")
        self.assert_soon(unit, int(record.fields["_SOURCE_REALTIME_TIMESTAMP"]), "the signal record")

    def test_stop_with_a_journal_that_takes_nothing_is_recorded_later(self):
        unit = self.unit("--drain", "1").start()
        run_id = unit.show("InvocationID")
        ready = unit.wait_record("ready")
        supervisor = unit.main_pid
        self.freeze_journald()
        self.fill_socket()
        os.kill(supervisor, signal.SIGTERM)
        self.assert_files_stand(unit, run_id)
        end = unit.wait_seen("end")
        self.assertLess(end["t"] - unit.seen("signal")[0]["t"], 1_000_000 + BOUND_USEC)
        self.thaw_journald()
        unit.wait_ended()
        self.assert_cause(unit, "signal", sender_pid=str(os.getpid()))
        record = unit.wait_record("signal")
        # Whenever it arrived: it says itself when it was made.
        since_start = unit.seen("signal")[0]["t"] - unit.seen("start")[0]["t"]
        self.assertLess(abs(int(record["UPTIME_USEC"]) - since_start), BOUND_USEC)
        self.assertGreater(int(record["UPTIME_USEC"]), int(ready["UPTIME_USEC"]))


class Diagnostic(StartOfStop):
    """What is collected beside the stop."""

    LOG = "gateway-shutdown-diag.log"

    def test_diagnostic_is_written_beside_the_stop(self):
        unit = self.unit("--drain", "2").start()
        gateway = unit.seen("start")[0]["pid"]
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop")
        record = unit.wait_record("diagnostic")
        path = pathlib.Path(record["DIAGNOSTIC_FILE"])
        self.assertEqual(path, self.state_file(unit, "logs") / self.LOG)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertGreater(int(record["DIAGNOSTIC_USEC"]), 0)
        text = path.read_text(encoding="utf-8")
        for word in ("SIGTERM", str(gateway), record["RUN_ID"]):
            self.assertIn(word, text)

    def test_diagnostic_goes_to_the_logs_directory(self):
        unit = self.unit("--drain", "2", service={"LogsDirectory": self.unit_name()}).start()
        unit.stop()
        self.assertEqual(unit.wait_record("diagnostic")["DIAGNOSTIC_FILE"],
                         f"/var/log/{unit.name}/{self.LOG}")
        self.assert_cause(unit, "stop", job_type="stop")

    def test_diagnostic_survives_the_signals_to_the_whole_group(self):
        unit = self.unit("--drain", "2", service={"KillMode": "control-group"}).start()
        unit.stop()
        self.assertTrue(unit.wait_record("diagnostic")["DIAGNOSTIC_FILE"])
        self.assert_cause(unit, "stop", job_type="stop")
        # It is no gateway process: nobody has waited for it, or signalled it.
        self.assertEqual(unit.records("leftover"), [])

    def test_diagnostic_that_is_not_wanted_is_not_made(self):
        unit = self.unit("--drain", "0.5", options=["--diagnostic-timeout=0"]).start()
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop")
        self.assertEqual(unit.records("diagnostic"), [])
        self.assertFalse((self.state_file(unit, "logs") / self.LOG).exists())

    def test_diagnostic_is_made_once_for_many_signals(self):
        unit = self.unit("--drain", "2").start()
        unit.begin_stop()
        for count in range(2, 7):
            kill(unit)
            unit.wait_record("signal", count=count)
        unit.wait_ended()
        self.assert_cause(unit, "stop", job_type="stop")
        self.assertEqual(len(unit.records("diagnostic")), 1)

    def test_diagnostic_that_cannot_be_written_delays_nothing(self):
        unit = self.unit("--drain", "0.5")
        logs = self.state_file(unit, "logs")
        logs.parent.mkdir(exist_ok=True)
        logs.write_text("no directory")
        unit.start()
        unit.stop()
        stopped, _ = self.assert_cause(unit, "stop", job_type="stop")
        self.assertLess(int(stopped["TOTAL_USEC"]), 500_000 + BOUND_USEC)
        self.assertEqual(unit.records("diagnostic"), [])

    def test_diagnostic_of_a_gateway_that_ends_at_once_delays_nothing(self):
        unit = self.unit("--drain", "0").start()
        unit.stop()
        stopped, _ = self.assert_cause(unit, "stop", job_type="stop")
        self.assertLess(int(stopped["TOTAL_USEC"]), BOUND_USEC)


if __name__ == "__main__":
    unittest.main()
