# SPDX-License-Identifier: MIT
"""A run whose supervisor was killed: `gatewatch post` or the next run writes what it could not, exactly
once, and the next gateway learns how the one before it ended."""

import os
import pathlib
import signal
import unittest

from causes import CauseScenario, UserScenario, kill
from harness import CLD_KILLED, GATEWATCH

FLIGHT = "gatewatch.flight"
POST = {"ExecStopPost": f"{GATEWATCH} post"}


class PreviousScenario(CauseScenario):
    def previous_seen(self, unit):
        """What each gateway was told of the one before."""
        return [start["environment"].get("GATEWATCH_PREVIOUS") for start in unit.seen("start")]

    def assert_lost(self, unit, recorded_by, cause="supervisor-killed", **expected):
        stopped = self.assert_stopped(unit, cause=cause, outcome="lost", recorded_by=recorded_by, **expected)
        self.assertTrue(stopped["CAUSE_DETAIL"])
        self.assertEqual(stopped.fields["PRIORITY"], "4")
        return stopped

    def flight_of(self, unit):
        return pathlib.Path("/var/lib") / unit.name / FLIGHT


class Post(PreviousScenario):
    """By ExecStopPost=, at once."""

    def test_kill_of_the_supervisor_is_recorded_by_post(self):
        unit = self.unit("--drain", "0.5", service=POST).start()
        run_id, gateway = unit.show("InvocationID"), unit.seen("start")[0]["pid"]
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        stopped = self.assert_lost(unit, "post", exit_code="killed", exit_status="SIGKILL", signal=None,
                                   sender_pid=None, requester_pid=None, service_result="signal")
        self.assertEqual((stopped["RUN_ID"], stopped["PID"]), (run_id, str(gateway)))
        self.assertEqual(stopped["PREVIOUS_PHASE"], "running")
        self.assert_unit(unit, Result="signal", ExecMainCode=CLD_KILLED, ExecMainStatus="9")

    def test_kill_of_both_is_recorded_by_post(self):
        unit = self.unit("--drain", "0.5", service=POST).start()
        unit.systemctl("kill", "--signal=KILL", "--kill-whom=all")
        unit.wait_ended()
        self.assert_lost(unit, "post", exit_code="killed", exit_status="SIGKILL")

    def test_kill_of_the_supervisor_in_the_drain_is_recorded_by_post_with_the_stops_cause(self):
        unit = self.unit("--drain", "inf", service=POST).start()
        unit.begin_stop()
        unit.wait_record("cause")
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        stopped = self.assert_lost(unit, "post", cause="stop", signal="SIGTERM", sender_state="manager",
                                   sender_pid="1")
        self.assertEqual([phase["name"] for phase in stopped.phases], ["drain"])
        self.assertEqual(stopped["PREVIOUS_PHASE"], "drain")
        self.assertGreater(int(stopped["TOTAL_USEC"]), 0)

    def test_timeout_of_systemd_in_the_drain_is_recorded_by_post(self):
        unit = self.unit("--drain", "inf", "--ignore", "all", options=["--on-short-timeout=warn"],
                         service={**POST, "TimeoutStopSec": "1s"}).start()
        unit.stop()
        self.assert_lost(unit, "post", cause="stop", signal="SIGTERM", service_result="timeout")

    def test_kill_of_the_supervisor_tells_the_next_gateway(self):
        unit = self.unit("--drain", "0.5", service=POST).start()
        first = unit.show("InvocationID")
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        unit.start()
        self.assertEqual(self.previous_seen(unit), ["none", "lost"])
        unit.stop()
        self.assertEqual(unit.wait_record("stopped", count=2)["OUTCOME"], "clean")
        # Post has said it all: nobody says it again.
        self.assertEqual([record["RUN_ID"] for record in unit.records("stopped")].count(first), 1)

    def test_clean_stop_leaves_post_nothing_to_record(self):
        unit = self.unit("--drain", "0.3", service=POST).start()
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop")
        self.assertEqual(len(unit.records("stopped")), 1)

    def test_kill_of_a_supervisor_of_nobody_is_recorded_by_post(self):
        unit = self.unit("--drain", "0.5", service={**POST, "User": "nobody"}).start()
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        self.assert_lost(unit, "post", exit_status="SIGKILL")

    def test_hang_of_the_supervisor_that_abort_does_not_end_is_recorded_by_post(self):
        """With a signal that says nothing in place of ABRT: only the kill after it ends the supervisor."""
        unit = self.unit("--drain", "inf", "--ignore", "all", options=["--on-short-timeout=warn"],
                         service={**POST, "WatchdogSec": "1s", "WatchdogSignal": "STOP",
                                  "TimeoutAbortSec": "1s", "TimeoutStopSec": "1s"}).start()
        kill(unit, signal.SIGSTOP)
        unit.wait_ended()
        self.assert_lost(unit, "post", cause="manager-watchdog", service_result="watchdog")


