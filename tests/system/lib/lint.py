# SPDX-License-Identifier: MIT
"""What the tests of `gatewatch check` and `gatewatch unit` share: calling the two, and units to look at.

A lint is a question with an answer: what is said about a unit is compared by the ids of its findings,
and by whole fields where it matters. What it prints must be valid UTF-8, whatever a unit file holds.
"""

import json
import pathlib
import subprocess

from causes import UserScenario
from harness import DEADLINE_SEC, GATEWATCH, QUICK, Scenario, SYSTEM, run

DROP_IN = "50-gatewatch.conf"
# The first line by which a drop-in is recognised as gatewatch's own.
MARK = "# Written by gatewatch;"

# Nothing is found in it.
PERFECT_UNIT = {"StartLimitIntervalSec": "60s", "StartLimitBurst": "5"}
PERFECT_SERVICE = {
    "Type": "notify",
    "NotifyAccess": "main",
    "ExecStart": f"{GATEWATCH} run --ready=exec -- /bin/sleep infinity",
    "ExecStopPost": f"-{GATEWATCH} post",
    "KillMode": "mixed",
    "TimeoutStopSec": "90s",
    "Restart": "always",
    "RestartSec": "1s",
    "RestartPreventExitStatus": "64 78",
    "OOMPolicy": "continue",
    "Delegate": "yes",
    "LimitRTPRIO": "1",
    "StateDirectory": "gatewatch/%N",
}


def section(name, settings):
    """None: the setting is left out; a list: it is given repeatedly."""
    lines = [f"[{name}]\n"]
    for setting, value in settings.items():
        lines += [f"{setting}={one}\n" for one in (value if isinstance(value, list) else [value])
                  if one is not None]
    return "".join(lines)


def perfect_unit(unit=None, **service):
    """The text of a unit in which only the given settings could be found fault with."""
    return section("Unit", PERFECT_UNIT | (unit or {})) + section("Service", PERFECT_SERVICE | service)


def plain_unit(**service):
    """Of one that does not run gatewatch."""
    return section("Unit", {}) + section("Service", {"ExecStart": "/bin/sleep infinity"} | service)


def ask(verb, *arguments, prefix=(), status=None, environment=None):
    """Runs a verb to its end. Returns the CompletedProcess; what was written must be valid UTF-8.

    prefix: words of a command that runs it, such as setpriv(1)
    status: the exit status that it must have; None: any but one of a crash
    """
    words = [*prefix, GATEWATCH, verb, *(str(argument) if isinstance(argument, pathlib.Path) else argument
                                        for argument in arguments)]
    done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, check=False,
                          timeout=DEADLINE_SEC * 4, env=environment)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    if done.returncode not in ((0, 1, 2, 64, 69, 78) if status is None else (status,)):
        raise AssertionError(f"{verb} {arguments}: status {done.returncode}: {done.stderr}{done.stdout}")
    return done


def check(*arguments, **settings):
    """`gatewatch check --json=short`, which must have worked. Returns: the objects by unit name."""
    done = ask("check", "--json=short", *arguments, **settings)
    if done.returncode not in (0, 1, 2) and "status" not in settings:
        raise AssertionError(f"check {arguments}: status {done.returncode}: {done.stderr}")
    entries = json.loads(done.stdout)
    found = {entry["unit"]: entry for entry in entries}
    if len(found) != len(entries):
        raise AssertionError(f"check {arguments}: a unit comes twice: {done.stdout}")
    return found


def ids(entry):
    """The rules that found something."""
    return {finding["id"] for finding in entry["findings"]}


def finding(entry, rule):
    """The finding of a rule, which must be there."""
    found = [one for one in entry["findings"] if one["id"] == rule]
    if len(found) != 1:
        raise AssertionError(f"{entry['unit']}: {len(found)} findings of {rule}: {entry['findings']}")
    return found[0]


def worst(entries):
    """The exit status that belongs to what was found."""
    severities = {one["severity"] for entry in entries.values() for one in entry["findings"]}
    return 2 if "error" in severities else 1 if "warning" in severities else 0


