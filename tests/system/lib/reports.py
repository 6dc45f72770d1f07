# SPDX-License-Identifier: MIT
"""What the tests of `gatewatch report` share: asking it for rows, following it, and journals of their own.

The model: a row is the object that `report --json=short` has for a run. Journals that a test damages,
rotates or writes lies into are those of namespaces, so that the system's keeps what all tests left there.
"""

import json
import os
import pathlib
import selectors
import subprocess
import time

from harness import DEADLINE_SEC, GATEWATCH, SYSTEM, Timeout, Unit, follow, run
from lint import LintScenario, ask

STOPPED = "a0e6684b50c347e985c058a0cf3892a5"
STARTED = "d540f6a974a5488590271784fa955712"


def rows(*arguments, **settings):
    """`gatewatch report --json=short`, which must have worked: its objects, oldest first."""
    return json.loads(ask("report", "--json=short", *arguments, **{"status": 0, **settings}).stdout)


def table(*arguments, **settings):
    """The lines of the table below its header, without the last line, which counts them."""
    return ask("report", "--no-legend", *arguments, **{"status": 0, **settings}).stdout.splitlines()


def some(row, expected):
    """Of a row the same keys, one level deep."""
    return {key: some(row.get(key, {}), value) if isinstance(value, dict) else row.get(key)
            for key, value in expected.items()}


class Follower:
    """`gatewatch report --follow --json=short`: an object a line."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([GATEWATCH, "report", "--follow", "--json=short", *arguments],
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.pending = b""

    def next_row(self):
        deadline = time.monotonic() + DEADLINE_SEC
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.pending:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise Timeout("a followed stop that does not come")
                chunk = os.read(self.process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise AssertionError("report --follow has ended")
                self.pending += chunk
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def end(self):
        """Interrupts it. Returns its exit status."""
        self.process.terminate()
        self.process.wait(DEADLINE_SEC)
        self.process.stdout.close()
        return self.process.returncode


class Namespace:
    """A journal of its own, by the systemd-journald@ of the distribution."""

    def __init__(self, name, config="", drop_in=""):
        self.name = name
        self.option = f"--namespace={name}"
        self.files = []
        if config:
            self._write(pathlib.Path(f"/run/systemd/journald@{name}.conf.d/50-test.conf"), config)
        if drop_in:
            self._write(SYSTEM.unit_dir / f"systemd-journald@{name}.service.d/50-test.conf", drop_in)

    def _write(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.files.append(path)

    def journalctl(self, *arguments):
        return run("journalctl", self.option, "--quiet", "--no-pager", *arguments).stdout

    def sync(self):
        self.journalctl("--sync")

    def wait_stopped(self, run_id, directory=None):
        """Until the journal has the last record of a run."""
        where = f"--directory={directory}" if directory else self.option
        follow(["journalctl", where, "--follow", "--no-tail", "--quiet", "--output=json",
                f"MESSAGE_ID={STOPPED}", f"GATEWATCH_RUN_ID={run_id}"],
               lambda line: json.loads(line), f"the last record of {run_id}")

    def remove(self):
        for path in self.files:
            path.unlink(missing_ok=True)
        run("systemctl", "stop", f"systemd-journald@{self.name}.socket",
            f"systemd-journald-varlink@{self.name}.socket", f"systemd-journald@{self.name}.service", check=False)


class NamespacedUnit(Unit):
    """Whose journal is not the one that the harness looks at."""

    def records(self, event=None):
        return []


class ReportScenario(LintScenario):
    def namespace(self, name, **settings):
        namespace = Namespace(name, **settings)
        self.addCleanup(namespace.remove)
        return namespace

    def namespaced_unit(self, namespace, *gateway, suffix="", service=None, **settings):
        """One that logs there, named after the test, written and loaded."""
        unit = NamespacedUnit(self.unit_name(suffix))
        self.units.append(unit)
        return unit.write(gateway, service={"LogNamespace": namespace.name} | (service or {}), **settings)

    def run_once(self, unit, namespace):
        """Starts and stops it. Returns the run's id, once its last record is there."""
        unit.start()
        run_id = unit.show("InvocationID")
        unit.stop()
        namespace.wait_stopped(run_id)
        return run_id

    def row_of(self, run_id, *arguments):
        """The only row of a run."""
        found = [row for row in rows(*arguments) if row["run_id"] == run_id]
        self.assertEqual(len(found), 1, f"rows of run {run_id}")
        return found[0]

    def assert_row(self, row, **expected):
        self.assertEqual(some(row, expected), expected)
