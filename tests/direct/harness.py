# SPDX-License-Identifier: MIT
"""What the tests share: one run of the program, its records, its gateway by remote control, a stand-in
for systemd's notify socket, and the checks that hold after every run.

The model: a test is a process of its own (see run), a subreaper, with a temporary directory. It waits
in one place, Events.wait(), for packets, lines, datagrams and exits, with a deadline that is far beyond
what anything takes; it never sleeps. After each run there must be exactly one `stopped` record, no
line on stderr that is not a record, and no process that outlived the supervisor.
"""

import array
import collections
import contextlib
import json
import os
import re
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import logfmt
from processes import (become_subreaper, call, children_of, end_children, libc, sigqueue,  # noqa: F401
                       stat_fields)

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = ['/usr/bin/python3', '-I', '-S']
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
GATEWATCH = ''  # set by run
WRAPPER = shlex.split(os.environ.get('GATEWATCH_WRAPPER', ''))
DEADLINE_SECONDS = float(os.environ.get('GATEWATCH_DEADLINE', '90' if WRAPPER else '30'))
DIAGNOSTIC_COMM = 'gatewatch-diag'

SI_USER, SI_KERNEL, SI_QUEUE = 0, 0x80, -1
TERM, INT, QUIT, HUP, CONT, KILL = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP,
                                    signal.SIGCONT, signal.SIGKILL)
USR1, USR2, WINCH, TSTP = signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTSTP

# Every phase within a blink, for gateways that obey none.
FAST = ('--stop-schedule=drain:TERM@main/100ms,interrupt:INT@main/100ms,terminate:TERM@others/100ms,'
        'kill:KILL@all/20s')


class Timeout(AssertionError):
    pass


def unless_wrapped(reason):
    """Not under a wrapper such as valgrind, for this reason."""
    return unittest.skipIf(WRAPPER, 'under %s: %s' % (WRAPPER[0] if WRAPPER else '', reason))


def need_root(test):
    return unittest.skipUnless(os.geteuid() == 0, 'needs root')(test)


def need_program(name):
    return unittest.skipUnless(shutil.which(name, path=PATH), name + ' is not installed')


