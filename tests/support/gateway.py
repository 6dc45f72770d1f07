#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A scripted gateway for demos and tests: it holds sessions, drains them when it is told to stop,
speaks the notify protocol (fds and barriers included), and can misbehave in every way that a real
gateway has been seen to. What happens to it is appended to a file, one JSON object a line, with the
monotonic time in microseconds, so that a test can tell what arrived, in which order and how often.

It uses only Python's standard library and has a single thread: signals arrive through a wake-up fd.
Beside it: gateway_base.py, gateway_stop.py (what it does in a stop), gateway_faults.py.
"""

import argparse
import faulthandler
import json
import os
import selectors
import signal
import socket
import sys
import time

# The folder may be one that is not ours to write to.
sys.dont_write_bytecode = True

from gateway_base import (Log, Notifier, UNCATCHABLE, monotonic_usec, signal_name,  # noqa: E402
                          signal_number)
from gateway_faults import (Flood, block_loop, fork_orphans, fork_storm, hog_memory,  # noqa: E402
                            spin, starve)
from gateway_stop import BlackHoledAdapter, Drain, begin_step, serve_black_hole  # noqa: E402

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR2}
LISTEN_FDS_START = 3


class Gateway:
    def __init__(self, options):
        self.options = options
        self.log = Log(options.log)
        self.notifier = Notifier(os.environ.get("NOTIFY_SOCKET"))
        self.selector = selectors.DefaultSelector()
        self.timers = []  # (due in monotonic seconds, function), unsorted: there are few
        self.sessions = options.sessions
        self.adapters = []
        self.drain = Drain(self)
        self.is_ready = False
        self.status = None

    # ---- life ------------------------------------------------------------------------------------

    def run(self):
        self.catch_signals()
        self.log.event("start", argv=sys.argv[1:], uid=os.getuid(), cgroup=own_cgroup(),
                       cmdline_ppid=parent_cmdline(),
                       blocked=sorted(signal_name(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, [])),
                       environment={k: v for k, v in os.environ.items() if is_interesting(k)})
        if self.options.listen:
            self.check_listen_fds()
        if self.options.fdstore:
            self.check_fdstore()
        fork_orphans(self.options.fork_orphans, self.log)
        if self.options.mainpid_handover:
            self.hand_over()
        if self.options.fork_storm:
            fork_storm(self.options.fork_storm)
        self.adapters = [BlackHoledAdapter(self, text) for text in self.options.black_hole]
        self.begin()
        while self.status is None:
            self.turn()
        self.end()

    def begin(self):
        options = self.options
        if not options.never_ready:
            self.after(options.ready_after, self.become_ready)
        if options.exit_after is not None:
            self.after(options.exit_after, self.finish)
        if options.self_stop_after is not None:
            self.after(options.self_stop_after, self.stop_self)
        if options.watchdog is not None:
            self.ping()
        self.plan_troubles()
        if options.barrier_at_start:
            self.check_barrier()

    def plan_troubles(self):
        options = self.options
        for seconds, function in (
                (options.wedge_after, lambda: block_loop(self.log, float("inf"))),
                (options.spin_after, lambda: spin(self.log)),
                (options.starve_after, lambda: starve(self.log)),
                (options.trigger_after, lambda: self.notifier.send("WATCHDOG=trigger"))):
            if seconds is not None:
                self.after(seconds, function)
        if options.watchdog_usec:
            seconds, _, usec = options.watchdog_usec.partition(":")
            self.after(float(seconds), lambda: self.notifier.send(f"WATCHDOG_USEC={usec}"))

    def turn(self):
        timeout = None
        if self.timers:
            timeout = max(0.0, min(due for due, _ in self.timers) - time.monotonic())
        for key, _ in self.selector.select(timeout):
            key.data()
        now = time.monotonic()
        due = [timer for timer in self.timers if timer[0] <= now]
        self.timers = [timer for timer in self.timers if timer[0] > now]
        for _, function in sorted(due, key=lambda timer: timer[0]):
            function()

    def after(self, seconds, function):
        self.timers.append((time.monotonic() + seconds, function))

    def finish(self):
        self.status = self.options.exit_code

    def end(self):
        if self.options.die_by:
            number = signal_number(self.options.die_by)
            self.log.event("end", signal=signal_name(number))
            if number not in UNCATCHABLE:
                signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
            os.kill(os.getpid(), number)
        self.log.event("end", status=self.status)
        os._exit(self.status)

    def become_ready(self):
        self.is_ready = True
        self.log.event("ready")
        self.tell("READY=1", status="serving" if self.options.status_texts else None,
                  active=self.sessions if self.options.active else None)
        for text in self.options.early_step:
            begin_step(self, text)
        self.send_raw(self.options.send_at_start)
        if self.options.notify_flood:
            Flood(self, *self.options.notify_flood)

    def send_raw(self, path):
        """Datagrams out of a file: on each line a JSON string, whose characters are bytes."""
        if path:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    self.notifier.send(json.loads(line).encode("latin-1"))

    def tell(self, *lines, status=None, active=None):
        if not self.options.notify:
            return
        lines = list(lines)
        if status is not None:
            lines.append(f"STATUS={status}")
        if active is not None:
            lines.append(f"X_GATEWATCH_ACTIVE={active}")
        if lines:
            self.notifier.send("\n".join(lines))

    # ---- signals ------------------------------------------------------------------------------------

    def catch_signals(self):
        read_fd, write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
        for number in signal.valid_signals() - UNCATCHABLE - {signal.SIGCHLD}:
            # Faults keep their meaning; SIGPIPE was ignored by Python itself.
            if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
                continue
            if number in self.options.default or number == self.options.dump_signal:
                continue
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        if self.options.dump_signal:
            # Beside the log, because it is no JSON; kept open for good.
            self.dump_file = open(f"{self.options.log}.dump", "w", encoding="utf-8")
            faulthandler.register(self.options.dump_signal, self.dump_file, all_threads=True)

        def dispatch():
            for number in os.read(read_fd, 4096):
                self.signalled(number)

        self.selector.register(read_fd, selectors.EVENT_READ, dispatch)

    def signalled(self, number):
        self.log.event("signal", signal=signal_name(number))
        if number in self.options.ignore:
            return
        if number == self.options.leave_on:
            self.finish()
        if number == self.options.hog:
            hog_memory(self.log)
        if number == self.options.hog_in_child and os.fork() == 0:
            hog_memory(self.log)
        if number == signal.SIGHUP and self.options.reload:
            self.reload()
        elif number in STOP_SIGNALS:
            self.drain.begin()
        elif number == signal.SIGABRT:
            self.log.event("end", signal="SIGABRT")
            signal.signal(signal.SIGABRT, signal.SIG_DFL)
            os.abort()

    def reload(self):
        self.tell(f"RELOADING=1\nMONOTONIC_USEC={monotonic_usec()}")
        self.log.event("reload")
        if self.options.notify:
            self.notifier.barrier(self.options.barrier_timeout)
        self.log.event("reloading")
        if self.options.reload_blocks:
            block_loop(self.log, self.options.reload_takes)
            self.reloaded()
            return
        self.after(self.options.reload_takes, self.reloaded)

    def reloaded(self):
        self.tell("READY=1")
        if self.options.notify:
            self.notifier.barrier(self.options.barrier_timeout)
        self.log.event("reloaded")

    # ---- stopping -------------------------------------------------------------------------------------

    def stop_self(self):
        self.log.event("self-stop")
        self.notifier.send("STOPPING=1")
        self.drain.begin()

    # ---- the notify protocol's finer points --------------------------------------------------------

    def ping(self):
        self.notifier.send("WATCHDOG=1")
        interval, _, count = self.options.watchdog.partition(":")
        left = int(count) - 1 if count else None
        if left is None or left > 0:
            self.options.watchdog = interval if left is None else f"{interval}:{left}"
            self.after(float(interval), self.ping)

    def check_barrier(self):
        began = monotonic_usec()
        is_done = self.notifier.barrier(self.options.barrier_timeout)
        self.log.event("barrier", done=is_done, took_usec=monotonic_usec() - began)

    def check_listen_fds(self):
        count = int(os.environ.get("LISTEN_FDS", "0"))
        is_ours = os.environ.get("LISTEN_PID") == str(os.getpid())
        self.log.event("listen", fds=count, listen_pid=os.environ.get("LISTEN_PID"), is_ours=is_ours,
                       names=os.environ.get("LISTEN_FDNAMES"))
        if not is_ours:
            return
        for fd in range(LISTEN_FDS_START, LISTEN_FDS_START + count):
            listener = socket.socket(fileno=fd)
            self.selector.register(listener, selectors.EVENT_READ,
                                   lambda listener=listener: self.accept(listener))

    def accept(self, listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(f"pid={os.getpid()} listen_pid={os.environ.get('LISTEN_PID')}\n".encode())
        self.log.event("accepted")

    def check_fdstore(self):
        names = os.environ.get("LISTEN_FDNAMES", "").split(":")
        count = int(os.environ.get("LISTEN_FDS", "0"))
        if os.environ.get("LISTEN_PID") == str(os.getpid()) and self.options.fdstore in names[:count]:
            fd = LISTEN_FDS_START + names.index(self.options.fdstore)
            self.log.event("fd-restored", content=os.pread(fd, 4096, 0).decode())
            return
        content = f"kept by {os.getpid()}"
        fd = os.memfd_create("gateway-state")
        os.write(fd, content.encode())
        self.notifier.send(f"FDSTORE=1\nFDNAME={self.options.fdstore}", [fd])
        os.close(fd)
        self.log.event("fd-stored", content=content)

    def hand_over(self):
        """The old main process announces its child as the new one and leaves."""
        old = os.getpid()
        read_fd, write_fd = os.pipe()
        child = os.fork()
        if child > 0:
            os.close(read_fd)
            self.notifier.send(f"MAINPID={child}")
            is_done = self.notifier.barrier(self.options.barrier_timeout)
            self.log.event("handed-over", to=child, barrier=is_done)
            os.write(write_fd, b"x")
            os._exit(0)
        os.close(write_fd)
        os.read(read_fd, 1)
        self.log.event("took-over", previous=old)
        # epoll instances are shared over fork; a fresh one belongs to this process alone.
        self.selector = selectors.DefaultSelector()
        self.catch_signals()


# ---- what a test wants to know about where the gateway runs -------------------------------------


def is_interesting(name):
    return name.startswith(("LISTEN_", "GATEWATCH_", "WATCHDOG_")) or name in (
        "NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "INVOCATION_ID", "JOURNAL_STREAM", "STATE_DIRECTORY")


def own_cgroup():
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            if line.startswith("0::"):
                return line[3:].strip()
    return None


def parent_cmdline():
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
            return file.read().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None


def parse_signals(text):
    if text == "all":
        return signal.valid_signals() - UNCATCHABLE
    return {signal_number(name) for name in text.split(",") if name}


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--log", "--log-signals", metavar="FILE", help="append events, one JSON object a line")
    add("--sessions", type=int, default=3, help="how many units of work are in flight")
    add("--drain", type=float, default=0.0, metavar="SECONDS", help="how long they last; inf")
    add("--ignore", type=parse_signals, default=set(), metavar="SIGNALS", help="TERM,INT,… or all")
    add("--default", type=parse_signals, default=set(), metavar="SIGNALS", help="left as they were")
    add("--linger", action="store_true", help="stay after the drain")
    add("--exit-code", type=int, default=0, metavar="N")
    add("--exit-after", type=float, metavar="SECONDS", help="end unasked")
    add("--die-by", metavar="SIGNAL", help="end by this signal instead of exiting")
    add("--notify", action="store_true", help="READY=1 and progress")
    add("--ready-after", type=float, default=0.0, metavar="SECONDS")
    add("--never-ready", action="store_true")
    add("--status-texts", action="store_true", help="STATUS= with the sessions that are left")
    add("--active", action="store_true", help="X_GATEWATCH_ACTIVE= likewise")
    add("--phase", action="append", default=[], metavar="NAME[:SECONDS]",
        help="X_GATEWATCH_PHASE= from the drain's beginning on, one after the other; repeatable")
    add("--step", action="append", default=[], metavar="NAME[:SECONDS[:BOUND_USEC]]",
        help="a step that begins with the drain, which waits for it if SECONDS (inf) are given; repeatable")
    add("--steps", type=int, default=0, metavar="N", help="so many that never end, waited for by nobody")
    add("--early-step", action="append", default=[], metavar="NAME[:SECONDS[:BOUND_USEC]]",
        help="a step that begins once ready; repeatable")
    add("--black-hole", action="append", default=[], metavar="HOST:PORT:NAME",
        help="an adapter connected there, whose disconnect after the drain waits for an answer; repeatable")
    add("--black-hole-server", metavar="HOST:PORT[:full]",
        help="no gateway: a peer that takes connections and never reads, or does not take them")
    add("--send-at-start", metavar="FILE", help="once ready, datagrams: on each line a JSON string")
    add("--send-at-stop", metavar="FILE", help="the same when the drain begins")
    add("--block-at-stop", type=float, metavar="SECONDS", help="hang so long when the drain begins")
    add("--notify-flood", nargs=2, metavar=("N", "RATE"),
        help="once ready, N datagrams with X_GATEWATCH_ACTIVE=, RATE a second, 0 as fast as possible")
    add("--reload", action="store_true", help="SIGHUP reloads")
    add("--reload-blocks", action="store_true", help="the loop hangs meanwhile")
    add("--reload-takes", type=float, default=0.05, metavar="SECONDS")
    add("--stopping", action="store_true", help="STOPPING=1 when the drain begins")
    add("--self-stop-after", type=float, metavar="SECONDS", help="STOPPING=1 unasked, then drain")
    add("--extend", type=int, metavar="USEC", help="EXTEND_TIMEOUT_USEC= when the drain begins")
    add("--watchdog", metavar="SECONDS[:COUNT]", help="WATCHDOG=1 so often, at most COUNT times")
    add("--watchdog-usec", metavar="AFTER:USEC", help="WATCHDOG_USEC= after so many seconds")
    add("--trigger-after", type=float, metavar="SECONDS", help="WATCHDOG=trigger")
    add("--wedge-after", type=float, metavar="SECONDS", help="hang in the loop from then on")
    add("--spin-after", type=float, metavar="SECONDS", help="run in a circle from then on")
    add("--starve-after", type=float, metavar="SECONDS", help="get no CPU from then on")
    add("--dump-signal", type=signal_number, metavar="SIGNAL",
        help="at which all stacks are written to the log's name with .dump")
    add("--barrier-at-start", action="store_true", help="BARRIER=1 once begun")
    add("--barrier-timeout", type=float, default=5.0, metavar="SECONDS")
    add("--listen", action="store_true", help="check LISTEN_*, accept connections")
    add("--fdstore", metavar="NAME", help="keep a memfd in systemd's fd store")
    add("--mainpid-handover", action="store_true", help="MAINPID= of a child, then leave")
    add("--leave-on", type=signal_number, metavar="SIGNAL", help="end when this comes, drained or not")
    add("--read-at-stop", metavar="FILE", help="log what it holds when the drain begins")
    add("--hog", type=signal_number, metavar="SIGNAL", help="take memory without end when this comes")
    add("--hog-in-child", type=signal_number, metavar="SIGNAL", help="likewise, in a child of its own")
    add("--fork-orphans", type=int, default=0, metavar="N")
    add("--fork-storm", type=int, default=0, metavar="CHAINS")
    add("--fork-storm-on-stop", type=int, default=0, metavar="CHAINS")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    given = parse_options(sys.argv[1:])
    if given.black_hole_server:
        serve_black_hole(given.black_hole_server, Log(given.log))
    Gateway(given).run()
