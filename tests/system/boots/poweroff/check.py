# SPDX-License-Identifier: MIT
"""What the journal says after a power-off under draining gateways."""

import unittest

import aftermath
from aftermath import RESULTS


class Poweroff(aftermath.Aftermath):
    def test_poweroff_with_a_long_drain_ends_clean_and_is_the_cause(self):
        stopped = self.assert_went_down_with_the_host("gw-poweroff")
        self.assertGreaterEqual(int(stopped["GATEWATCH_DRAIN_USED_USEC"]), 5_500_000)

    def test_poweroff_lets_the_gateway_finish(self):
        self.assert_gateway_finished(RESULTS / "gateway.log")

    def test_poweroff_is_the_cause_for_a_users_gateway_too(self):
        """Its own manager exits, but only because the machine goes down."""
        self.assert_went_down_with_the_host("gw-poweroff-user")
        self.assert_gateway_finished(RESULTS / "user-gateway.log")


if __name__ == "__main__":
    unittest.main()
