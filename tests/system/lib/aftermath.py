# SPDX-License-Identifier: MIT
"""What a boot left behind, looked at after its end: its journal and the gateways' logs."""

import json
import os
import pathlib
import subprocess
import unittest

RESULTS = pathlib.Path(os.environ.get("GATEWATCH_BOOT_RESULTS", "/srv/results"))


def find(matches, journal=(f"--directory={RESULTS}/journal",)):
    """Entries of the journal with these fields, as dicts."""
    text = subprocess.run(["journalctl", *journal, "--output=json", "--all", "--quiet", "--no-pager",
                           *matches], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


class Aftermath(unittest.TestCase):
    maxDiff = None

    # Where journalctl looks.
    JOURNAL = (f"--directory={RESULTS}/journal",)

    def records(self, name, event):
        """Of one gateway."""
        return find(["SYSLOG_IDENTIFIER=gatewatch", f"GATEWATCH_NAME={name}", f"GATEWATCH_EVENT={event}"],
                    self.JOURNAL)

    def only(self, name, event):
        found = self.records(name, event)
        self.assertEqual(len(found), 1, f"`{event}` records of {name}")
        return found[0]

    def assert_fields(self, record, **expected):
        actual = {name: record.get("GATEWATCH_" + name.upper()) for name in expected}
        self.assertEqual(actual, expected)

    def assert_went_down_with_the_host(self, name):
        """A run that ended clean because the machine went down, and said so. Returns its last record."""
        self.only(name, "started")
        stopped, verdict = self.only(name, "stopped"), self.only(name, "cause")
        self.assert_fields(stopped, cause="host-shutdown", outcome="clean", exit_status="0",
                           sender_state="manager", recorded_by="run")
        self.assert_fields(verdict, cause="host-shutdown", job_type="stop")
        self.assertTrue(stopped["GATEWATCH_CAUSE_DETAIL"])
        for record in (stopped, verdict):
            run_id = f"GATEWATCH_RUN_ID={record['GATEWATCH_RUN_ID']}"
            for match in ("GATEWATCH_CAUSE=host-shutdown", f"MESSAGE_ID={record['MESSAGE_ID']}"):
                cursors = [found["__CURSOR"] for found in find([match, run_id], self.JOURNAL)]
                self.assertIn(record["__CURSOR"], cursors)
        return stopped

    def assert_gateway_finished(self, log_path):
        log = [json.loads(line) for line in log_path.read_text().splitlines()]
        signals = [entry["signal"] for entry in log if entry["event"] == "signal"]
        self.assertEqual(signals.count("SIGTERM"), 1)
        self.assertEqual(log[-1]["event"], "end")
