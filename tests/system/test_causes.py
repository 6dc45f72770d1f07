# SPDX-License-Identifier: MIT
"""Why a gateway ended, for every way in which systemd, people and the gateway itself can end it. Each row
says what must stand in the `cause` and the `stopped` record: cause, sender, requester, job, outcome."""

import datetime
import json
import os
import pathlib
import signal
import unittest

from causes import CauseScenario, UserScenario, kill
from harness import CLD_KILLED, SYSTEM, run


class Systemctl(CauseScenario):
    def test_cause_of_systemctl_stop_is_stop(self):
        unit = self.unit("--drain", "0.5").start()
        unit.stop()
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop", signal="SIGTERM")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by((stopped, verdict), unit.service, verb="stop")

    def test_cause_of_systemctl_restart_is_restart(self):
        unit = self.unit("--drain", "0.5").start()
        unit.systemctl("restart")
        stopped, verdict = self.assert_cause(unit, "restart", job_type="restart")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by((stopped, verdict), unit.service, verb="restart")

    def test_cause_of_restart_by_its_own_signal_is_restart(self):
        unit = self.unit("--drain", "0.5", service={"RestartKillSignal": "SIGUSR2"}).start()
        unit.systemctl("restart")
        stopped, _ = self.assert_cause(unit, "restart", job_type="restart", signal="SIGUSR2")
        self.assert_sent_by_manager(unit, stopped)

    def test_cause_of_systemctl_try_restart_is_restart(self):
        unit = self.unit("--drain", "0.5").start()
        unit.systemctl("try-restart")
        stopped, verdict = self.assert_cause(unit, "restart", job_type="restart")
        self.assert_requested_by((stopped, verdict), unit.service, verb="try-restart")

    def test_cause_of_a_stop_that_nobody_waits_for_is_stop(self):
        unit = self.unit("--drain", "0.5").start()
        unit.begin_stop()
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by_passer_by((stopped, verdict), unit.service)

    def test_cause_of_isolate_is_stop_and_its_requester_names_the_target(self):
        unit = self.unit("--drain", "0.5")
        others = run("systemctl", "list-units", "--plain", "--no-legend", "--state=active,activating",
                     "--type=service,socket,target,path,timer").stdout
        kept = " ".join(line.split()[0] for line in others.splitlines())
        # Ordered after the unit, so that whoever waits for it waits for the unit's stop.
        unit.write_file("gw-isolated.target", f"[Unit]\nDescription=All but the gateway\n"
                        f"DefaultDependencies=no\nAllowIsolate=yes\nWants={kept}\nAfter={unit.service}\n")
        unit.manager.reload()
        unit.start()
        unit.manager.systemctl("isolate", "gw-isolated.target")
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by((stopped, verdict), "gw-isolated.target", verb="isolate")

    def test_cause_of_systemctl_kill_is_manager_kill(self):
        unit = self.unit("--drain", "0.5").start()
        unit.systemctl("kill")
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "manager-kill")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by_passer_by((stopped, verdict), unit.service)

    def test_cause_of_systemctl_kill_of_main_is_manager_kill(self):
        unit = self.unit("--drain", "0.5").start()
        unit.systemctl("kill", "--kill-whom=main", "--signal=INT")
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "manager-kill", signal="SIGINT")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by_passer_by((stopped, verdict), unit.service)

    def test_cause_of_a_stop_before_readiness_is_stop(self):
        unit = self.unit("--never-ready", "--drain", "0.5").start_without_waiting()
        unit.stop()
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_requested_by((stopped, verdict), unit.service)

    def test_cause_of_a_stop_of_a_gateway_that_ends_at_once_is_stop(self):
        unit = self.unit("--drain", "0").start()
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop")

    def test_cause_of_a_stop_with_a_signal_in_the_drain_stays_stop(self):
        unit = self.unit("--drain", "1.5").start()
        unit.begin_stop()
        unit.wait_record("cause")
        kill(unit)
        unit.wait_ended()
        self.assert_cause(unit, "stop", job_type="stop")

    def test_cause_of_a_stop_with_a_kill_in_the_end_is_stop(self):
        unit = self.unit("--drain", "inf", "--ignore", "all", options=[
            "--drain-timeout=500ms", "--headroom=10s",
            "--stop-schedule=drain:TERM@main,kill:KILL@all/2s"]).start()
        unit.stop()
        self.assert_cause(unit, "stop", outcome="killed", job_type="stop", exit_status="SIGKILL")

    def test_cause_for_an_unprivileged_supervisor_is_known(self):
        unit = self.unit("--drain", "0.5", service={"User": "nobody"}).start()
        unit.stop()
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by((stopped, verdict), unit.service)

    def test_cause_without_dbus_is_known_to_root(self):
        unit = self.unit("--drain", "0.5").start()
        self.addCleanup(run, "systemctl", "start", "dbus.socket")
        run("systemctl", "stop", "dbus.socket", "dbus.service")
        unit.stop()
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_requested_by((stopped, verdict), unit.service)

    def test_cause_without_dbus_is_unknown_to_nobody(self):
        unit = self.unit("--drain", "0.5", service={"User": "nobody"}).start()
        self.addCleanup(run, "systemctl", "start", "dbus.socket")
        run("systemctl", "stop", "dbus.socket", "dbus.service")
        unit.stop()
        stopped = self.assert_stopped(unit, cause="unknown", outcome="clean", sender_state="manager")
        self.assertTrue(stopped["CAUSE_DETAIL"])


