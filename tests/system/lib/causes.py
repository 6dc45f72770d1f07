# SPDX-License-Identifier: MIT
"""What the tests of causes, senders and requesters share: who did it, and a scenario that looks at what
was recorded about it.

The model: a Deputy is a process that does something to a gateway and then stays until it is told to go,
so that whoever looks for it finds it. A real kill(1) is gone when it has done its work; whether it could
still be read is a matter of luck, and only test_senders.py counts how often.
"""

import ctypes
import json
import os
import pathlib
import re
import selectors
import signal
import subprocess

from harness import DEADLINE_SEC, Scenario, Timeout, run, uid_of, user_manager

libc = ctypes.CDLL(None, use_errno=True)
SYS_TGKILL = 234  # x86_64, <asm/unistd_64.h>
PTRACE_CONT, PTRACE_SEIZE = 7, 0x4206  # <sys/ptrace.h>
WALL = 0x40000000  # __WALL of wait(2)


class Sigval(ctypes.Union):
    _fields_ = [("integer", ctypes.c_int), ("pointer", ctypes.c_void_p)]


libc.sigqueue.argtypes = [ctypes.c_int, ctypes.c_int, Sigval]
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def _call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def sigqueue(pid, number, value):
    _call(libc.sigqueue(pid, number, Sigval(integer=value)))


def tgkill(pid, thread, number):
    _call(libc.syscall(SYS_TGKILL, pid, thread, number))


def trace(pid):
    """A process that has become the other's tracer, which must attend to it until its end: only then does
    the parent hear of that. Returns the tracer's pid, to be waited for."""
    ready_fd, write_fd = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        try:
            _call(libc.ptrace(PTRACE_SEIZE, pid, None, None))
            os.write(write_fd, b"1")
            _attend_tracee(pid)
        finally:
            os._exit(0)
    os.close(write_fd)
    is_tracing = os.read(ready_fd, 1)
    os.close(ready_fd)
    if not is_tracing:
        raise AssertionError(f"{pid} cannot be traced")
    return tracer


def _attend_tracee(pid):
    while True:
        _, status = os.waitpid(pid, WALL)
        if not os.WIFSTOPPED(status):
            return
        # An event (PTRACE_EVENT_STOP) is no signal.
        _call(libc.ptrace(PTRACE_CONT, pid, None, os.WSTOPSIG(status) if status >> 16 == 0 else None))


