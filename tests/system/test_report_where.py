# SPDX-License-Identifier: MIT
"""Which journal `gatewatch report` reads, whom it shows what of it, and whose words it believes: users, namespaces,
volatile and rotated journals, forged records, and following."""

import unittest

from harness import QUICK, run
from lint import UserLintScenario, ask
from reports import STOPPED, Follower, ReportScenario, rows, table

QUICK_UNIT = {"options": QUICK}
END = ("--drain", "0")


def forge(namespace, prefix=(), **fields):
    """Sends the journal a last record in the name of others, by its own protocol, which anybody may."""
    fields = {"MESSAGE_ID": STOPPED, "SYSLOG_IDENTIFIER": "gatewatch", "GATEWATCH_EVENT": "stopped",
              "MESSAGE": "forged", "GATEWATCH_CAUSE": "stop", "GATEWATCH_OUTCOME": "clean",
              "GATEWATCH_RECORDED_BY": "run", **fields}
    text = "".join(f"{name}={value}\n" for name, value in fields.items())
    program = ("import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
               "s.sendto(sys.argv[1].encode(), sys.argv[2])\n"
               # The journal looks at a writer that is still there.
               "import subprocess; subprocess.run(['journalctl', '--namespace', sys.argv[3], '--sync'])")
    run(*prefix, "python3", "-c", program, text, f"/run/systemd/journal.{namespace.name}/socket", namespace.name)
    namespace.sync()


class Namespaces(ReportScenario):
    def test_run_in_a_namespace_is_shown_by_its_option_only(self):
        namespace = self.namespace("gwspace")
        unit = self.namespaced_unit(namespace, *END, **QUICK_UNIT)
        run_id = self.run_once(unit, namespace)
        self.assertEqual(rows(unit.name), [])
        row, = rows(namespace.option)
        self.assert_row(row, run_id=run_id, unit=unit.service, cause="stop", outcome="clean", trust="believed")

    def test_namespace_that_is_not_there_is_named(self):
        self.assert_one_line(ask("report", "--namespace=gwnowhere", status=69), "gwnowhere")

    def test_volatile_journal_is_read(self):
        namespace = self.namespace("gwvolatile", config="[Journal]\nStorage=volatile\n")
        unit = self.namespaced_unit(namespace, *END, **QUICK_UNIT)
        run_id = self.run_once(unit, namespace)
        machine_id = run("systemd-id128", "machine-id").stdout.strip()
        directory = f"/run/log/journal/{machine_id}.{namespace.name}"
        for where in (namespace.option, f"--directory={directory}", f"--file={directory}/*.journal"):
            with self.subTest(where):
                row, = rows(where)
                self.assert_row(row, run_id=run_id, outcome="clean", trust="believed")

    def test_run_whose_beginning_was_rotated_away_keeps_its_end(self):
        namespace = self.namespace("gwrotated")
        unit = self.namespaced_unit(namespace, *END, **QUICK_UNIT)
        first = self.run_once(unit, namespace)
        unit.start()
        second = unit.show("InvocationID")
        namespace.journalctl("--rotate")
        self.assertEqual([row["run_id"] for row in rows(namespace.option)], [first])
        namespace.journalctl("--rotate", "--vacuum-files=1")
        unit.stop()
        namespace.wait_stopped(second)
        row, = rows(namespace.option)
        self.assert_row(row, run_id=second, began_realtime_usec=None, drain_usec=2_000_000, cause="stop",
                        outcome="clean", trust="believed", unit=unit.service)

    def test_followed_stops_come_as_they_happen_over_a_rotation(self):
        namespace = self.namespace("gwfollowed")
        unit = self.namespaced_unit(namespace, *END, **QUICK_UNIT)
        run_ids = [self.run_once(unit, namespace)]
        follower = Follower(namespace.option, "--lines=1")
        self.addCleanup(follower.end)
        seen = [follower.next_row()["run_id"]]
        for _ in range(2):
            run_ids.append(self.run_once(unit, namespace))
            seen.append(follower.next_row()["run_id"])
            namespace.journalctl("--rotate")
        run_ids.append(self.run_once(unit, namespace))
        seen.append(follower.next_row()["run_id"])
        self.assertEqual(seen, run_ids)
        self.assertEqual([row["run_id"] for row in rows(namespace.option)], run_ids)


