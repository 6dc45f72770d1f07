# SPDX-License-Identifier: MIT
"""Other users, other managers, and helpers that are missing: the stop works all the same."""

import pathlib
import shutil
import stat
import unittest

from harness import (GATEWATCH, GATEWAY, MESSAGE_IDS, QUICK, RUN_DIR, SYSTEM, Scenario, Unit,
                     processes_with, run, user_manager)

# Everything but the gateway's end that a stop may record without D-Bus.
WITHOUT_BUS = {"started", "ready", "signal", "cause", "phase", "stopped", "degraded", "diagnostic",
               "short-timeout"}


class Unprivileged(Scenario):
    def test_nobody_stops_clean(self):
        unit = self.unit("--drain", "0.5", service={"User": "nobody"}).start()
        self.assertNotEqual(unit.seen("start")[0]["uid"], 0)
        unit.stop()
        record = self.assert_clean(unit)
        self.assertEqual(record.fields["_SYSTEMD_UNIT"], unit.service)
        self.assertEqual(unit.wait_record("started")["MANAGER"], "system")

    def test_nobody_in_a_sandbox_stops_clean(self):
        unit = self.unit("--drain", "0.5", service={
            "User": "nobody", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes",
            "ProtectHome": "yes", "RestrictAddressFamilies": "AF_UNIX", "MemoryDenyWriteExecute": "yes",
            "CapabilityBoundingSet": "", "ReadWritePaths": str(RUN_DIR)}).start()
        unit.stop()
        self.assert_clean(unit)

    def test_nobody_extends_a_short_timeout(self):
        unit = self.unit("--drain", "4", options=[
            "--drain-timeout=8s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"User": "nobody", "TimeoutStopSec": "2s"}).start()
        unit.stop()
        self.assert_clean(unit)


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
        self.assert_stopped(unit, outcome="clean", exit_status="0")

    def test_transient_unit_without_state_directory_keeps_its_own_private(self):
        shutil.rmtree("/var/lib/gatewatch", ignore_errors=True)
        unit = Unit("gw-stateless")
        self.units.append(unit)
        run("systemd-run", "--quiet", f"--unit={unit.service}", "--property=Type=notify",
            "--property=KillMode=mixed", GATEWATCH, "run", "--", "/usr/bin/python3", GATEWAY,
            "--log", unit.log_path, "--notify")
        unit.stop()
        self.assert_stopped(unit, outcome="clean", exit_status="0")
        own = pathlib.Path("/var/lib/gatewatch") / unit.name
        self.assertEqual(stat.S_IMODE(own.stat().st_mode), 0o700)
        # Other users' state directories lie beside it.
        self.assertEqual(stat.S_IMODE(own.parent.stat().st_mode), 0o755)


class UserManager(Scenario):
    manager = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = user_manager(cls, "root")

    def test_user_manager_is_found_and_asked(self):
        unit = self.unit("--drain", "0.5", manager=self.manager).start()
        self.assertEqual(unit.wait_record("started")["MANAGER"], "user")
        self.assertEqual(unit.wait_record("started")["UNIT"], unit.service)
        unit.stop()
        record = self.assert_clean(unit)
        self.assertEqual(record.fields["_SYSTEMD_USER_UNIT"], unit.service)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_user_manager_restart_ends_clean(self):
        unit = self.unit("--drain", "0.3", manager=self.manager).start()
        unit.systemctl("restart")
        self.assert_stopped(unit, outcome="clean")

    def test_user_manager_unit_with_short_timeout_is_extended(self):
        unit = self.unit("--drain", "4", manager=self.manager, options=[
            "--drain-timeout=8s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"TimeoutStopSec": "2s"}).start()
        record = unit.wait_record("short-timeout")
        self.assertEqual(record["TIMEOUT_STOP_USEC"], "2000000")
        unit.stop()
        self.assert_clean(unit)

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
        self.assert_stopped(user, outcome="clean")
        self.assertEqual(user.records("short-timeout"), [])

    def test_user_manager_of_root_marks_no_delegation_and_is_done_without(self):
        """systemd 252 leaves no xattr there, and to root every group looks like its own."""
        unit = self.unit("--drain", "0.3", "--fork-orphans", "3", manager=self.manager, options=QUICK,
                         service={"Delegate": "yes"}).start()
        unit.wait_seen("orphans")
        self.assertEqual(unit.seen("start")[0]["cgroup"], unit.show("ControlGroup"))
        unit.stop()
        self.assert_stopped(unit, outcome="killed")
        self.assertEqual(processes_with(str(unit.log_path)), [])


class OrdinaryUser(Scenario):
    USER = "gwuser"
    manager = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run("useradd", "--create-home", cls.USER)
        cls.manager = user_manager(cls, cls.USER)

    def test_ordinary_users_manager_is_found_and_asked(self):
        unit = self.unit("--drain", "0.5", manager=self.manager).start()
        self.assertEqual(unit.wait_record("started")["MANAGER"], "user")
        self.assertNotEqual(unit.seen("start")[0]["uid"], 0)
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_ordinary_users_short_timeout_is_extended(self):
        unit = self.unit("--drain", "4", manager=self.manager, options=[
            "--drain-timeout=8s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"TimeoutStopSec": "2s"}).start()
        self.assertEqual(unit.wait_record("short-timeout")["TIMEOUT_STOP_USEC"], "2000000")
        unit.stop()
        self.assert_clean(unit)

    def test_ordinary_users_delegated_unit_stops_clean(self):
        unit = self.unit("--drain", "0.3", manager=self.manager, service={"Delegate": "yes"}).start()
        self.assertEqual(unit.seen("start")[0]["cgroup"], unit.show("ControlGroup") + "/gateway")
        unit.stop()
        self.assert_clean(unit)


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
        self.assert_clean(unit)
        self.assert_few_complaints(unit)

    def test_bus_that_was_never_there_does_not_matter_to_root(self):
        self.stop_dbus()
        unit = self.unit("--drain", "4", options=[
            "--drain-timeout=8s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"TimeoutStopSec": "2s"}).start()
        self.assertEqual(unit.wait_record("short-timeout")["TIMEOUT_STOP_USEC"], "2000000")
        unit.stop()
        self.assert_clean(unit)
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
        self.assert_clean(unit)
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
        self.assert_clean(unit)

    def test_catalog_explains_every_event(self):
        listed = run("journalctl", "--list-catalog", "--no-pager").stdout
        missing = [event for event, identifier in MESSAGE_IDS.items() if identifier not in listed]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
