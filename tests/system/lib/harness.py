# SPDX-License-Identifier: MIT
"""What the system tests share: units of systemd with a scripted gateway under `gatewatch run`, waiting
for journal records and for what the gateway saw, and the checks that hold in every scenario.

The model: a Unit is a unit file under /run, the gateway's own log, and the journal by field. Nothing
here sleeps: every wait follows a stream (journalctl --follow, tail --follow) until a line satisfies
it or a deadline passes. Texts are never matched, only fields and properties.

It runs as root inside a container or virtual machine that may be broken at will, never on the host.
"""

import json
import os
import pathlib
import selectors
import subprocess
import time
import unittest

GATEWATCH = os.environ.get("GATEWATCH", "/usr/bin/gatewatch")
GATEWAY = os.environ.get("GATEWATCH_DEMO_GATEWAY", "/srv/tests/support/gateway.py")
# Under emulation everything takes so many times longer; deadlines are stretched, drains are not.
TIME_SCALE = float(os.environ.get("GATEWATCH_TIME_SCALE", "1"))
DEADLINE_SEC = 30 * TIME_SCALE
AGAIN_SEC = 5 * TIME_SCALE  # see follow_journal()

RUN_DIR = pathlib.Path("/run/gatewatch-test")
HOLD = "gatewatch-hold.target"

# systemd.journal-fields(7), sd-messages.h
SD_MESSAGE_UNIT_SUCCESS = "7ad2d189f7e94e70a38c781354912448"
SD_MESSAGE_UNIT_FAILURE_RESULT = "d9b373ed55a64feb8242e02dbe79a49c"

MESSAGE_IDS = {
    "started": "d540f6a974a5488590271784fa955712",
    "ready": "186155943fe24d42a3890c1379a54d3f",
    "short-timeout": "c15477208d7b47ff82e9a5b1bbf7c378",
    "previous": "30c5807de7f94242a2e19b0f15d7cfc7",
    "signal": "62449b84221b410e95a1c913b83bb73e",
    "cause": "cddafc33262f4eb9878ba78f6cafed48",
    "phase": "c69e1f2d063540f6a46135675050a82a",
    "step": "af4ff38ddf614ed39537d85bcd3f5a3e",
    "stuck": "6652ac16fcf84771b1fd469f2045c6ac",
    "watchdog": "ff9b6804dbed47eb858a8c2dd957a64c",
    "leftover": "62f3345e7c5445589c86bdeec64fb59c",
    "diagnostic": "73354165ad5f4620aa1522b186066d00",
    "stopped": "a0e6684b50c347e985c058a0cf3892a5",
    "forwarded": "cb1035c8c190492887153c92c553cd98",
}

# systemctl show ExecMainCode=, from waitid(2)
CLD_EXITED = "1"
CLD_KILLED = "2"
CLD_DUMPED = "3"

# What a short stop needs: everything bounded within seconds instead of the default's minute.
QUICK = ("--drain-timeout=2s", "--headroom=6s",
         "--stop-schedule=drain:TERM@main,terminate:TERM@others/1s,kill:KILL@all/2s")


class Timeout(AssertionError):
    pass


def run(*command, check=True, timeout=None):
    """Runs to completion and returns the CompletedProcess."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout or DEADLINE_SEC)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}: "
                             f"{done.stderr.strip() or done.stdout.strip()}")
    return done


def follow(command, accept, what, deadline_sec=None):
    """Reads a following command's lines until accept(line) returns something that is not None."""
    deadline = time.monotonic() + (deadline_sec or DEADLINE_SEC)
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    pending = b""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise Timeout(f"waited in vain for {what}")
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise AssertionError(f"{command[0]} ended while waiting for {what}")
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    answer = accept(line)
                    if answer is not None:
                        return answer
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def follow_journal(matches, begin, what, deadline_sec=None):
    """As follow(), over the journal from its beginning; begin() makes the accept. journalctl of systemd 252
    now and then misses what is written while it opens the files: it is started anew every few seconds."""
    deadline = time.monotonic() + (deadline_sec or DEADLINE_SEC)
    while True:
        left = deadline - time.monotonic()
        try:
            return follow(["journalctl", "--follow", "--no-tail", "--output=json", "--all", "--quiet", *matches],
                          begin(), what, max(0.1, min(left, AGAIN_SEC)))
        except Timeout:
            if left <= AGAIN_SEC:
                raise


def wait_until_gone(pid, deadline_sec=None):
    """Waits until a process has ended; one that is gone already is fine."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(fd, selectors.EVENT_READ)
            if not selector.select(deadline_sec or DEADLINE_SEC):
                raise Timeout(f"process {pid} is still there")
    finally:
        os.close(fd)


def processes_with(text):
    """Pids of all processes whose command line contains the text, zombies not counted."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if text in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


