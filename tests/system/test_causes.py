# SPDX-License-Identifier: MIT
"""Who asked for the stop, and why, for every way in which systemd stops a unit."""

import json
import os
import signal
import subprocess
import unittest

from harness import Scenario, not_yet, run

SOON_SEC = 5  # a `cause` record follows the signal within 2 s


class Cause(Scenario):
    @not_yet("causes")
    def test_cause_of_systemctl_stop_is_stop(self):
        unit = self.unit("--drain", "0.3").start()
        unit.stop()
        self.assert_clean(unit, cause="stop")
        cause = unit.wait_record("cause", deadline_sec=SOON_SEC)
        self.assertEqual(cause["CAUSE"], "stop")
        self.assertEqual(cause["JOB_TYPE"], "stop")
        self.assertRegex(cause["JOB_ID"] or "", "^[0-9]+$")

    @not_yet("causes")
    def test_cause_of_systemctl_restart_is_restart(self):
        unit = self.unit("--drain", "0.3").start()
        unit.systemctl("restart")
        self.assert_stopped(unit, cause="restart")

    @not_yet("causes")
    def test_cause_of_restart_kill_signal_is_restart(self):
        unit = self.unit("--drain", "0.3", service={"RestartKillSignal": "SIGUSR2"}).start()
        unit.systemctl("restart")
        self.assert_stopped(unit, cause="restart", signal="SIGUSR2")

    @not_yet("causes")
    def test_cause_of_stop_before_ready_is_stop(self):
        unit = self.unit("--never-ready", "--drain", "0.3").start_without_waiting()
        unit.stop()
        self.assert_stopped(unit, cause="stop")

    @not_yet("causes")
    def test_cause_of_systemctl_kill_is_manager_kill(self):
        unit = self.unit("--drain", "0.5").start()
        unit.systemctl("kill", "--kill-whom=main")
        unit.wait_ended()
        self.assert_clean(unit, cause="manager-kill")

    @not_yet("causes")
    def test_cause_of_runtime_limit_is_told(self):
        unit = self.unit("--drain", "0.3", service={"RuntimeMaxSec": "1s"}).start()
        unit.wait_ended()
        self.assert_stopped(unit, cause="runtime-limit")

    @not_yet("causes")
    def test_cause_for_an_unprivileged_supervisor_is_told(self):
        unit = self.unit("--drain", "0.3", service={"User": "nobody"}).start()
        unit.stop()
        self.assert_clean(unit, cause="stop")

    @not_yet("causes")
    def test_cause_without_dbus_is_told_to_root(self):
        unit = self.unit("--drain", "0.5").start()
        self.addCleanup(run, "systemctl", "start", "dbus.socket")
        run("systemctl", "stop", "dbus.socket", "dbus.service")
        unit.stop()
        self.assert_clean(unit, cause="stop")


class Requester(Scenario):
    @not_yet("requesters")
    def test_requester_that_waits_for_its_job_is_named(self):
        unit = self.unit("--drain", "1").start()
        unit.stop()
        cause = unit.wait_record("cause", deadline_sec=SOON_SEC)
        self.assertEqual(cause["REQUESTER_COMM"], "systemctl")
        self.assertIn(unit.service, cause["REQUESTER_CMDLINE"] or "")

    @not_yet("requesters")
    def test_requester_that_did_not_wait_is_nobody(self):
        unit = self.unit("--drain", "1").start()
        unit.begin_stop()
        unit.wait_ended()
        self.assertIsNone(self.assert_stopped(unit, cause="stop")["REQUESTER_COMM"])


class Sender(Scenario):
    @not_yet("the sender's description")
    def test_sender_that_stays_is_described(self):
        unit = self.unit("--drain", "0.3").start()
        os.kill(unit.main_pid, signal.SIGTERM)
        unit.wait_ended()
        record = self.assert_clean(unit, cause="signal", sender_state="alive")
        self.assertIn("runner.py", record["SENDER_CMDLINE"] or "")

    @not_yet("the sender's description")
    def test_sender_that_exits_at_once_is_described(self):
        unit = self.unit("--drain", "0.3").start()
        sender = subprocess.Popen(["/bin/kill", "-TERM", str(unit.main_pid)])
        sender.wait()
        unit.wait_ended()
        self.assert_clean(unit, cause="signal", sender_pid=str(sender.pid), sender_comm="kill")


class Context(Scenario):
    @not_yet("the shutdown context")
    def test_context_of_a_stop_is_recorded(self):
        unit = self.unit("--drain", "0.3").start()
        unit.stop()
        record = unit.wait_record("signal")
        self.assertEqual(record["UNDER_SYSTEMD"], "yes")
        context = json.loads(record["CONTEXT"])
        self.assertEqual(context["signal"], "SIGTERM")
        self.assertTrue(context["under_systemd"])


if __name__ == "__main__":
    unittest.main()
