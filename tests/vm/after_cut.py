# SPDX-License-Identifier: MIT
"""The third boot: the power was cut under a draining gateway, whose last record is still owed."""

import unittest

import aftermath
from causes import CauseScenario
from harness import Unit, run
from reports import rows


class PowerCut(CauseScenario):
    def test_power_cut_in_the_drain_is_recorded_by_the_next_run(self):
        before = ("--boot=-1",)
        name = ["SYSLOG_IDENTIFIER=gatewatch", "GATEWATCH_NAME=gw-cut"]
        started, = aftermath.find([*name, "GATEWATCH_EVENT=started"], before)
        self.assertEqual(aftermath.find([*name, "GATEWATCH_EVENT=stopped"], before), [])
        row, = rows("gw-cut")
        self.assertEqual((row["run_id"], row["state"], row["trust"]),
                         (started["GATEWATCH_RUN_ID"], "unrecorded", "believed"))

        unit = Unit("gw-cut", log_path="/var/lib/gw-cut.log")
        self.units.append(unit)
        unit.write(["--drain", "0.5"])
        unit.start()
        self.assertEqual(unit.seen("start")[0]["environment"]["GATEWATCH_PREVIOUS"], "reboot")
        previous = unit.wait_record("previous")
        lost = started["GATEWATCH_RUN_ID"]
        self.assertEqual((previous["PREVIOUS"], previous["PREVIOUS_PHASE"], previous["PREVIOUS_RUN_ID"]),
                         ("reboot", "drain", lost))
        stopped = self.assert_stopped(unit, outcome="lost", recorded_by="next-run", signal="SIGTERM",
                                      sender_state="manager", sender_pid="1")
        self.assertEqual(stopped["RUN_ID"], lost)
        # The verdict came after the sync, and may be lost.
        self.assertIn(stopped["CAUSE"], ("stop", "unknown"))
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop", count=2)
        run("journalctl", "--sync")
        self.assertEqual([(row["run_id"], row["state"], row["outcome"]) for row in rows("gw-cut")],
                         [(lost, "stopped", "lost"), (unit.records("started")[-1]["RUN_ID"], "stopped", "clean")])


if __name__ == "__main__":
    unittest.main()