class Forgery(ReportScenario):
    def test_record_in_anothers_name_is_marked_and_shown_with_all_only(self):
        namespace = self.namespace("gwforged")
        unit = self.namespaced_unit(namespace, *END, **QUICK_UNIT)
        run_id = self.run_once(unit, namespace)
        forge(namespace, self.user("gwforger"), GATEWATCH_NAME=unit.name, GATEWATCH_UNIT=unit.service,
              GATEWATCH_RUN_ID="f" * 32, GATEWATCH_CAUSE="oom")
        self.assertEqual([row["run_id"] for row in rows(namespace.option)], [run_id])
        real, forged = rows("--all", namespace.option)
        self.assert_row(real, run_id=run_id, trust="believed", forgery=None)
        self.assert_row(forged, run_id="f" * 32, trust="forged", name=unit.name)
        self.assertNotEqual(forged.get("unit"), unit.service)
        self.assertTrue(forged["forgery"])
        lines = table("--all", namespace.option)
        self.assertEqual([("forged" in line) for line in lines], [False, True])

    def test_false_end_of_a_run_does_not_hide_its_own(self):
        namespace = self.namespace("gwforgedend")
        unit = self.namespaced_unit(namespace, *END, **QUICK_UNIT).start()
        run_id = unit.show("InvocationID")
        forge(namespace, self.user("gwforger"), GATEWATCH_NAME=unit.name, GATEWATCH_RUN_ID=run_id,
              GATEWATCH_CAUSE="oom", GATEWATCH_OUTCOME="killed")
        self.assertEqual(rows(namespace.option), [])
        unit.stop()
        # The forged one is the first of this run's.
        namespace.wait_stopped(run_id)
        namespace.sync()
        row, = rows(namespace.option)
        self.assert_row(row, run_id=run_id, cause="stop", outcome="clean", trust="believed")
        self.assertEqual(sorted(row["trust"] for row in rows("--all", namespace.option)), ["believed", "forged"])
        group, = rows("--stats", namespace.option)
        self.assertEqual((group["stops"], group["causes"]), (1, {"stop": 1}))


class Permission(ReportScenario):
    def test_stranger_is_told_of_the_group_and_its_members_see_all(self):
        unit = self.unit(*END, **QUICK_UNIT).start()
        run_id = unit.show("InvocationID")
        unit.stop()
        unit.wait_record("stopped")
        stranger = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        member = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=systemd-journal", "--"]
        self.assert_one_line(ask("report", unit.name, prefix=stranger, status=69), "systemd-journal")
        row, = rows(unit.name, prefix=member)
        self.assert_row(row, run_id=run_id, outcome="clean")


class UserManager(UserLintScenario, ReportScenario):
    """Services of a user: that user sees them, another does not, root sees all."""

    USER = "gwreader"

    def test_users_stops_are_the_users_and_roots(self):
        own = self.user_unit(*END, **QUICK_UNIT)
        run_id = own.show("InvocationID")
        own.stop()
        own.wait_record("stopped")
        system = self.unit(*END, suffix="-system", **QUICK_UNIT).start()
        system.stop()
        system.wait_record("stopped")
        both = f"{self.unit_name()}*"
        expected = {"run_id": run_id, "unit": own.service, "manager": "user", "uid": int(self.uid), "cause": "stop",
                    "outcome": "clean"}
        as_owner = {"prefix": self.prefix}
        for words, settings in (([both, "--user"], as_owner), ([both], as_owner), ([own.name], {})):
            with self.subTest(words=words, **settings):
                row, = rows("--quiet", *words, **settings)
                self.assert_row(row, **expected)
                self.assertIn(row["trust"], ("believed", "unverified"))
        self.assertEqual({row["unit"] for row in rows(both)}, {own.service, system.service})
        # root's own manager has none of them.
        self.assertEqual(rows("--user", both), [])
        self.assertEqual({row["unit"] for row in rows("--system", both)}, {system.service})

    def test_another_user_sees_none_of_them(self):
        own = self.user_unit(*END, **QUICK_UNIT)
        own.stop()
        own.wait_record("stopped")
        done = ask("report", "--json=short", own.name, prefix=self.user("gwstranger"), status=69)
        self.assertNotIn(own.name, done.stdout)
        self.assertIn("systemd-journal", done.stderr)


if __name__ == "__main__":
    unittest.main()
