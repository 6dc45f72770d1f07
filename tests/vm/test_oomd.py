# SPDX-License-Identifier: MIT
"""systemd-oomd kills the whole unit, its supervisor included."""

import pathlib
import unittest

from causes import CauseScenario
from harness import GATEWATCH, run

SETTINGS = pathlib.Path("/run/systemd/oomd.conf.d/50-gatewatch-test.conf")


class Oomd(CauseScenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        SETTINGS.parent.mkdir(parents=True, exist_ok=True)
        SETTINGS.write_text("[OOM]\nDefaultMemoryPressureDurationSec=1s\n")
        run("systemctl", "start", "systemd-oomd.service")
        cls.addClassCleanup(run, "systemctl", "stop", "systemd-oomd.service", "systemd-oomd.socket")

    def test_kill_by_oomd_is_recorded_by_post(self):
        # Over MemoryHigh= a process is slowed down, which is pressure; nothing is killed for it.
        unit = self.unit("--drain", "1", "--hog", "USR1", service={
            "ManagedOOMMemoryPressure": "kill", "ManagedOOMMemoryPressureLimit": "1%",
            "MemoryHigh": "40M", "ExecStopPost": f"{GATEWATCH} post"}).start()
        unit.systemctl("kill", "--kill-whom=main", "--signal=USR1")
        unit.wait_ended()
        self.assert_unit(unit, Result="oom-kill")
        stopped = self.assert_stopped(unit, cause="oomd", outcome="lost", recorded_by="post",
                                      exit_status="SIGKILL", service_result="oom-kill")
        self.assertTrue(stopped["CAUSE_DETAIL"])


if __name__ == "__main__":
    unittest.main()