class Deputy:
    """A process that does what it was started for, says so by closing its output, and stays until end().
    It belongs to the test's session, unless its command makes one of its own."""

    def __init__(self, *command, **settings):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings)
        self.pid = self.process.pid

    @classmethod
    def shell(cls, script, *arguments, before=(), name="/bin/sh"):
        """before: a command that runs the shell, such as setpriv(1). $1 is the first of the arguments."""
        return cls(*before, name, "-c", script + "\nexec >&-\nread line", "deputy", *arguments)

    def wait_done(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(DEADLINE_SEC):
                raise Timeout("a deputy that does not come to an end")
        text = self.process.stdout.read()
        if text:
            raise AssertionError(f"a deputy complains: {text.decode()}")
        return self

    def end(self):
        """Lets it go, and returns its exit status."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(DEADLINE_SEC)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode


class CauseScenario(Scenario):
    """Every record with a verdict must be found again by its fields, whatever the scenario."""

    def deputy(self, *arguments, **settings):
        deputy = Deputy.shell(*arguments, **settings)
        self.addCleanup(deputy.end)
        return deputy.wait_done()

    def deputy_of(self, *command, **settings):
        """Of a command that does by itself what a deputy does."""
        deputy = Deputy(*command, **settings)
        self.addCleanup(deputy.end)
        return deputy.wait_done()

    def script(self, name, text, mode=0o755):
        """An executable file that goes away with the test. Returns its path."""
        path = pathlib.Path("/usr/local/lib/gatewatch-test") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def tearDown(self):
        super().tearDown()
        for unit in self.units:
            for record in unit.records():
                if record.event in ("stopped", "cause"):
                    self.assert_found_by_field(record)

    def assert_found_by_field(self, record):
        """The journal finds it by what it says and by what kind it is, each with the run alone."""
        run_id = f"GATEWATCH_RUN_ID={record['RUN_ID']}"
        for match in (f"GATEWATCH_CAUSE={record['CAUSE']}", f"MESSAGE_ID={record.fields['MESSAGE_ID']}"):
            text = run("journalctl", "--output=json", "--all", "--quiet", "--no-pager", match, run_id).stdout
            cursors = [json.loads(line)["__CURSOR"] for line in text.splitlines()]
            self.assertIn(record.fields["__CURSOR"], cursors, f"{record.event} by {match} {run_id}")

    # ---- the verdict ----------------------------------------------------------------------------------

    def verdict_of(self, unit, stopped):
        """The one `cause` record of the run that this `stopped` record ends, which must be before it."""
        records = [record for record in unit.records() if record["RUN_ID"] == stopped["RUN_ID"]]
        verdicts = [record for record in records if record.event == "cause"]
        self.assertEqual(len(verdicts), 1, "`cause` records of one run")
        events = [record.event for record in records]
        self.assertLess(events.index("signal") if "signal" in events else -1, events.index("cause"))
        return verdicts[0]

    def assert_cause(self, unit, cause, outcome="clean", job_type=None, count=1, **expected):
        """What both records must say about a stop that was asked for. Returns (stopped, verdict).

        job_type: None: there must have been no job
        count:    of the `stopped` record
        expected: further fields of the `stopped` record
        """
        stopped = self.assert_stopped(unit, count, cause=cause, outcome=outcome, recorded_by="run",
                                      **expected)
        verdict = self.verdict_of(unit, stopped)
        self.assertEqual((verdict["CAUSE"], verdict["JOB_TYPE"]), (cause, job_type))
        if job_type is None:
            self.assertIsNone(verdict["JOB_ID"])
        else:
            self.assertRegex(verdict["JOB_ID"] or "", "^[1-9][0-9]*$")
        self.assertTrue(stopped["CAUSE_DETAIL"])
        self.assertEqual(verdict["CAUSE_DETAIL"], stopped["CAUSE_DETAIL"])
        self.assertEqual(verdict.fields["PRIORITY"], "5")
        return stopped, verdict

    def assert_ended_by_itself(self, unit, cause, outcome, exit_code, exit_status):
        """What the last record must say about an end that nobody asked for."""
        stopped = self.assert_stopped(unit, cause=cause, outcome=outcome, exit_code=exit_code,
                                      exit_status=exit_status, recorded_by="run", signal=None,
                                      sender_pid=None, requester_pid=None)
        self.assertTrue(stopped["CAUSE_DETAIL"])
        return stopped

    # ---- the sender -----------------------------------------------------------------------------------

    def assert_sent_by_manager(self, unit, stopped):
        """systemd did it; its pid is nothing that a reader could mistake for a person's process."""
        pid = "1" if unit.manager.name == "system" else self.manager_pid(unit)
        for record in (stopped, unit.wait_record("signal")):
            self.assertEqual((record["SENDER_STATE"], record["SENDER_PID"]), ("manager", pid))
            self.assertIn(record["SENDER_COMM"], (None, "systemd"))

    def manager_pid(self, unit):
        """Of the user manager that the unit belongs to."""
        group = unit.wait_record("started").fields["_SYSTEMD_CGROUP"]
        user_service = re.search(r"user@[0-9]+\.service", group).group()
        return run("systemctl", "show", "--property=MainPID", "--value", user_service).stdout.strip()

    def assert_sent_by(self, stopped, pid, comm, argument, code="SI_USER", uid="0", state="alive"):
        """A process that was there to be read."""
        self.assertEqual((stopped["SENDER_PID"], stopped["SENDER_CODE"], stopped["SENDER_UID"]),
                         (str(pid), code, uid))
        self.assertEqual((stopped["SENDER_STATE"], stopped["SENDER_COMM"]), (state, comm))
        self.assertIn(argument, stopped["SENDER_CMDLINE"] or "")
        self.assertRegex(stopped["SENDER_ANCESTRY"] or "", rf"^{re.escape(comm)}\({pid}\) < ")

    def assert_sent_by_passer_by(self, stopped, pid, comm, argument, uid="0"):
        """A process that did not wait to be read: what is said about it must be right, or not be said."""
        self.assertEqual((stopped["SENDER_PID"], stopped["SENDER_CODE"], stopped["SENDER_UID"]),
                         (str(pid), "SI_USER", uid))
        if stopped["SENDER_STATE"] == "unknown":
            self.assertIsNone(stopped["SENDER_COMM"])
        else:
            self.assertIn(stopped["SENDER_STATE"], ("alive", "exited"))
        self.assertIn(stopped["SENDER_COMM"], (comm, None))
        if stopped["SENDER_CMDLINE"] is not None:
            self.assertIn(argument, stopped["SENDER_CMDLINE"])

    def draining_unit(self, *options, **settings):
        """Drains until it is sent a USR1."""
        return self.unit("--drain", "inf", "--leave-on", "USR1", options=options, **settings).start()

    def kill_often(self, unit, count):
        """So many kill(1) to one drain of a draining_unit(), and its end. Returns what was recorded."""
        supervisor, pids = unit.main_pid, []
        for i in range(count):
            sender = subprocess.Popen(["/bin/kill", "-TERM", str(supervisor)])
            sender.wait()
            pids.append(str(sender.pid))
            # So that none is coalesced with the one before.
            unit.wait_record("signal", count=i + 1)
        unit.systemctl("kill", "--kill-whom=main", "--signal=USR1")
        unit.wait_ended()
        records = unit.records("signal")
        self.assertEqual([record["SENDER_PID"] for record in records], pids)
        for record in records:
            self.assert_sent_by_passer_by(record, record["SENDER_PID"], "kill", "/bin/kill -TERM ")
        self.assert_cause(unit, "signal")
        return records

    # ---- the requester --------------------------------------------------------------------------------

    def assert_requested_by(self, records, argument, comm="systemctl", verb=None, ancestry=None, **fields):
        """The process that waits for the job, in each of the records.

        ancestry: pattern of what must follow the process itself, such as r"deploy\\(\\d+\\) < sudo"
        """
        for record in records:
            self.assertEqual(record["REQUESTER_COMM"], comm, record.event)
            self.assertIn(argument, record["REQUESTER_CMDLINE"] or "")
            pid = record["REQUESTER_PID"] or "none"
            expected = {"uid": "0", **fields}
            self.assertEqual({name: record["REQUESTER_" + name.upper()] for name in expected}, expected)
            self.assertRegex(record["REQUESTER_ANCESTRY"] or "",
                             rf"^{re.escape(comm)}\({pid}\) < {ancestry or ''}")
            if verb:
                self.assertEqual(record["REQUESTER_VERB"], verb)

    def assert_requested_by_passer_by(self, records, service):
        """Who did not wait may have been seen on its way out, or not; nobody else may be named."""
        for record in records:
            if record["REQUESTER_PID"] is None:
                self.assert_requested_by_nobody((record,))
                continue
            self.assertEqual(record["REQUESTER_COMM"], "systemctl")
            self.assertIn(service, record["REQUESTER_CMDLINE"])

    def assert_requested_by_nobody(self, records):
        for record in records:
            named = {name: value for name, value in record.fields.items()
                     if name.startswith("GATEWATCH_REQUESTER")}
            self.assertEqual(named, {}, f"in the `{record.event}` record")


class UserScenario(CauseScenario):
    """In the service manager of a user."""

    USER = None
    manager = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if run("id", cls.USER, check=False).returncode != 0:
            run("useradd", "--create-home", cls.USER)
        cls.uid = uid_of(cls.USER)
        cls.manager = user_manager(cls, cls.USER)
        # At `info` a user's manager says nothing of units that end well, for which wait_ended() waits.
        # Its children talk, too, before they are in their unit: journald may then take a supervisor's
        # records for the manager's own.
        cls.manager.systemctl("log-level", "debug")

    def user_unit(self, *gateway, **settings):
        return self.unit(*gateway, manager=self.manager, **settings).start()

    def as_user(self, *command):
        """Runs it as somebody with a session of that user would."""
        return run("setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--init-groups", "--",
                   "env", f"XDG_RUNTIME_DIR=/run/user/{self.uid}", *command)


def kill(unit, number=signal.SIGTERM):
    """By the test itself, a sender that stays."""
    os.kill(unit.main_pid, number)

