# SPDX-License-Identifier: MIT
"""What a gateway tells about its work, and what a run knows about the one before it."""

import os
import signal
import unittest

from harness import QUICK, Scenario, not_yet

SOON_SEC = 5


class Work(Scenario):
    @not_yet("work in flight")
    def test_work_in_flight_is_counted(self):
        unit = self.unit("--drain", "0.5", "--sessions", "4", "--active").start()
        unit.stop()
        self.assert_clean(unit, active_at_start="4", active_now="0")

    @not_yet("steps")
    def test_step_that_overruns_its_bound_escalates(self):
        unit = self.unit("--drain", "inf", "--step", "flush::300000", options=QUICK).start()
        unit.stop()
        step = unit.wait_record("step", deadline_sec=SOON_SEC)
        self.assertEqual(step["STEP"], "flush")
        self.assertEqual(step["TIMED_OUT"], "yes")

    @not_yet("steps")
    def test_step_that_ends_in_time_is_recorded(self):
        unit = self.unit("--drain", "1", "--step", "flush:0.3:2000000").start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.wait_record("step", deadline_sec=SOON_SEC)["TIMED_OUT"], "no")


class Heartbeat(Scenario):
    @not_yet("the gateway's watchdog")
    def test_heartbeat_that_stops_ends_the_gateway(self):
        unit = self.unit("--watchdog", "0.2:3", options=[*QUICK, "--watchdog=1s"],
                         service={"LimitCORE": "0"}).start()
        unit.wait_ended()
        record = unit.wait_record("watchdog")
        self.assertEqual(record["WATCHDOG_USEC"], "1000000")
        self.assertGreaterEqual(int(record["WATCHDOG_AGE_USEC"]), 1_000_000)
        self.assertEqual(unit.signals_seen()[:1], ["SIGABRT"])
        self.assert_stopped(unit, cause="watchdog", exit_status="SIGABRT")


class Previous(Scenario):
    @not_yet("the previous run")
    def test_previous_run_of_a_new_unit_is_none(self):
        unit = self.unit().start()
        self.assertEqual(unit.seen("start")[0]["environment"]["GATEWATCH_PREVIOUS"], "none")

    @not_yet("the previous run")
    def test_previous_run_that_was_clean_is_told(self):
        unit = self.unit().start()
        unit.stop()
        unit.start()
        self.assertEqual(unit.seen("start")[1]["environment"]["GATEWATCH_PREVIOUS"], "clean")

    @not_yet("the previous run")
    def test_previous_run_that_failed_is_told(self):
        unit = self.unit("--exit-after", "0.3", "--exit-code", "75",
                         service={"Restart": "on-failure", "RestartSec": "100ms"}).start()
        unit.wait_seen("start", count=2)
        self.assertEqual(unit.seen("start")[1]["environment"]["GATEWATCH_PREVIOUS"], "failed")

    @not_yet("the previous run")
    def test_previous_run_whose_supervisor_was_killed_is_lost(self):
        unit = self.unit(stopped_records=None).start()
        os.kill(unit.main_pid, signal.SIGKILL)
        unit.wait_ended()
        first = unit.wait_record("started")["RUN_ID"]
        unit.start()
        record = unit.wait_record("previous", deadline_sec=SOON_SEC)
        self.assertEqual(record["PREVIOUS"], "lost")
        self.assertEqual(record["PREVIOUS_RUN_ID"], first)
        unit.stop()


if __name__ == "__main__":
    unittest.main()
