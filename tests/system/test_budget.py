# SPDX-License-Identifier: MIT
"""What systemd allows and what the drain needs: every --on-short-timeout=, where the timeout comes
from, watchdogs of systemd, and a daemon-reload that changes it all."""

import unittest

from harness import CLD_EXITED, Scenario

# A ladder that needs 10 s + 5 s in all.
LADDER = ("--drain-timeout=10s", "--headroom=5s",
          "--stop-schedule=drain:TERM@main,terminate:TERM@others/1s,kill:KILL@all/1s")


class ShortTimeout(Scenario):
    def test_extend_outlasts_the_units_timeout(self):
        unit = self.unit("--drain", "6", options=[*LADDER, "--on-short-timeout=extend"],
                         service={"TimeoutStopSec": "2s"}).start()
        unit.stop()
        record = self.assert_clean(unit)
        self.assertGreaterEqual(int(record["DRAIN_USED_USEC"]), 5_500_000)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_extend_is_the_default_with_every_type_of_unit(self):
        unit = self.unit("--drain", "4", options=LADDER,
                         service={"TimeoutStopSec": "2s", "Type": "exec", "NotifyAccess": "main"}).start()
        unit.stop()
        self.assert_clean(unit)

    def test_extend_in_delegated_unit_outlasts_the_timeout(self):
        unit = self.unit("--drain", "4", options=LADDER,
                         service={"TimeoutStopSec": "2s", "Delegate": "yes"}).start()
        unit.stop()
        self.assert_clean(unit)

    def test_extend_is_bounded_by_the_ladder(self):
        unit = self.unit("--drain", "inf", options=[
            "--drain-timeout=3s", "--headroom=4s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"TimeoutStopSec": "2s"}).start()
        unit.stop()
        self.assert_stopped(unit, outcome="killed", exit_code="killed", exit_status="SIGKILL")
        self.assert_unit(unit, Result="signal")

    def test_clamp_ends_before_systemd_would(self):
        unit = self.unit("--drain", "inf", options=[
            "--drain-timeout=10s", "--headroom=4s", "--on-short-timeout=clamp",
            "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"TimeoutStopSec": "6s"}).start()
        unit.stop()
        record = self.assert_stopped(unit, outcome="killed", exit_code="killed",
                                     exit_status="SIGKILL")
        self.assertLess(int(record["TOTAL_USEC"]), 6_000_000)
        self.assertEqual(unit.show("Result"), "signal")

    def test_clamp_below_the_headroom_shrinks_every_phase(self):
        unit = self.unit("--drain", "inf", options=[*LADDER, "--on-short-timeout=clamp"],
                         service={"TimeoutStopSec": "3s"}).start()
        unit.stop()
        record = self.assert_stopped(unit, outcome="killed", exit_status="SIGKILL")
        self.assertLess(int(record["TOTAL_USEC"]), 3_000_000)
        self.assertEqual(unit.show("Result"), "signal")

    def test_clamp_of_a_quick_drain_is_clean(self):
        unit = self.unit("--drain", "0.5", options=[*LADDER, "--on-short-timeout=clamp"],
                         service={"TimeoutStopSec": "8s"}).start()
        unit.stop()
        self.assert_clean(unit)

    def test_warn_leaves_the_end_to_systemd(self):
        unit = self.unit("--drain", "inf", options=[*LADDER, "--on-short-timeout=warn"],
                         service={"TimeoutStopSec": "1s"}, stopped_records=0).start()
        unit.stop()
        self.assert_unit(unit, Result="timeout")
        self.assertEqual(unit.wait_record("short-timeout")["ACTION"], "warn")

    def test_refuse_starts_no_gateway(self):
        unit = self.unit(options=[*LADDER, "--on-short-timeout=refuse"],
                         service={"TimeoutStopSec": "2s"})
        unit.systemctl("start", check=False)
        unit.wait_ended()
        self.assert_unit(unit, Result="exit-code", ExecMainCode=CLD_EXITED, ExecMainStatus="78")
        self.assertEqual(unit.seen(), [])
        self.assertEqual(unit.wait_record("short-timeout")["ACTION"], "refuse")

    def test_refuse_of_a_long_enough_unit_starts(self):
        unit = self.unit(options=[*LADDER, "--on-short-timeout=refuse"],
                         service={"TimeoutStopSec": "15s"}).start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.records("short-timeout"), [])


class Source(Scenario):
    def test_short_timeout_of_the_fragment_is_recorded(self):
        unit = self.unit(options=LADDER, service={"TimeoutStopSec": "2s"}).start()
        record = unit.wait_record("short-timeout")
        self.assertEqual(record["TIMEOUT_STOP_USEC"], "2000000")
        self.assertEqual(record["DRAIN_USEC"], "10000000")
        self.assertEqual(record["HEADROOM_USEC"], "5000000")
        self.assertEqual(record["REQUIRED_USEC"], "15000000")
        self.assertEqual(record["ACTION"], "extend")
        self.assertEqual(record["SOURCE"], f"/run/systemd/system/{unit.service}")
        self.assertIn(unit.service, record["REMEDY"])
        self.assertEqual(record.fields["PRIORITY"], "4")

    def test_short_timeout_of_a_drop_in_is_recorded(self):
        unit = self.unit(options=LADDER)
        drop_in = f"{unit.service}.d/50-short.conf"
        unit.write_file(drop_in, "[Service]\nTimeoutStopSec=3s\n")
        unit.manager.reload()
        unit.start()
        record = unit.wait_record("short-timeout")
        self.assertEqual(record["TIMEOUT_STOP_USEC"], "3000000")
        self.assertEqual(record["SOURCE"], f"/run/systemd/system/{drop_in}")

    def test_timeout_that_is_just_enough_is_not_short(self):
        # 60 s and 30 s by default, and DefaultTimeoutStopSec=90s.
        unit = self.unit(service={"TimeoutStopSec": None}).start()
        self.assertEqual(unit.show("TimeoutStopUSec"), "1min 30s")
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.records("short-timeout"), [])

    def test_timeout_of_infinity_is_not_short(self):
        unit = self.unit("--drain", "0.2", service={"TimeoutStopSec": "infinity"}).start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.records("short-timeout"), [])


class DaemonReload(Scenario):
    def test_daemon_reload_while_running_is_noticed(self):
        unit = self.unit("--drain", "5", options=LADDER,
                         service={"TimeoutStopSec": "60s"}).start()
        unit.write_file(f"{unit.service}.d/50-short.conf", "[Service]\nTimeoutStopSec=2s\n")
        unit.manager.reload()
        unit.stop()
        self.assert_clean(unit)

    def test_daemon_reload_in_the_drain_that_shortens_the_timeout_is_survived(self):
        unit = self.unit("--drain", "5", options=LADDER,
                         service={"TimeoutStopSec": "60s"}).start()
        unit.begin_stop()
        unit.write_file(f"{unit.service}.d/50-short.conf", "[Service]\nTimeoutStopSec=3s\n")
        unit.manager.reload()
        unit.wait_ended()
        self.assert_clean(unit)

    def test_daemon_reload_in_the_drain_changes_nothing_by_itself(self):
        unit = self.unit("--drain", "2").start()
        unit.begin_stop()
        unit.manager.reload()
        unit.wait_ended()
        self.assert_clean(unit)

    def test_daemon_reexec_in_the_drain_changes_nothing(self):
        unit = self.unit("--drain", "2").start()
        unit.begin_stop()
        unit.manager.systemctl("daemon-reexec")
        unit.wait_ended()
        self.assert_clean(unit)


class Watchdog(Scenario):
    def test_systemds_watchdog_is_fed_while_running(self):
        unit = self.unit("--exit-after", "3", service={"WatchdogSec": "1s"}).start()
        unit.wait_ended()
        self.assert_unit(unit, Result="success", ExecMainStatus="0")
        self.assert_stopped(unit, cause="exit", outcome="exited")

    def test_systemds_watchdog_does_not_bite_in_a_long_drain(self):
        unit = self.unit("--drain", "4", service={"WatchdogSec": "1s"}).start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_systemds_watchdog_is_not_rearmed_by_the_gateway(self):
        unit = self.unit("--drain", "4", "--watchdog", "0.2", service={"WatchdogSec": "1s"}).start()
        unit.stop()
        self.assert_clean(unit)


if __name__ == "__main__":
    unittest.main()
