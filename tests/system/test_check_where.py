# SPDX-License-Identifier: MIT
"""`gatewatch check` of other managers than the machine's own with everything in order: a user's, one without
D-Bus, one in a container, one behind ssh; and of all that Debian has installed."""

import json
import os
import pathlib
import shutil
import unittest

from harness import DEADLINE_SEC, SYSTEM, run, uid_of
from lint import (LintScenario, UserLintScenario, as_user, ask, check, finding, ids, perfect_unit, section)

RESULTS = pathlib.Path("/srv/results")


class WithoutDBus(LintScenario):
    def stop_dbus(self):
        self.addCleanup(run, "systemctl", "start", "dbus.socket", "dbus.service")
        run("systemctl", "stop", "dbus.socket", "dbus.service")

    def test_root_needs_no_bus(self):
        name = self.loaded("gw-busless.service", perfect_unit(KillMode="none"))
        self.stop_dbus()
        self.assert_finds(name, "kill-mode")
        ask("check", "--fix=write", name, status=0)
        self.assert_finds(name)

    def test_others_are_told_in_one_line_that_nobody_could_be_asked(self):
        name = self.loaded("gw-busless.service")
        somebody = self.user("gwsomebody")
        self.assert_finds(name, options=["--system"], prefix=somebody)
        self.stop_dbus()
        self.assert_one_line(ask("check", "--system", name, prefix=somebody, status=69), "system manager")
        path = SYSTEM.unit_dir / name
        self.assertEqual(ids(check(path, prefix=somebody)[name]), set())

    def test_user_without_a_manager_is_told_in_one_line(self):
        self.assert_one_line(ask("check", "gw", prefix=self.user("gwsomebody"), status=69), "user manager")


class Users(UserLintScenario):
    USER = "checkuser"

    def setUp(self):
        super().setUp()
        self.name = self.loaded("gw-users.service")

    def user_drop_in(self, **settings):
        """Of the service that runs the manager."""
        self.addCleanup(SYSTEM.systemctl, "daemon-reload")
        self.addCleanup(shutil.rmtree, "/etc/systemd/system/user@.service.d", ignore_errors=True)
        self.write("/etc/systemd/system/user@.service.d/10-test.conf", section("Service", settings))
        SYSTEM.systemctl("daemon-reload")

    def look_as_user(self):
        return self.look(self.name, "--user", prefix=self.prefix)

    def test_user_with_linger_finds_nothing(self):
        entry = self.look_as_user()
        self.assertEqual((ids(entry), entry["manager"], entry["unknown"]), (set(), "user", []))
        self.assertEqual(ids(self.look(self.name, prefix=self.prefix)), set())

    def test_root_asks_a_users_manager_by_its_machine(self):
        SYSTEM.systemctl("daemon-reload")
        entry = self.look(self.name, "--user", f"--machine={self.USER}@.host")
        self.assertEqual((ids(entry), entry["manager"], len(entry["unknown"])), (set(), "user", 2))

    def test_manager_above_that_does_not_wait_is_an_error(self):
        self.user_drop_in(TimeoutStopSec="20s")
        found = finding(self.look_as_user(), "user-manager-timeout")
        self.assertEqual((found["severity"], found["fixable"]), ("error", False))
        self.assertIn(f"user@{self.uid}.service", found["message"])
        self.user_drop_in(TimeoutStopSec="70s")
        found = finding(self.look_as_user(), "user-manager-timeout")
        self.assertEqual(found["severity"], "warning")
        self.run_command(found)
        self.assertEqual(ids(self.look_as_user()), set())

    def test_real_time_needs_the_manager_above_to_allow_it(self):
        self.loaded(self.name, perfect_unit(LimitRTPRIO=None))
        found = finding(self.look(self.name, "--user", prefix=self.prefix, status=0), "sender-realtime")
        self.addCleanup(SYSTEM.systemctl, "daemon-reload")
        self.addCleanup(shutil.rmtree, "/etc/systemd/system/user@.service.d", ignore_errors=True)
        self.run_command(found)
        # Whether the kernel grants it is the machine's affair: a container may not raise limits.
        shown = SYSTEM.systemctl("show", "--property=LimitRTPRIO", f"user@{self.uid}.service").stdout
        self.assertEqual(shown, "LimitRTPRIO=1\n")


class WithoutLinger(LintScenario):
    USER = "fleetinguser"

    def test_user_without_linger_is_told_until_he_lingers(self):
        run("useradd", "--create-home", self.USER)
        uid = uid_of(self.USER)
        prefix = as_user(self.USER, uid)
        # Not by a login, so that logind does not end it in the middle of the test.
        service = f"user@{uid}.service"
        self.addCleanup(SYSTEM.systemctl, "stop", service)
        self.addCleanup(run, "loginctl", "disable-linger", self.USER, check=False)
        SYSTEM.systemctl("start", service)
        folder = pathlib.Path(f"/home/{self.USER}/.config/systemd/user")
        run(*prefix, "mkdir", "--parents", folder)
        name = self.write(folder / "gw-fleeting.service", perfect_unit()).name
        settings = {"options": ["--user"], "prefix": prefix}
        found = finding(self.assert_finds(name, "linger", status=1, **settings), "linger")
        self.assertEqual(found["command"], f"loginctl enable-linger {self.USER}")
        self.run_command(found)
        self.assert_finds(name, status=0, **settings)


