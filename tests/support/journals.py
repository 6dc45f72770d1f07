#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Real journal files, written by systemd-journal-remote from the export format: trusted fields, times, boots
and all.

    with JournalWriter("/tmp/x/a.journal") as journal:
        journal.run(unit="hermes.service", outcome="killed", cause="stop", drain=60, drain_used=60)
        journal.foreign(1000)

usage: journals.py [--stops N] [--foreign M] [--units U] FILE.journal

makes a journal of N stops, evenly spread over U units and over M entries of other services. As with journald, a
file that has grown to 128 MB is continued by the next one in the same directory (FILE@….journal): read
large ones with --directory.

Source: systemd.io/JOURNAL_EXPORT_FORMATS, systemd-journal-remote(8), sd-messages.h.
"""

import argparse
import itertools
import json
import os
import struct
import subprocess
import sys
import uuid

REMOTES = ("/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote")
BOOT_ID = "b0010000000000000000000000000001"
MACHINE_ID = "a0010000000000000000000000000001"
REALTIME = 1763712000000000  # Fri 2025-11-21 08:00:00 UTC
SECOND = 1000000

EVENTS = {
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
    "degraded": "02d627c28f0d40d5b130ae1546b19c9e",
}
SYSTEMD = {
    "starting": "7d4958e842da4a758f6c1cdc7b36dcc5",
    "started": "39f53479d3a045ac8e11786248231fbf",
    "stopping": "de5b426a63be47a7b6ac3eaac82e2f6f",
    "stopped": "9d1aaa27d60140bd96365438aad20286",
    "success": "7ad2d189f7e94e70a38c781354912448",
    "failure-result": "d9b373ed55a64feb8242e02dbe79a49c",
    "process-exit": "98e322203f7a4ed290d09fe03c09fe15",
    "oom": "fe6faa94e7774663a0da52717891d8ef",
    "coredump": "fc2e22bc6ee647b6b90729ab34a250b1",
}
PRIORITIES = {"clean": 6, "exited": 6, "crashed": 3}
SIGNALS = {"SIGTERM": 15, "SIGINT": 2, "SIGKILL": 9, "SIGSEGV": 11, "SIGABRT": 6}
WITHOUT = object()  # as the value of a field: it is to be missing


def find_remote():
    """The program; None: the package systemd-journal-remote is not installed."""
    return next((path for path in REMOTES if os.access(path, os.X_OK)), None)


def usec(seconds):
    return round(seconds * SECOND)


def field_bytes(name, value):
    if isinstance(value, int):
        value = str(value)
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    if b"\n" in data or not data.isascii() or b"\0" in data:
        return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)
    return b"%s=%s\n" % (name.encode(), data)


class JournalWriter:
    """A journal file that grows. Times in microseconds; the writer's clock stands at the last entry."""

    def __init__(self, path, realtime=REALTIME, monotonic=3600 * SECOND, boot_id=BOOT_ID,
                 machine_id=MACHINE_ID, host="gw1"):
        self.path = str(path)
        self.realtime, self.monotonic = realtime, monotonic
        self.boot_id, self.machine_id, self.host = boot_id, machine_id, host
        self.n_runs = self.n_foreign = 0
        self.process = subprocess.Popen([find_remote(), "--output=" + self.path, "-"],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, bufsize=1 << 20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the file. Raises what systemd-journal-remote complained of."""
        if self.process is None:
            return
        process, self.process = self.process, None
        _, errors = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(errors.decode(errors="replace"))

    def flush(self):
        """Gives what was written to systemd-journal-remote, which appends it soon."""
        self.process.stdin.flush()

    def advance(self, seconds):
        self.realtime += usec(seconds)
        self.monotonic += usec(seconds)

    def reboot(self, boot_id=None, seconds=30, realtime=None):
        """The next entries are of another boot. realtime: what its clock says; None: it goes on."""
        self.boot_id = boot_id or uuid.uuid4().hex
        self.realtime = realtime if realtime is not None else self.realtime + usec(seconds)
        self.monotonic = 5 * SECOND

    def entry(self, realtime=None, monotonic=None, boot_id=None, fields=None, **more):
        """One entry. Values: str, bytes, int, a list of them (the field is there several times), WITHOUT."""
        if realtime is not None:
            self.realtime = realtime
        if monotonic is not None:
            self.monotonic = monotonic
        parts = [b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n" % (
            self.realtime, self.monotonic, (boot_id or self.boot_id).encode())]
        for name, value in {**(fields or {}), **more}.items():
            if value is WITHOUT or value is None:
                continue
            values = value if isinstance(value, (list, tuple)) else (value,)
            parts += [field_bytes(name, each) for each in values]
        parts.append(b"\n")
        self.process.stdin.write(b"".join(parts))

    def start(self, **options):
        """The beginning of a run. Returns: the Run, to be ended by its stop()."""
        run = Run(self, **options)
        run.write_start()
        return run

    def run(self, uptime=60.0, **options):
        """The whole story of a run, as Run has it. Returns: the Run."""
        run = self.start(**options)
        self.advance(uptime)
        run.stop()
        return run

    def foreign(self, n, seconds=0.01):
        """n entries of other services, seconds apart."""
        write, step = self.process.stdin.write, usec(seconds)
        templates = foreign_templates(self.machine_id, self.host, self.boot_id)
        realtime, monotonic = self.realtime, self.monotonic
        for number in range(self.n_foreign, self.n_foreign + n):
            realtime += step
            monotonic += step
            write(templates[number % len(templates)] % (realtime, monotonic, number, number * 7 % 9973,
                                                        realtime - 40))
        self.realtime, self.monotonic = realtime, monotonic
        self.n_foreign += n


FOREIGN_SERVICES = ("nginx", "postgresql", "sshd", "cron", "rsyslogd", "docker", "prometheus", "dhclient",
                    "systemd-resolved", "systemd-networkd", "redis-server", "node")


def foreign_templates(machine_id, host, boot_id):
    """Entries as journald makes them of lines that services print; %: times, a number, another, its source's time."""
    templates = []
    for index, (service, priority) in enumerate(itertools.product(FOREIGN_SERVICES, (6, 6, 5, 4))):
        pid = 500 + index // 4
        templates.append((
            "__REALTIME_TIMESTAMP=%%d\n__MONOTONIC_TIMESTAMP=%%d\n_BOOT_ID=%s\n_MACHINE_ID=%s\n_HOSTNAME=%s\n"
            "_TRANSPORT=stdout\nPRIORITY=%d\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=%s\n"
            "MESSAGE=request %%d from 10.0.0.%d answered in %%d us\n_PID=%d\n_UID=%d\n_GID=%d\n_COMM=%s\n"
            "_EXE=/usr/sbin/%s\n_CMDLINE=/usr/sbin/%s --foreground\n_CAP_EFFECTIVE=0\n"
            "_SYSTEMD_CGROUP=/system.slice/%s.service\n_SYSTEMD_UNIT=%s.service\n_SYSTEMD_SLICE=system.slice\n"
            "_SYSTEMD_INVOCATION_ID=%032x\n_STREAM_ID=%032x\n_SOURCE_REALTIME_TIMESTAMP=%%d\n\n" % (
                boot_id, machine_id, host, priority, service, index, pid, 100 + index // 4, 100 + index // 4,
                service[:15], service, service, service, service, 0xd << 124 | index // 4,
                0xe << 124 | index // 4)).encode())
    return templates


class Run:
    """One run of a gateway and the records that gatewatch and systemd write of it.

    unit, name, uid, host, machine_id; manager: "system", "user" or "none"; pid: of the supervisor.
    cause, outcome: words; cause_detail.
    drain, headroom, timeout_stop: seconds that were allowed; drain_used, total: seconds that it took.
    exit_code, exit_status: as in the record; guessed from the outcome.
    active: in flight at the beginning and at the end. steps: list of (name, seconds, end).
    requester, sender: dicts of fields without their prefix ("PID", "COMM", …); {}: none.
    recorded_by: "run", "post", "next-run". is_recorded: False: there is no `stopped`.
    logs: lines of the gateway's own. has_systemd: PID 1's records. has_oom, has_coredump.
    overrides: {event: {field: value}}: replace, add, take away (WITHOUT)."""

    DEFAULTS = dict(
        unit="hermes.service", name=None, uid=990, host=None, machine_id=None, manager="system", pid=None,
        run_id=None, cause="stop", cause_detail="systemd was asked to stop the unit", outcome="clean", drain=60.0,
        headroom=30.0, timeout_stop=90.0, drain_used=1.5, total=None, exit_code=None, exit_status=None,
        active=(3, 0), active_source="gateway", steps=(("disconnect telegram", 1.2, "done"),), requester=None,
        sender=None, recorded_by="run", is_recorded=True, logs=("draining", "bye"), has_systemd=True,
        has_oom=False, has_coredump=False, command="python3 -m hermes --token=***", overrides=None)

    def __init__(self, journal, **options):
        unknown = set(options) - set(self.DEFAULTS)
        if unknown:
            raise TypeError("no such option of a run: " + ", ".join(sorted(unknown)))
        self.journal = journal
        self.__dict__.update(self.DEFAULTS)
        self.__dict__.update(options)
        journal.n_runs += 1
        self.name = self.name or self.unit.removesuffix(".service")
        self.run_id = self.run_id or "c001%028x" % journal.n_runs
        self.pid = self.pid or 4000 + 10 * journal.n_runs % 4000000
        self.host = self.host or journal.host
        self.machine_id = self.machine_id or journal.machine_id
        self.overrides = self.overrides or {}
        self.is_asked = self.outcome in ("clean", "escalated", "killed")
        self.guess_end()
        self.guess_parties()

    def guess_end(self):
        code, status = {
            "clean": ("exited", 0), "exited": ("exited", 0), "failed": ("exited", 1), "escalated": ("killed", "SIGTERM"),
            "crashed": ("dumped" if self.has_coredump else "killed", "SIGSEGV"),
        }.get(self.outcome, ("killed", "SIGKILL"))
        self.exit_code = self.exit_code or code
        self.exit_status = status if self.exit_status is None else self.exit_status
        if self.outcome in ("escalated", "killed") and self.drain_used < self.drain:
            self.drain_used = self.drain
        if self.total is None:
            self.total = self.drain_used + {"escalated": 2.0, "killed": 10.1}.get(self.outcome, 0.0)
        if not self.is_asked:
            self.total = 0

    def guess_parties(self):
        if self.sender is None:
            self.sender = {"STATE": "manager", "CODE": "SI_USER", "PID": 1, "UID": 0, "COMM": "systemd"}
        if self.requester is None:
            self.requester = {
                "PID": 812, "UID": 0, "COMM": "systemctl", "VERB": "stop", "LOGINUID": 1000, "UNIT": "session-3.scope",
                "CMDLINE": "systemctl stop " + self.name, "ANCESTRY": "systemctl(812) < bash(640) < sshd(600)"}
        if not self.is_asked:
            self.sender = self.requester = {}

    # ---- What the journal vouches for

    def where(self):
        if self.manager == "none":
            group, slice_ = "/user.slice/user-%d.slice/session-3.scope" % self.uid, "user-%d.slice" % self.uid
            return {"_SYSTEMD_UNIT": "session-3.scope", "_SYSTEMD_CGROUP": group, "_SYSTEMD_SLICE": slice_,
                    "_SYSTEMD_SESSION": "3"}
        if self.manager == "user":
            manager = "user@%d.service" % self.uid
            return {"_SYSTEMD_UNIT": manager, "_SYSTEMD_USER_UNIT": self.unit, "_SYSTEMD_OWNER_UID": self.uid,
                    "_SYSTEMD_SLICE": "user-%d.slice" % self.uid, "_SYSTEMD_USER_SLICE": "app.slice",
                    "_SYSTEMD_CGROUP": "/user.slice/user-%d.slice/%s/app.slice/%s" % (self.uid, manager, self.unit),
                    "_SYSTEMD_INVOCATION_ID": "1" * 32}
        return {"_SYSTEMD_UNIT": self.unit, "_SYSTEMD_CGROUP": "/system.slice/" + self.unit,
                "_SYSTEMD_SLICE": "system.slice", "_SYSTEMD_INVOCATION_ID": self.run_id}

    def trusted(self, pid, comm, exe, cmdline):
        return {"_MACHINE_ID": self.machine_id, "_HOSTNAME": self.host, "_PID": pid, "_UID": self.uid,
                "_GID": self.uid, "_COMM": comm, "_EXE": exe, "_CMDLINE": cmdline, **self.where()}

    def record(self, event, message, priority=6, **fields):
        """One record of gatewatch; fields without their prefix."""
        writer = {}
        if event == "stopped" and self.recorded_by == "post":
            writer = {"_PID": self.pid + 5, "_UID": 0, "_GID": 0, "_CMDLINE": "gatewatch post"}
        elif event == "stopped" and self.recorded_by == "next-run":
            writer = {"_PID": self.pid + 10, "_SYSTEMD_INVOCATION_ID": "c002" + self.run_id[4:]}
        everything = {
            **self.trusted(self.pid, "gatewatch", "/usr/bin/gatewatch", "gatewatch run -- " + self.command), **writer,
            "_TRANSPORT": "journal", "MESSAGE": message, "MESSAGE_ID": EVENTS[event], "PRIORITY": priority,
            "SYSLOG_IDENTIFIER": "gatewatch", "GATEWATCH_EVENT": event, "GATEWATCH_NAME": self.name,
            "GATEWATCH_RUN_ID": self.run_id, "GATEWATCH_PID": self.pid + 1,
            **{"GATEWATCH_" + name: value for name, value in fields.items()}, **self.overrides.get(event, {})}
        self.journal.entry(fields=everything)

    def systemd_record(self, what, message, priority=6, **fields):
        if not self.has_systemd or self.manager == "none":
            return
        is_user = self.manager == "user"
        where = {"_SYSTEMD_UNIT": "user@%d.service" % self.uid, "_SYSTEMD_USER_UNIT": "init.scope",
                 "_PID": 900, "_UID": self.uid, "_GID": self.uid} if is_user else \
                {"_SYSTEMD_UNIT": "init.scope", "_PID": 1, "_UID": 0, "_GID": 0}
        self.journal.entry(fields={
            "_MACHINE_ID": self.machine_id, "_HOSTNAME": self.host, "_COMM": "systemd",
            "_EXE": "/usr/lib/systemd/systemd", "_CMDLINE": "/sbin/init", "_TRANSPORT": "journal", **where,
            "SYSLOG_FACILITY": 3, "SYSLOG_IDENTIFIER": "systemd", "PRIORITY": priority, "TID": where["_PID"],
            "CODE_FUNC": "unit_log", "MESSAGE": message, "MESSAGE_ID": SYSTEMD[what],
            ("USER_UNIT" if is_user else "UNIT"): self.unit,
            ("USER_INVOCATION_ID" if is_user else "INVOCATION_ID"): self.run_id, **fields})

    # ---- The story

    def write_start(self):
        self.systemd_record("starting", f"Starting {self.unit}...", JOB_TYPE="start", JOB_ID=2 * self.journal.n_runs)
        self.journal.advance(0.02)
        self.record("started", f"Gateway {self.name} started as pid {self.pid + 1}", COMMAND=self.command,
                    DRAIN_USEC=usec(self.drain), HEADROOM_USEC=usec(self.headroom),
                    SCHEDULE="drain:SIGTERM:main:60s,term:SIGTERM:all:10s,kill:SIGKILL:all:10s",
                    UNIT=self.unit if self.manager != "none" else WITHOUT, MANAGER=self.manager,
                    SENDER_CAPTURE="realtime")
        self.journal.advance(0.4)
        self.record("ready", f"Gateway {self.name} is ready after 400ms", START_USEC=400000)
        self.systemd_record("started", f"Started {self.unit}.", JOB_TYPE="start", JOB_RESULT="done",
                            JOB_ID=2 * self.journal.n_runs)
        self.began_monotonic = self.journal.monotonic

    def log(self, line, pid=None):
        """A line of the gateway's own."""
        pid = pid or self.pid + 1
        self.journal.entry(fields={
            **self.trusted(pid, "python3", "/usr/bin/python3.11", self.command), "_TRANSPORT": "stdout",
            "PRIORITY": 6, "SYSLOG_FACILITY": 3, "SYSLOG_IDENTIFIER": self.name, "MESSAGE": line})

    def prefixed(self, prefix, party):
        return {prefix + name: value for name, value in party.items()}

    def stop(self):
        """The end, as the run's options have it."""
        if self.is_asked:
            self.write_asking()
            self.write_phases()
        for line in self.logs[len(self.logs) // 2:]:
            self.log(line)
        if self.has_oom:
            self.write_oom()
        if self.has_coredump:
            self.write_coredump()
        if self.is_recorded and self.recorded_by == "run":
            self.write_stopped()
        self.write_end()
        if self.is_recorded and self.recorded_by != "run":
            self.journal.advance(0.1)
            self.write_stopped()

    def write_asking(self):
        if self.requester:
            self.systemd_record("stopping", f"Stopping {self.unit}...", JOB_TYPE="stop",
                                JOB_ID=2 * self.journal.n_runs + 1)
        self.journal.advance(0.003)
        self.record("signal", f"Gateway {self.name} received SIGTERM", priority=5, SIGNAL="SIGTERM", SIGNAL_NUMBER=15,
                    UNDER_SYSTEMD="yes", LOADAVG="0.42", **self.prefixed("SENDER_", self.sender))
        self.journal.advance(0.02)
        job = {"JOB_TYPE": "stop", "JOB_ID": 2 * self.journal.n_runs + 1} if self.requester else {}
        self.record("cause", f"Cause of the stop of {self.name}: {self.cause}", priority=5, CAUSE=self.cause,
                    CAUSE_DETAIL=self.cause_detail, **job, **self.prefixed("REQUESTER_", self.requester))
        for line in self.logs[:len(self.logs) // 2]:
            self.log(line)

    def phases(self):
        phases = [("drain", "SIGTERM", self.drain_used, self.outcome in ("escalated", "killed"))]
        rest = max(self.total - self.drain_used, 0)
        if self.outcome == "escalated":
            phases.append(("term", "SIGTERM", rest, False))
        if self.outcome == "killed":
            phases += [("term", "SIGTERM", max(rest - 0.1, 0), True), ("kill", "SIGKILL", min(rest, 0.1), False)]
        return phases

    def write_phases(self):
        elapsed = 0.0
        for name, seconds, end in self.steps:
            self.journal.advance(min(seconds, self.drain_used) - elapsed if seconds > elapsed else 0)
            elapsed = max(elapsed, min(seconds, self.drain_used))
            self.record("step", f"Step {name} of {self.name}: {end}", priority=6 if end == "done" else 4, STEP=name,
                        STEP_USEC=usec(seconds), STEP_TIMEOUT_USEC=5 * SECOND,
                        TIMED_OUT="no" if end == "done" else "yes", STEP_END=end, ELAPSED_USEC=usec(elapsed))
        ended = 0.0
        for name, signal, seconds, timed_out in self.phases():
            ended += seconds
            self.journal.advance(max(ended - elapsed, 0))
            elapsed = max(ended, elapsed)
            self.record("phase", f"Phase {name} of {self.name} ended after {seconds:g}s",
                        priority=4 if timed_out else 6, PHASE=name, PHASE_SOURCE="ladder", PHASE_SIGNAL=signal,
                        PHASE_USEC=usec(seconds), DEADLINE_USEC=usec(self.drain), ELAPSED_USEC=usec(ended),
                        TIMED_OUT="yes" if timed_out else "no", ENDED_BY="deadline" if timed_out else "targets",
                        ACTIVE_AT_START=self.active[0], ACTIVE_NOW=self.active[1], ACTIVE_SOURCE=self.active_source)

    def write_stopped(self):
        fields = {}
        if self.is_asked:
            phases = [dict(name=name, usec=usec(seconds), timed_out=timed_out)
                      for name, _, seconds, timed_out in self.phases()]
            steps = [dict(name=name, usec=usec(seconds), timeout_usec=5 * SECOND, end=end)
                     for name, seconds, end in self.steps]
            fields.update(
                SIGNAL="SIGTERM", SIGNAL_NUMBER=15, PHASES=json.dumps(phases), DRAIN_USED_USEC=usec(self.drain_used),
                TIMELINE=f"+0.00s drain {self.drain_used:.2f}s (active {self.active[0]} -> {self.active[1]})",
                ACTIVE_AT_START=self.active[0], ACTIVE_NOW=self.active[1], ACTIVE_SOURCE=self.active_source)
            if steps:
                slowest = max(self.steps, key=lambda step: step[1])
                fields.update(STEPS=json.dumps(steps), STEPS_COUNT=len(steps), SLOWEST_STEP=slowest[0],
                              SLOWEST_STEP_USEC=usec(slowest[1]))
        if self.recorded_by != "run":
            fields.update(PREVIOUS_PHASE="running" if not self.is_asked else "drain")
        if self.recorded_by == "post":
            fields.update(SERVICE_RESULT="success" if self.outcome == "clean" else "signal")
        self.record(
            "stopped", f"Gateway {self.name} stopped ({self.cause}): {self.outcome}",
            priority=PRIORITIES.get(self.outcome, 4), UPTIME_USEC=self.journal.monotonic - self.began_monotonic,
            CAUSE=self.cause, CAUSE_DETAIL=self.cause_detail, OUTCOME=self.outcome, EXIT_CODE=self.exit_code,
            EXIT_STATUS=self.exit_status, TOTAL_USEC=usec(self.total), OOM_KILLS=1 if self.has_oom else 0,
            DRAIN_USEC=usec(self.drain), HEADROOM_USEC=usec(self.headroom), TIMEOUT_STOP_USEC=usec(self.timeout_stop),
            UNIT=self.unit if self.manager != "none" else WITHOUT, RECORDED_BY=self.recorded_by,
            **self.prefixed("SENDER_", self.sender), **self.prefixed("REQUESTER_", self.requester), **fields)

    def write_oom(self):
        self.journal.entry(fields={
            "_MACHINE_ID": self.machine_id, "_HOSTNAME": self.host, "_TRANSPORT": "kernel", "SYSLOG_FACILITY": 0,
            "SYSLOG_IDENTIFIER": "kernel", "PRIORITY": 3, "MESSAGE":
            f"Memory cgroup out of memory: Killed process {self.pid + 1} (python3) total-vm:912340kB, "
            f"anon-rss:524288kB, file-rss:0kB, shmem-rss:0kB, UID:{self.uid} pgtables:1100kB oom_score_adj:0"})
        self.systemd_record("oom", f"{self.unit}: A process of this unit has been killed by the OOM killer.", priority=4)

    def write_coredump(self):
        self.journal.entry(fields={
            "_MACHINE_ID": self.machine_id, "_HOSTNAME": self.host, "_TRANSPORT": "journal", "_PID": self.pid + 7,
            "_UID": 0, "_GID": 0, "_COMM": "systemd-coredum", "_EXE": "/usr/lib/systemd/systemd-coredump",
            "_SYSTEMD_UNIT": "systemd-coredump@0-1-0.service", "PRIORITY": 2, "SYSLOG_IDENTIFIER": "systemd-coredump",
            "MESSAGE_ID": SYSTEMD["coredump"], "COREDUMP_PID": self.pid + 1, "COREDUMP_UID": self.uid,
            "COREDUMP_SIGNAL": SIGNALS.get(str(self.exit_status), 11), "COREDUMP_SIGNAL_NAME": self.exit_status,
            "COREDUMP_COMM": "python3", "COREDUMP_EXE": "/usr/bin/python3.11", "COREDUMP_UNIT": self.unit,
            "COREDUMP_TIMESTAMP": self.journal.realtime, "COREDUMP_HOSTNAME": self.host,
            "MESSAGE": f"Process {self.pid + 1} (python3) of user {self.uid} dumped core.\n\n"
                       f"Stack trace of thread {self.pid + 1}:\n"
                       "#0  0x00007f1d2a4a9e2c n/a (libc.so.6 + 0x8ae2c)\n"
                       "#1  0x00007f1d2a45afb2 raise (libc.so.6 + 0x3bfb2)\n"
                       "#2  0x0000000000401136 main (hermes + 0x1136)\n"
                       "ELF object binary architecture: AMD x86-64"})

    def write_end(self):
        status = str(self.exit_status)
        is_success = self.outcome in ("clean", "exited")
        if not is_success:
            self.systemd_record("process-exit",
                                f"{self.unit}: Main process exited, code={self.exit_code}, status={status}", priority=5,
                                COMMAND="ExecStart", EXIT_CODE=self.exit_code,
                                EXIT_STATUS=SIGNALS.get(status, status))
            result = {"exited": "exit-code", "dumped": "core-dump"}.get(self.exit_code, "signal")
            result = "oom-kill" if self.has_oom else result
            self.systemd_record("failure-result", f"{self.unit}: Failed with result '{result}'.", priority=4,
                                UNIT_RESULT=result)
        else:
            self.systemd_record("success", f"{self.unit}: Deactivated successfully.")
        if self.is_asked:
            self.systemd_record("stopped", f"Stopped {self.unit}.", JOB_TYPE="stop", JOB_RESULT="done",
                                JOB_ID=2 * self.journal.n_runs + 1)


# ---- Large ones ---------------------------------------------------------------------------------------

# How the stops of a large journal went, by turns.
VARIETY = (
    dict(),
    dict(cause="restart", cause_detail="systemd was asked to restart the unit", drain_used=4.2),
    dict(outcome="escalated", active=(3, 1)),
    dict(cause="host-shutdown", cause_detail="the system is shutting down", drain_used=12.0),
    dict(outcome="killed", active=(5, 2)),
    dict(outcome="crashed", cause="crash", cause_detail="it died by SIGSEGV"),
    dict(outcome="exited", cause="exit", cause_detail="it ended by itself"),
    dict(outcome="lost", cause="supervisor-killed", cause_detail="the supervisor was killed", recorded_by="post"),
    dict(cause="signal", cause_detail="SIGTERM of kill(812)", requester={}, drain_used=0.4,
         sender={"STATE": "alive", "CODE": "SI_USER", "PID": 812, "UID": 1000, "USER": "alice", "COMM": "kill",
                 "CMDLINE": "kill 4000", "UNIT": "session-3.scope", "ANCESTRY": "kill(812) < bash(640)"}),
)


def write_large(path, n_stops, n_foreign, n_units):
    with JournalWriter(path) as journal:
        for number in range(n_stops):
            run = journal.start(unit="gateway-%d.service" % (number % n_units), **VARIETY[number % len(VARIETY)])
            journal.foreign((number + 1) * n_foreign // n_stops - journal.n_foreign)
            run.stop()
        journal.foreign(n_foreign - journal.n_foreign)


def main():
    parser = argparse.ArgumentParser(description="Makes a journal of stops among entries of other services.")
    parser.add_argument("--stops", type=int, default=10, metavar="N")
    parser.add_argument("--foreign", type=int, default=0, metavar="M")
    parser.add_argument("--units", type=int, default=1, metavar="U")
    parser.add_argument("path", metavar="FILE.journal")
    options = parser.parse_args()
    if find_remote() is None:
        sys.exit("systemd-journal-remote is not installed")
    write_large(options.path, options.stops, options.foreign, options.units)


if __name__ == "__main__":
    main()