class Record:
    """One record of gatewatch. record["OUTCOME"] is GATEWATCH_OUTCOME, and None when it is not there;
    record.fields has everything."""

    def __init__(self, fields):
        self.fields = fields

    def __getitem__(self, name):
        return self.fields.get("GATEWATCH_" + name)

    @property
    def event(self):
        return self["EVENT"]

    @property
    def monotonic_usec(self):
        return int(self.fields["__MONOTONIC_TIMESTAMP"])

    @property
    def phases(self):
        return json.loads(self["PHASES"] or "[]")

    def __str__(self):
        shown = {name[10:]: value for name, value in self.fields.items()
                 if name.startswith("GATEWATCH_") and name not in (
                     "GATEWATCH_EVENT", "GATEWATCH_NAME", "GATEWATCH_RUN_ID", "GATEWATCH_CONTEXT")}
        fields = " ".join(f"{name}={str(value)[:160]}" for name, value in sorted(shown.items()))
        return f"{self.monotonic_usec / 1e6:10.3f} {self.event}: {self.fields.get('MESSAGE')} [{fields}]"


class Manager:
    """systemctl of one service manager."""

    def __init__(self, arguments=(), unit_dir="/run/systemd/system", unit_field="UNIT", name="system"):
        self.arguments = list(arguments)
        self.unit_dir = pathlib.Path(unit_dir)
        self.unit_field = unit_field
        self.name = name
        self.is_holding = False

    def systemctl(self, *arguments, check=True, timeout=None):
        return run("systemctl", *self.arguments, "--no-pager", "--no-ask-password", *arguments,
                   check=check, timeout=timeout)

    def hold(self, unit_name):
        """Keeps a unit in the manager's memory after it has ended, with its Result= and ExecMain*=: an
        active target refers to it."""
        self.unit_dir.mkdir(parents=True, exist_ok=True)
        (self.unit_dir / HOLD).write_text("[Unit]\nDescription=Keeps ended units loaded\n"
                                          "DefaultDependencies=no\nIgnoreOnIsolate=yes\n")
        drop_ins = self.unit_dir / (HOLD + ".d")
        drop_ins.mkdir(exist_ok=True)
        (drop_ins / f"{unit_name}.conf").write_text(f"[Unit]\nAfter={unit_name}\n")

    def reload(self):
        self.systemctl("daemon-reload")
        if not self.is_holding:
            self.systemctl("start", HOLD)
            self.is_holding = True


SYSTEM = Manager()


def start_user_manager(user):
    """The service manager of a user who has none yet."""
    run("loginctl", "enable-linger", user)
    run("systemctl", "start", f"user@{uid_of(user)}.service")
    manager = Manager(["--user", f"--machine={user}@.host"], "/run/systemd/user", "USER_UNIT", "user")
    manager.systemctl("is-system-running", "--wait", check=False)
    return manager


def user_manager(test_class, user):
    """The same; it goes away with the test class."""
    test_class.addClassCleanup(run, "loginctl", "disable-linger", user, check=False)
    test_class.addClassCleanup(run, "systemctl", "stop", f"user@{uid_of(user)}.service", check=False)
    return start_user_manager(user)


def uid_of(user):
    return run("id", "--user", user).stdout.strip()


