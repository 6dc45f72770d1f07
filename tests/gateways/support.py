# SPDX-License-Identifier: MIT
"""What the tests of real gateways share: processes that are ended whatever happens, their output as
events, a stand-in for systemd's notify socket, and one stop of a gateway under load, measured.

Nothing here waits for a length of time. A wait is for a line of a log, a datagram, a connection or an
exit, and WAIT_SECONDS bounds it.
"""

import ctypes
import dataclasses
import os
import re
import select
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

WAIT_SECONDS = 30
# Between two looks at what nobody announces.
POLL_SECONDS = 0.01
# What a supervisor may add to the time from SIGTERM to exit. Generous: it is to find a phase that is
# slept through to its deadline, not microseconds (tests/bench measures those).
ADDED_SECONDS_MAX = 5
# The ladder's later phases are short and its drain is long, so that a drain that is not ended by the
# gateway's own exit shows as a time, and one that is cut shows as lost work.
DRAIN_SECONDS = 40

GATEWATCH = ''  # set by run


class Missing(Exception):
    """A program that a test needs is not installed."""


def need_program(name):
    """Its path. Where it is missing: a skip, or under GATEWATCH_NO_SKIP=1 a failure."""
    path = shutil.which(name, path='/usr/sbin:/sbin:' + os.environ.get('PATH', '/usr/bin:/bin'))
    if path:
        return path
    if os.environ.get('GATEWATCH_NO_SKIP') == '1':
        raise Missing('%s is not installed, and GATEWATCH_NO_SKIP=1' % name)
    raise unittest.SkipTest('%s is not installed' % name)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


# -- Processes -----------------------------------------------------------------------------------------

def become_subreaper():
    """Orphans of a test become our children, so that none of them can outlive the test."""
    pr_set_child_subreaper = 36
    if ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl(PR_SET_CHILD_SUBREAPER)')


def state_and_parent(pid):
    """As in proc(5): ('S', 1); (None, 0) when there is no such process."""
    try:
        with open('/proc/%d/stat' % pid, encoding='utf-8', errors='replace') as stat:
            state, parent = stat.read().rpartition(')')[2].split()[:2]
            return state, int(parent)
    except OSError:
        return None, 0


def parent_of(pid):
    return state_and_parent(pid)[1]


def is_alive(pid):
    """Whether it can still do anything: a zombie cannot."""
    return state_and_parent(pid)[0] not in (None, 'Z', 'X')


def children():
    me = os.getpid()
    return [int(name) for name in os.listdir('/proc') if name.isdigit() and parent_of(int(name)) == me]


def end_children():
    """Kills and reaps all children, and what becomes a child by that, until there is none."""
    for _ in range(100):
        pids = children()
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
    raise RuntimeError('children that cannot be ended: %s' % children())


class Lines:
    """The lines of a pipe as they come."""

    def __init__(self, pipe):
        self.lines = []
        self.is_over = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, args=(pipe,), daemon=True)
        self.thread.start()

    def read(self, pipe):
        with pipe:
            for line in pipe:
                with self.changed:
                    self.lines.append(line.rstrip('\n'))
                    self.changed.notify_all()
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def find(self, pattern):
        return next((line for line in self.lines if re.search(pattern, line)), None)

    def wait_for(self, pattern):
        with self.changed:
            self.changed.wait_for(lambda: self.find(pattern) or self.is_over, WAIT_SECONDS)
            line = self.find(pattern)
            if line is None:
                raise AssertionError('no line like %r; there is:\n%s' % (pattern, '\n'.join(self.lines)))
            return line

    def wait_for_end(self):
        self.thread.join(WAIT_SECONDS)
        return self.lines


class NotifySocket:
    """systemd's end of the notify protocol. Read all the time: a sender waits when ten datagrams lie
    there unread."""

    def __init__(self, directory):
        self.address = os.path.join(directory, 'notify')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.received = []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while message := self.socket.recv(4096).decode(errors='replace'):
            with self.changed:
                self.received += message.splitlines()
                self.changed.notify_all()

    def wait_for(self, wanted, n=1):
        with self.changed:
            if not self.changed.wait_for(lambda: self.received.count(wanted) >= n, WAIT_SECONDS):
                raise AssertionError('%s not %d times; there is: %s' % (wanted, n, self.received))

    def wait_for_like(self, pattern):
        """The first line that is wholly like it."""
        def find():
            return next((line for line in self.received if re.fullmatch(pattern, line)), None)
        with self.changed:
            if not self.changed.wait_for(find, WAIT_SECONDS):
                raise AssertionError('no line like %r; there is: %s' % (pattern, self.received))
            return find()

    def close(self):
        """Ends the reader behind all that was sent before. Returns the lines."""
        if self.thread.is_alive():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b'', self.address)
            self.thread.join(WAIT_SECONDS)
            self.socket.close()
        return self.received


# -- A gateway, with or without gatewatch --------------------------------------------------------------

@dataclasses.dataclass
class Supervision:
    """How gatewatch is told to stop this gateway; None in its place is the gateway alone."""
    schedule: str = ''
    ready: str = 'exec'


@dataclasses.dataclass
class Stop:
    """One stop, as it was seen from outside."""
    status: int            # as Popen.returncode: negative for a signal
    seconds: float         # from the stop signal to the exit
    finished: int          # units of work in flight at the stop that came to their right end
    cut: int               # those that did not
    log: list              # lines of stdout and stderr
    notified: list         # lines of the notify protocol


