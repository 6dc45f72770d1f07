# SPDX-License-Identifier: MIT
"""Signals to the supervisor: what reaches the gateway, how often, and what is known of the sender."""

import os
import signal

from harness import (CONT, DirectTest, FAST, HUP, INT, QUIT, SI_QUEUE, SI_USER, TERM, TSTP, USR1, USR2,
                     WRAPPER, call, libc, sigqueue)

STOPS_PROCESS = [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU]
BEGINS_STOP = [INT, QUIT, TERM]
STANDARD = [number for number in range(1, 32)
            if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, *BEGINS_STOP, *STOPS_PROCESS)]
if WRAPPER:
    STANDARD = [number for number in STANDARD if number not in (4, 5, 7, 8, 11, 31)]  # faults: valgrind's own
# 32 and 33 are the C library's; valgrind keeps the last one.
REAL_TIME = list(range(34, 64 if WRAPPER else 65))


class ForwardTest(DirectTest):
    def assert_each_arrives_once(self, numbers):
        run = self.start().begun()
        run.child.do('on.clear()')
        for number in numbers:
            run.kill(number)
            packet = run.child.wait_signal(number)
            self.assertEqual((packet['code'], packet['sender']), (SI_USER, run.pid), packet)
        fence = numbers[0]
        run.fence(fence)
        self.assertEqual([packet['signal'] for packet in run.child.signals], [*numbers, fence])
        run.child.do('on.update({15: "os._exit(0)"})')
        self.assertEqual(run.stop(), ('exited', 0))
        for number in numbers:
            self.assertEqual(len(run.of('forwarded', signal_number=str(int(number)))), 1 + (number == fence), number)

    def test_signal_every_standard_one_reaches_the_gateway_exactly_once(self):
        self.assert_each_arrives_once(STANDARD)

    def test_signal_every_real_time_one_reaches_the_gateway_exactly_once(self):
        self.assert_each_arrives_once(REAL_TIME)

    def test_signal_those_that_stop_a_process_reach_the_gateway_exactly_once(self):
        self.assert_each_arrives_once(STOPS_PROCESS)

    def test_signal_child_is_not_forwarded(self):
        run = self.start().begun()
        run.kill(signal.SIGCHLD)
        run.fence()
        run.kill(signal.SIGCHLD)
        run.fence()
        self.assertEqual([packet['signal'] for packet in run.child.signals], [USR2, USR2])
        run.stop()

    def test_signal_is_recorded_with_its_sender(self):
        run = self.start().begun()
        run.fence(USR1)
        self.assert_fields(run.wait_record('forwarded', signal='SIGUSR1'), level='debug', sender_code='SI_USER',
                           signal_number=str(int(USR1)), sender_pid=str(os.getpid()),
                           sender_uid=str(os.getuid()))
        run.stop()

    def test_signal_queued_keeps_value_and_sender(self):
        run = self.start().begun()
        for number in (USR1, HUP, signal.SIGRTMIN + 5):
            sigqueue(run.pid, number, -123456 - number)
            packet = run.child.wait_signal(number)
            self.assertEqual((packet['code'], packet['value'], packet['sender'], packet['uid']),
                             (SI_QUEUE, -123456 - number, os.getpid(), os.getuid()))
            self.assert_fields(run.wait_record('forwarded', signal_number=str(int(number))),
                               sender_code='SI_QUEUE')
        run.stop()

    def test_signal_queued_many_times_arrives_as_often_and_in_order(self):
        run = self.start().begun()
        for value in range(100):
            sigqueue(run.pid, signal.SIGRTMIN + 1, value)
        run.child.wait_signal(signal.SIGRTMIN + 1, 100)
        run.fence()
        self.assertEqual([packet['value'] for packet in run.child.signals if packet['signal'] != USR2],
                         list(range(100)))
        run.stop()

    def test_signal_before_the_gateway_runs_is_not_lost(self):
        """Blocked by the caller and pending over exec: it is the supervisor's."""
        run = self.start(prelude='''
signal.pthread_sigmask(signal.SIG_BLOCK, [10])
if os.fork() == 0:
    os.kill(os.getppid(), 10)
    os._exit(0)
os.wait()
''')
        packet = run.child.wait_signal(USR1)
        self.assertEqual(packet['sender'], run.pid)
        run.stop()

    def test_signal_to_a_gateway_without_handler_stops_and_continues_it(self):
        run = self.start().begun()
        run.child.do('unblock(%d)' % TSTP)
        run.kill(TSTP)
        self.events.poll(lambda: run.child and self.state(run.child.pid) == 'T', 'the gateway to stop')
        self.assertNotEqual(self.state(run.pid), 'T')
        run.kill(CONT)
        run.child.wait_signal(CONT)
        run.stop()

    @staticmethod
    def state(pid):
        with open('/proc/%d/stat' % pid, encoding='utf-8') as file:
            return file.read().rpartition(')')[2].split()[0]


