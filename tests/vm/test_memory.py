# SPDX-License-Identifier: MIT
"""Kills for want of memory, by the kernel and by systemd-oomd: of the gateway's main process, of a child, of
everything, under every OOMPolicy=."""

import pathlib
import unittest

from causes import CauseScenario
from harness import GATEWATCH, run

LIMIT = {"MemoryMax": "96M", "MemorySwapMax": "0"}
POST = {"ExecStopPost": f"{GATEWATCH} post"}


class MemoryScenario(CauseScenario):
    def hogging(self, option, **service):
        """A gateway that takes memory without end, or has a child do so, from now on."""
        unit = self.unit("--drain", "1", option, "USR1", service={**LIMIT, **service}).start()
        self.hog(unit)
        return unit

    def hog(self, unit):
        unit.systemctl("kill", "--kill-whom=main", "--signal=USR1")

    def assert_killed(self, unit, **expected):
        """The gateway's main process was, and its supervisor lived to tell."""
        stopped = self.assert_stopped(unit, cause="oom", recorded_by="run", exit_code="killed",
                                      exit_status="SIGKILL", **expected)
        self.assertTrue(stopped["CAUSE_DETAIL"])
        self.assertGreaterEqual(int(stopped["OOM_KILLS"]), 1)
        return stopped


class Kernel(MemoryScenario):
    def test_oom_kill_of_main_under_policy_continue_is_the_cause(self):
        unit = self.hogging("--hog", OOMPolicy="continue")
        unit.wait_ended()
        self.assert_killed(unit, outcome="crashed", signal=None)

    def test_oom_kill_of_main_under_policy_stop_is_the_cause(self):
        unit = self.hogging("--hog", OOMPolicy="stop")
        unit.wait_ended()
        self.assert_killed(unit)
        self.assert_unit(unit, Result="oom-kill")

    def test_oom_kill_of_main_is_the_cause_for_nobody_too(self):
        unit = self.hogging("--hog", OOMPolicy="continue", User="nobody")
        unit.wait_ended()
        self.assert_killed(unit, outcome="crashed")

    def test_oom_kill_of_main_in_the_drain_keeps_the_stops_cause(self):
        unit = self.unit("--drain", "inf", "--hog", "USR1", service={**LIMIT, "OOMPolicy": "continue"}).start()
        unit.begin_stop()
        unit.wait_record("cause")
        self.hog(unit)
        unit.wait_ended()
        stopped = self.assert_stopped(unit, cause="stop", exit_status="SIGKILL", recorded_by="run")
        self.assertGreaterEqual(int(stopped["OOM_KILLS"]), 1)

    def test_oom_kill_of_a_child_under_policy_stop_drains_and_is_the_cause(self):
        unit = self.hogging("--hog-in-child", OOMPolicy="stop")
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "oom", exit_status="0")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by_nobody((stopped, verdict))
        self.assertGreaterEqual(int(stopped["OOM_KILLS"]), 1)
        self.assert_unit(unit, Result="oom-kill")

    def test_oom_kill_of_a_child_under_policy_continue_is_counted(self):
        unit = self.unit("--drain", "1", "--hog-in-child", "USR1",
                         service={**LIMIT, "OOMPolicy": "continue"}).start()
        self.hog(unit)
        events = pathlib.Path("/sys/fs/cgroup" + unit.show("ControlGroup")) / "memory.events"
        self.wait_oom_kill(events)
        self.assertEqual(unit.show("ActiveState"), "active")
        unit.stop()
        stopped, _ = self.assert_cause(unit, "stop", job_type="stop")
        self.assertGreaterEqual(int(stopped["OOM_KILLS"]), 1)

    def wait_oom_kill(self, events):
        """The kernel notifies of a change of the file; inotifywait(1) is not everywhere."""
        script = ("while ! grep -q '^oom_kill [1-9]' \"$1\"; do sleep 0.2; done")
        run("timeout", "120", "/bin/sh", "-c", script, "wait", events, timeout=150)

    def test_oom_kill_of_everything_is_recorded_by_post(self):
        unit = self.hogging("--hog", OOMPolicy="kill", **POST)
        unit.wait_ended()
        self.assert_unit(unit, Result="oom-kill")
        # The kernel may kill one more process when the recorder has been started already; systemd (252)
        # hears of it and kills the recorder, too. Then the record is the next run's to write.
        if "code=killed" in unit.show("ExecStopPost"):
            unit.start()
            self.assert_stopped(unit, outcome="lost", recorded_by="next-run")
            return
        stopped = self.assert_stopped(unit, cause="oom", outcome="lost", recorded_by="post",
                                      exit_status="SIGKILL")
        self.assertTrue(stopped["CAUSE_DETAIL"])

    def test_oom_kill_of_everything_is_recorded_by_the_next_run(self):
        unit = self.hogging("--hog", OOMPolicy="kill")
        unit.wait_ended()
        unit.start()
        # Whether it was memory nobody can say any more.
        self.assert_stopped(unit, outcome="lost", recorded_by="next-run")
        self.assertEqual(unit.seen("start")[-1]["environment"]["GATEWATCH_PREVIOUS"], "lost")

    def test_oom_kill_of_the_whole_payload_spares_the_supervisor(self):
        unit = self.unit("--drain", "1", "--fork-orphans", "3", "--hog", "USR1",
                         service={"Delegate": "yes", "MemorySwapMax": "0"}).start()
        unit.wait_seen("orphans")
        group = pathlib.Path("/sys/fs/cgroup" + unit.show("ControlGroup"))
        self.assertEqual(unit.seen("start")[0]["cgroup"], unit.show("ControlGroup") + "/gateway")
        # A group hands on a controller only when no process is in it itself.
        (group / "supervisor").mkdir()
        (group / "supervisor" / "cgroup.procs").write_text(str(unit.main_pid))
        (group / "cgroup.subtree_control").write_text("+memory")
        (group / "gateway" / "memory.oom.group").write_text("1")
        (group / "gateway" / "memory.max").write_text("96M")
        self.hog(unit)
        unit.wait_ended()
        stopped = self.assert_killed(unit, outcome="crashed")
        self.assertGreaterEqual(int(stopped["OOM_KILLS"]), 4)


if __name__ == "__main__":
    unittest.main()
