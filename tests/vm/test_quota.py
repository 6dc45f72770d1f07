# SPDX-License-Identifier: MIT
"""A unit that its own CPUQuota= holds: what its gateway could not do is told apart from what it did not."""

import unittest

from harness import QUICK, Scenario

OPTIONS = (*QUICK, "--watchdog=2s")


class Quota(Scenario):
    def spinning(self, **service):
        """A gateway that beats, then computes without end."""
        return self.unit("--watchdog", "0.2", "--default", "ABRT", "--spin-after", "1", options=OPTIONS,
                         service={"LimitCORE": "0", **service}).start()

    def test_heartbeat_of_a_throttled_gateway_is_starved(self):
        unit = self.spinning(CPUQuota="10%")
        record = unit.wait_record("watchdog")
        self.assertEqual(record["STALL"], "starved", record["STALL_DETAIL"])
        self.assertIn("CPUQuota=", record["STALL_DETAIL"])
        self.assertGreater(int(record["THROTTLED_USEC"]), 1_000_000)
        self.assertRegex(record["UNIT_PRESSURE_CPU"], r"^some=\d+\.\d+ full=\d+\.\d+$")
        unit.wait_ended()
        self.assert_stopped(unit, cause="watchdog", exit_status="SIGABRT")

    def test_heartbeat_of_a_gateway_with_all_it_wants_is_spinning(self):
        unit = self.spinning()
        record = unit.wait_record("watchdog")
        self.assertEqual(record["STALL"], "spinning", record["STALL_DETAIL"])
        self.assertIsNone(record["THROTTLED_USEC"])
        unit.wait_ended()
        self.assert_stopped(unit, cause="watchdog", exit_status="SIGABRT")


if __name__ == "__main__":
    unittest.main()
