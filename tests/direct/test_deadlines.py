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
from fuse import SilentFs
from harness import DEADLINE_SECONDS, DirectTest, INT, KILL, TERM, USR1, need_root, unless_wrapped

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

    def test_heartbeat_missed_runs_the_ladder_with_its_signal(self):
        for signo, name, numbers in ((ABRT, 'ABRT', [ABRT, INT]), (TERM, 'TERM', [TERM, INT]), (INT, 'INT', [INT])):
            with self.subTest(signo=signo):
                run = self.deaf('--watchdog=300ms', '--watchdog-signal=' + name, SCHEDULE)
                self.assertEqual(run.wait(), ('killed', KILL))
                self.assertEqual(run.child.numbers(), numbers)
                self.assert_stopped(run, outcome='killed', cause='watchdog', signal=None)
                self.assertEqual(len(run.of('watchdog')), 1)
                self.assertEqual(len(run.of('stuck', missed='heartbeat')), 1)
                self.assertEqual(len(run.of('cause', cause='watchdog')), 1)

    @unless_wrapped('a look takes longer than it may')
    def test_heartbeat_missed_with_kill_kills_at_once(self):
        for options in (['--watchdog-signal=KILL'], ['--stop-schedule=kill:KILL@all/20s']):
            with self.subTest(options=options):
                run = self.deaf('--watchdog=300ms', *options)
                self.assertEqual(run.wait(), ('killed', KILL))
                self.assertEqual(run.child.numbers(), [])
                self.assert_stopped(run, outcome='killed', cause='watchdog', exit_status='SIGKILL')

    def test_heartbeat_missed_and_obeyed_is_forced_and_leaves_no_marker(self):
        state = self.path('the-state')
        run = self.deaf('--watchdog=300ms', '--state-dir=' + state)
        run.child.do('on.update({6: "die_by(6)"})')
        self.assertIn(run.wait(), [('killed', ABRT), ('dumped', ABRT)])
        self.assert_stopped(run, outcome='escalated', cause='watchdog', exit_status='SIGABRT')
        self.assertFalse(os.path.exists(os.path.join(state, '.clean_shutdown')))
        after = self.start('--state-dir=' + state).begun()
        self.assertEqual(after.child.greet()['environment']['GATEWATCH_PREVIOUS'], 'escalated')
        after.stop()

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

    def test_trigger_with_stopping_in_one_message_is_one_stop(self):
        run = self.deaf('--watchdog=60s', SCHEDULE)
        run.child.do('notify("STOPPING=1\\nWATCHDOG=trigger\\nX_GATEWATCH_STEP_BEGIN=close")')
        self.assertEqual(run.wait(), ('killed', KILL))
        self.assertEqual(len(run.of('cause')), 1)
        run.stopped

    @unless_wrapped('a look takes longer than it may')
    def test_trigger_of_a_gateway_that_exits_at_once_is_recorded(self):
        run = self.deaf('--watchdog=60s')
        run.child.cast(TRIGGER + ', os._exit(7)')
        self.assertEqual(run.wait(), ('exited', 7))
        self.assert_stopped(run, outcome='failed', cause='watchdog')
        self.assertEqual(len(run.of('stuck', missed='heartbeat')), 1)

    @unless_wrapped('no other main is taken over there')
    def test_main_replaced_while_it_is_looked_at_gets_the_watchdogs_signal(self):
        run = self.deaf('--watchdog=60s', channels=2)
        pid = run.child.do('fork_to(%d)' % run.channels[1].other_fd)
        after = run.channels[1]
        after.greet()
        after.do('on.update({6: "os._exit(0)"})')
        run.child.do('on.update({15: "os._exit(0)"})')
        run.child.do('%s; notify("MAINPID=%d")' % (TRIGGER, pid))
        run.wait()
        self.assertEqual((run.child.numbers(), after.numbers()), ([TERM], [ABRT]))
        self.assert_stopped(run, outcome='escalated', cause='watchdog')
        self.assertEqual(len(run.of('stuck')), 1)

    def test_reload_with_steps_suspends_the_heartbeat_and_ends_nothing(self):
        run = self.deaf('--watchdog=200ms')
        run.child.do('notify("RELOADING=1\\nX_GATEWATCH_STEP_BEGIN=reread\\nX_GATEWATCH_STEP_TIMEOUT_USEC=400000")')
        run.wait_record('step', step='reread', step_end='open')  # two intervals later
        run.child.do('notify("READY=1\\nX_GATEWATCH_STEP_END=reread")')
        run.wait_record('step', step='reread', step_end='late')
        self.assertEqual(run.of('watchdog'), [])
        run.wait_record('watchdog')
        run.child.wait_signal(ABRT)
        run.child.cast('os._exit(0)')
        self.assert_stopped(run, outcome='escalated', cause='watchdog', steps_count=None)

    def test_step_stop_between_the_missed_heartbeat_and_its_signal_goes_first(self):
        """Two deadlines missed, each is recorded; one stop."""
        run = self.deaf('--watchdog=300ms', '--dump-signal=USR1', '--on-step-timeout=stop', '--drain-timeout=60s')
        run.child.wait_signal(USR1)
        run.child.do('on.update({15: "os._exit(0)"})')
        run.child.do('notify("X_GATEWATCH_STEP_BEGIN=a\\nX_GATEWATCH_STEP_TIMEOUT_USEC=1000")')
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(run.child.numbers(), [USR1, TERM])
        self.assert_stopped(run, outcome='escalated', cause='step-timeout')
        self.assertEqual([record['missed'] for record in run.of('stuck')], ['heartbeat', 'step'])

    # ---- steps ------------------------------------------------------------------------------------------

    def test_stopping_with_steps_in_one_message_counts_them(self):
        run = self.deaf()
        run.child.do('notify("STOPPING=1\\nX_GATEWATCH_STEP_BEGIN=one\\nX_GATEWATCH_STEP_END=one\\n'
                     'X_GATEWATCH_STEP_BEGIN=two\\nREADY=1")')
        run.child.cast('os._exit(0)')
        self.assertEqual(run.wait(), ('exited', 0))
        stopped = self.assert_stopped(run, outcome='clean', steps_count='2')
        self.assertEqual([(step['name'], step['end']) for step in json.loads(stopped['steps'])],
                         [('one', 'done'), ('two', 'abandoned')])

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

    def test_step_that_runs_over_begins_a_stop_that_leaves_no_marker(self):
        state = self.path('the-state')
        run = self.deaf('--on-step-timeout=stop', '--state-dir=' + state, '--dump-signal=USR1', '--watchdog=10min')
        run.child.do('on.update({15: "os._exit(0)"})')
        run.child.do('notify("X_GATEWATCH_STEP_BEGIN=a\\nX_GATEWATCH_STEP_TIMEOUT_USEC=1")')
        self.assertEqual(run.wait(), ('exited', 0))
        self.assert_stopped(run, outcome='escalated', cause='step-timeout', signal=None)
        self.assertFalse(os.path.exists(os.path.join(state, '.clean_shutdown')))
        self.assertEqual(len(run.of('stuck', missed='step')), 1)
        self.assertEqual(len(run.of('step', step='a', step_end='open')), 1)

    def test_steps_that_are_overdue_together_move_the_ladder_once(self):
        run = self.deaf('--drain-timeout=60s')
        fcntl.fcntl(run.process.stderr, fcntl.F_SETPIPE_SZ, 1 << 20)  # what it does not take is lost
        run.kill(TERM)
        run.child.wait_signal(TERM)
        run.child.do('on.update({2: "os._exit(0)"})')
        run.child.do(
            'end = time.monotonic_ns() // 1000 + 1500000\n'
            'for i in range(256):\n'
            '    left = end - time.monotonic_ns() // 1000\n'
            '    notify("X_GATEWATCH_STEP_BEGIN=%d\\nX_GATEWATCH_STEP_TIMEOUT_USEC=%d" % (i, left))\n'
            'barrier()')
        run.kill(signal.SIGSTOP)  # so that it finds them all in one turn
        run.child.do('while time.monotonic_ns() // 1000 < end + 100000: pass')
        run.kill(signal.SIGCONT)
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual([phase[0] for phase in run.phases()], ['drain', 'interrupt'])
        self.assertEqual(len(run.of('step', step_end='open')), 64)
        self.assert_stopped(run, outcome='escalated', steps_count='256')

    @unless_wrapped('the busy loop does not get its share')
    def test_steps_that_are_overdue_one_after_the_other_have_one_reason(self):
        run = self.deaf('--drain-timeout=60s')
        run.kill(TERM)
        run.child.wait_signal(TERM)
        run.child.do('on.update({2: "os._exit(0)"})')
        run.child.cast(
            'for i in range(3):\n'
            '    notify("X_GATEWATCH_STEP_BEGIN=%d\\nX_GATEWATCH_STEP_TIMEOUT_USEC=%d" % (i, 800000 + 3000 * i))\n'
            'end = time.monotonic() + 1.2\n'
            'while time.monotonic() < end: pass')
        self.assertEqual(run.wait(), ('exited', 0))
        seen = [*run.of('step', step_end='open'), *run.of('stuck', missed='step')]
        self.assertEqual(len(seen), 4)
        for record in seen:
            self.assertGreater(int(record['stall_window_usec']), 400000, record)
            self.assertNotEqual(record['stall'], 'unknown', record)

    def test_steps_left_open_by_main_do_not_outlive_the_stop(self):
        run = self.deaf('--stop-schedule=drain:TERM@main/60s,terminate:TERM@others/5s,kill:KILL@all/20s')
        run.child.do('grandchildren(1, "ready(); linger()")')
        run.kill(TERM)
        run.child.wait_signal(TERM)
        run.child.do('notify("X_GATEWATCH_STEP_BEGIN=a\\nX_GATEWATCH_STEP_TIMEOUT_USEC=300000")')
        run.child.cast('os._exit(0)')
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual([(phase[0], record['ended_by']) for phase, record in zip(run.phases(), run.of('phase'))],
                         [('drain', 'targets'), ('terminate', 'step-timeout'), ('kill', 'targets')])
        self.assert_stopped(run, outcome='killed', cause='signal')
        self.assertEqual(len(run.of('stuck', missed='step')), 1)

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

    # ---- a gateway that no SIGKILL ends -----------------------------------------------------------------

    def silent_fs(self):
        os.mkdir(self.path('silent'))
        try:
            fs = SilentFs(self.events, self.path('silent'))
        except OSError as error:
            self.skipTest('no FUSE file system can be mounted: %s' % error)
        self.addCleanup(fs.close)
        return fs

    def hang(self, run, fs):
        """Main waits for a file system that does not answer, beyond SIGKILL."""
        run.child.cast('os.read(os.open(%r, os.O_RDONLY | os.O_DIRECT), 4096)' % fs.path)
        self.events.wait(lambda: fs.n_reads, 'a read to come to the file system')

    @need_root
    def test_second_signal_in_the_last_phase_is_not_what_ends_it(self):
        fs = self.silent_fs()
        run = self.deaf('--second-signal=escalate', '--stop-schedule=drain:TERM@main/10s,kill:KILL@all/20s')
        self.hang(run, fs)
        run.kill(TERM)
        run.wait_record('signal')
        run.kill(TERM)
        run.wait_record('phase', phase='drain', ended_by='second-signal')
        run.kill(TERM)
        run.wait_record('signal', 3)
        fs.close()
        self.assertEqual(run.wait(), ('killed', KILL))
        self.assertEqual([record['ended_by'] for record in run.of('phase')], ['second-signal', 'targets'])

    # ---- the supervisor killed -----------------------------------------------------------------------

    def test_supervisor_killed_in_a_stop_of_the_watchdog_has_its_cause(self):
        option = '--state-dir=' + self.path('the-state')
        run = self.deaf('--watchdog=300ms', option, '--drain-timeout=60s')
        run.child.wait_signal(ABRT)
        run.wait_record('stuck', missed='heartbeat')
        run.fence()
        run.kill_supervisor()
        post = subprocess.run(
            [harness.GATEWATCH, 'post', '--log-target=console', option], cwd=self.directory, check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
            timeout=DEADLINE_SECONDS)
        records = [logfmt.parse(line) for line in post.stderr.splitlines() if logfmt.is_record(line)]
        self.assertEqual([record['event'] for record in records], ['stopped'])
        self.assert_fields(records[0], cause='watchdog', outcome='lost', previous_phase='drain')
        self.assertFalse(os.path.exists(self.path('the-state', '.clean_shutdown')))
