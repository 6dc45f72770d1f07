# SPDX-License-Identifier: MIT
"""The last test of a boot: whatever all others have done to gateways, `gatewatch report` says of each run what
its last record says, once, and believes it."""

import collections
import json
import unittest

from harness import Record, run
from reports import STARTED, STOPPED, rows

# Enough that this is not a look at an empty journal, whichever tests were asked for.
PARTIES = (("pid", int), ("uid", int), ("comm", str), ("cmdline", str), ("unit", str), ("ancestry", str))
WORDS = ("cause", "cause_detail", "outcome", "exit_code", "exit_status", "recorded_by", "signal", "name",
         "service_result", "previous_phase", "slowest_step", "timeline", "active_source")
NUMBERS = ("drain_usec", "headroom_usec", "drain_used_usec", "total_usec", "active_at_start", "active_now",
           "slowest_step_usec", "oom_kills", "timeout_stop_usec")


def records(message_id):
    text = run("journalctl", "--output=json", "--all", "--quiet", "--no-pager", f"MESSAGE_ID={message_id}",
               "_TRANSPORT=journal").stdout
    return [Record(json.loads(line)) for line in text.splitlines()]


def told(record):
    """What a record says, by the keys of a row; what it does not say is missing there, too."""
    said = {key: record[key.upper()] for key in WORDS}
    for key in NUMBERS:
        value = record[key.upper()]
        # Without a limit: a row has no number for that.
        said[key] = int(value) if value not in (None, "infinity") else None
    for party in ("sender", "requester"):
        for key, kind in PARTIES:
            value = record[f"{party}_{key}".upper()]
            said[party, key] = kind(value) if value is not None else None
    # Pid 0 is that of a process of another pid namespace: none here.
    for party in ("sender", "requester"):
        said[party, "pid"] = said[party, "pid"] or None
    return said


def shown(row):
    said = {key: row.get(key) for key in (*WORDS, *NUMBERS)}
    for party in ("sender", "requester"):
        said.update({(party, key): row.get(party, {}).get(key) for key, _ in PARTIES})
    return said


class WholeJournal(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        run("journalctl", "--sync")
        cls.stopped, cls.started = records(STOPPED), records(STARTED)
        cls.rows = rows()
        cls.all_rows = rows("--all")
        if not cls.stopped:
            raise unittest.SkipTest("no other test has run before in this boot")

    def test_every_run_that_was_recorded_has_one_row(self):
        expected = collections.Counter(record["RUN_ID"] for record in self.stopped)
        found = collections.Counter(row["run_id"] for row in self.rows if row["state"] == "stopped")
        self.assertEqual(found, expected)
        self.assertEqual(set(expected.values()), {1})

    def test_every_run_that_was_not_is_unrecorded(self):
        ended = {record["RUN_ID"] for record in self.stopped}
        owed = {record["RUN_ID"] for record in self.started} - ended
        self.assertEqual({row["run_id"] for row in self.rows if row["state"] == "unrecorded"}, owed)
        self.assertEqual({row["state"] for row in self.all_rows} - {"stopped", "unrecorded"}, set())

    def test_every_row_says_what_its_record_says(self):
        by_run = {row["run_id"]: row for row in self.rows}
        for record in self.stopped:
            row = by_run[record["RUN_ID"]]
            with self.subTest(name=record["NAME"], run=record["RUN_ID"]):
                expected = told(record)
                # Older than the field: from `started`.
                for key in ("drain_usec", "headroom_usec"):
                    if expected[key] is None:
                        expected[key] = row.get(key)
                self.assertEqual(shown(row), expected)

    def test_no_row_is_taken_for_forged(self):
        seen = {record["RUN_ID"]: {key: value for key, value in record.fields.items() if key.startswith("_")}
                for record in self.stopped}
        forged = [(row["name"], row["forgery"], seen.get(row["run_id"]))
                  for row in self.all_rows if row["trust"] == "forged"]
        self.assertEqual(forged, [])
        self.assertEqual([row["run_id"] for row in self.all_rows], [row["run_id"] for row in self.rows])

    def test_every_row_is_of_the_unit_that_its_run_was_in(self):
        units = {record["RUN_ID"]: record["UNIT"] for record in self.started if record["UNIT"]}
        wrong = [(row["name"], row.get("unit"), units[row["run_id"]]) for row in self.rows
                 if row["run_id"] in units and row.get("unit") != units[row["run_id"]]]
        self.assertEqual(wrong, [])

    def test_statistics_count_every_row_once(self):
        groups = rows("--stats")
        self.assertEqual(sum(group["stops"] for group in groups), len(self.rows))
        causes = collections.Counter()
        for group in rows("--by=cause"):
            causes[group["key"]] += group["stops"]
        self.assertEqual(causes, collections.Counter(row.get("cause", "unknown") for row in self.rows))


if __name__ == "__main__":
    unittest.main()