class Unit:
    """One service with a gateway under gatewatch. The gateway's log is fresh for every unit."""

    def __init__(self, name, manager=SYSTEM, stopped_records=1, service=None, log_path=None):
        """name: the one in records; service: the unit's, where it is another."""
        self.name = name
        self.service = service or name + ".service"
        self.manager = manager
        # How many `stopped` records each run of it leaves; 0 where nobody is left to write it, None
        # where the runs differ.
        self.stopped_records = stopped_records
        self.log_path = pathlib.Path(log_path or RUN_DIR / (name + ".log"))
        self.is_scripted = False
        self.files = []
        RUN_DIR.mkdir(exist_ok=True)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.log_path.write_text("")
        self.log_path.chmod(0o666)

    # ---- the unit file ---------------------------------------------------------------------------

    def write(self, gateway=(), options=(), service=None, unit=None, command=None):
        """gateway: arguments of the scripted gateway; options: of gatewatch run; service, unit: settings
        that replace the defaults (None: leave out; a list: given repeatedly); command: runs this
        instead of the scripted gateway."""
        self.is_scripted = command is None
        if self.is_scripted:
            command = ["/usr/bin/python3", GATEWAY, "--log", self.log_path, "--notify", *gateway]
        settings = {
            "Type": "notify",
            "KillMode": "mixed",
            "TimeoutStopSec": "95s",
            "StateDirectory": self.name,
            "ExecStart": " ".join([GATEWATCH, "run", *options, "--", *map(str, command)]),
        }
        settings.update(service or {})
        text = "[Unit]\n" + self._lines({"Description": f"Gateway {self.name}", **(unit or {})})
        text += "\n[Service]\n" + self._lines(settings)
        self.write_file(self.service, text)
        self.manager.hold(self.service)
        self.manager.reload()
        return self

    def write_file(self, name, text):
        path = self.manager.unit_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.files.append(path)

    @staticmethod
    def _lines(settings):
        lines = []
        for name, value in settings.items():
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    lines.append(f"{name}={one}\n")
        return "".join(lines)

    # ---- what systemctl does ---------------------------------------------------------------------

    def systemctl(self, verb, *arguments, **keywords):
        return self.manager.systemctl(verb, *arguments, self.service, **keywords)

    def start(self):
        count = len(self.seen("start"))
        self.systemctl("start")
        if self.is_scripted:
            # With Type=exec the manager does not wait until the gateway catches signals.
            self.wait_seen("start", count=count + 1)
        return self

    def start_without_waiting(self):
        self.systemctl("start", "--no-block")
        self.wait_seen("start")
        return self

    def stop(self):
        self.systemctl("stop")

    def begin_stop(self, verb="stop"):
        """Returns once the gateway has begun to drain."""
        self.systemctl(verb, "--no-block")
        self.wait_seen("drain")

    def show(self, *properties):
        """One property: its value; several: a dict."""
        text = self.systemctl("show", "--property=" + ",".join(properties)).stdout
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return values.get(properties[0], "") if len(properties) == 1 else values

    @property
    def main_pid(self):
        return int(self.show("MainPID"))

    def wait_ended(self, count=1, deadline_sec=None):
        """Waits until the manager has recorded the unit's end so many times."""
        def begin():
            seen = []

            def accept(line):
                seen.append(line)
                return seen if len(seen) >= count else None
            return accept

        follow_journal([f"{self.manager.unit_field}={self.service}",
                        f"MESSAGE_ID={SD_MESSAGE_UNIT_SUCCESS}",
                        f"MESSAGE_ID={SD_MESSAGE_UNIT_FAILURE_RESULT}"],
                       begin, f"the end of {self.service} ({count}x)", deadline_sec)

    # ---- what the gateway saw ---------------------------------------------------------------------

    def seen(self, event=None):
        lines = self.log_path.read_text().splitlines()
        events = [json.loads(line) for line in lines]
        return [e for e in events if event is None or e["event"] == event]

    def wait_seen(self, event, count=1, deadline_sec=None):
        """The count-th event of this kind in the gateway's log."""
        found = []

        def accept(line):
            entry = json.loads(line)
            if entry["event"] == event:
                found.append(entry)
            return found[-1] if len(found) >= count else None

        return follow(["tail", "--lines=+1", "--follow", self.log_path], accept,
                      f"{event!r} in the gateway's log ({count}x)", deadline_sec)

    def signals_seen(self, pid=None):
        """What the gateway was sent, but for SIGCONT, which follows every stop signal so that a stopped
        process can act on it."""
        return [e["signal"] for e in self.seen("signal")
                if e["signal"] != "SIGCONT" and (pid is None or e["pid"] == pid)]

    # ---- what the journal says ------------------------------------------------------------------------

    def _matches(self, event):
        matches = ["SYSLOG_IDENTIFIER=gatewatch", f"GATEWATCH_NAME={self.name}"]
        if event:
            matches.append(f"GATEWATCH_EVENT={event}")
        return matches

    def records(self, event=None):
        """Everything that gatewatch has recorded about this unit by now."""
        run("journalctl", "--sync")
        text = run("journalctl", "--output=json", "--all", "--quiet", "--no-pager",
                   *self._matches(event)).stdout
        return [Record(json.loads(line)) for line in text.splitlines()]

    def wait_record(self, event, count=1, deadline_sec=None):
        """The count-th record of an event."""
        def begin():
            found = []

            def accept(line):
                found.append(Record(json.loads(line)))
                return found[-1] if len(found) >= count else None
            return accept

        return follow_journal(self._matches(event), begin, f"record {event!r} of {self.name} ({count}x)",
                              deadline_sec)

    def excerpt(self):
        """What the journal and the gateway's log hold about this unit, for a failure's report."""
        text = run("journalctl", "--output=json", "--all", "--quiet", "--no-pager",
                   f"GATEWATCH_NAME={self.name}", "+", f"UNIT={self.service}", "+",
                   f"USER_UNIT={self.service}", "+", f"_SYSTEMD_UNIT={self.service}", "+",
                   f"_SYSTEMD_USER_UNIT={self.service}", check=False).stdout
        lines = []
        for line in text.splitlines():
            fields = json.loads(line)
            if "GATEWATCH_EVENT" in fields:
                lines.append(str(Record(fields)))
            else:
                at = int(fields.get("__MONOTONIC_TIMESTAMP", 0)) / 1e6
                lines.append(f"{at:10.3f} {fields.get('SYSLOG_IDENTIFIER')}: {fields.get('MESSAGE')}")
        if self.log_path.exists():
            lines.append("gateway's log:")
            lines += ["  " + line[:300] for line in self.log_path.read_text().splitlines()[-40:]]
        shown = self.systemctl("show", "--property=ActiveState,SubState,Result,ExecMainCode,"
                               "ExecMainStatus,MainPID,TimeoutStopUSec,ControlGroup", check=False)
        return lines + ["properties: " + " ".join(shown.stdout.split())]

    # ---- the end ------------------------------------------------------------------------------------

    def remove(self):
        """Whatever became of it: not running, not failed, not on disk."""
        if self.show("ActiveState") not in ("inactive", "failed"):
            self.systemctl("kill", "--signal=KILL", check=False)
            self.systemctl("stop", check=False)
        for path in self.files:
            path.unlink(missing_ok=True)
        (self.manager.unit_dir / (HOLD + ".d") / f"{self.service}.conf").unlink(missing_ok=True)
        self.systemctl("reset-failed", check=False)


