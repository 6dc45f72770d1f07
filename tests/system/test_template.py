# SPDX-License-Identifier: MIT
"""The template unit as it is shipped: an instance with its settings file and its own user."""

import pathlib
import subprocess
import unittest

from harness import GATEWAY, Scenario, SYSTEM, Unit, run

INSTANCE = "edge"


class Template(Scenario):
    def instance(self, *gateway, **environment):
        if subprocess.run(["id", INSTANCE], capture_output=True, check=False).returncode != 0:
            run("useradd", "--system", "--no-create-home", INSTANCE)
        # Where the sandbox lets the gateway write. The folder must be the user's before its log is there.
        state = pathlib.Path(f"/var/lib/gatewatch/{INSTANCE}")
        state.mkdir(parents=True, exist_ok=True)
        state.parent.chmod(0o755)
        log_path = state / f"{self._testMethodName}.log"
        unit = Unit(INSTANCE, service=f"gatewatch@{INSTANCE}.service", log_path=log_path)
        run("chown", "--recursive", INSTANCE, state)
        self.units.append(unit)
        command = ["/usr/bin/python3", GATEWAY, "--log", log_path, "--notify", *gateway]
        lines = [f"GATEWAY_COMMAND={' '.join(map(str, command))}"]
        lines += [f"{name}={value}" for name, value in environment.items()]
        settings = pathlib.Path("/etc/gatewatch") / f"{INSTANCE}.env"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text("\n".join(lines) + "\n")
        settings.chmod(0o600)
        unit.is_scripted = True
        SYSTEM.hold(unit.service)
        SYSTEM.reload()
        return unit

    def test_template_instance_drains_and_stops_clean(self):
        unit = self.instance("--drain", "1", GATEWATCH_READY="notify")
        unit.start()
        gateway = unit.seen("start")[0]
        self.assertNotEqual(gateway["uid"], 0)
        self.assertEqual(gateway["cgroup"], unit.show("ControlGroup") + "/gateway")
        first = unit.show("InvocationID")
        unit.stop()
        record = self.assert_clean(unit)
        self.assertEqual(record["RUN_ID"], first)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])
        self.assertEqual(unit.records("short-timeout"), [])

    def test_template_instance_that_never_says_ready_counts_as_started(self):
        unit = self.instance("--never-ready")
        unit.start()
        self.assertEqual(unit.show("ActiveState"), "active")
        unit.stop()
        self.assert_stopped(unit, count=len(unit.records("started")), outcome="clean")

    def test_template_without_its_settings_is_refused_by_systemd(self):
        unit = Unit("nowhere", service="gatewatch@nowhere.service")
        self.units.append(unit)
        SYSTEM.hold(unit.service)
        SYSTEM.reload()
        self.assertNotEqual(unit.systemctl("start", check=False).returncode, 0)
        self.assertNotEqual(unit.show("AssertTimestampMonotonic"), "0")
        self.assert_unit(unit, AssertResult="no", ActiveState="inactive", ExecMainPID="0")


if __name__ == "__main__":
    unittest.main()