class NextRun(PreviousScenario):
    """Without ExecStopPost=, as late as that may be."""

    def lose(self, unit, **expected):
        """Starts it again after its supervisor was killed. Returns the previous run's id and last record."""
        first = unit.show("InvocationID")
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        self.assertEqual(unit.records("stopped"), [])
        unit.start()
        stopped = self.assert_lost(unit, "next-run", **expected)
        self.assertEqual(stopped["RUN_ID"], first)
        return first, stopped

    def assert_previous(self, unit, first, **expected):
        record = unit.wait_record("previous")
        self.assertEqual({name: record[name.upper()] for name in expected}, expected)
        self.assertEqual((record["PREVIOUS_RUN_ID"], record["RUN_ID"]), (first, unit.show("InvocationID")))
        self.assertEqual(record.fields["PRIORITY"], "4")
        self.assertGreater(int(record["PREVIOUS_ELAPSED_USEC"]), 0)
        return record

    def test_kill_of_the_supervisor_is_recorded_by_the_next_run(self):
        unit = self.unit("--drain", "0.3").start()
        gateway = unit.seen("start")[0]["pid"]
        first, stopped = self.lose(unit)
        self.assertEqual(stopped["PID"], str(gateway))
        self.assert_previous(unit, first, previous="lost", previous_phase="running")
        self.assertEqual(self.previous_seen(unit), ["none", "lost"])
        unit.stop()
        self.assertEqual(unit.wait_record("stopped", count=2)["OUTCOME"], "clean")
        self.assertEqual(len(unit.records("previous")), 1)

    def test_kill_of_both_is_recorded_by_the_next_run(self):
        unit = self.unit("--drain", "0.3").start()
        first = unit.show("InvocationID")
        unit.systemctl("kill", "--signal=KILL", "--kill-whom=all")
        unit.wait_ended()
        unit.start()
        self.assert_lost(unit, "next-run")
        self.assert_previous(unit, first, previous="lost", previous_phase="running")

    def test_kill_of_the_supervisor_in_the_drain_is_recorded_by_the_next_run(self):
        unit = self.unit("--drain", "1.5").start()
        deputy = self.deputy("systemctl stop $1 >/dev/null 2>&1 &", unit.service)
        unit.wait_record("cause")
        first, stopped = self.lose(unit, cause="stop", signal="SIGTERM", sender_state="manager")
        self.assertEqual(stopped["REQUESTER_COMM"], "systemctl")
        self.assertIn(unit.service, stopped["REQUESTER_CMDLINE"])
        self.assertNotEqual(stopped["REQUESTER_PID"], str(deputy.pid))
        self.assert_previous(unit, first, previous="lost", previous_phase="drain")

    def test_kill_before_readiness_is_recorded_by_the_next_run(self):
        unit = self.unit("--never-ready", "--drain", "0.3").start_without_waiting()
        unit.wait_record("started")
        first = unit.show("InvocationID")
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        unit.start_without_waiting()
        unit.wait_seen("start", count=2)
        self.assert_lost(unit, "next-run")
        self.assert_previous(unit, first, previous="lost", previous_phase="starting")

    def test_restart_setting_of_systemd_records_the_lost_run(self):
        unit = self.unit("--drain", "0.3", service={"Restart": "always", "RestartSec": "100ms"}).start()
        first = unit.show("InvocationID")
        kill(unit, signal.SIGKILL)
        unit.wait_seen("start", count=2)
        self.assertEqual(self.assert_lost(unit, "next-run")["RUN_ID"], first)
        self.assertEqual(self.previous_seen(unit), ["none", "lost"])


