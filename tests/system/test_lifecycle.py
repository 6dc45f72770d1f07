# SPDX-License-Identifier: MIT
"""Start, readiness, stop, restart, reload, and how the gateway's end becomes the unit's."""

import json
import os
import pathlib
import stat
import unittest

from harness import CLD_DUMPED, CLD_EXITED, CLD_KILLED, Scenario


class Start(Scenario):
    def test_start_in_a_unit_records_who_and_what(self):
        unit = self.unit(options=["--drain-timeout=50s", "--headroom=40s"]).start()
        record = unit.wait_record("started")
        self.assertEqual(record["RUN_ID"], unit.show("InvocationID"))
        self.assertEqual(record["UNIT"], unit.service)
        self.assertEqual(record["MANAGER"], "system")
        self.assertEqual(record["PID"], str(unit.seen("start")[0]["pid"]))
        self.assertEqual(record["DRAIN_USEC"], "50000000")
        self.assertEqual(record["HEADROOM_USEC"], "40000000")
        self.assertIn("drain:", record["SCHEDULE"])
        self.assertIn("gateway.py", record["COMMAND"])
        self.assertEqual(record.fields["PRIORITY"], "6")
        self.assertEqual(record.fields["_SYSTEMD_UNIT"], unit.service)
        self.assertEqual(record.fields["_SYSTEMD_INVOCATION_ID"], record["RUN_ID"])
        self.assertEqual(unit.show("ActiveState"), "active")

    def test_start_keeps_main_pid_with_the_supervisor(self):
        unit = self.unit().start()
        gateway = unit.seen("start")[0]
        self.assertNotEqual(unit.main_pid, gateway["pid"])
        self.assertEqual(gateway["environment"]["SYSTEMD_EXEC_PID"], str(gateway["pid"]))
        self.assertEqual(gateway["environment"]["GATEWATCH_RUN_ID"], unit.show("InvocationID"))
        self.assertEqual(gateway["blocked"], [])

    def test_start_hides_the_gateways_arguments_in_its_own(self):
        unit = self.unit("--phase", "token-4711").start()
        cmdline = pathlib.Path(f"/proc/{unit.main_pid}/cmdline").read_bytes()
        self.assertEqual(cmdline.rstrip(b"\0").decode(), f"gatewatch run: {unit.name}")

    def test_start_with_missing_command_exits_127(self):
        unit = self.unit(command=["/nonexistent/gateway"], service={"Type": "exec"})
        unit.systemctl("start", check=False)
        unit.wait_ended()
        self.assert_unit(unit, Result="exit-code", ExecMainCode=CLD_EXITED, ExecMainStatus="127")

    def test_start_with_command_not_executable_exits_126(self):
        unit = self.unit(command=["/etc/os-release"], service={"Type": "exec"})
        unit.systemctl("start", check=False)
        unit.wait_ended()
        self.assert_unit(unit, Result="exit-code", ExecMainCode=CLD_EXITED, ExecMainStatus="126")

    def test_start_with_unknown_option_exits_64(self):
        unit = self.unit(options=["--no-such-option"], service={"Type": "exec"})
        unit.systemctl("start", check=False)
        unit.wait_ended()
        self.assert_unit(unit, Result="exit-code", ExecMainCode=CLD_EXITED, ExecMainStatus="64")
        self.assertEqual(unit.seen(), [])

    def test_start_reads_options_from_environment_and_file(self):
        unit = self.unit(options=["--config=/run/gatewatch-test/run.conf"],
                         service={"Environment": "GATEWATCH_HEADROOM=33s"})
        pathlib.Path("/run/gatewatch-test/run.conf").write_text(
            "[Run]\nDrainTimeout=44s\nHeadroom=99s\n")
        unit.start()
        record = unit.wait_record("started")
        self.assertEqual(record["DRAIN_USEC"], "44000000")
        self.assertEqual(record["HEADROOM_USEC"], "33000000")


class Ready(Scenario):
    def test_ready_by_notify_waits_for_the_gateway(self):
        unit = self.unit("--ready-after", "0.5").start()
        ready = unit.seen("ready")[0]
        record = unit.wait_record("ready")
        self.assertGreaterEqual(int(record["START_USEC"]), 400_000)
        self.assertGreaterEqual(record.monotonic_usec, ready["t"])

    def test_ready_by_exec_without_notify_socket_is_at_once(self):
        unit = self.unit("--never-ready", service={"Type": "exec", "NotifyAccess": "none"}).start()
        record = unit.wait_record("ready")
        self.assertLess(int(record["START_USEC"]), int(10e6))

    def test_ready_status_reaches_systemd(self):
        unit = self.unit("--status-texts", "--barrier-at-start").start()
        unit.wait_seen("barrier")
        self.assertEqual(unit.show("StatusText"), "serving")

    def test_ready_twice_is_recorded_once(self):
        unit = self.unit("--reload", service={"ExecReload": "/bin/kill -HUP $MAINPID"}).start()
        unit.systemctl("reload")
        unit.wait_seen("reloaded")
        unit.stop()
        self.assertEqual(len(unit.records("ready")), 1)


