# SPDX-License-Identifier: MIT
"""What the journal says after a power-off under a draining gateway."""

import json
import os
import pathlib
import subprocess
import unittest


RESULTS = pathlib.Path(os.environ["GATEWATCH_BOOT_RESULTS"])


class Poweroff(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = subprocess.run(["journalctl", f"--directory={RESULTS}/journal", "--output=json", "--all",
                               "--quiet", "--no-pager", "SYSLOG_IDENTIFIER=gatewatch"],
                              check=True, capture_output=True, text=True).stdout
        cls.records = [json.loads(line) for line in text.splitlines()]

    def events(self, event):
        return [record for record in self.records if record["GATEWATCH_EVENT"] == event]

    def test_poweroff_with_a_long_drain_leaves_one_last_record(self):
        self.assertEqual(len(self.events("started")), 1)
        self.assertEqual(len(self.events("stopped")), 1)

    def test_poweroff_with_a_long_drain_ends_clean(self):
        stopped = self.events("stopped")[0]
        self.assertEqual(stopped["GATEWATCH_OUTCOME"], "clean")
        self.assertEqual(stopped["GATEWATCH_EXIT_STATUS"], "0")
        self.assertGreaterEqual(int(stopped["GATEWATCH_DRAIN_USED_USEC"]), 5_500_000)

    def test_poweroff_lets_the_gateway_finish(self):
        log = [json.loads(line) for line in (RESULTS / "gateway.log").read_text().splitlines()]
        signals = [entry["signal"] for entry in log if entry["event"] == "signal"]
        self.assertEqual(signals.count("SIGTERM"), 1)
        self.assertEqual(log[-1]["event"], "end")


if __name__ == "__main__":
    unittest.main()
