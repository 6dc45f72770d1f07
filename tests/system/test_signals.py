# SPDX-License-Identifier: MIT
"""Whatever signals arrive from whomever under every KillMode=: the gateway gets the stop signal once,
everything else unchanged, and the record says who sent it."""

import os
import signal
import subprocess
import unittest

from harness import QUICK, Scenario


class Kill(Scenario):
    def test_kill_whom_main_in_mixed_mode_stops_once(self):
        unit = self.unit("--drain", "0.5").start()
        unit.systemctl("kill", "--kill-whom=main")
        unit.wait_ended()
        self.assert_clean(unit, signal="SIGTERM", sender_pid="1")
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_kill_of_all_stops(self):
        unit = self.unit("--drain", "0.5").start()
        unit.systemctl("kill")
        unit.wait_ended()
        self.assert_clean(unit, signal="SIGTERM")

    def test_kill_in_the_drain_is_recorded_and_not_forwarded(self):
        unit = self.unit("--drain", "1.5").start()
        unit.begin_stop()
        unit.systemctl("kill", "--kill-whom=main")
        unit.wait_ended()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])
        self.assertEqual(len(unit.records("signal")), 2)

    def test_kill_in_the_drain_with_second_signal_escalate_moves_on(self):
        unit = self.unit("--drain", "inf", options=[
            "--second-signal=escalate", "--drain-timeout=60s", "--headroom=30s",
            "--stop-schedule=drain:TERM@main,kill:KILL@all/5s"]).start()
        unit.begin_stop()
        unit.wait_record("signal")
        unit.systemctl("kill", "--kill-whom=main")
        unit.wait_ended()
        self.assert_stopped(unit, outcome="killed", exit_code="killed", exit_status="SIGKILL")

    def test_kill_with_hup_is_forwarded_and_stops_nothing(self):
        unit = self.unit("--reload").start()
        unit.systemctl("kill", "--kill-whom=main", "--signal=HUP")
        unit.wait_seen("reload")
        self.assertIn(unit.show("ActiveState"), ("active", "reloading"))
        self.assertEqual(unit.signals_seen(), ["SIGHUP"])
        self.assertEqual(unit.records("signal"), [])

    def test_kill_with_realtime_signal_is_forwarded(self):
        unit = self.unit(options=["--log-level=debug"]).start()
        unit.systemctl("kill", "--kill-whom=main", "--signal=SIGRTMIN+3")
        seen = unit.wait_seen("signal")
        self.assertEqual(seen["signal"], "signal#37")
        self.assertEqual(unit.wait_record("forwarded")["SIGNAL"], "SIGRTMIN+3")

    def test_kill_with_int_begins_with_int(self):
        unit = self.unit("--drain", "0.3").start()
        unit.systemctl("kill", "--kill-whom=main", "--signal=INT")
        unit.wait_ended()
        self.assert_clean(unit, signal="SIGINT")
        self.assertEqual(unit.signals_seen(), ["SIGINT"])

    def test_kill_by_a_process_names_it(self):
        unit = self.unit("--drain", "0.5").start()
        # The test itself is a sender that stays.
        os.kill(unit.main_pid, signal.SIGTERM)
        unit.wait_ended()
        self.assert_clean(unit, cause="signal", signal="SIGTERM", sender_pid=str(os.getpid()), sender_uid="0")

    def test_kill_by_a_process_that_exits_at_once_still_counts(self):
        unit = self.unit("--drain", "0.5").start()
        sender = subprocess.Popen(["/bin/kill", "-TERM", str(unit.main_pid)])
        sender.wait()
        unit.wait_ended()
        self.assert_clean(unit, cause="signal", sender_pid=str(sender.pid))


class KillMode(Scenario):
    def test_mode_mixed_gives_the_gateway_one_term(self):
        unit = self.unit("--drain", "1").start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_mode_control_group_gives_the_gateway_one_term(self):
        unit = self.unit("--drain", "1", service={"KillMode": "control-group"}).start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_mode_control_group_with_delegate_gives_the_gateway_one_term(self):
        unit = self.unit("--drain", "1",
                         service={"KillMode": "control-group", "Delegate": "yes"}).start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_mode_control_group_forwards_what_a_process_sends(self):
        unit = self.unit("--drain", "0.5", service={"KillMode": "control-group"}).start()
        os.kill(unit.main_pid, signal.SIGTERM)
        unit.wait_ended()
        self.assert_clean(unit, cause="signal")
        gateway = unit.seen("start")[0]["pid"]
        self.assertEqual(unit.signals_seen(gateway)[:1], ["SIGTERM"])

    def test_mode_process_gives_the_gateway_one_term(self):
        unit = self.unit("--drain", "1", service={"KillMode": "process"}).start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_mode_process_leaves_no_grandchild(self):
        unit = self.unit("--fork-orphans", "3", options=QUICK, service={"KillMode": "process"}).start()
        unit.stop()
        self.assert_stopped(unit, outcome="killed", exit_status="0")


class Settings(Scenario):
    def test_send_sighup_is_no_second_stop(self):
        unit = self.unit("--drain", "0.5", service={"SendSIGHUP": "yes"}).start()
        unit.stop()
        self.assert_clean(unit)
        # What the unit asks for reaches the gateway as it would without a supervisor: once, and last.
        self.assertIn(unit.signals_seen(), (["SIGTERM"], ["SIGTERM", "SIGHUP"]))
        self.assertEqual(len(unit.records("signal")), 1)

    def test_kill_signal_of_the_unit_begins_the_stop(self):
        unit = self.unit("--drain", "0.3", service={"KillSignal": "SIGQUIT"}).start()
        unit.stop()
        self.assert_clean(unit, signal="SIGQUIT")

    def test_kill_signal_hup_of_the_unit_begins_the_stop(self):
        unit = self.unit("--drain", "0.3", "--reload", service={"KillSignal": "SIGHUP"}).start()
        unit.stop()
        self.assert_clean(unit, signal="SIGHUP")
        self.assertEqual(unit.seen("reload"), [])

    def test_runtime_limit_ends_clean(self):
        unit = self.unit("--drain", "0.3", service={"RuntimeMaxSec": "1s"}).start()
        unit.wait_ended()
        self.assert_stopped(unit, outcome="clean")
        self.assert_unit(unit, Result="timeout")

    def test_dependency_that_stops_takes_the_unit_along(self):
        unit = self.unit("--drain", "0.3", unit={"PartOf": "gw-dependency.target",
                                                 "After": "gw-dependency.target"})
        unit.write_file("gw-dependency.target", "[Unit]\nDescription=A dependency\n")
        unit.manager.reload()
        unit.manager.systemctl("start", "gw-dependency.target")
        unit.start()
        unit.manager.systemctl("stop", "gw-dependency.target")
        unit.wait_ended()
        self.assert_clean(unit)


if __name__ == "__main__":
    unittest.main()
