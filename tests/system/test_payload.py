# SPDX-License-Identifier: MIT
"""All of the gateway's processes end with it, however stubborn, deep or quick they are, with and
without a delegated control group; and none outlives its supervisor."""

import os
import pathlib
import signal
import unittest

from harness import CLD_KILLED, QUICK, Scenario, processes_with, wait_until_gone


class ControlGroup(Scenario):
    def test_delegate_on_puts_the_gateway_into_its_own_leaf(self):
        unit = self.unit("--drain", "0.3", service={"Delegate": "yes"}).start()
        group = unit.show("ControlGroup")
        self.assertEqual(unit.seen("start")[0]["cgroup"], group + "/gateway")
        supervisor = pathlib.Path(f"/proc/{unit.main_pid}/cgroup").read_text()
        self.assertNotIn("/gateway\n", supervisor)
        unit.stop()
        self.assert_clean(unit)

    def test_delegate_off_leaves_the_gateway_in_the_units_group(self):
        unit = self.unit("--drain", "0.3", service={"Delegate": "no"}).start()
        self.assertEqual(unit.seen("start")[0]["cgroup"], unit.show("ControlGroup"))
        unit.stop()
        self.assert_clean(unit)

    def test_delegate_on_for_nobody_puts_the_gateway_into_its_own_leaf(self):
        unit = self.unit("--drain", "0.3", service={"Delegate": "yes", "User": "nobody"}).start()
        self.assertEqual(unit.seen("start")[0]["cgroup"], unit.show("ControlGroup") + "/gateway")
        unit.stop()
        self.assert_clean(unit)

    def test_delegate_on_can_restart(self):
        unit = self.unit("--fork-orphans", "2", options=QUICK, service={"Delegate": "yes"}).start()
        unit.systemctl("restart")
        self.assertEqual(len(unit.seen("start")), 2)
        self.assertEqual(unit.show("ActiveState"), "active")


class Stubborn(Scenario):
    def test_gateway_that_ignores_everything_is_killed(self):
        unit = self.unit("--ignore", "all", options=[
            "--drain-timeout=1s", "--headroom=6s",
            "--stop-schedule=drain:TERM@main,interrupt:INT@main/1s,terminate:TERM@others/1s,"
            "kill:KILL@all/2s"]).start()
        unit.stop()
        record = self.assert_stopped(unit, outcome="killed", exit_code="killed",
                                     exit_status="SIGKILL")
        self.assert_unit(unit, Result="signal", ExecMainCode=CLD_KILLED, ExecMainStatus="9")
        timed_out = {phase["name"]: phase["timed_out"] for phase in record.phases}
        self.assertTrue(timed_out["drain"])
        self.assertTrue(timed_out["interrupt"])
        self.assertFalse(timed_out["kill"])
        self.assertEqual(unit.signals_seen(), ["SIGTERM", "SIGINT"])
        self.assertEqual(record.fields["PRIORITY"], "4")

    def test_gateway_that_gives_in_to_the_second_phase_is_escalated(self):
        unit = self.unit("--ignore", "TERM", options=[
            "--drain-timeout=1s", "--headroom=6s",
            "--stop-schedule=drain:TERM@main,interrupt:INT@main/2s,kill:KILL@all/2s"]).start()
        unit.stop()
        self.assert_stopped(unit, outcome="escalated", exit_code="exited", exit_status="0")
        self.assert_unit(unit, Result="success")

    def orphans(self, count, **service):
        unit = self.unit("--fork-orphans", str(count), options=QUICK,
                         service={"TasksMax": "infinity", **service}).start()
        unit.wait_seen("orphans")
        self.assertEqual(len(processes_with(str(unit.log_path))), count + 1)
        unit.stop()
        self.assertEqual(processes_with(str(unit.log_path)), [])
        record = self.assert_stopped(unit, outcome="killed", exit_code="exited",
                                     exit_status="0")
        self.assertEqual(record["RECORDED_BY"], "run")
        leftover = unit.wait_record("leftover")
        self.assertEqual(leftover["LEFTOVER_COUNT"], str(count))
        self.assert_unit(unit, Result="success", ExecMainStatus="0")

    def test_two_hundred_stubborn_grandchildren_are_gone_without_delegate(self):
        self.orphans(200)

    def test_two_hundred_stubborn_grandchildren_are_gone_with_delegate(self):
        self.orphans(200, Delegate="yes")

    def test_two_hundred_stubborn_grandchildren_of_nobody_are_gone(self):
        self.orphans(200, User="nobody")

    def test_grandchildren_are_gone_after_a_crash_too(self):
        unit = self.unit("--fork-orphans", "20", "--exit-after", "0.3", "--die-by", "KILL",
                         options=QUICK).start()
        unit.wait_ended()
        self.assertEqual(processes_with(str(unit.log_path)), [])
        self.assert_stopped(unit, outcome="crashed", exit_status="SIGKILL")
        self.assert_unit(unit, Result="signal", ExecMainStatus="9")

    def storm(self, *gateway, **service):
        unit = self.unit(*gateway, options=QUICK, service=service).start()
        unit.stop()
        self.assertEqual(processes_with(str(unit.log_path)), [])
        self.assert_stopped(unit, outcome="killed")
        self.assertEqual(unit.show("Result"), "success")

    def test_fork_storm_is_ended_without_delegate(self):
        self.storm("--fork-storm", "4")

    def test_fork_storm_is_ended_with_delegate(self):
        self.storm("--fork-storm", "4", Delegate="yes")

    def test_fork_storm_that_begins_in_the_stop_is_ended(self):
        self.storm("--fork-storm-on-stop", "4", "--drain", "0.2")


class SupervisorKilled(Scenario):
    def killed(self, **service):
        unit = self.unit("--drain", "inf", "--ignore", "all", service=service, stopped_records=0).start()
        gateway = unit.seen("start")[0]["pid"]
        os.kill(unit.main_pid, signal.SIGKILL)
        wait_until_gone(gateway)
        unit.wait_ended()
        self.assert_unit(unit, Result="signal", ExecMainCode=CLD_KILLED, ExecMainStatus="9")

    def test_gateway_dies_with_its_supervisor_in_mixed_mode(self):
        self.killed()

    def test_gateway_dies_with_its_supervisor_where_systemd_would_leave_it(self):
        self.killed(KillMode="process")

    def test_gateway_of_nobody_dies_with_its_supervisor(self):
        self.killed(KillMode="process", User="nobody")


if __name__ == "__main__":
    unittest.main()
