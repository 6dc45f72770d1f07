# SPDX-License-Identifier: MIT
"""On a terminal: the kernel signals the whole foreground process group, the supervisor is only one of it."""

import fcntl
import os
import signal
import struct
import termios
import tty

from harness import (CONT, DirectTest, HUP, INT, KILL, PYTHON, QUIT, SI_KERNEL, TERM, TSTP, WINCH,
                     stat_fields)

CTRL_C, CTRL_BACKSLASH, CTRL_Z = b'\x03', b'\x1c', b'\x1a'


class TerminalTest(DirectTest):
    """The test is the shell: leader of a session with a terminal, whose jobs have process groups."""

    def setUp(self):
        super().setUp()
        self.master, self.slave = os.openpty()
        for fd in (self.master, self.slave):
            self.addCleanup(self.close_quietly, fd)

    @staticmethod
    def close_quietly(fd):
        try:
            os.close(fd)
        except OSError:
            pass

    def job(self, *options, prelude='', **settings):
        """A run in the foreground, in a process group of its own."""
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, lambda *_: None)
        signal.signal(signal.SIGHUP, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
        run = self.start(*options, stdin=self.slave, stdout=self.slave, prelude='''
os.setpgid(0, 0)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
os.tcsetpgrp(0, os.getpid())
signal.pthread_sigmask(signal.SIG_SETMASK, [])
%s''' % prelude, **settings).begun()
        self.assertEqual(run.child.hello['pgrp'], run.pid)
        return run

    def leader(self, *options, **settings):
        """A run that leads the terminal's session, as under ssh -t or StandardInput=tty."""
        run = self.start(*options, stdin=self.slave, stdout=self.slave, prelude='''
import fcntl, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
''', **settings).begun()
        self.assertEqual(run.child.hello['session'], run.pid)
        return run

    def type(self, keys):
        os.write(self.master, keys)


    def state(self, pid):
        return stat_fields(pid)[0]

    def assert_key_stops(self, run, key, number, name):
        run.child.do('on.update({%d: "os._exit(0)"})' % number)
        run.fence()
        self.type(key)
        packet = run.child.wait_signal(number)
        self.assertEqual(packet['code'], SI_KERNEL)
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(run.child.numbers(), [12, number])
        self.assert_stopped(run, outcome='clean', cause='terminal', signal=name, sender_code='SI_KERNEL')

    def test_interrupt_key_reaches_the_gateway_exactly_once(self):
        self.assert_key_stops(self.job(), CTRL_C, INT, 'SIGINT')

    def test_interrupt_key_reaches_the_gateway_of_a_session_leader_exactly_once(self):
        self.assert_key_stops(self.leader(), CTRL_C, INT, 'SIGINT')

    def test_quit_key_reaches_the_gateway_exactly_once(self):
        self.assert_key_stops(self.job(), CTRL_BACKSLASH, QUIT, 'SIGQUIT')

    def test_interrupt_key_twice_reaches_the_gateway_twice_by_the_kernel_alone(self):
        run = self.job()
        run.child.do('on.clear()')
        run.fence()
        for count in (1, 2):
            self.type(CTRL_C)
            packet = run.child.wait_signal(INT, count)
            self.assertEqual(packet['code'], SI_KERNEL)
            run.wait_record('signal', count)
        run.fence()
        self.assertEqual(run.child.numbers(), [12, INT, INT, 12])
        run.child.cast('os._exit(0)')
        run.wait()
        self.assert_stopped(run, cause='terminal', outcome='clean')

    def test_interrupt_key_does_not_repeat_the_interrupt_phase(self):
        run = self.job('--stop-schedule=drain:TERM@main/100ms,interrupt:INT@main/100ms,kill:KILL@all/20s')
        run.child.do('on.clear()')
        run.fence()
        self.type(CTRL_C)
        self.assertEqual(run.wait(), ('killed', KILL))
        self.assertEqual(run.child.numbers(), [12, INT])

    def test_interrupt_key_reaches_a_gateway_in_another_group_by_the_supervisor(self):
        """A gateway that left the foreground group got nothing from the kernel: it is told."""
        run = self.job()
        run.child.do('os.setpgid(0, 0); on.update({2: "os._exit(0)"})')
        run.fence()
        self.type(CTRL_C)
        packet = run.child.wait_signal(INT)
        self.assertEqual(packet['sender'], run.pid)
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(run.child.numbers(), [12, INT])

    def assert_resize_arrives_once(self, run):
        run.fence()
        for rows in (40, 41):
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, 100, 0, 0))
            run.child.wait_signal(WINCH, rows - 39)
            run.fence()
        self.assertEqual(run.child.numbers(), [12, WINCH, 12, WINCH, 12])
        self.assertEqual({packet['code'] for packet in run.child.signals if packet['signal'] == WINCH}, {SI_KERNEL})
        run.stop()

    def test_resize_reaches_the_gateway_exactly_once(self):
        self.assert_resize_arrives_once(self.job())

    def test_resize_reaches_the_gateway_of_a_session_leader_exactly_once(self):
        self.assert_resize_arrives_once(self.leader())

    @staticmethod
    def passed_on(run, name):
        return [record['signal'] for record in run.of('forwarded')].count(name)

    def test_suspend_key_stops_both_and_the_foreground_continues_them(self):
        run = self.job()
        run.child.do('unblock(%d)' % TSTP)
        run.fence()
        for n in (1, 2):
            self.type(CTRL_Z)
            # What a shell sees of its job.
            info = os.waitid(os.P_PID, run.pid, os.WSTOPPED)
            self.assertEqual(info.si_code, os.CLD_STOPPED)
            self.events.poll(lambda: self.state(run.child.pid) == 'T', 'the gateway to stop')
            os.tcsetpgrp(self.slave, os.getpgrp())
            # fg
            os.tcsetpgrp(self.slave, run.pid)
            os.killpg(run.pid, CONT)
            run.child.wait_signal(CONT)
            # The supervisor passes its own on, and that must not undo the next stop.
            self.events.poll(lambda: self.passed_on(run, 'SIGCONT') >= n, 'SIGCONT to be passed on')
            run.fence()
            self.assertEqual((self.state(run.pid) in 'SR', self.state(run.child.pid) in 'SR'), (True, True))
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertNotIn(TSTP, run.child.numbers())
        self.assert_stopped(run, outcome='clean')

    def test_suspended_job_can_be_stopped(self):
        run = self.job()
        run.child.do('unblock(%d)' % TSTP)
        run.fence()
        self.type(CTRL_Z)
        os.waitid(os.P_PID, run.pid, os.WSTOPPED)
        run.kill(TERM)
        run.kill(CONT)  # what kill(1) of a shell and systemd send with it
        self.assertEqual(run.wait(), ('exited', 0))
        self.assert_stopped(run, outcome='clean', signal='SIGTERM')

    def test_suspend_key_of_a_session_leader_is_ignored_as_by_any_program(self):
        """Nobody could continue an orphaned process group, so SIGTSTP does not stop it (setpgid(2),
        signal(7)): neither the gateway nor the supervisor."""
        run = self.leader()
        run.child.do('unblock(%d)' % TSTP)
        run.fence()
        self.type(CTRL_Z)
        self.type(b'line\n')  # it goes on reading: its terminal is alive
        self.assertEqual(run.child.do('os.read(0, 99).decode()'), 'line\n')
        run.fence()
        self.assertEqual(run.stop(), ('exited', 0))

    def test_hangup_reaches_the_gateway_of_a_session_leader_exactly_once(self):
        """The kernel tells the leader of the session alone: it is the supervisor's to pass on."""
        run = self.leader()
        run.child.do('on.update({1: "os._exit(8)"})')
        run.fence()
        os.close(self.slave)
        os.close(self.master)
        run.child.wait_signal(HUP)
        self.assertEqual(run.wait(), ('exited', 8))
        self.assertEqual(run.child.numbers(), [12, HUP])

    def test_hangup_of_a_shell_that_ends_reaches_the_gateway_exactly_once(self):
        """When the leader of the session exits, the kernel signals the foreground group, both of us."""
        read_fd, write_fd = os.pipe()
        shell = self.write('shell.py', '''
import fcntl, os, signal, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
    os.tcsetpgrp(0, os.getpid())
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.close(%d)
    os.execvp(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.read(%d, 1)
os._exit(0)
''' % (read_fd, read_fd))
        run = self.start(before=[*PYTHON, shell], stdin=self.slave, stdout=self.slave, fds=[read_fd])
        run.begun()
        run.child.do('on.update({1: "os._exit(8)"})')
        supervisor = run.child.hello['ppid']
        self.assertNotEqual(supervisor, run.pid)
        os.kill(supervisor, signal.SIGUSR2)
        run.child.wait_signal(signal.SIGUSR2)
        os.close(read_fd)
        os.write(write_fd, b'x')
        os.close(write_fd)
        packet = run.child.wait_signal(HUP)
        self.assertEqual(packet['code'], SI_KERNEL)
        self.events.wait(lambda: run.end, 'the shell to end')
        # Ours to reap, since the shell is gone.
        info = os.waitid(os.P_PID, supervisor, os.WEXITED)
        self.assertEqual((info.si_code, info.si_status), (os.CLD_EXITED, 8))
        run.wait()
        self.assertEqual(run.child.numbers(), [12, HUP])

    def test_terminal_is_usable_by_the_gateway(self):
        run = self.job()
        tty.setraw(self.slave)
        self.type(b'x')
        self.assertEqual(run.child.do('os.read(0, 1).decode()'), 'x')
        self.assertEqual(run.child.do('os.tcgetpgrp(0)'), run.pid)
        run.child.do('os.write(1, b"answer")')
        self.assertEqual(os.read(self.master, 99), b'answer')
        run.stop()
