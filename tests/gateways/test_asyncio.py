# SPDX-License-Identifier: MIT
"""A Python gateway stopped with sessions open: it gets one SIGTERM and time."""

import os
import re
import signal
import socket
import sys

from support import GatewayTest, Supervision, is_alive, parent_of, stop_under_load, WAIT_SECONDS

N_SESSIONS = 8
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'asyncio_gateway.py')
SUPERVISION = Supervision(ready='notify')


class Sessions:
    """Clients in the middle of a session."""

    def __init__(self, port):
        self.files = []
        for _ in range(N_SESSIONS):
            connection = socket.create_connection(('127.0.0.1', port), timeout=WAIT_SECONDS)
            self.files.append(connection.makefile('rwb'))
            connection.close()  # the file keeps it open
        for file in self.files:
            self.say(file, b'hello\n', b'ok\n')

    @staticmethod
    def say(file, line, answer):
        try:
            file.write(line)
            file.flush()
            return file.readline() == answer
        except OSError:
            return False

    def release(self):
        """They go on, whenever they are asked to finish."""

    def finish(self):
        n_finished = 0
        for file in self.files:
            n_finished += self.say(file, b'more\n', b'ok\n') and self.say(file, b'end\n', b'2 lines\n')
            try:
                file.close()
            except OSError:
                pass
        return n_finished, N_SESSIONS - n_finished


class AsyncioTest(GatewayTest):
    def start_gateway(self, supervision, *arguments):
        gateway = self.start([sys.executable, '-u', PROGRAM, *arguments], supervision)
        gateway.notify.wait_for('READY=1')
        port = int(re.search(r'\d+$', gateway.log.wait_for('listening on')).group())
        return gateway, port

    def stop(self, supervision, *arguments):
        gateway, port = self.start_gateway(supervision, *arguments)
        return stop_under_load(gateway, signal.SIGTERM, Sessions(port),
                               lambda: gateway.log.wait_for('draining'))

    def test_asyncio_second_term_without_gatewatch_abandons_sessions(self):
        """The control: these sessions can be lost, and the test would see it."""
        gateway, port = self.start_gateway(None)

        def signal_again():
            gateway.log.wait_for('draining')
            gateway.process.send_signal(signal.SIGTERM)
            gateway.log.wait_for('drained')

        alone = stop_under_load(gateway, signal.SIGTERM, Sessions(port), signal_again)
        self.assertGreater(alone.cut, 0)
        self.assertEqual(alone.status, 3)

    def test_asyncio_term_under_load_finishes_sessions_as_without_gatewatch(self):
        alone = self.stop(None)
        under = self.stop(SUPERVISION)
        self.assert_nothing_lost(alone, N_SESSIONS)
        self.assert_nothing_lost(under, N_SESSIONS)
        self.assert_same_stop(under, alone)
        self.assertEqual(under.status, 0)
        self.assertTrue([line for line in under.log
                         if line == 'draining %d sessions' % N_SESSIONS], under.log)
        self.assert_recorded(under, outcome='clean', exit_code='exited', exit_status='0')

    def test_asyncio_second_term_to_gatewatch_reaches_nobody(self):
        gateway, port = self.start_gateway(SUPERVISION)

        def signal_again():
            gateway.log.wait_for('draining')
            gateway.process.send_signal(signal.SIGTERM)

        under = stop_under_load(gateway, signal.SIGTERM, Sessions(port), signal_again)
        self.assert_nothing_lost(under, N_SESSIONS)
        self.assertEqual(under.status, 0)
        self.assertIn('drained, %d finished, 1 stop signals' % N_SESSIONS, under.log)

    def test_asyncio_notifications_are_passed_on(self):
        under = self.stop(SUPERVISION)
        self.assertEqual(under.notified.count('READY=1'), 1)
        self.assertIn('STATUS=Serving', under.notified)
        self.assertIn('STOPPING=1', under.notified)
        self.assertTrue([line for line in under.notified if line.startswith('STATUS=')
                         and 'Draining %d sessions' % N_SESSIONS in line], under.notified)

    def test_asyncio_stray_process_is_ended_with_the_gateway(self):
        """What main leaves behind, in a session of its own, ends before the supervisor does."""
        gateway, port = self.start_gateway(SUPERVISION, '--stray')
        stray_pid = int(gateway.log.wait_for('^stray').split()[1])
        sessions = Sessions(port)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.log.wait_for('draining')
        self.assertEqual(sessions.finish(), (N_SESSIONS, 0))
        self.assertEqual(gateway.wait(), 0)
        self.assertFalse(is_alive(stray_pid))
        self.assertTrue(gateway.log.wait_for(r'\bevent=leftover\b'))

    def test_asyncio_stray_process_without_gatewatch_survives(self):
        """The control: nothing else ends it."""
        gateway, port = self.start_gateway(None, '--stray')
        stray_pid = int(gateway.log.wait_for('^stray').split()[1])
        sessions = Sessions(port)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.log.wait_for('draining')
        self.assertEqual(sessions.finish(), (N_SESSIONS, 0))
        self.assertEqual(gateway.wait(), 0)
        self.assertTrue(is_alive(stray_pid))
        self.assertEqual(parent_of(stray_pid), os.getpid())