class Dependency(CauseScenario):
    """The unit's job follows another unit's."""

    def assert_dependency(self, unit, name, job_type):
        stopped, verdict = self.assert_cause(unit, "dependency", job_type=job_type)
        self.assert_sent_by_manager(unit, stopped)
        self.assertIn(name, stopped["CAUSE_DETAIL"])
        return stopped, verdict

    def test_cause_of_a_restart_through_part_of_is_dependency(self):
        unit = self.unit("--drain", "0.5", unit={"PartOf": "gw-whole.target", "After": "gw-whole.target"})
        unit.write_file("gw-whole.target", "[Unit]\nDescription=What the gateway is part of\n")
        unit.manager.reload()
        unit.manager.systemctl("start", "gw-whole.target")
        unit.start()
        unit.manager.systemctl("restart", "gw-whole.target")
        self.assert_dependency(unit, "gw-whole.target", "restart")

    def test_cause_of_a_stop_through_requires_is_dependency(self):
        unit = self.unit("--drain", "0.5", unit={"Requires": "gw-needed.target", "After": "gw-needed.target"})
        unit.write_file("gw-needed.target", "[Unit]\nDescription=What the gateway needs\n")
        unit.manager.reload()
        unit.start()
        unit.manager.systemctl("stop", "gw-needed.target")
        self.assert_dependency(unit, "gw-needed.target", "stop")

    def test_cause_of_the_end_of_a_partner_is_dependency(self):
        unit = self.unit("--drain", "0.5", unit={"BindsTo": "gw-partner.service",
                                                 "After": "gw-partner.service"})
        unit.write_file("gw-partner.service", "[Unit]\nDescription=The gateway's partner\n"
                        "[Service]\nExecStart=/bin/sleep infinity\n")
        unit.manager.reload()
        unit.start()
        self.addCleanup(run, "systemctl", "reset-failed", "gw-partner.service", check=False)
        unit.manager.systemctl("kill", "--signal=KILL", "gw-partner.service")
        unit.wait_ended()
        stopped, verdict = self.assert_dependency(unit, "gw-partner.service", "stop")
        self.assert_requested_by_nobody((stopped, verdict))

    def test_cause_of_a_conflict_is_dependency(self):
        unit = self.unit("--drain", "0.5")
        unit.write_file("gw-rival.service", "[Unit]\nDescription=Runs instead of the gateway\n"
                        f"Conflicts={unit.service}\nAfter={unit.service}\n"
                        "[Service]\nType=oneshot\nExecStart=/bin/true\n")
        unit.manager.reload()
        unit.start()
        unit.manager.systemctl("start", "gw-rival.service")
        self.assert_dependency(unit, "gw-rival.service", "stop")


class Manager(CauseScenario):
    """What the manager does of its own accord: there is no job."""

    def test_cause_of_the_runtime_limit_is_runtime_limit(self):
        unit = self.unit("--drain", "0.5", service={"RuntimeMaxSec": "1s"}).start()
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "runtime-limit")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by_nobody((stopped, verdict))
        self.assert_unit(unit, Result="timeout")

    def test_cause_of_a_supervisor_that_hangs_is_manager_watchdog(self):
        unit = self.unit("--drain", "0.5", service={"WatchdogSec": "1s"}).start()
        kill(unit, signal.SIGSTOP)
        unit.wait_ended()
        stopped = self.assert_stopped(unit, cause="manager-watchdog", recorded_by="run",
                                      signal="SIGABRT")
        self.assert_sent_by_manager(unit, stopped)
        self.assertIsNone(self.verdict_of(unit, stopped)["JOB_TYPE"])
        self.assert_requested_by_nobody((stopped,))
        self.assert_unit(unit, Result="watchdog")


