# SPDX-License-Identifier: MIT
"""What LimitRTPRIO= gives a supervisor that has no privilege at all."""

import unittest

from causes import CauseScenario


class RealtimeLimit(CauseScenario):
    def test_nobody_with_a_realtime_limit_names_passers_by(self):
        unit = self.draining_unit(service={"User": "nobody", "LimitRTPRIO": "1"})
        self.assertEqual(unit.wait_record("started")["SENDER_CAPTURE"], "realtime")
        records = self.kill_often(unit, 16)
        named = [record["SENDER_CMDLINE"] for record in records if record["SENDER_CMDLINE"]]
        # Emulation is slow where a sender's life is short: how many is for real machines to say.
        self.assertGreaterEqual(len(named), 8)

    def test_nobody_without_a_realtime_limit_does_with_plain_reads(self):
        unit = self.unit("--drain", "1", service={"User": "nobody", "LimitRTPRIO": "0"}).start()
        self.assertEqual(unit.wait_record("started")["SENDER_CAPTURE"], "plain")
        unit.stop()
        self.assert_cause(unit, "stop", job_type="stop")


if __name__ == "__main__":
    unittest.main()
