# SPDX-License-Identifier: MIT
"""What the journal says after a reboot under a draining gateway."""

import unittest

import aftermath
from aftermath import RESULTS


class Reboot(aftermath.Aftermath):
    def test_reboot_ends_clean_and_is_the_cause(self):
        self.assert_went_down_with_the_host("gw-reboot")

    def test_reboot_lets_the_gateway_finish(self):
        self.assert_gateway_finished(RESULTS / "gateway.log")


if __name__ == "__main__":
    unittest.main()