class Told(PreviousScenario):
    """GATEWATCH_PREVIOUS for each end that the run before could record itself; no `previous` record."""

    def assert_told(self, unit, *expected):
        self.assertEqual(self.previous_seen(unit), list(expected))
        self.assertEqual(unit.records("previous"), [])

    def ended(self, *gateway, **settings):
        """Ends by itself, and is started again."""
        unit = self.unit(*gateway, **settings).start()
        unit.wait_ended()
        unit.start()
        unit.wait_ended(count=2)
        return unit

    def test_previous_of_the_first_run_is_none(self):
        unit = self.unit("--drain", "0.1").start()
        self.assert_told(unit, "none")

    def test_previous_of_a_clean_stop_is_clean(self):
        unit = self.unit("--drain", "0.1").start()
        unit.systemctl("restart")
        unit.wait_seen("start", count=2)
        self.assert_told(unit, "none", "clean")

    def test_previous_of_a_kill_in_the_end_is_killed(self):
        unit = self.unit("--drain", "inf", "--ignore", "all", options=[
            "--drain-timeout=300ms", "--headroom=10s",
            "--stop-schedule=drain:TERM@main,kill:KILL@all/2s"]).start()
        unit.systemctl("restart")
        unit.wait_seen("start", count=2)
        self.assert_told(unit, "none", "killed")

    def test_previous_of_an_escalation_is_escalated(self):
        unit = self.unit("--drain", "0.1", "--ignore", "TERM", options=[
            "--drain-timeout=300ms", "--headroom=10s",
            "--stop-schedule=drain:TERM@main,interrupt:INT@main/2s,kill:KILL@all/2s"]).start()
        unit.systemctl("restart")
        unit.wait_seen("start", count=2)
        self.assert_told(unit, "none", "escalated")

    def test_previous_of_an_exit_is_exited(self):
        self.assert_told(self.ended("--exit-after", "0.1"), "none", "exited")

    def test_previous_of_a_failure_is_failed(self):
        self.assert_told(self.ended("--exit-after", "0.1", "--exit-code", "3"), "none", "failed")

    def test_previous_of_a_crash_is_crashed(self):
        unit = self.ended("--exit-after", "0.1", "--die-by", "SEGV", service={"LimitCORE": "0"})
        self.assert_told(unit, "none", "crashed")

    def test_previous_inherited_from_the_environment_does_not_count(self):
        unit = self.unit("--drain", "0.1", service={"Environment": "GATEWATCH_PREVIOUS=crashed"}).start()
        self.assert_told(unit, "none")


class Damage(PreviousScenario):
    """A flight record that is none. The run goes on, and leaves a good one where that is possible."""

    def starts_with(self, make, **settings):
        """make(path): what stands there before the first start."""
        unit = self.unit("--drain", "0.2", **settings)
        path = self.flight_of(unit)
        path.parent.mkdir(exist_ok=True)
        make(path)
        unit.start()
        self.assertEqual(self.previous_seen(unit), ["none"])
        self.assertEqual(unit.records("previous"), [])
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop")
        return unit

    def test_garbage_is_survived(self):
        self.starts_with(lambda path: path.write_bytes(os.urandom(8192)))

    def test_empty_file_is_survived(self):
        self.starts_with(lambda path: path.write_bytes(b""))

    def test_fifo_is_survived(self):
        self.starts_with(os.mkfifo)

    def test_directory_is_survived(self):
        self.starts_with(os.mkdir)

    def test_link_is_not_followed(self):
        target = pathlib.Path("/run/gatewatch-test/linked")
        target.write_text("not to be written to")
        self.addCleanup(target.unlink)
        self.starts_with(lambda path: path.symlink_to(target))
        self.assertEqual(target.read_text(), "not to be written to")

    def test_truncation_under_a_run_is_survived_and_mended(self):
        unit = self.unit("--drain", "0.2").start()
        os.truncate(self.flight_of(unit), 0)
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop")
        unit.start()
        self.assertIn(self.previous_seen(unit)[1], ("clean", "none"))

    def test_truncation_to_half_after_a_loss_is_survived(self):
        unit = self.unit("--drain", "0.2", stopped_records=None).start()
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        size = os.stat(self.flight_of(unit)).st_size
        os.truncate(self.flight_of(unit), size // 2)
        unit.start()
        self.assertIn(self.previous_seen(unit)[1], ("lost", "none"))
        unit.stop()

    def test_two_runs_in_one_directory_keep_apart(self):
        first = self.unit("--drain", "0.2").start()
        second = self.unit("--drain", "0.2", suffix="-2",
                           options=[f"--state-dir=/var/lib/{first.name}"]).start()
        self.assertEqual(self.previous_seen(second), ["none"])
        second.stop()
        self.assert_cause(second, "stop", job_type="stop")
        kill(first, signal.SIGKILL)
        first.wait_ended()
        first.start()
        self.assertEqual(self.assert_lost(first, "next-run")["PREVIOUS_PHASE"], "running")

    def test_file_is_private(self):
        unit = self.unit("--drain", "0.2").start()
        self.assertEqual(os.stat(self.flight_of(unit)).st_mode & 0o777, 0o600)


class UserUnit(UserScenario, PreviousScenario):
    """A user's unit: its state lies in the user's home."""

    USER = "gwprevious"

    def test_kill_of_the_supervisor_in_a_users_manager_is_recorded_by_post(self):
        unit = self.user_unit("--drain", "0.5", service=POST)
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        self.assert_lost(unit, "post", exit_code="killed", exit_status="SIGKILL")

    def test_kill_of_the_supervisor_in_a_users_manager_is_recorded_by_the_next_run(self):
        unit = self.user_unit("--drain", "0.5")
        kill(unit, signal.SIGKILL)
        unit.wait_ended()
        unit.start()
        self.assert_lost(unit, "next-run")
        self.assertEqual(self.previous_seen(unit), ["none", "lost"])


if __name__ == "__main__":
    unittest.main()