def is_stopped(pid):
    """All threads: one that still runs may take a signal."""
    for task in os.listdir('/proc/%d/task' % pid):
        with open('/proc/%d/task/%s/stat' % (pid, task), encoding='utf-8') as file:
            if file.read().rpartition(')')[2].split()[0] != 'T':
                return False
    return True


class StopSignalTest(DirectTest):
    def test_stop_each_signal_begins_it_and_arrives_once(self):
        for number, arrives in ((TERM, TERM), (INT, INT), (QUIT, TERM)):
            with self.subTest(signal=number):
                run = self.start().begun()
                run.child.do('on.update({2: "os._exit(0)"})')
                self.assertEqual(run.stop(number), ('exited', 0))
                self.assertEqual(run.child.numbers(), [arrives])
                self.assert_stopped(run, outcome='clean', cause='signal', signal=signal.Signals(number).name,
                                    signal_number=str(int(number)), sender_pid=str(os.getpid()))
                self.assert_fields(run.wait_record('signal'), level='notice', sender_code='SI_USER',
                                   signal=signal.Signals(number).name)

    def test_stop_second_signal_is_recorded_and_not_forwarded(self):
        for second in (TERM, INT, QUIT):
            with self.subTest(second=second):
                run = self.start().begun()
                run.child.do('on.clear()')
                run.kill(TERM)
                run.child.wait_signal(TERM)
                run.wait_record('signal')
                run.kill(second)
                self.assert_fields(run.wait_record('signal', 2), signal=signal.Signals(second).name,
                                   sender_pid=str(os.getpid()))
                run.fence()
                self.assertEqual(run.child.numbers(), [TERM, USR2])
                run.child.cast('os._exit(0)')
                self.assertEqual(run.wait(), ('exited', 0))
                self.assertEqual(len(run.of('signal')), 2)
                self.assert_stopped(run, outcome='clean', signal='SIGTERM')

    def test_stop_second_signal_with_escalate_moves_on(self):
        run = self.start('--second-signal=escalate').begun()
        run.child.do('on.clear(); on.update({2: "os._exit(9)"})')
        run.kill(TERM)
        run.child.wait_signal(TERM)
        run.wait_record('signal')
        run.kill(TERM)
        self.assertEqual(run.wait(), ('exited', 9))
        self.assertEqual(run.child.numbers(), [TERM, INT])
        self.assertEqual(run.phases(), [('drain', 'SIGTERM', False), ('interrupt', 'SIGINT', False)])
        self.assert_stopped(run, outcome='escalated')

    def test_stop_signals_with_escalate_climb_to_the_kill(self):
        run = self.start('--second-signal=escalate').begun()
        run.child.do('on.clear()')
        run.kill(TERM)
        run.child.wait_signal(TERM)
        run.wait_record('signal')
        run.kill(TERM)
        run.child.wait_signal(INT)
        run.wait_record('signal', 2)
        run.kill(TERM)
        self.assertEqual(run.wait(), ('killed', 9))
        self.assert_stopped(run, outcome='killed')

    def test_stop_by_interrupt_does_not_repeat_it_in_the_ladder(self):
        run = self.start(FAST).begun()
        run.child.do('on.clear()')
        self.assertEqual(run.stop(INT), ('killed', 9))
        self.assertEqual(run.child.numbers(), [INT])
        self.assertEqual([phase for phase in run.phases() if phase[0] != 'terminate'],  # it is for nobody
                         [('drain', 'SIGINT', True), ('kill', 'SIGKILL', False)])
        self.assert_stopped(run, outcome='killed', signal='SIGINT')

    def test_stop_other_signals_are_forwarded_meanwhile(self):
        run = self.start().begun()
        run.child.do('on.clear()')
        run.kill(TERM)
        run.child.wait_signal(TERM)
        run.fence(HUP)
        run.fence(USR1)
        self.assertEqual(run.child.numbers(), [TERM, HUP, USR1])
        run.child.cast('os._exit(0)')
        run.wait()

    def test_stop_continues_a_stopped_gateway(self):
        run = self.start(command=['sh', '-c', 'trap "exit 5" TERM; echo ready; kill -STOP $$; while :; do sleep 1; done'])
        self.events.wait(lambda: run.output, 'the gateway to begin')
        run.wait_record('ready')
        self.assertEqual(run.stop(), ('exited', 5))
        self.assert_stopped(run, outcome='clean')

    def test_stop_by_signal_that_the_caller_blocks_and_ignores(self):
        run = self.start(prelude='signal.signal(15, signal.SIG_IGN); signal.pthread_sigmask(signal.SIG_BLOCK, [15, 17])',
                         command=['sh', '-c', 'echo ready; exec sleep 3600'])
        self.events.wait(lambda: run.output, 'the gateway to begin')
        run.wait_record('ready')
        run.kill(TERM)
        run.wait_record('signal')
        os.kill(int(run.wait_record('started')['pid']), 9)
        self.assertEqual(run.wait(), ('killed', 9))

    def test_stop_twice_the_same_instant_is_one_stop(self):
        """Two senders of one pending signal are one signal: nobody is told twice."""
        run = self.start().begun()
        run.child.do('on.clear()')
        os.kill(run.pid, signal.SIGSTOP)
        self.events.poll(lambda: is_stopped(run.pid), 'all threads of the supervisor to stop')
        run.kill(TERM)
        run.kill(TERM)
        os.kill(run.pid, CONT)
        run.child.wait_signal(TERM)
        run.fence()
        self.assertEqual(run.child.numbers().count(TERM), 1)
        self.assertEqual(len(run.of('signal')), 1)
        run.child.cast('os._exit(0)')
        run.wait()

    def test_stop_sender_that_is_gone_is_recorded_by_what_the_signal_says(self):
        run = self.start().begun()
        pid = os.fork()
        if pid == 0:
            os.kill(run.pid, TERM)
            os._exit(0)
        os.waitpid(pid, 0)
        run.wait()
        self.assert_stopped(run, outcome='clean', sender_pid=str(pid), sender_code='SI_USER', cause='signal')

    def test_stop_by_tgkill_is_recorded_as_such(self):
        run = self.start().begun()
        call(libc.syscall(234, run.pid, run.pid, int(TERM)))  # tgkill on x86-64
        run.wait()
        self.assert_stopped(run, outcome='clean', sender_pid=str(os.getpid()), sender_code='SI_TKILL')

    def test_stop_by_queued_signal_is_recorded_as_such(self):
        run = self.start().begun()
        sigqueue(run.pid, TERM, 7)
        run.wait()
        self.assert_stopped(run, outcome='clean', sender_pid=str(os.getpid()), sender_code='SI_QUEUE')
