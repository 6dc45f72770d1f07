# SPDX-License-Identifier: MIT
"""With every controller of a real kernel."""

import pathlib
import unittest

from harness import QUICK, Scenario, processes_with

CONTROLLERS = {"cpu", "io", "memory", "pids"}


class Controllers(Scenario):
    def test_delegated_unit_with_all_controllers_stops_clean(self):
        unit = self.unit("--drain", "1", service={"Delegate": "yes"}).start()
        group = unit.show("ControlGroup")
        available = pathlib.Path(f"/sys/fs/cgroup{group}/cgroup.controllers").read_text().split()
        self.assertLessEqual(CONTROLLERS, set(available))
        self.assertEqual(unit.seen("start")[0]["cgroup"], group + "/gateway")
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_delegated_unit_with_all_controllers_loses_stubborn_grandchildren(self):
        unit = self.unit("--fork-orphans", "20", options=QUICK,
                         service={"Delegate": "yes", "MemoryMax": "200M"}).start()
        unit.stop()
        self.assertEqual(processes_with(str(unit.log_path)), [])
        self.assert_stopped(unit, outcome="killed", exit_code="exited", exit_status="0")
        self.assert_unit(unit, Result="success")

    def test_delegated_unit_of_nobody_with_all_controllers_stops_clean(self):
        unit = self.unit("--drain", "1", service={"Delegate": "yes", "User": "nobody"}).start()
        self.assertEqual(unit.seen("start")[0]["cgroup"], unit.show("ControlGroup") + "/gateway")
        unit.stop()
        self.assert_clean(unit)


if __name__ == "__main__":
    unittest.main()
