# SPDX-License-Identifier: MIT
"""Deadlines that meet other events: what is recorded, what the cause is, and what stays armed."""

import fcntl
import json
import os
import signal
import socket
import subprocess

import harness
import logfmt
from harness import DEADLINE_SECONDS, DirectTest, INT, KILL, TERM, USR1

ABRT = signal.SIGABRT
TRIGGER = 'notify("WATCHDOG=trigger")'
# One that has no drain to wait for: what follows a signal that does not help follows soon.
SCHEDULE = '--stop-schedule=drain:TERM@main/400ms,interrupt:INT@main/400ms,kill:KILL@all/20s'


class DeadlinesTest(DirectTest):
    def deaf(self, *options, **settings):
        """A gateway that obeys nothing but a SIGKILL."""
        run = self.start(*options, **settings).begun()
        run.wait_record('ready')
        run.child.do('on.clear()')
        return run

    # ---- the heartbeat ---------------------------------------------------------------------------------

    def test_heartbeat_of_a_gateway_that_has_ended_is_not_missed(self):
        """Others outlive main: nobody beats any more, and nobody has to."""
        run = self.start('--watchdog=300ms', '--stop-schedule=terminate:TERM@others/1s,kill:KILL@all/20s').begun()
        run.child.do('grandchildren(1, "ready(); linger()")')
        run.child.cast('os._exit(3)')
        self.assertEqual(run.wait(), ('exited', 3))
        self.assertEqual(run.of('watchdog'), [])
        self.assertEqual(run.of('stuck', missed='heartbeat'), [])
        self.assert_stopped(run, outcome='failed', cause='exit')

    def test_heartbeat_missed_with_a_dump_that_ends_the_gateway(self):
        run = self.deaf('--watchdog=300ms', '--dump-signal=USR1')
        run.child.do('on.update({10: "die_by(10)"})')
        self.assertEqual(run.wait(), ('killed', USR1))
        self.assert_stopped(run, outcome='failed', cause='watchdog', exit_status='SIGUSR1')
        self.assertEqual(len(run.of('stuck', missed='heartbeat', dump_signal='SIGUSR1')), 1)

    def test_heartbeat_missed_with_a_dump_waits_for_a_second(self):
        run = self.deaf('--watchdog=300ms', '--dump-signal=USR1', SCHEDULE)
        self.assertEqual(run.wait(), ('killed', KILL))
        # The second one is that of the kill.
        self.assertEqual(run.child.numbers(), [USR1, ABRT, INT, USR1])
        self.assert_stopped(run, outcome='killed', cause='watchdog')

    def test_stop_between_the_missed_heartbeat_and_its_signal_goes_first(self):
        run = self.deaf('--watchdog=300ms', '--dump-signal=USR1', '--drain-timeout=60s')
        run.child.wait_signal(USR1)
        run.kill(TERM)
        run.child.wait_signal(TERM)
        run.wait_record('stuck', missed='heartbeat')  # and not only at the end
        run.child.cast('os._exit(0)')
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(run.child.numbers(), [USR1, TERM])
        self.assert_stopped(run, outcome='clean', cause='signal', signal='SIGTERM')
        self.assertEqual(len(run.of('stuck')), 1)

    # ---- steps ------------------------------------------------------------------------------------------

    def test_step_that_moves_the_ladder_once_nothing_is_active_was_not_overslept(self):
        """Overdue for long, and only the work in flight held the ladder back."""
        run = self.deaf('--drain-timeout=60s')
        run.child.do('notify("X_GATEWATCH_ACTIVE=1")')
        run.kill(TERM)
        run.child.wait_signal(TERM)
        run.child.do('notify("X_GATEWATCH_STEP_BEGIN=close\\nX_GATEWATCH_STEP_TIMEOUT_USEC=50000")')
        run.wait_record('step', step='close', timed_out='yes')
        run.child.do('time.sleep(1)')  # the time itself is what is looked at
        run.child.do('on.update({2: "os._exit(0)"})')
        run.child.do('notify("X_GATEWATCH_ACTIVE=0")')
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(run.of('phase')[0]['ended_by'], 'step-timeout')
        stuck = run.of('stuck', missed='step')[0]
        self.assertLess(int(stuck['supervisor_late_usec']), 900000, stuck)

    # ---- dumps ------------------------------------------------------------------------------------------

    def test_gateway_that_ends_by_its_dump_did_not_end_by_itself(self):
        """Its drain was over but for a moment: that is no clean end."""
        run = self.deaf('--stop-schedule=drain:TERM@main/600ms,kill:KILL@all/20s', '--dump-signal=USR1')
        run.child.do('on.update({10: "die_by(10)"})')
        self.assertEqual(run.stop(), ('killed', USR1))
        self.assert_stopped(run, outcome='escalated', cause='signal', exit_status='SIGUSR1')

    # ---- helpers ----------------------------------------------------------------------------------------

    def test_connections_are_counted_for_as_long_as_the_drain_takes(self):
        notify = self.notify_socket()
        run = self.deaf('--ready=exec', '--drain-timeout=60s')
        run.child.do('globals()["listener"] = socket.create_server(("127.0.0.1", 0))')
        client = socket.create_connection(('127.0.0.1', run.child.do('listener.getsockname()[1]')))
        self.closing.append(client)
        run.child.do('globals().update(accepted=listener.accept())')
        run.kill(TERM)
        notify.wait_for('STATUS=Draining: 1 connections, .*', 11)
        run.child.cast('os._exit(0)')
        self.assertEqual(run.wait(), ('exited', 0))
        self.assert_stopped(run, active_source='sockets', active_now='1')
