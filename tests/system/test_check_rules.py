# SPDX-License-Identifier: MIT
"""Each rule's files (tests/rules) loaded into a real systemd, of the system and of a user, and read without
one: both ways `gatewatch check` finds exactly what their first line says; and what a drop-in mends, the
drop-in mends."""

import os
import pathlib
import re
import shutil
import unittest

from causes import UserScenario
from harness import RUN_DIR, Scenario, SYSTEM
from lint import as_user, ask, check, ids, worst

RULES = pathlib.Path("/srv/tests/rules")
PREFIX = "gwrule-"


def rule_files():
    """Unit name by file: the unit's name says rule and file."""
    return {f"{PREFIX}{path.parent.name}-{path.stem}.service": path
            for path in sorted(RULES.glob("*/*.service"))}


def expected(path, manager="system"):
    """The rules that a file's first lines name, for a user's manager by a line of its own if there is one."""
    head = path.read_text(errors="replace").splitlines()[:3]
    found = {}
    for line in head:
        match = re.match(r"# finds( as a user's)?: (.*)", line)
        if match:
            found["user" if match.group(1) else "system"] = match.group(2)
    words = found.get(manager, found["system"]).split()
    return set() if words == ["nothing"] else set(words)


# A longer watchdog is still answered by the supervisor alone.
BROUGHT_UP = {"watchdog-too-short": {"watchdog-supervisor-only"}}


def staying(entry):
    """What is found once every drop-in has done what it can."""
    found = {one["id"] for one in entry["findings"] if not one["fixable"]}
    return found.union(*(BROUGHT_UP.get(rule, set()) for rule in ids(entry)))


class SystemRules(Scenario):
    def setUp(self):
        super().setUp()
        self.files = rule_files()
        self.assertGreater(len(self.files), 60)
        for name, path in self.files.items():
            shutil.copy(path, SYSTEM.unit_dir / name)
            self.addCleanup(shutil.rmtree, f"/etc/systemd/system/{name}.d", ignore_errors=True)
            self.addCleanup((SYSTEM.unit_dir / name).unlink)
        self.addCleanup(SYSTEM.systemctl, "daemon-reload")
        SYSTEM.systemctl("daemon-reload")

    def test_every_rule_finds_what_its_files_say(self):
        found = check(*self.files)
        self.assertEqual(set(found), set(self.files))
        for name, path in self.files.items():
            with self.subTest(name):
                self.assertEqual(ids(found[name]), expected(path))
                self.assertEqual(found[name]["load_state"], "loaded")

    def test_files_read_without_a_manager_give_the_same(self):
        loaded = check(*self.files)
        read = check(*(SYSTEM.unit_dir / name for name in self.files))
        for name in self.files:
            with self.subTest(name):
                self.assertEqual(ids(read[name]), ids(loaded[name]))
                for offline, online in zip(read[name]["findings"], loaded[name]["findings"]):
                    for key in ("id", "severity", "setting", "value", "file", "mend"):
                        self.assertEqual(offline[key], online[key], key)

    def test_exit_status_is_the_worst_finding(self):
        for name, entry in check(*self.files).items():
            with self.subTest(name):
                self.assertEqual(set(check(name, status=worst({name: entry}))), {name})

    def test_what_a_drop_in_mends_is_mended(self):
        before = check(*self.files)
        self.assertIn(ask("check", "--fix=write", "--quiet", *self.files).returncode, (0, 1, 2))
        after = check(*self.files)
        for name in self.files:
            with self.subTest(name):
                self.assertEqual({finding["id"] for finding in after[name]["findings"]
                                  if finding["fixable"]}, set())
                stays = staying(before[name])
                self.assertEqual(ids(after[name]), stays)
                if not stays:
                    self.assertEqual(check(name, status=0)[name]["findings"], [])
                if expected(self.files[name]) == set():
                    self.assertFalse(os.path.exists(f"/etc/systemd/system/{name}.d"))

    def test_what_is_mended_in_files_is_mended(self):
        folder = RUN_DIR / "rules as files"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, folder)
        paths = [pathlib.Path(shutil.copy(path, folder / name)) for name, path in self.files.items()]
        before = check(*paths)
        self.assertIn(ask("check", "--fix=write", "--quiet", *paths).returncode, (0, 1, 2))
        for name, entry in check(*paths).items():
            with self.subTest(name):
                stays = staying(before[name])
                self.assertEqual(ids(entry), stays)


class UserRules(UserScenario):
    USER = "ruleuser"

    def setUp(self):
        super().setUp()
        self.files = rule_files()
        self.folder = pathlib.Path(f"/home/{self.USER}/.config/systemd/user")
        self.as_user("mkdir", "--parents", self.folder)
        for name, path in self.files.items():
            shutil.copy(path, self.folder / name)
            self.addCleanup((self.folder / name).unlink)
            self.addCleanup(shutil.rmtree, self.folder / f"{name}.d", ignore_errors=True)
        self.addCleanup(self.manager.systemctl, "daemon-reload")
        self.manager.systemctl("daemon-reload")
        self.prefix = as_user(self.USER, self.uid)

    def test_every_rule_finds_what_its_files_say_of_a_user(self):
        found = check("--user", *self.files, prefix=self.prefix)
        for name, path in self.files.items():
            with self.subTest(name):
                self.assertEqual(ids(found[name]), expected(path, "user"))
                self.assertEqual(found[name]["manager"], "user")

    def test_files_of_a_user_read_without_a_manager_give_the_same(self):
        loaded = check("--user", *self.files, prefix=self.prefix)
        read = check("--user", *(self.folder / name for name in self.files), prefix=self.prefix)
        for name in self.files:
            with self.subTest(name):
                self.assertEqual(ids(read[name]), ids(loaded[name]))

    def test_a_user_mends_his_own_units(self):
        before = check("--user", *self.files, prefix=self.prefix)
        done = ask("check", "--user", "--fix=write", "--quiet", *self.files, prefix=self.prefix)
        self.assertIn(done.returncode, (0, 1, 2))
        after = check("--user", *self.files, prefix=self.prefix)
        for name in self.files:
            with self.subTest(name):
                stays = staying(before[name])
                self.assertEqual(ids(after[name]), stays)


if __name__ == "__main__":
    unittest.main()
