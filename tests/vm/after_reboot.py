# SPDX-License-Identifier: MIT
"""The second boot: what the journal kept of a gateway that the reboot found draining."""

import pathlib
import unittest

import aftermath
from reports import ask, rows


class Reboot(aftermath.Aftermath):
    JOURNAL = ("--boot=-1",)

    def test_reboot_under_a_long_drain_ends_clean_and_is_the_cause(self):
        stopped = self.assert_went_down_with_the_host("gw-reboot")
        self.assertGreaterEqual(int(stopped["GATEWATCH_DRAIN_USED_USEC"]), 11_500_000)

    def test_report_of_the_boot_before_names_the_run_that_the_reboot_ended(self):
        stopped = self.only("gw-reboot", "stopped")
        row, = rows("--boot=-1", "gw-reboot")
        self.assertEqual((row["run_id"], row["state"], row["cause"], row["outcome"], row["trust"]),
                         (stopped["GATEWATCH_RUN_ID"], "stopped", "host-shutdown", "clean", "believed"))
        self.assertEqual(rows("--boot=-1", "--cause=host-shutdown", "-n1"), [row])
        self.assertEqual(rows("--boot", "gw-reboot"), [])
        self.assertIn("host-shutdown", ask("report", row["run_id"], status=0).stdout)

    def test_reboot_lets_the_gateway_finish(self):
        self.assert_gateway_finished(pathlib.Path("/var/lib/gw-reboot.log"))


if __name__ == "__main__":
    unittest.main()
