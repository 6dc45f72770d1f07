# SPDX-License-Identifier: MIT
"""Other users, other managers, and helpers that are missing: the stop works all the same."""

import unittest

from harness import (DEADLINE_SEC, GATEWATCH, GATEWAY, MESSAGE_IDS, Manager, RUN_DIR, SYSTEM, Scenario,
                     Unit, run)

# Everything but the gateway's end that a stop may record without D-Bus.
WITHOUT_BUS = {"started", "ready", "signal", "cause", "phase", "stopped", "degraded", "diagnostic",
               "short-timeout"}


class Unprivileged(Scenario):
    def test_nobody_stops_clean(self):
        unit = self.unit("--drain", "0.5", service={"User": "nobody"}).start()
        self.assertNotEqual(unit.seen("start")[0]["uid"], 0)
        unit.stop()
        record = self.assert_clean(unit, cause="stop")
        self.assertEqual(record.fields["_SYSTEMD_UNIT"], unit.service)
        self.assertEqual(unit.wait_record("started")["MANAGER"], "system")

    def test_nobody_in_a_sandbox_stops_clean(self):
        unit = self.unit("--drain", "0.5", service={
            "User": "nobody", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes",
            "ProtectHome": "yes", "RestrictAddressFamilies": "AF_UNIX", "MemoryDenyWriteExecute": "yes",
            "CapabilityBoundingSet": "", "ReadWritePaths": str(RUN_DIR)}).start()
        unit.stop()
        self.assert_clean(unit, cause="stop")

    def test_nobody_extends_a_short_timeout(self):
        unit = self.unit("--drain", "4", options=[
            "--drain-timeout=8s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"User": "nobody", "TimeoutStopSec": "2s"}).start()
        unit.stop()
        self.assert_clean(unit, cause="stop")


class Transient(Scenario):
    def test_transient_unit_is_read_like_any_other(self):
        unit = Unit("gw-transient")
        self.units.append(unit)
        run("systemd-run", "--quiet", f"--unit={unit.service}", "--property=Type=notify",
            "--property=KillMode=mixed", "--property=TimeoutStopSec=3s", GATEWATCH, "run",
            "--drain-timeout=8s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s",
            "--", "/usr/bin/python3", GATEWAY, "--log", unit.log_path, "--notify", "--drain", "4")
        record = unit.wait_record("short-timeout")
        self.assertEqual(record["TIMEOUT_STOP_USEC"], "3000000")
        self.assertEqual(unit.show("LoadState"), "loaded")
        unit.stop()
        self.assert_stopped(unit, cause="stop", outcome="clean", exit_status="0")


class UserManager(Scenario):
    manager = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run("loginctl", "enable-linger", "root")
        cls.manager = Manager(["--user", "--machine=root@.host"], "/run/systemd/user", "USER_UNIT", "user")
        run("systemctl", "start", "user@0.service")
        cls.addClassCleanup(run, "loginctl", "disable-linger", "root", check=False)
        cls.addClassCleanup(run, "systemctl", "stop", "user@0.service", check=False)
        cls.manager.systemctl("is-system-running", "--wait", check=False)

    def test_user_manager_is_found_and_asked(self):
        unit = self.unit("--drain", "0.5", manager=self.manager).start()
        self.assertEqual(unit.wait_record("started")["MANAGER"], "user")
        self.assertEqual(unit.wait_record("started")["UNIT"], unit.service)
        unit.stop()
        record = self.assert_clean(unit, cause="stop")
        self.assertEqual(record.fields["_SYSTEMD_USER_UNIT"], unit.service)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_user_manager_restart_is_told_from_a_stop(self):
        unit = self.unit("--drain", "0.3", manager=self.manager).start()
        unit.systemctl("restart")
        self.assert_stopped(unit, cause="restart", outcome="clean")

    def test_user_manager_unit_with_short_timeout_is_extended(self):
        unit = self.unit("--drain", "4", manager=self.manager, options=[
            "--drain-timeout=8s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"TimeoutStopSec": "2s"}).start()
        record = unit.wait_record("short-timeout")
        self.assertEqual(record["TIMEOUT_STOP_USEC"], "2000000")
        unit.stop()
        self.assert_clean(unit, cause="stop")

    def test_user_manager_with_a_system_unit_of_the_same_name_is_not_confused(self):
        name = "gw-same-name"
        system = Unit(name, SYSTEM)
        self.units.append(system)
        system.write(["--drain", "0.1"], service={"TimeoutStopSec": "1s"})
        user = Unit(name, self.manager)
        self.units.append(user)
        user.write(["--drain", "0.1"], service={"TimeoutStopSec": "95s"})
        user.start()
        user.stop()
        self.assert_stopped(user, cause="stop", outcome="clean")
        self.assertEqual(user.records("short-timeout"), [])

    def test_user_manager_delegated_unit_stops_clean(self):
        unit = self.unit("--drain", "0.3", manager=self.manager, service={"Delegate": "yes"}).start()
        self.assertEqual(unit.seen("start")[0]["cgroup"], unit.show("ControlGroup") + "/gateway")
        unit.stop()
        self.assert_clean(unit, cause="stop")


class WithoutDBus(Scenario):
    def stop_dbus(self):
        self.addCleanup(run, "systemctl", "start", "dbus.socket")
        run("systemctl", "stop", "dbus.socket", "dbus.service")

    def assert_few_complaints(self, unit):
        events = [record.event for record in unit.records()]
        self.assertLessEqual(set(events), WITHOUT_BUS)
        self.assertLessEqual(events.count("degraded"), 1)

    def test_bus_that_went_away_does_not_matter_to_root(self):
        unit = self.unit("--drain", "0.5").start()
        self.stop_dbus()
        unit.stop()
        # The manager's private socket still answers root.
        self.assert_clean(unit, cause="stop")
        self.assert_few_complaints(unit)

    def test_bus_that_was_never_there_does_not_matter_to_root(self):
        self.stop_dbus()
        unit = self.unit("--drain", "4", options=[
            "--drain-timeout=8s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"TimeoutStopSec": "2s"}).start()
        self.assertEqual(unit.wait_record("short-timeout")["TIMEOUT_STOP_USEC"], "2000000")
        unit.stop()
        self.assert_clean(unit, cause="stop")
        self.assert_few_complaints(unit)

    def test_bus_that_went_away_leaves_nobody_a_stop(self):
        unit = self.unit("--drain", "0.5", service={"User": "nobody"}).start()
        self.stop_dbus()
        unit.stop()
        self.assert_clean(unit)
        self.assert_few_complaints(unit)

    def test_bus_that_was_never_there_leaves_nobody_a_run(self):
        self.stop_dbus()
        unit = self.unit("--drain", "0.5", service={"User": "nobody"}).start()
        unit.stop()
        self.assert_clean(unit)
        self.assert_few_complaints(unit)


class WithoutJournald(Scenario):
    def test_journald_restarted_in_the_drain_loses_no_record(self):
        unit = self.unit("--drain", "2").start()
        unit.begin_stop()
        run("systemctl", "restart", "systemd-journald.service")
        unit.wait_ended()
        self.assert_clean(unit, cause="stop")
        self.assertEqual(len(unit.records("stopped")), 1)

    def test_journald_flooded_by_the_gateway_keeps_the_record(self):
        script = RUN_DIR / "flood.sh"
        unit = self.unit(command=["/bin/sh", script],
                         service={"Type": "exec", "NotifyAccess": "none", "LogRateLimitIntervalSec": "0"})
        script.write_text("trap 'exit 0' TERM\n"
                          "seq -f '<6>noise %.0f' 1 15000\n"
                          f"echo '{{\"event\": \"flooded\"}}' >>{unit.log_path}\n"
                          "while :; do sleep 0.1; done\n")
        unit.start()
        unit.wait_seen("flooded")
        unit.stop()
        self.assert_clean(unit, cause="stop")

    def test_catalog_explains_every_event(self):
        listed = run("journalctl", "--list-catalog", "--no-pager").stdout
        missing = [event for event, identifier in MESSAGE_IDS.items() if identifier not in listed]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