def is_diagnostic(pid):
    """The detached diagnostic is the one process that may outlive the supervisor, for its bound. It is
    born with the supervisor's name and cannot be told apart before it has taken its own."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            with open('/proc/%d/comm' % pid, encoding='utf-8', errors='replace') as file:
                comm = file.read().rstrip('\n')
        except OSError:
            return True  # gone
        if comm != os.path.basename(GATEWATCH):
            return comm == DIAGNOSTIC_COMM
        os.sched_yield()
    return False


def living_children():
    """Reaps those that have ended: zombies can do nothing any more. That there is no child is for the
    kernel to say; a list of processes may be old when it has been read."""
    while True:
        try:
            info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return []
        if info is not None:
            continue
        left = [(pid, (stat_fields(pid) or '?')[0])
                for pid in children_of(os.getpid()) if not is_diagnostic(pid)]
        if not any(state == 'Z' for _, state in left):  # else it has ended just now
            return ['%d (%s)' % member for member in left]


# ---- Waiting -------------------------------------------------------------------------------------------

class Events:
    """The one place that waits."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()

    def add(self, fileobj, take):
        """take() is called when there is something to read."""
        self.selector.register(fileobj, selectors.EVENT_READ, take)

    def remove(self, fileobj):
        self.selector.unregister(fileobj)

    def turn(self, seconds):
        ready = self.selector.select(seconds) if self.selector.get_map() else time.sleep(seconds)
        for key, _ in ready or ():
            key.data()
        return bool(ready)

    def wait(self, predicate, what, seconds=None):
        """Returns what predicate() returns once that is true."""
        deadline = time.monotonic() + (seconds or DEADLINE_SECONDS)
        while not (value := predicate()):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Timeout('waited in vain for %s' % (what() if callable(what) else what))
            self.turn(left)
        return value

    def poll(self, predicate, what):
        """For what nobody announces, such as a line of /proc. A last resort."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (value := predicate()):
            if time.monotonic() > deadline:
                raise Timeout('waited in vain for %s' % what)
            self.turn(0.01)
        return value


class Channel:
    """The test's end of a child's control socket."""

    def __init__(self, events, name):
        self.events = events
        self.name = name
        self.socket, self.other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.other_fd = self.other.fileno()  # over there
        self.signals = []  # packets
        self.answers = collections.deque()
        self.hello = None
        self.is_over = False
        events.add(self.socket, self.take)

    def take(self):
        try:
            packet = self.socket.recv(1 << 20)
        except ConnectionResetError:
            packet = b''
        if not packet:
            self.is_over = True
            self.events.remove(self.socket)
            return
        packet = json.loads(packet)
        if 'hello' in packet:
            self.hello = packet
        elif 'signal' in packet:
            self.signals.append(packet)
        else:
            self.answers.append(packet)

    def close(self):
        if not self.is_over:
            self.events.remove(self.socket)
        self.socket.close()
        self.other.close()

    @property
    def pid(self):
        return self.greet()['hello']

    def greet(self):
        self.events.wait(lambda: self.hello or self.is_over, self.name + ' to begin')
        if not self.hello:
            raise AssertionError('%s ended before it began' % self.name)
        return self.hello

    def cast(self, code):
        """Runs this over there; the answer may never come."""
        self.greet()
        self.socket.send(code.encode())

    def do(self, code):
        """Runs this over there. Returns its value."""
        self.cast(code)
        self.events.wait(lambda: self.answers or self.is_over, 'an answer to ' + code)
        if not self.answers:
            raise AssertionError('%s ended at: %s' % (self.name, code))
        answer = self.answers.popleft()
        if 'error' in answer:
            raise AssertionError('%s: %s' % (self.name, answer['error']))
        return answer['answer']

    def numbers(self):
        """The signals so far, but the SIGCONT that follows each stop signal, and the SIGCHLD of its own."""
        return [packet['signal'] for packet in self.signals
                if packet['signal'] not in (CONT, signal.SIGCHLD)]

    def wait_signal(self, number, count=1):
        """Returns the packet of the count-th."""
        def find():
            found = [packet for packet in self.signals if packet['signal'] == number]
            return found[count - 1] if len(found) >= count else None
        return self.events.wait(find, lambda: 'signal %d (%d times) at %s, which had %s' %
                                (number, count, self.name, self.numbers()))


Datagram = collections.namedtuple('Datagram', 'text pid fds')


class NotifySocket:
    """systemd's end of the notify protocol."""

    def __init__(self, events, path, is_read=True):
        self.address = path
        self.events = events
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.received = []
        self.keeps_fds = False  # close at once, as systemd does after a barrier
        self.is_read = False
        if is_read:
            self.read()

    def read(self):
        if not self.is_read:
            self.events.add(self.socket, self.take)
        self.is_read = True

    def take(self):
        while True:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(1 << 16, 4096, socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return
            pid, fds = 0, array.array('i')
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    pid = array.array('i', content)[0]
                elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.frombytes(content)
            self.received.append(Datagram(data.decode('utf-8', 'surrogateescape'), pid, list(fds)))
            if not self.keeps_fds:
                for fd in fds:
                    os.close(fd)

    def lines(self):
        return [line for datagram in self.received for line in datagram.text.splitlines()]

    def wait_for(self, line, count=1):
        """Returns the count-th datagram with this line (a pattern)."""
        def find():
            found = [datagram for datagram in self.received
                     if any(re.fullmatch(line, each) for each in datagram.text.splitlines())]
            return found[count - 1] if len(found) >= count else None
        return self.events.wait(find, lambda: '%s; there is %s' % (line, self.lines()[-20:]))

    def close(self):
        if self.is_read:
            self.events.remove(self.socket)
        self.socket.close()


# ---- A run --------------------------------------------------------------------------------------------

class Run:
    """One `gatewatch run`, begun by DirectTest.start()."""

    def __init__(self, events, process, channels):
        self.events = events
        self.process = process
        self.pid = process.pid
        self.channels = channels
        self.child = channels[0] if channels else None
        self.end = None        # ('exited', 0), ('killed', 15), ('dumped', 11)
        self.records = []      # parsed
        self.lines = []        # of stderr that are none
        self.raw = b''         # all lines of stderr, but a wrapper's own complaints
        self.output = b''      # stdout
        self.partial = b''
        self.n_open = 0
        self.stopped_records = 1  # that there must be; None: not looked at
        self.may_say = None       # a pattern of other lines that stderr may have
        self.pidfd = os.pidfd_open(self.pid)
        events.add(self.pidfd, self.take_end)
        for pipe, take in ((process.stdout, self.take_output), (process.stderr, self.take_errors)):
            if pipe:
                self.n_open += 1
                events.add(pipe, lambda pipe=pipe, take=take: self.take(pipe, take))

    def take(self, pipe, take):
        data = os.read(pipe.fileno(), 1 << 16)
        if not data:
            self.events.remove(pipe)
            self.n_open -= 1
        take(data)

    def take_output(self, data):
        self.output += data

    def take_errors(self, data):
        *lines, self.partial = (self.partial + data).split(b'\n')
        if not data and self.partial:
            lines.append(self.partial)
            self.partial = b''
        for line in lines:
            if WRAPPER and re.match(rb'--\d+-- ', line):  # valgrind: a system call that it does not know
                continue
            self.raw += line + b'\n'
            if logfmt.is_record(line):
                self.records.append(logfmt.parse(line))
            else:
                self.lines.append(line.decode('utf-8', 'backslashreplace'))

    def take_end(self):
        info = os.waitid(os.P_PID, self.pid, os.WEXITED)
        self.process.returncode = info.si_status
        self.end = ({os.CLD_EXITED: 'exited', os.CLD_KILLED: 'killed', os.CLD_DUMPED: 'dumped'}[info.si_code],
                    info.si_status)
        self.events.remove(self.pidfd)
        os.close(self.pidfd)

    def release(self, pipe):
        """Stops reading one of the run's pipes and closes it."""
        self.events.remove(pipe)
        self.n_open -= 1
        pipe.close()

    def ignore(self, pipe):
        """Stops reading; the pipe fills."""
        self.events.remove(pipe)
        self.n_open -= 1

    # ---- doing --------------------------------------------------------------------------------------

    def kill(self, number):
        os.kill(self.pid, number)

    def fence(self, number=USR2):
        """A signal there and back: what the supervisor had to do before, it has done."""
        count = sum(packet['signal'] == number for packet in self.child.signals)
        self.kill(number)
        self.child.wait_signal(number, count + 1)
        return self

    def begun(self):
        """Waits until the gateway has begun and the supervisor is in its loop."""
        self.child.greet()
        self.wait_record('started')
        return self

    # ---- waiting --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def gone(self, pid):
        """Around what ends a process: waits until it has ended."""
        over = []
        pidfd = os.pidfd_open(pid)
        self.events.add(pidfd, lambda: (over.append(1), self.events.remove(pidfd)))
        yield
        self.events.wait(lambda: over, 'process %d to end' % pid)
        os.close(pidfd)

    def of(self, event, **fields):
        return [record for record in self.records if record['event'] == event and
                all(record.get(key) == value for key, value in fields.items())]

    def wait_record(self, event, count=1, **fields):
        """Returns the count-th."""
        def find():
            found = self.of(event, **fields)
            return found[count - 1] if len(found) >= count else None
        return self.events.wait(find, lambda: 'record %s %s (%d times); there is\n%s\n%s' % (
            event, fields, count, self.story(), '\n'.join(self.lines)))

    def wait(self):
        """Waits for the exit, and that everything it said is here. Returns how it ended."""
        self.events.wait(lambda: self.end, lambda: 'the exit of the supervisor; its records are\n%s' %
                         self.story())
        if self.n_open:
            left = living_children()
            if left and self.end == ('killed', KILL):
                # Its helpers go on until their own bounds.
                self.events.poll(lambda: not living_children(), 'its helpers to end')
            elif left:
                raise AssertionError('processes outlived the supervisor: %s; its records are\n%s' % (
                    ', '.join(left[:20]), self.story()))
            self.events.wait(lambda: self.n_open == 0, 'the end of its output')
        return self.end

    def kill_supervisor(self):
        """And nobody else. Returns how it ended, once the kernel has taken the gateway along."""
        self.stopped_records = 0
        with self.gone(self.child.pid):
            self.kill(KILL)
        return self.wait()

    def stop(self, number=TERM):
        self.kill(number)
        return self.wait()

    @property
    def stopped(self):
        self.wait()
        found = self.of('stopped')
        if len(found) != 1:
            raise AssertionError('%d stopped records:\n%s' % (len(found), '\n'.join(map(str, found))))
        return found[0]

    def story(self):
        """The records in brief."""
        return '\n'.join('%s %s: %s' % (record['ts'], record['event'], record['msg']) for record in self.records)

    def phases(self):
        """[(name, signal, whether it timed out)] of the phase records."""
        return [(record['phase'], record['phase_signal'], record['timed_out'] == 'yes')
                for record in self.of('phase')]


class DirectTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix='gatewatch-direct-')
        os.chmod(self.directory, 0o755)
        self.events = Events()
        self.runs = []
        self.closing = []
        self.environment = {
            'PATH': PATH, 'LC_ALL': 'C.UTF-8', 'HOME': self.directory,
            'XDG_STATE_HOME': os.path.join(self.directory, 'state'),
            # Under ASan only: it would set a limit that the gateway inherits.
            'ASAN_OPTIONS': 'disable_coredump=0:' + os.environ.get('ASAN_OPTIONS', ''),
            'UBSAN_OPTIONS': 'print_stacktrace=1:' + os.environ.get('UBSAN_OPTIONS', ''),
        }
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self.close)
        self.addCleanup(end_children)

    def close(self):
        for each in self.closing:
            each.close()

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def notify_socket(self, **settings):
        """A socket that stands for systemd's; from now on runs are told of it."""
        found = NotifySocket(self.events, self.path('notify'), **settings)
        self.closing.append(found)
        self.environment['NOTIFY_SOCKET'] = found.address
        return found

    def start(self, *options, command=None, environment=(), prelude='', before=(), after=(), channels=1,
              fds=(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
              verbose=True, cwd=None, **settings):
        """Begins a run.

        command:     in place of a child by remote control; "" for no command
        environment: beside self.environment; a value of None takes one away
        prelude:     Python that is run in the process that becomes the supervisor; PIPE and XFSZ are as
                     they were for it, not as Python makes them
        before:      a command in front of it that executes or forks it
        after:       further arguments of the child
        fds:         to inherit
        verbose:     with records on the console down to debug
        """
        pipes = [Channel(self.events, 'child %d' % i) for i in range(channels if command is None else 0)]
        self.closing += pipes
        if command is None:
            command = [*PYTHON, os.path.join(HERE, 'child.py'), str(pipes[0].other_fd), *after]
        words = [*WRAPPER, GATEWATCH, 'run']
        if verbose:
            words += ['--log-target=console', '--log-level=debug']
        words += [*options, *(['--', *command] if command else [])]
        if prelude:
            code = ('import os, sys, signal, resource\n%s\n'
                    'for number in (signal.SIGPIPE, signal.SIGXFSZ): signal.signal(number, signal.SIG_DFL)\n'
                    'os.execv(sys.argv[1], sys.argv[1:])' % prelude)
            words = [*PYTHON, '-c', code, shutil.which(words[0], path=PATH) or words[0], *words[1:]]
        variables = {**self.environment, **dict(environment)}
        inherited = [pipe.other_fd for pipe in pipes] + list(fds)
        process = subprocess.Popen(
            [*before, *words], cwd=cwd or self.directory, stdin=stdin, stdout=stdout, stderr=stderr,
            env={name: value for name, value in variables.items() if value is not None},
            pass_fds=inherited, **settings)
        for pipe in pipes:
            pipe.other.close()
        run = Run(self.events, process, pipes)
        self.runs.append(run)
        return run

    def tearDown(self):
        for run in self.runs:
            if run.end is None:
                run.kill(KILL)
                self.events.wait(lambda: run.end, 'the end of a run that was left behind')
                self.fail('the test left a run behind')
            run.wait()
        self.assertEqual(living_children(), [], 'processes outlived their supervisor')
        for run in self.runs:
            self.assert_records(run)

    def assert_records(self, run):
        """What holds for every run."""
        if run.stopped_records is not None:
            self.assertEqual(len(run.of('stopped')), run.stopped_records, '`stopped` records')
            if run.stopped_records:
                self.assertEqual(run.records[-1]['event'], 'stopped', 'the last record')
        said = [line for line in run.lines if not (run.may_say and re.search(run.may_say, line))]
        if WRAPPER:
            said = without_valgrind_death(said)
        self.assertEqual(said, [], 'lines on stderr that are no records')
        self.assertLessEqual(len({record.get('run_id') for record in run.records}), 1, run.records)
        for record in run.records:
            self.assertRegex(record.get('run_id', ''), '^[0-9a-f]{32}$', record)
            self.assertRegex(record.get('uptime_usec', ''), '^[0-9]+$', record)
            self.assertTrue(record.get('name'), record)
            self.assertTrue(record.get('msg'), record)
            if record['event'] == 'phase':
                self.assertRegex(record['msg'], r' \+\d+\.\d\ds', record)
            if record['event'] in ('signal', 'forwarded'):
                expected = {'signal', 'signal_number', 'sender_code'}
                if record['sender_code'] != 'SI_KERNEL':
                    expected |= {'sender_pid', 'sender_uid'}
                self.assertLessEqual(expected, set(record), record)

    def assert_fields(self, record, **fields):
        self.assertEqual({key: record.get(key) for key in fields}, fields, record)

    def assert_stopped(self, run, **fields):
        """Waits for the end and compares fields of the last record; returns it."""
        record = run.stopped
        self.assert_fields(record, **fields)
        return record


def without_valgrind_death(lines):
    """valgrind reports a death by signal, with a stack, on lines of its own. That death is what the test
    wanted; errors still show as valgrind's exit status."""
    kept, is_report = [], False
    for line in lines:
        if not re.match(r'==\d+== ?', line):
            is_report = False
            kept.append(line)
        elif 'Process terminating with default action' in line:
            is_report = True
        elif not is_report and line.split('==')[-1].strip():
            kept.append(line)
    return kept