class Stop(Scenario):
    def test_stop_by_systemctl_ends_clean(self):
        unit = self.unit("--drain", "0.5").start()
        gateway = unit.seen("start")[0]["pid"]
        unit.stop()
        record = self.assert_clean(unit, signal="SIGTERM", recorded_by="run",
                                   sender_pid="1")
        self.assertEqual(record["PID"], str(gateway))
        self.assertEqual(record.fields["PRIORITY"], "6")
        self.assertGreaterEqual(int(record["DRAIN_USED_USEC"]), 400_000)
        self.assertGreaterEqual(int(record["TOTAL_USEC"]), int(record["DRAIN_USED_USEC"]))
        self.assertEqual([(phase["name"], phase["timed_out"]) for phase in record.phases],
                         [("drain", False)])
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_stop_before_ready_ends_clean(self):
        unit = self.unit("--never-ready", "--drain", "0.3").start_without_waiting()
        unit.stop()
        self.assert_stopped(unit, outcome="clean", exit_status="0")
        self.assertEqual(unit.records("ready"), [])
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_stop_shows_progress_in_the_status_line(self):
        unit = self.unit("--drain", "3", "--active").start()
        unit.begin_stop()
        unit.wait_record("signal")
        self.assertRegex(unit.show("StatusText"), "^Drain")
        unit.stop()
        self.assert_clean(unit)

    def test_stop_leaves_the_clean_marker_private(self):
        unit = self.unit().start()
        unit.stop()
        marker = pathlib.Path("/var/lib") / unit.name / ".clean_shutdown"
        record = self.assert_clean(unit)
        self.assertEqual(stat.S_IMODE(marker.stat().st_mode), 0o600)
        content = json.loads(marker.read_text())
        self.assertEqual(content["run_id"], record["RUN_ID"])
        self.assertEqual(content["signal"], "SIGTERM")
        self.assertEqual(content["outcome"], "clean")
        self.assertEqual(content["boot_id"].replace("-", ""),
                         pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))

    def test_stop_marker_stands_before_the_wait(self):
        unit = self.unit("--drain", "2").start()
        unit.begin_stop()
        unit.wait_record("signal")
        self.assertTrue((pathlib.Path("/var/lib") / unit.name / ".clean_shutdown").exists())
        unit.stop()

    def test_stop_marker_is_consumed_by_the_next_ready_gateway(self):
        unit = self.unit().start()
        unit.stop()
        unit.start()
        unit.wait_record("ready", count=2)
        self.assertFalse((pathlib.Path("/var/lib") / unit.name / ".clean_shutdown").exists())


class Restart(Scenario):
    def test_restart_by_systemctl_is_a_stop_and_a_new_run(self):
        unit = self.unit("--drain", "0.3").start()
        first = unit.show("InvocationID")
        unit.systemctl("restart")
        record = self.assert_stopped(unit, outcome="clean")
        self.assertEqual(record["RUN_ID"], first)
        self.assertEqual(unit.wait_record("started", count=2)["RUN_ID"], unit.show("InvocationID"))

    def test_restart_kill_signal_is_taken_as_a_stop(self):
        unit = self.unit("--drain", "0.3", service={"RestartKillSignal": "SIGUSR2"}).start()
        unit.systemctl("restart")
        self.assert_stopped(unit, outcome="clean", signal="SIGUSR2")
        gateway = unit.seen("start")[0]["pid"]
        self.assertEqual(len(unit.signals_seen(gateway)), 1)

    def test_restart_setting_of_systemd_brings_the_gateway_back(self):
        unit = self.unit("--exit-after", "0.3", "--exit-code", "75",
                         service={"Restart": "on-failure", "RestartSec": "100ms"}).start()
        unit.wait_seen("start", count=2)
        first = self.assert_stopped(unit, cause="exit", outcome="failed", exit_status="75")
        self.assertNotEqual(first["RUN_ID"], unit.wait_record("started", count=2)["RUN_ID"])

    def test_restart_prevent_exit_status_sees_the_gateways_own(self):
        unit = self.unit("--exit-after", "0.2", "--exit-code", "78",
                         service={"Restart": "always", "RestartSec": "100ms",
                                  "RestartPreventExitStatus": "78"}).start()
        unit.wait_ended()
        self.assert_unit(unit, ActiveState="failed", NRestarts="0", ExecMainStatus="78")
        self.assertEqual(len(unit.seen("start")), 1)