class Scenario(unittest.TestCase):
    """A test with units. Whatever it does, in the end every run must have left its records."""

    maxDiff = None

    def setUp(self):
        self.units = []
        self.addCleanup(self._remove_units)

    def unit_name(self, suffix=""):
        """After the test."""
        return "gw-" + self._testMethodName.removeprefix("test_").replace("_", "-")[:90] + suffix

    def unit(self, *gateway, manager=SYSTEM, stopped_records=1, suffix="", **settings):
        """A unit with the scripted gateway, written and loaded, named after the test."""
        unit = Unit(self.unit_name(suffix), manager, stopped_records)
        self.units.append(unit)
        return unit.write(gateway, **settings)

    def _remove_units(self):
        for unit in self.units:
            unit.remove()

    def tearDown(self):
        """Exactly one last record per run, and nobody left behind."""
        for unit in self.units:
            if unit.show("ActiveState") not in ("inactive", "failed"):
                unit.stop()
            self.assert_records_complete(unit)
            left = processes_with(str(unit.log_path))
            self.assertEqual(left, [], f"processes of {unit.name} outlived its stop")

    def assert_records_complete(self, unit):
        records = unit.records()
        runs = {record["RUN_ID"] for record in records if record.event == "started"}
        stopped = [record["RUN_ID"] for record in records if record.event == "stopped"]
        for run_id in runs if unit.stopped_records is not None else ():
            self.assertEqual(stopped.count(run_id), unit.stopped_records,
                             f"`stopped` records of run {run_id}")
        for record in records:
            self.assertRegex(record["RUN_ID"] or "", "^[0-9a-f]{32}$")
            self.assertRegex(record["UPTIME_USEC"] or "", "^[0-9]+$")
            if record.event in MESSAGE_IDS:
                self.assertEqual(record.fields.get("MESSAGE_ID"), MESSAGE_IDS[record.event])
        for run_id in runs:
            last = [record for record in records if record["RUN_ID"] == run_id][-1]
            if unit.stopped_records:
                self.assertEqual(last.event, "stopped", f"the last record of run {run_id}")

    def assert_stopped(self, unit, count=1, **expected):
        """Waits for the run's last record and compares GATEWATCH_* fields; returns it."""
        record = unit.wait_record("stopped", count)
        actual = {name: record[name.upper()] for name in expected}
        self.assertEqual(actual, expected)
        return record

    def assert_unit(self, unit, **expected):
        """Compares properties of the unit, all as text."""
        self.assertEqual(unit.show(*expected, "Id") | {"Id": ""}, {**expected, "Id": ""})

    def assert_clean(self, unit, **expected):
        """Ended within the first phase with status 0, and systemd agrees."""
        record = self.assert_stopped(unit, outcome="clean", exit_code="exited", exit_status="0", **expected)
        self.assert_unit(unit, Result="success", ExecMainCode=CLD_EXITED, ExecMainStatus="0")
        return record
