# SPDX-License-Identifier: MIT
"""The second boot: what the journal kept of a gateway that the reboot found draining."""

import json
import pathlib
import unittest

from harness import run


class Reboot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = run("journalctl", "--boot=-1", "--output=json", "--all", "--quiet", "--no-pager",
                   "SYSLOG_IDENTIFIER=gatewatch", "GATEWATCH_NAME=gw-reboot").stdout
        cls.records = [json.loads(line) for line in text.splitlines()]

    def events(self, event):
        return [record for record in self.records if record["GATEWATCH_EVENT"] == event]

    def test_reboot_under_a_long_drain_leaves_one_last_record(self):
        self.assertEqual(len(self.events("started")), 1)
        self.assertEqual(len(self.events("stopped")), 1)

    def test_reboot_under_a_long_drain_ends_clean(self):
        stopped = self.events("stopped")[0]
        self.assertEqual(stopped["GATEWATCH_OUTCOME"], "clean")
        self.assertEqual(stopped["GATEWATCH_EXIT_STATUS"], "0")
        self.assertGreaterEqual(int(stopped["GATEWATCH_DRAIN_USED_USEC"]), 11_500_000)

    def test_reboot_lets_the_gateway_finish(self):
        log = [json.loads(line)
               for line in pathlib.Path("/var/lib/gw-reboot.log").read_text().splitlines()]
        self.assertEqual(log[-1]["event"], "end")


if __name__ == "__main__":
    unittest.main()
