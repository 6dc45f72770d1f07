# SPDX-License-Identifier: MIT
"""`gatewatch check --fix`: what a drop-in can mend is mended, in a file of ours alone; whatever else is
there stays as it is."""

import os
import pathlib
import shutil
import unittest

from harness import SYSTEM
from lint import (DROP_IN, LintScenario, MARK, UserLintScenario, ask, check, drop_in_text, finding, ids,
                  perfect_unit, plain_unit, section)


class Fix(LintScenario):
    def setUp(self):
        super().setUp()
        self.name = self.loaded("gw-mend.service", perfect_unit(KillMode="none", TimeoutStopSec="10s"))
        self.path = pathlib.Path("/etc/systemd/system") / f"{self.name}.d" / DROP_IN

    def put(self, text, name=DROP_IN):
        """A drop-in that is there already, and in force."""
        path = self.write(self.path.parent / name, text)
        SYSTEM.systemctl("daemon-reload")
        return path

    def lines(self):
        return self.path.read_text().splitlines()

    # ---- print ----------------------------------------------------------------------------------------

    def test_what_is_printed_can_be_saved_and_mends(self):
        done = ask("check", "--fix", self.name, status=2)
        self.assertFalse(self.path.parent.exists())
        self.assertTrue(done.stdout.startswith(MARK))
        self.assertEqual(done.stderr, "")
        self.put(done.stdout)
        self.assert_finds(self.name)

    def test_drop_ins_of_several_units_are_told_apart(self):
        other = self.loaded("gw-mend@one.service", perfect_unit(SendSIGKILL="no"))
        printed = ask("check", "--fix=print", self.name, other, status=2).stdout
        self.assertEqual([line for line in printed.splitlines() if line.startswith("# /")],
                         [f"# /etc/systemd/system/{name}.d/{DROP_IN}" for name in (self.name, other)])
        self.assertEqual(printed.count(MARK), 2)

    def test_what_no_drop_in_mends_is_told_with_its_command(self):
        SYSTEM.systemctl("start", self.loaded(self.name, perfect_unit(SendSIGHUP="yes")))
        self.loaded(self.name, perfect_unit())
        done = ask("check", "--fix", self.name, status=0)
        self.assert_one_line(done, "running-older", f"systemctl restart {self.name}")

    # ---- write ----------------------------------------------------------------------------------------

    def test_what_is_written_is_in_force_and_shown(self):
        fragment = (SYSTEM.unit_dir / self.name).read_bytes()
        done = ask("check", "--fix=write", self.name, status=0)
        self.assertEqual(done.stderr, "")
        self.assertIn(f"wrote {self.path}", done.stdout)
        self.assertIn("nothing found", done.stdout)
        self.assertEqual(SYSTEM.systemctl("show", "--property=KillMode,NeedDaemonReload,TimeoutStopUSec",
                                          self.name).stdout.splitlines(),
                         ["TimeoutStopUSec=1min 30s", "KillMode=mixed", "NeedDaemonReload=no"])
        self.assertEqual((SYSTEM.unit_dir / self.name).read_bytes(), fragment)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o644)
        # Each line has its reason above it.
        lines = self.lines()
        for i, line in enumerate(lines):
            if "=" in line and not line.startswith("#"):
                self.assertTrue(lines[i - 1].startswith("# "), line)

    def test_nothing_to_mend_writes_nothing(self):
        good = self.loaded("gw-good.service")
        ask("check", "--fix=write", good, status=0)
        self.assertIsNone(drop_in_text(good))

    def test_second_write_changes_nothing(self):
        ask("check", "--fix=write", self.name, status=0)
        before = self.path.stat()
        ask("check", "--fix=write", self.name, status=0)
        self.assertEqual((self.path.stat().st_ino, self.path.stat().st_mtime_ns),
                         (before.st_ino, before.st_mtime_ns))

    def test_earlier_lines_of_ours_stay(self):
        self.put(f"{MARK} keep the rest.\n# Mine.\n\n[Unit]\nDescription=kept \\\n  in two lines\n\n"
                 "[Service]\n# Why.\nEnvironment=A=1\nKillMode=process\nOOMPolicy=continue\n"
                 "Environment=\"B=2 3\"\n")
        ask("check", "--fix=write", self.name, status=0)
        text = self.path.read_text()
        self.assertTrue(text.startswith(MARK))
        for kept in ("# Mine.\n", "[Unit]\nDescription=kept \\\n  in two lines\n",
                     "# Why.\nEnvironment=A=1\n", "OOMPolicy=continue\n", "Environment=\"B=2 3\"\n",
                     "KillMode=mixed\n", "TimeoutStopSec=1min 30s\n"):
            self.assertEqual(text.count(kept), 1, text)
        self.assertNotIn("KillMode=process", text)
        self.assertEqual(SYSTEM.systemctl("show", "--property=Environment,Description", self.name).stdout,
                         'Environment=A=1 "B=2 3"\nDescription=kept    in two lines\n')

    def test_drop_in_that_is_read_later_is_named_and_left_alone(self):
        late = self.put(section("Service", {"TimeoutStopSec": "10s"}), "override.conf")
        text = late.read_text()
        entry = self.assert_finds(self.name, "kill-mode", "timeout-too-short")
        found = finding(entry, "timeout-too-short")
        self.assertEqual((found["file"], found["fixable"], finding(entry, "kill-mode")["fixable"]),
                         (str(late), False, True))
        done = ask("check", "--fix=write", self.name, status=1)
        self.assertRegex(done.stderr, rf"\A[^\n]*timeout-too-short[^\n]*{late}[^\n]*\n\Z")
        self.assert_finds(self.name, "timeout-too-short")
        self.assertEqual(late.read_text(), text)
        settings = [line for line in self.lines() if line and line[0] not in "#["]
        self.assertEqual(settings, ["KillMode=mixed"])

    def test_alias_is_mended_like_its_unit(self):
        self.link("/etc/systemd/system/gw-mend-alias.service", SYSTEM.unit_dir / self.name)
        self.addCleanup(self.forget, "gw-mend-alias.service")
        SYSTEM.systemctl("daemon-reload")
        ask("check", "--fix=write", "gw-mend-alias", status=0)
        self.assert_finds(self.name)

    def test_instance_is_mended_alone(self):
        self.unit_file("gw-mend@.service", perfect_unit(KillMode="none"))
        self.addCleanup(self.forget, r"gw-mend@a\x20b.service")
        SYSTEM.systemctl("daemon-reload")
        ask("check", "--fix=write", r"gw-mend@a\x20b", status=0)
        self.assert_finds(r"gw-mend@a\x20b.service")
        self.assert_finds("gw-mend@other.service", "kill-mode")

    # ---- what is not ours -----------------------------------------------------------------------------

    def assert_refused(self):
        """With what stands at the path as it was, and the others mended all the same."""
        other = self.loaded("gw-mend-other.service", perfect_unit(KillMode="none"))
        before = self.state()
        done = ask("check", "--fix=write", self.name, other, status=69)
        self.assertEqual([str(self.path) in line for line in done.stderr.splitlines()].count(True), 1)
        self.assertEqual(self.state(), before)
        self.assert_finds(other)
        self.assertIn("kill-mode", ids(self.look(self.name)))
        dry = ask("check", "--fix=write", "--dry-run", self.name, status=69)
        self.assertEqual([str(self.path) in line for line in dry.stderr.splitlines()].count(True), 1)
        self.assertEqual(dry.stdout, "")
        self.assertEqual(self.state(), before)

    def state(self):
        """Of what stands at the path, whatever it is."""
        status = self.path.lstat()
        return status.st_ino, status.st_mode, status.st_mtime_ns, status.st_ctime_ns

    def test_foreign_drop_in_of_that_name_is_left_alone(self):
        text = "# Written by somebody.\n[Service]\nEnvironment=A=1\n"
        self.put(text)
        self.assert_refused()
        self.assertEqual(self.path.read_text(), text)

    def test_where_nothing_is_written_the_manager_does_not_reload(self):
        self.put("# Written by somebody.\n")
        SYSTEM.systemctl("start", self.name)
        (SYSTEM.unit_dir / self.name).touch()
        ask("check", "--fix=write", self.name, status=69)
        self.assertEqual(SYSTEM.systemctl("show", "--property=NeedDaemonReload", self.name).stdout,
                         "NeedDaemonReload=yes\n")

    def test_link_of_that_name_is_left_alone(self):
        target = self.write("/etc/gatewatch-elsewhere.conf",
                            f"{MARK} elsewhere.\n[Service]\nEnvironment=A=1\n")
        before = target.read_bytes()
        self.path.parent.mkdir()
        self.link(self.path, target)
        SYSTEM.systemctl("daemon-reload")
        self.assert_refused()
        self.assertEqual(target.read_bytes(), before)

    def test_masked_drop_in_of_that_name_is_left_alone(self):
        self.path.parent.mkdir()
        self.link(self.path, "/dev/null")
        SYSTEM.systemctl("daemon-reload")
        self.assert_refused()

    def test_folder_of_that_name_is_left_alone(self):
        self.path.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, self.path, ignore_errors=True)
        self.assert_refused()

    def test_dry_run_writes_nothing(self):
        done = ask("check", "--fix=write", "--dry-run", self.name, status=2)
        self.assertIn(str(self.path), done.stdout)
        self.assertIn("\nKillMode=mixed\n", done.stdout)
        self.assertFalse(self.path.parent.exists())
        text = f"{MARK} ours.\n[Service]\nEnvironment=A=1\n"
        self.put(text)
        ask("check", "--fix=write", "--dry-run", self.name, status=2)
        self.assertEqual(self.path.read_text(), text)

    def test_ordinary_user_may_not_mend_a_unit_of_the_system(self):
        done = ask("check", "--system", "--fix=write", self.name, prefix=self.user("gwsomebody"), status=69)
        self.assertRegex(done.stderr, rf"\A[^\n]*{self.path}: [^\n]*root[^\n]*\n\Z")
        self.assertFalse(self.path.parent.exists())
        # To look at it needs no permission.
        printed = ask("check", "--system", "--fix", self.name, prefix=self.user("gwsomebody"), status=2)
        self.put(printed.stdout)
        self.assert_finds(self.name)

    def test_unit_without_gatewatch_is_mended_for_its_drain(self):
        name = self.loaded("gw-plain.service", plain_unit(KillMode="process", TimeoutStopSec="5s"))
        self.assertEqual(ids(self.look(name)), set())
        ask("check", "--drain-timeout=2min", "--fix=write", name, status=0)
        self.assertEqual(self.assert_finds(name, options=["--drain-timeout=2min"])["timeout_stop"],
                         "2min 30s")


class UserFix(UserLintScenario):
    USER = "mendinguser"

    def test_user_mends_a_unit_in_his_own_folder(self):
        name = self.loaded("gw-mend.service", perfect_unit(KillMode="none"))
        folder = self.admin_dir / f"{name}.d"
        options = ["--user"]
        ask("check", *options, "--fix=write", name, prefix=self.prefix, status=0)
        self.assertIn("KillMode=mixed\n", (folder / DROP_IN).read_text())
        self.assertEqual((folder / DROP_IN).stat().st_uid, int(self.uid))
        self.assertEqual(os.listdir(folder), [DROP_IN])
        self.assertEqual(ids(check(*options, name, prefix=self.prefix)[name]), set())
        self.assertEqual(self.manager.systemctl("show", "--property=KillMode", name).stdout,
                         "KillMode=mixed\n")


if __name__ == "__main__":
    unittest.main()