class Reload(Scenario):
    def test_reload_by_exec_reload_reaches_gateway_and_systemd(self):
        unit = self.unit("--reload", "--reload-takes", "1",
                         service={"ExecReload": "/bin/kill -HUP $MAINPID"}).start()
        # --no-block: whether the job of ExecReload= lasts until READY=1 depends on which systemd sees
        # first, the end of kill(1) or RELOADING=1.
        unit.systemctl("reload", "--no-block")
        # Each event stands behind a barrier: systemd has taken what the gateway said before it.
        unit.wait_seen("reloading")
        self.assertEqual(unit.show("ActiveState"), "reloading")
        unit.wait_seen("reloaded")
        self.assertEqual(unit.show("ActiveState"), "active")
        self.assertEqual(unit.signals_seen(), ["SIGHUP"])
        unit.stop()
        self.assert_clean(unit)


class ExitStatus(Scenario):
    def exits(self, code, result):
        unit = self.unit("--exit-after", "0.2", "--exit-code", str(code)).start()
        unit.wait_ended()
        self.assert_unit(unit, Result=result, ExecMainCode=CLD_EXITED, ExecMainStatus=str(code))
        self.assert_stopped(unit, cause="exit", outcome="exited" if code == 0 else "failed",
                            exit_code="exited", exit_status=str(code))

    def test_exit_status_0_is_passed_on(self):
        self.exits(0, "success")

    def test_exit_status_1_is_passed_on(self):
        self.exits(1, "exit-code")

    def test_exit_status_75_is_passed_on(self):
        self.exits(75, "exit-code")

    def test_exit_status_78_is_passed_on(self):
        self.exits(78, "exit-code")

    def test_exit_status_after_a_drain_is_passed_on(self):
        unit = self.unit("--drain", "0.2", "--exit-code", "75").start()
        unit.stop()
        self.assert_stopped(unit, outcome="clean", exit_code="exited", exit_status="75")
        self.assert_unit(unit, Result="exit-code", ExecMainCode=CLD_EXITED, ExecMainStatus="75")

    def dies(self, signal, number, result):
        unit = self.unit("--exit-after", "0.2", "--die-by", signal,
                         service={"LimitCORE": "0"}).start()
        unit.wait_ended()
        self.assert_unit(unit, Result=result, ExecMainCode=CLD_KILLED, ExecMainStatus=str(number))
        record = self.assert_stopped(unit, outcome="crashed", exit_code="killed",
                                     exit_status="SIG" + signal)
        self.assertEqual(record.fields["PRIORITY"], "3")

    def test_death_by_kill_is_mirrored(self):
        self.dies("KILL", 9, "signal")

    def test_death_by_segv_is_mirrored(self):
        self.dies("SEGV", 11, "signal")

    def test_death_by_term_stays_a_clean_end_for_systemd(self):
        self.dies("TERM", 15, "success")

    def test_death_with_core_leaves_no_second_core(self):
        unit = self.unit("--exit-after", "0.2", "--die-by", "SEGV",
                         service={"LimitCORE": "infinity", "WorkingDirectory": "/var/lib/%N"}).start()
        unit.wait_ended()
        # How the kernel treats cores is the host's setting (kernel.core_pattern): the unit says
        # `dumped` only if the supervisor itself had dumped.
        self.assertIn(unit.show("ExecMainCode"), (CLD_KILLED, CLD_DUMPED))
        self.assertEqual(unit.show("ExecMainStatus"), "11")
        cores = [name for name in os.listdir(f"/var/lib/{unit.name}") if name.startswith("core")]
        self.assertLessEqual(len(cores), 1)

    def test_death_in_the_drain_by_its_own_signal_is_mirrored(self):
        unit = self.unit("--drain", "0.2", "--die-by", "TERM").start()
        unit.stop()
        self.assert_stopped(unit, exit_code="killed", exit_status="SIGTERM")
        self.assert_unit(unit, Result="success", ExecMainCode=CLD_KILLED, ExecMainStatus="15")


if __name__ == "__main__":
    unittest.main()