class Elsewhere(LintScenario):
    def boot_machine(self, name, files):
        """A container of its own, with this one's programs. files: text by path inside; of
        links in .wants/ their target."""
        root = pathlib.Path("/var/lib/gatewatch-test") / name
        for folder in ("etc", "usr", "var/lib", "var/log", "proc", "sys", "dev", "run", "tmp", "root"):
            (root / folder).mkdir(parents=True)
        self.addCleanup(shutil.rmtree, root)
        for link in pathlib.Path("/").iterdir():
            if link.is_symlink() and os.readlink(link).startswith("usr/"):
                (root / link.name).symlink_to(os.readlink(link))
        for file in ("passwd", "group", "nsswitch.conf", "dbus-1", "pam.d", "ld.so.cache"):
            run("cp", "--archive", f"/etc/{file}", root / "etc")
        # nspawn looks for it before /usr is there.
        shutil.copy("/usr/lib/os-release", root / "etc/os-release")
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            if path.count(".wants/"):
                (root / path).symlink_to(text)
            else:
                (root / path).write_text(text)
        self.addCleanup(SYSTEM.systemctl, "stop", f"gw-machine-{name}.service", check=False)
        run("systemd-run", "--quiet", f"--unit=gw-machine-{name}", "--property=Type=notify",
            "--property=Delegate=yes", "--property=KillMode=mixed",
            "--setenv=SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", "systemd-nspawn", "--quiet", "--boot",
            f"--directory={root}", "--bind-ro=/usr", f"--machine={name}", "--register=yes", "--keep-unit",
            "--private-network", "--notify-ready=yes", "--console=pipe", "--link-journal=no", "--",
            "systemd.unit=multi-user.target", "systemd.show_status=no", timeout=DEADLINE_SEC * 4)

    def test_units_of_a_machine_are_those_of_its_own_manager(self):
        self.loaded("gw-inside.service", perfect_unit(KillMode="none"))
        self.boot_machine("gwinner", {
            "etc/machine-id": "", "etc/fstab": "",
            "etc/systemd/system/gw-inside.service": perfect_unit(TimeoutStopSec="10s"),
            "etc/systemd/system/multi-user.target.wants/gw-inside.service": "../gw-inside.service",
            "etc/systemd/system/gw-good.service": perfect_unit(),
        })
        entry = self.assert_finds("gw-inside.service", "timeout-too-short", options=["--machine=gwinner"],
                                  status=1)
        found = finding(entry, "timeout-too-short")
        self.assertEqual((found["origin"], found["file"], found["value"]), ("unknown", None, "10s"))
        self.assert_finds("gw-good.service", options=["-M", "gwinner"], status=0)
        self.assert_finds("gw-inside.service", "kill-mode")
        self.assertIn("gw-inside.service", check("-M", "gwinner"))

    def test_machine_that_is_not_there_is_named(self):
        self.assert_one_line(ask("check", "-M", "gw-no-such", "gw", status=69), "gw-no-such")

    def ssh(self, script):
        """Stands for ssh(1), the transport; what it runs is the real thing. Returns an environment."""
        folder = pathlib.Path("/usr/local/lib/gatewatch-test/bin")
        self.write(folder / "ssh", f"#!/bin/sh\n{script}\n", mode=0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def test_units_of_a_host_are_asked_for_by_ssh(self):
        name = self.loaded("gw-far.service", perfect_unit(TimeoutStopSec="10s"))
        log = self.write("/run/gatewatch-test/ssh.log", "")
        environment = self.ssh(f'echo "$*" >>{log}\n'
                               'while [ "$1" != admin@far ] && [ $# -gt 0 ]; do shift; done\n'
                               'shift\nexec "$@"')
        entry = self.assert_finds(name, "timeout-too-short", options=["--host=admin@far"],
                                  environment=environment)
        self.assertEqual(finding(entry, "timeout-too-short")["origin"], "unknown")
        self.assertIn("systemd-stdio-bridge", log.read_text())

    def test_host_that_does_not_answer_is_named_and_what_ssh_says_is_shown(self):
        done = ask("check", "-H", "far", "gw", environment=self.ssh("echo no route to it >&2; exit 255"),
                   status=69)
        self.assertEqual(done.stdout, "")
        said, told = done.stderr.splitlines()
        self.assertEqual(said, "no route to it")
        self.assertIn("far", told)


class Stock(LintScenario):
    """What Debian has installed, as it is."""

    OUR_OWN = ("gatewatch", "gw-")

    def installed(self):
        """Services of packages, loaded or not; of templates an instance."""
        lines = SYSTEM.systemctl("list-unit-files", "--no-legend", "--type=service").stdout.splitlines()
        names = [line.split()[0].replace("@.", "@gwstock.") for line in lines]
        return sorted(name for name in names if not name.startswith(self.OUR_OWN))

    def rows(self, found):
        return [{"unit": name, **{key: one[key] for key in ("id", "severity", "setting", "value", "message")}}
                for name, entry in found.items() for one in entry["findings"]]

    def test_what_is_found_in_debians_own_units_is_true(self):
        SYSTEM.systemctl("daemon-reload")
        loaded = {name: entry for name, entry in check("*.service").items()
                  if not name.startswith(self.OUR_OWN)}
        names = self.installed()
        self.assertGreater(len(names), 50)
        files = check(*names)
        drains = check("--drain-timeout=1min", *names)
        listed = {"loaded": self.rows(loaded), "installed": self.rows(files),
                  "with-a-drain-of-1min": self.rows(drains)}
        (RESULTS / "stock-findings.json").write_text(json.dumps(listed, indent=1) + "\n")
        self.assertGreater(len(loaded), 10)
        for found in (loaded, files):
            self.assertEqual({name for name, entry in found.items() if entry["supervised"]}, set())
            for name, entry in found.items():
                with self.subTest(name):
                    self.assertEqual(ids(entry) - {"masked"}, set())
        severities = {row["severity"] for row in listed["loaded"] + listed["installed"]}
        self.assertLessEqual(severities, {"hint"})


if __name__ == "__main__":
    unittest.main()