class Gateway(CauseScenario):
    """What the gateway does of its own accord, or what is done to it alone."""

    def ends(self, *gateway, **settings):
        unit = self.unit(*gateway, **settings).start()
        unit.wait_ended()
        return unit

    def test_cause_of_status_0_is_exit(self):
        unit = self.ends("--exit-after", "0.2")
        self.assert_ended_by_itself(unit, "exit", "exited", "exited", "0")

    def test_cause_of_status_3_is_exit(self):
        unit = self.ends("--exit-after", "0.2", "--exit-code", "3")
        self.assert_ended_by_itself(unit, "exit", "failed", "exited", "3")

    def test_cause_of_a_segmentation_fault_is_crash(self):
        unit = self.ends("--exit-after", "0.2", "--die-by", "SEGV", service={"LimitCORE": "0"})
        self.assert_ended_by_itself(unit, "crash", "crashed", "killed", "SIGSEGV")

    def test_cause_of_a_kill_of_the_gateway_is_crash(self):
        unit = self.unit("--drain", "0.5").start()
        os.kill(unit.seen("start")[0]["pid"], signal.SIGKILL)
        unit.wait_ended()
        self.assert_ended_by_itself(unit, "crash", "crashed", "killed", "SIGKILL")
        self.assert_unit(unit, Result="signal", ExecMainCode=CLD_KILLED, ExecMainStatus="9")

    def test_cause_of_a_gateway_that_says_stopping_is_self_stop(self):
        unit = self.unit("--self-stop-after", "0.2", "--drain", "0.5").start()
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "self-stop", signal=None, sender_pid=None)
        self.assert_requested_by_nobody((stopped, verdict))


