# SPDX-License-Identifier: MIT
"""A heartbeat that is lost, for each reason for which it can be: the gateway is ended, and the records say
in one word why it said nothing."""

import ctypes
import os
import pathlib
import select
import signal
import unittest

from harness import CLD_EXITED, QUICK, Scenario

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000

# Beats five times as often as it must; SIGABRT ends it, as it does a gateway that does not catch it.
BEATS = ("--watchdog", "0.2", "--default", "ABRT")
OPTIONS = (*QUICK, "--watchdog=1s")
NO_CORE = {"LimitCORE": "0"}

libc = ctypes.CDLL(None, use_errno=True)


def ptrace(request, pid):
    if libc.ptrace(request, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request:#x})")


def let_pass(seconds):
    """A length of time that is itself part of the scenario; nothing is waited for."""
    select.select([], [], [], seconds)


class WatchdogScenario(Scenario):
    def gateway(self, *arguments, options=OPTIONS, beats=BEATS, service=None, **settings):
        """Started."""
        return self.unit(*beats, *arguments, options=options, service=NO_CORE | (service or {}),
                         **settings).start()

    def pid(self, unit):
        return unit.seen("start")[0]["pid"]

    def assert_lost(self, unit, stall):
        """Returns the `watchdog` record."""
        record = unit.wait_record("watchdog")
        self.assertEqual(record["STALL"], stall, record["STALL_DETAIL"])
        self.assertTrue(record["STALL_DETAIL"])
        self.assertEqual(record["WATCHDOG_USEC"], "1000000")
        self.assertGreaterEqual(int(record["WATCHDOG_AGE_USEC"]), 1_000_000)
        self.assertEqual(record["WATCHDOG_SIGNAL"], "SIGABRT")
        self.assertEqual(record.fields["PRIORITY"], "3")
        unit.wait_ended()
        stuck = unit.wait_record("stuck")
        self.assertEqual((stuck["MISSED"], stuck["STALL"]), ("heartbeat", stall))
        self.assert_stopped(unit, cause="watchdog")
        self.assertEqual(len(unit.records("watchdog")), 1)
        return record

    def assert_never_missed(self, unit):
        self.assertEqual(unit.records("watchdog"), [])
        self.assertNotIn("SIGABRT", unit.signals_seen())


class Lost(WatchdogScenario):
    def test_heartbeat_of_a_stopped_gateway_is_stopped(self):
        unit = self.gateway()
        os.kill(self.pid(unit), signal.SIGSTOP)
        self.assert_lost(unit, "stopped")

    def test_heartbeat_of_a_busy_loop_is_spinning(self):
        record = self.assert_lost(self.gateway("--spin-after", "0.5"), "spinning")
        self.assertGreaterEqual(int(record["MAIN_CPU_USEC"]), 300_000)

    def test_heartbeat_of_a_blocked_loop_is_wedged(self):
        unit = self.gateway("--wedge-after", "0.5")
        self.assert_lost(unit, "wedged")
        self.assert_stopped(unit, exit_code="killed", exit_status="SIGABRT")
        self.assertEqual(unit.show("ExecMainStatus"), str(signal.SIGABRT.value))

    def test_heartbeat_of_a_loop_without_cpu_is_starved(self):
        record = self.assert_lost(self.gateway("--starve-after", "0.5"), "starved")
        # The kernel counts a wait once it is over; this one may still go on.
        self.assertIn("waited for a CPU", record["STALL_DETAIL"])
        self.assertTrue(record["LOADAVG"])

    def test_heartbeat_of_a_debugged_gateway_is_traced(self):
        unit = self.gateway()
        pid = self.pid(unit)
        ptrace(PTRACE_SEIZE, pid)
        ptrace(PTRACE_INTERRUPT, pid)
        os.waitpid(pid, WALL)
        record = unit.wait_record("watchdog")
        self.assertIn(f"({os.getpid()})", record["STALL_DETAIL"])
        ptrace(PTRACE_DETACH, pid)
        self.assert_lost(unit, "traced")

    def test_heartbeat_that_just_ends_ends_the_gateway(self):
        # The loop turns: it sleeps in its poll, for all that can be seen.
        unit = self.gateway(beats=("--watchdog", "0.2:3", "--default", "ABRT"))
        self.assert_lost(unit, "wedged")

    def test_heartbeat_that_goes_on_is_never_missed(self):
        unit = self.gateway("--exit-after", "4")
        unit.wait_ended()
        self.assert_never_missed(unit)
        self.assert_stopped(unit, cause="exit", outcome="exited")


class Settings(WatchdogScenario):
    def test_watchdog_is_told_to_the_gateway(self):
        unit = self.gateway(options=[*QUICK, "--watchdog=30s"], service={"WatchdogSec": "70s"})
        start, = unit.seen("start")
        self.assertEqual(start["environment"]["WATCHDOG_USEC"], "30000000")
        self.assertEqual(start["environment"]["WATCHDOG_PID"], str(start["pid"]))

    def test_watchdog_of_the_unit_is_not_told_to_the_gateway(self):
        unit = self.gateway(options=QUICK, service={"WatchdogSec": "30s"})
        self.assertNotIn("WATCHDOG_USEC", unit.seen("start")[0]["environment"])

    def test_watchdog_signal_of_the_run_comes_first(self):
        unit = self.gateway("--wedge-after", "0.5", options=[*OPTIONS, "--watchdog-signal=USR2"],
                            beats=("--watchdog", "0.2", "--default", "USR2"))
        self.assertEqual(unit.wait_record("watchdog")["WATCHDOG_SIGNAL"], "SIGUSR2")
        unit.wait_ended()
        self.assert_stopped(unit, cause="watchdog", exit_code="killed", exit_status="SIGUSR2")

    def test_watchdog_signal_that_is_ignored_is_followed_by_the_ladder(self):
        unit = self.gateway(options=OPTIONS, beats=("--watchdog", "0.2:3", "--ignore", "all"))
        unit.wait_ended()
        self.assertEqual(unit.signals_seen()[0], "SIGABRT")
        self.assert_stopped(unit, cause="watchdog", outcome="killed", exit_status="SIGKILL")

    def test_trigger_ends_a_gateway_that_gives_itself_up(self):
        unit = self.gateway("--trigger-after", "0.5", options=QUICK, beats=("--default", "ABRT"))
        record = unit.wait_record("watchdog")
        self.assertEqual(record["WATCHDOG_TRIGGERED"], "yes")
        unit.wait_ended()
        self.assert_stopped(unit, cause="watchdog", exit_status="SIGABRT")

    def test_interval_changed_by_the_gateway_counts(self):
        unit = self.gateway("--watchdog-usec", "0.3:1000000", options=[*QUICK, "--watchdog=60s"],
                            beats=("--watchdog", "0.2:4", "--default", "ABRT"))
        self.assertEqual(self.assert_lost(unit, "wedged")["WATCHDOG_TRIGGERED"], "no")

    def test_interval_asked_for_by_the_gateway_alone_counts(self):
        unit = self.gateway("--watchdog-usec", "0.3:1000000", options=QUICK,
                            beats=("--watchdog", "0.2:4", "--default", "ABRT"))
        self.assert_lost(unit, "wedged")

    def test_interval_of_0_turns_the_watchdog_off(self):
        unit = self.gateway("--watchdog-usec", "0.3:0", "--exit-after", "3",
                            beats=("--watchdog", "0.2:3"))
        unit.wait_ended()
        self.assert_never_missed(unit)
        self.assert_stopped(unit, cause="exit")


class Suspended(WatchdogScenario):
    def test_heartbeat_is_not_expected_before_ready(self):
        unit = self.gateway("--ready-after", "3", "--exit-after", "3.3", beats=())
        unit.wait_ended()
        self.assert_never_missed(unit)
        self.assert_stopped(unit, cause="exit", outcome="exited")

    def test_heartbeat_is_not_expected_while_reloading(self):
        unit = self.gateway("--reload", "--reload-blocks", "--reload-takes", "3",
                            service={"ExecReload": "/bin/kill -HUP $MAINPID"})
        unit.systemctl("reload", "--no-block")
        unit.wait_seen("reloaded")
        self.assert_never_missed(unit)
        unit.stop()
        self.assert_clean(unit)

    def test_heartbeat_is_expected_again_after_a_reload(self):
        unit = self.gateway("--reload", "--wedge-after", "3",
                            service={"ExecReload": "/bin/kill -HUP $MAINPID"})
        unit.systemctl("reload", "--no-block")
        unit.wait_seen("reloaded")
        self.assert_lost(unit, "wedged")

    def test_heartbeat_is_not_expected_while_stopping(self):
        unit = self.gateway("--block-at-stop", "3", "--drain", "0.2",
                            options=["--drain-timeout=10s", "--headroom=30s", "--watchdog=1s"])
        unit.stop()
        self.assert_never_missed(unit)
        self.assert_clean(unit)

    def test_freeze_of_the_unit_does_not_end_a_healthy_gateway(self):
        unit = self.gateway()
        unit.systemctl("freeze")
        self.addCleanup(unit.systemctl, "thaw", check=False)
        let_pass(4)
        unit.systemctl("thaw")
        # Longer than another interval.
        let_pass(2.5)
        self.assert_never_missed(unit)
        self.assertEqual(unit.show("ActiveState"), "active")
        unit.stop()
        self.assert_clean(unit)

    def test_start_that_never_gets_ready_is_ended_by_its_own_timeout(self):
        unit = self.unit("--never-ready", options=OPTIONS, service={"TimeoutStartSec": "2s"})
        unit.systemctl("start", check=False)
        unit.wait_ended()
        self.assert_unit(unit, Result="timeout", NRestarts="0")
        self.assert_never_missed(unit)
        self.assertEqual(unit.records("ready"), [])
        record = unit.wait_record("stopped")
        self.assertNotEqual(record["CAUSE"], "unknown", record["CAUSE_DETAIL"])
        self.assertIn("start", record["CAUSE_DETAIL"].lower())


class Both(WatchdogScenario):
    """WatchdogSec= watches the supervisor, --watchdog= the gateway."""

    def test_both_watchdogs_leave_a_healthy_gateway_alone(self):
        unit = self.gateway("--exit-after", "4", service={"WatchdogSec": "1500ms"})
        unit.wait_ended()
        self.assert_never_missed(unit)
        self.assert_unit(unit, Result="success", ExecMainCode=CLD_EXITED, ExecMainStatus="0")

    def test_both_watchdogs_with_a_wedged_gateway_is_ours(self):
        unit = self.gateway("--wedge-after", "0.5", service={"WatchdogSec": "1500ms"})
        self.assert_lost(unit, "wedged")
        self.assertNotEqual(unit.show("Result"), "watchdog")

    def test_both_watchdogs_in_a_long_stop_after_a_lost_heartbeat_is_ours(self):
        unit = self.gateway(options=["--drain-timeout=4s", "--headroom=6s", "--watchdog=1s",
                                     "--stop-schedule=drain:TERM@main,kill:KILL@all/2s"],
                            beats=("--watchdog", "0.2:3", "--ignore", "all"),
                            service={"WatchdogSec": "1500ms"})
        unit.wait_ended()
        self.assert_stopped(unit, cause="watchdog", outcome="killed")
        self.assertNotEqual(unit.show("Result"), "watchdog")


class Dump(WatchdogScenario):
    """The gateway is asked for its own account of what it does, by faulthandler here."""

    def dump(self, unit):
        """The file and when it was written to last, in seconds since 1970."""
        path = pathlib.Path(f"{unit.log_path}.dump")
        self.addCleanup(path.unlink, missing_ok=True)
        return path.read_text(), path.stat().st_mtime

    def test_dump_signal_comes_a_second_before_the_watchdogs(self):
        unit = self.gateway("--wedge-after", "0.5", "--dump-signal", "USR1",
                            options=[*QUICK, "--watchdog=3s", "--dump-signal=USR1"])
        unit.wait_ended()
        text, written_at = self.dump(unit)
        self.assertIn("block_loop", text)
        self.assertEqual(unit.wait_record("stuck")["DUMP_SIGNAL"], "SIGUSR1")
        stopped = self.assert_stopped(unit, cause="watchdog", exit_status="SIGABRT")
        # SIGABRT ended it at once: the last record cannot be older than that.
        ended_at = int(stopped.fields["_SOURCE_REALTIME_TIMESTAMP"]) / 1e6
        self.assertGreaterEqual(ended_at - written_at, 0.9)

    def test_dump_signal_comes_a_second_before_the_kill(self):
        unit = self.gateway("--drain", "inf", "--ignore", "all", "--dump-signal", "USR1",
                            options=[*QUICK, "--dump-signal=USR1"], beats=())
        unit.stop()
        text, written_at = self.dump(unit)
        self.assertIn("turn", text)
        self.assertEqual(unit.wait_record("stuck")["DUMP_SIGNAL"], "SIGUSR1")
        stopped = self.assert_stopped(unit, outcome="killed", exit_status="SIGKILL")
        ended_at = int(stopped.fields["_SOURCE_REALTIME_TIMESTAMP"]) / 1e6
        self.assertGreaterEqual(ended_at - written_at, 0.9)

    def test_dump_signal_of_none_sends_nothing(self):
        unit = self.gateway("--drain", "inf", "--ignore", "all", "--dump-signal", "USR1", options=QUICK,
                            beats=())
        unit.stop()
        self.assertEqual(self.dump(unit)[0], "")
        self.assertEqual({record["DUMP_SIGNAL"] for record in unit.records("stuck")} - {None}, set())


if __name__ == "__main__":
    unittest.main()