class Gateway:
    """A gateway that runs, in a directory of its own."""

    def __init__(self, directory, command, supervision):
        self.notify = NotifySocket(directory)
        environment = {
            'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
            'LC_ALL': 'C',
            'HOME': directory,
            'NOTIFY_SOCKET': self.notify.address,
        }
        if supervision:
            command = wrap(directory, command, supervision)
        self.process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
        self.log = Lines(self.process.stdout)

    def wait(self):
        """Waits for the exit by its pidfd: Popen.wait() with a timeout would poll."""
        pidfd = os.pidfd_open(self.process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(pidfd, selectors.EVENT_READ)
                if not selector.select(DRAIN_SECONDS + WAIT_SECONDS):
                    raise AssertionError('does not exit; there is:\n%s' % '\n'.join(self.log.lines))
        finally:
            os.close(pidfd)
        return self.process.wait()


def wrap(directory, command, supervision):
    options = ['--name=under-test', '--state-dir=' + os.path.join(directory, 'state'),
               '--log-target=console', '--ready=' + supervision.ready,
               '--drain-timeout=%ds' % DRAIN_SECONDS, '--headroom=30s']
    if supervision.schedule:
        options.append('--stop-schedule=' + supervision.schedule)
    return [GATEWATCH, 'run', *options, '--', *command]


def stop_under_load(gateway, stop_signal, load, is_draining):
    """Signals a gateway whose load is in flight, lets the load go on once the gateway drains, and
    sees it out.

    load:        has release() and finish() -> (finished, cut).
    is_draining: waits until the gateway has acted on the signal.
    """
    began = time.monotonic()
    gateway.process.send_signal(stop_signal)
    is_draining()
    load.release()
    finished, cut = load.finish()
    status = gateway.wait()
    seconds = time.monotonic() - began
    end_children()  # so that the log's pipe has no writer left
    return Stop(status, seconds, finished, cut, gateway.log.wait_for_end(), gateway.notify.close())


def count_down(gateway, clients, numbers):
    """Stops a gateway under gatewatch and has its clients finish until each of these numbers is left, which
    the status line has to say before the next finish. Sees it out.

    clients: each has finish() -> whether it came to its right end.
    """
    began = time.monotonic()
    finished = []
    gateway.process.send_signal(signal.SIGTERM)
    for number in numbers:
        while len(clients) > number:
            finished.append(clients.pop().finish())
        gateway.notify.wait_for_like('STATUS=Draining: %d connections, .*' % number)
    while clients:
        finished.append(clients.pop().finish())
    status = gateway.wait()
    seconds = time.monotonic() - began
    end_children()
    return Stop(status, seconds, finished.count(True), finished.count(False),
                gateway.log.wait_for_end(), gateway.notify.close())


def wait_for_known_ports(gateway):
    """Until gatewatch has counted once what its gateway listens on, soon after READY=1. Nobody announces
    that; its helper is the one child that gatewatch collects before the stop, and its page faults are added
    to gatewatch's then."""
    deadline = time.monotonic() + WAIT_SECONDS
    while children_page_faults(gateway.process.pid) == 0:
        if time.monotonic() > deadline:
            raise AssertionError('gatewatch counted nothing; there is:\n%s' % '\n'.join(gateway.log.lines))
        select.select([], [], [], POLL_SECONDS)


def children_page_faults(pid):
    """cminflt of proc(5)."""
    with open('/proc/%d/stat' % pid, encoding='utf-8', errors='replace') as stat:
        return int(stat.read().rpartition(')')[2].split()[8])


class GatewayTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix='gatewatch-gateways-')
        os.chmod(self.directory, 0o755)  # workers that dropped to another user serve from here
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(end_children)

    def start(self, command, supervision):
        directory = tempfile.mkdtemp(dir=self.directory)
        os.chmod(directory, 0o755)
        gateway = Gateway(directory, command, supervision)
        self.addCleanup(gateway.notify.close)
        return gateway

    def assert_nothing_lost(self, stop, n):
        self.assertEqual((stop.finished, stop.cut), (n, 0), '\n'.join(stop.log))

    def assert_same_stop(self, under, alone):
        """The stop under gatewatch went as the one without it."""
        log = '\n'.join(under.log)
        self.assertEqual(under.finished, alone.finished, log)
        self.assertEqual(under.cut, alone.cut, log)
        self.assertEqual(under.status, alone.status, log)
        self.assertLess(under.seconds, alone.seconds + ADDED_SECONDS_MAX, log)

    def assert_recorded(self, stop, **fields):
        """There is exactly one record of the end, and it says this."""
        records = [line for line in stop.log if re.search(r'\bevent=stopped\b', line)]
        self.assertEqual(len(records), 1, '\n'.join(stop.log))
        for key, value in fields.items():
            self.assertRegex(records[0], r'\b%s=%s(\s|$)' % (key, re.escape(value)))

    def assert_counted(self, stop, n, last):
        """The drain and the last record have the number of connections at the stop, and one that fell to
        `last` at least: the gateway may exit before the next count."""
        log = '\n'.join(stop.log)
        for pattern in (r'\bevent=phase\b.*\bphase=drain\b', r'\bevent=stopped\b'):
            records = [line for line in stop.log if re.search(pattern, line)]
            self.assertEqual(len(records), 1, log)
            found = dict(re.findall(r'\b(active_\w+)=(\w+)', records[0]))
            self.assertEqual((found.get('active_at_start'), found.get('active_source')),
                             (str(n), 'sockets'), log)
            self.assertLessEqual(int(found['active_now']), last, log)