def drop_in_text(name, folder="/etc/systemd/system"):
    """Of the drop-in of ours; None: there is none."""
    path = pathlib.Path(folder) / f"{name}.d" / DROP_IN
    return path.read_text() if path.exists() else None


class LintScenario(Scenario):
    """With unit files that go away with the test."""

    manager = SYSTEM
    has_unit_files = False
    # Where an administrator's drop-ins of this manager are, and those of `--fix=write`.
    admin_dir = pathlib.Path("/etc/systemd/system")

    def write(self, path, text, mode=0o644):
        """A file, or with bytes whatever they hold. Returns its path."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.addCleanup(path.unlink, missing_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def link(self, path, target):
        pathlib.Path(path).symlink_to(target)
        self.addCleanup(pathlib.Path(path).unlink, missing_ok=True)

    def forget(self, name):
        """Whatever became of a unit: it is stopped, and its drop-ins are gone."""
        self.manager.systemctl("stop", "--no-block", "--", name, check=False)
        self.manager.systemctl("kill", "--signal=KILL", "--", name, check=False)
        self.manager.systemctl("stop", "--", name, check=False)
        for folder in (self.admin_dir, self.manager.unit_dir):
            run("rm", "--recursive", "--force", "--", folder / f"{name}.d")

    def unit_file(self, name, text=None, folder=None):
        """A unit file, by default of the perfect unit, not loaded yet. Returns its path."""
        if not self.has_unit_files:
            self.addCleanup(self.manager.systemctl, "reset-failed", check=False)
            self.addCleanup(self.manager.systemctl, "daemon-reload")
            self.has_unit_files = True
        self.addCleanup(self.forget, name)
        return self.write(pathlib.Path(folder or self.manager.unit_dir) / name,
                          perfect_unit() if text is None else text)

    def loaded(self, name, text=None, folder=None):
        """The same, and what the manager has in force. Returns the unit's name."""
        self.unit_file(name, text, folder)
        self.manager.systemctl("daemon-reload")
        return name

    def gateway(self, *options, unit=None, **service):
        """A unit with the scripted gateway in which nothing is found, started."""
        settings = {name: value for name, value in PERFECT_SERVICE.items() if name != "ExecStart"}
        return self.unit("--drain", "0.1", options=options or QUICK, unit=PERFECT_UNIT | (unit or {}),
                         service=settings | service).start()

    def user(self, name):
        """Somebody without a manager. Returns words that run a command as that user."""
        if run("id", name, check=False).returncode != 0:
            run("useradd", "--create-home", name)
        return as_user(name)

    # ---- what must hold ---------------------------------------------------------------------------

    def look(self, name, *options, **settings):
        """What is found in one unit."""
        found = check(*options, "--", name, **settings)
        self.assertEqual(set(found), {name})
        return found[name]

    def assert_finds(self, name, *rules, options=(), **settings):
        entry = self.look(name, *options, **settings)
        self.assertEqual(ids(entry), set(rules), entry["findings"])
        return entry

    def assert_one_line(self, done, *parts):
        """What is said on stderr is one line, in which all of this stands; nothing is on stdout."""
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"\A[^\n]+\n\Z")
        for part in parts:
            self.assertIn(part, done.stderr)

    def run_command(self, finding_):
        """Types in what a finding says to type."""
        return run("/bin/sh", "-c", finding_["command"])


class UserLintScenario(LintScenario, UserScenario):
    """With units of a user's manager, looked at by that user."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin_dir = pathlib.Path(f"/home/{cls.USER}/.config/systemd/user")
        cls.prefix = as_user(cls.USER, cls.uid)
        run(*cls.prefix, "mkdir", "--parents", cls.admin_dir)


def as_user(user, uid=None):
    """Words that run a command as somebody else; uid: with access to that user's manager."""
    words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", "env",
             f"HOME=/home/{user}"]
    return words + ([f"XDG_RUNTIME_DIR=/run/user/{uid}"] if uid else [])