class Marker(CauseScenario):
    """A gateway, or whoever replaces it, said beforehand that the stop is meant."""

    def write_marker(self, unit, name, separators=None, **content):
        now = datetime.datetime.now(datetime.timezone.utc)
        content.setdefault("written_at", now.isoformat())
        path = pathlib.Path("/var/lib") / unit.name / name
        path.write_text(json.dumps(content, separators=separators))
        return path

    def start_ticks(self, pid):
        """Field 22 of its stat."""
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return int(text.rpartition(")")[2].split()[19])

    def signalled(self, *gateway, marker, separators=None, **content):
        unit = self.unit("--drain", "0.5", *gateway).start()
        pid = unit.seen("start")[0]["pid"]
        content.setdefault("target_pid", pid)
        self.write_marker(unit, marker, separators, **content)
        kill(unit)
        unit.wait_ended()
        return unit

    def test_cause_of_a_signal_with_a_takeover_marker_is_takeover(self):
        unit = self.signalled(marker=".gateway-takeover.json", replacer_pid=os.getpid())
        stopped, _ = self.assert_cause(unit, "takeover", sender_pid=str(os.getpid()))
        self.assertEqual(unit.wait_record("signal")["TAKEOVER_MARKER"], "self")
        context = json.loads(unit.wait_record("signal")["CONTEXT"])
        self.assertTrue(context["takeover_marker_for_self"])
        self.assertIn("replacer_pid", context["takeover_marker"])

    def test_cause_of_a_signal_with_a_compact_takeover_marker_is_takeover(self):
        unit = self.signalled(marker=".gateway-takeover.json", separators=(",", ":"))
        self.assert_cause(unit, "takeover")

    def test_cause_of_a_signal_with_a_takeover_marker_for_the_supervisor_is_takeover(self):
        unit = self.unit("--drain", "0.5").start()
        self.write_marker(unit, ".gateway-takeover.json", target_pid=unit.main_pid,
                          target_start_time=self.start_ticks(unit.main_pid))
        kill(unit)
        unit.wait_ended()
        self.assert_cause(unit, "takeover")

    def test_cause_of_a_signal_with_a_takeover_marker_for_another_is_signal(self):
        unit = self.signalled(marker=".gateway-takeover.json", target_pid=1)
        self.assert_cause(unit, "signal")
        self.assertEqual(unit.wait_record("signal")["TAKEOVER_MARKER"], "other")

    def test_cause_of_a_signal_with_a_takeover_marker_for_an_earlier_process_is_signal(self):
        unit = self.unit("--drain", "0.5").start()
        pid = unit.seen("start")[0]["pid"]
        self.write_marker(unit, ".gateway-takeover.json", target_pid=pid,
                          target_start_time=self.start_ticks(pid) - 1)
        kill(unit)
        unit.wait_ended()
        self.assert_cause(unit, "signal")
        self.assertEqual(unit.wait_record("signal")["TAKEOVER_MARKER"], "other")

    def test_cause_of_a_signal_with_an_old_takeover_marker_is_signal(self):
        unit = self.signalled(marker=".gateway-takeover.json", written_at="2026-01-01T00:00:00+00:00")
        self.assert_cause(unit, "signal")
        self.assertIn(unit.wait_record("signal")["TAKEOVER_MARKER"], (None, "absent"))

    def test_cause_of_a_signal_with_a_planned_stop_marker_is_planned_stop(self):
        unit = self.signalled(marker=".gateway-planned-stop.json", stopper_pid=os.getpid())
        self.assert_cause(unit, "planned-stop", sender_pid=str(os.getpid()))
        self.assertEqual(unit.wait_record("signal")["PLANNED_STOP_MARKER"], "self")

    def test_cause_of_a_signal_with_a_fifo_for_a_marker_is_signal(self):
        unit = self.unit("--drain", "0.5").start()
        os.mkfifo(f"/var/lib/{unit.name}/.gateway-takeover.json")
        kill(unit)
        unit.wait_ended()
        self.assert_cause(unit, "signal")

    def test_cause_of_a_stop_with_a_takeover_marker_keeps_the_job(self):
        unit = self.unit("--drain", "0.5").start()
        self.write_marker(unit, ".gateway-takeover.json", target_pid=unit.seen("start")[0]["pid"])
        unit.stop()
        stopped = self.assert_stopped(unit, outcome="clean")
        self.assertIn(stopped["CAUSE"], ("takeover", "stop"))
        self.assertEqual(self.verdict_of(unit, stopped)["JOB_TYPE"], "stop")

    def announcing_unit(self):
        marker = f"/var/lib/{self.unit_name()}/.gateway-planned-stop.json"
        return self.unit("--drain", "0.5", "--read-at-stop", marker,
                         options=["--planned-stop-marker"]).start()

    def test_planned_stop_marker_is_written_before_the_stop_signal_of_a_job(self):
        unit = self.announcing_unit()
        gateway, supervisor = unit.seen("start")[0]["pid"], unit.main_pid
        start_ticks = self.start_ticks(gateway)
        unit.stop()
        stopped, _ = self.assert_cause(unit, "stop", job_type="stop")
        marker = json.loads(unit.seen("file")[0]["content"])
        written_at = datetime.datetime.fromisoformat(marker.pop("written_at"))
        self.assertIsNotNone(written_at.tzinfo)
        age = datetime.datetime.now(datetime.timezone.utc) - written_at
        self.assertLess(abs(age.total_seconds()), 60)
        self.assertEqual(marker, {"target_pid": gateway, "target_start_time": start_ticks,
                                  "stopper_pid": supervisor})

    def test_planned_stop_marker_is_not_written_for_a_signal(self):
        unit = self.announcing_unit()
        kill(unit)
        unit.wait_ended()
        self.assert_cause(unit, "signal")
        self.assertIsNone(unit.seen("file")[0]["content"])


