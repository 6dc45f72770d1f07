# SPDX-License-Identifier: MIT
"""The second boot: what the journal kept of a gateway that the reboot found draining."""

import pathlib
import unittest

import aftermath


class Reboot(aftermath.Aftermath):
    JOURNAL = ("--boot=-1",)

    def test_reboot_under_a_long_drain_ends_clean_and_is_the_cause(self):
        stopped = self.assert_went_down_with_the_host("gw-reboot")
        self.assertGreaterEqual(int(stopped["GATEWATCH_DRAIN_USED_USEC"]), 11_500_000)

    def test_reboot_lets_the_gateway_finish(self):
        self.assert_gateway_finished(pathlib.Path("/var/lib/gw-reboot.log"))


if __name__ == "__main__":
    unittest.main()