class UserManager(UserScenario):
    USER = "gwcauses"

    def test_cause_of_a_users_stop_is_stop(self):
        unit = self.user_unit("--drain", "0.5")
        self.as_user("systemctl", "--user", "stop", unit.service)
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by((stopped, verdict), unit.service, verb="stop", uid=self.uid)

    def test_cause_of_a_users_restart_is_restart(self):
        unit = self.user_unit("--drain", "0.5")
        self.as_user("systemctl", "--user", "restart", unit.service)
        stopped, verdict = self.assert_cause(unit, "restart", job_type="restart")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by((stopped, verdict), unit.service, verb="restart", uid=self.uid)

    def test_cause_of_a_users_stop_that_nobody_waits_for_is_stop(self):
        unit = self.user_unit("--drain", "0.5")
        self.as_user("systemctl", "--user", "--no-block", "stop", unit.service)
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_requested_by_passer_by((stopped, verdict), unit.service)

    def test_cause_of_a_users_systemctl_kill_is_manager_kill(self):
        unit = self.user_unit("--drain", "0.5")
        self.as_user("systemctl", "--user", "kill", unit.service)
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "manager-kill")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by_passer_by((stopped, verdict), unit.service)

    def test_cause_of_a_restart_through_part_of_in_a_users_manager_is_dependency(self):
        unit = self.unit("--drain", "0.5", manager=self.manager,
                         unit={"PartOf": "gw-whole.target", "After": "gw-whole.target"})
        unit.write_file("gw-whole.target", "[Unit]\nDescription=What the gateway is part of\n")
        unit.manager.reload()
        unit.manager.systemctl("start", "gw-whole.target")
        unit.start()
        unit.manager.systemctl("restart", "gw-whole.target")
        stopped, _ = self.assert_cause(unit, "dependency", job_type="restart")
        self.assertIn("gw-whole.target", stopped["CAUSE_DETAIL"])

    def test_cause_of_the_runtime_limit_in_a_users_manager_is_runtime_limit(self):
        unit = self.user_unit("--drain", "0.5", service={"RuntimeMaxSec": "1s"})
        unit.wait_ended()
        stopped, _ = self.assert_cause(unit, "runtime-limit")
        self.assert_sent_by_manager(unit, stopped)

    def test_cause_of_a_signal_in_a_users_manager_is_signal(self):
        unit = self.user_unit("--drain", "0.5")
        kill(unit)
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "signal")
        self.assert_sent_by(stopped, os.getpid(), "python3", "runner.py")
        self.assert_requested_by_nobody((stopped, verdict))

    def test_cause_of_a_users_gateway_that_just_ends_is_exit(self):
        unit = self.user_unit("--exit-after", "0.2", "--exit-code", "3")
        unit.wait_ended()
        self.assert_ended_by_itself(unit, "exit", "failed", "exited", "3")

    def test_requester_of_the_same_name_in_another_manager_is_not_named(self):
        """A systemctl that waits for the system's unit of this name has not asked the user's manager."""
        unit = self.user_unit("--drain", "0.5")
        namesake = self.unit("--drain", "1.5", suffix="-system")
        alias = SYSTEM.unit_dir / unit.service
        alias.symlink_to(namesake.service)
        self.addCleanup(alias.unlink)
        SYSTEM.reload()
        namesake.start()
        self.deputy("systemctl stop $1 >/dev/null 2>&1 &", unit.service)
        namesake.wait_seen("drain")
        self.as_user("systemctl", "--user", "--no-block", "stop", unit.service)
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_requested_by_passer_by((stopped, verdict), "--user")


class RootsUserManager(UserScenario):
    USER = "root"

    def test_cause_of_a_stop_in_roots_user_manager_is_stop(self):
        unit = self.user_unit("--drain", "0.5")
        self.as_user("systemctl", "--user", "stop", unit.service)
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_sent_by_manager(unit, stopped)
        self.assert_requested_by((stopped, verdict), unit.service, verb="stop")

    def test_cause_of_a_stop_through_the_machine_option_names_the_requester(self):
        unit = self.user_unit("--drain", "0.5")
        unit.stop()
        stopped, verdict = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_requested_by((stopped, verdict), "--machine=root@.host", verb="stop")


class UserExit(UserScenario):
    """The user's manager goes, and what it manages with it."""

    USER = "gwexit"

    def goes_with(self, *command, cause="user-exit", as_user=False):
        unit = self.user_unit("--drain", "0.5")
        manager_pid = self.manager_pid(unit)
        (self.as_user if as_user else run)(*command)
        unit.wait_record("stopped")
        # The scenario's end asks it about the unit.
        run("systemctl", "start", f"user@{self.uid}.service")
        self.manager.is_holding = False
        self.manager.reload()
        stopped, _ = self.assert_cause(unit, cause, job_type="stop", sender_state="manager",
                                       sender_pid=manager_pid)
        return stopped

    def test_cause_of_an_exit_of_the_users_manager_is_user_exit(self):
        self.goes_with("systemctl", "--user", "exit", as_user=True)

    def test_cause_of_a_stop_of_the_users_manager_is_user_exit(self):
        self.goes_with("systemctl", "stop", f"user@{self.uid}.service")


if __name__ == "__main__":
    unittest.main()
