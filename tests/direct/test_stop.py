# SPDX-License-Identifier: MIT
"""The stop ladder on real processes, and what is recorded of it."""

import json

from harness import DirectTest, FAST, INT, KILL, QUIT, TERM, USR1


class LadderTest(DirectTest):
    def assert_phase_records(self, run):
        """What holds for the phases of every stop."""
        stopped = run.stopped
        ended_at = 0
        for record in run.of('phase'):
            self.assertEqual(record['level'], 'warning' if record['timed_out'] == 'yes' else 'info')
            usec, deadline, elapsed = (int(record[key]) for key in ('phase_usec', 'deadline_usec', 'elapsed_usec'))
            self.assertGreaterEqual(elapsed, ended_at)
            self.assertLessEqual(abs(elapsed - ended_at - usec), 1)
            self.assertEqual(record['timed_out'] == 'yes', elapsed >= deadline, record)
            ended_at = elapsed
        self.assertEqual(
            [(phase['name'], phase['timed_out'], phase['usec']) for phase in json.loads(stopped['phases'])],
            [(record['phase'], record['timed_out'] == 'yes', int(record['phase_usec'])) for record in run.of('phase')])
        self.assertGreaterEqual(int(stopped['total_usec']), ended_at)
        return stopped

    def deaf(self, schedule, *numbers):
        """A gateway that ignores all signals but these, on which it exits."""
        run = self.start(schedule).begun()
        run.child.do('on.clear(); on.update({number: "os._exit(0)" for number in %r})' % [*map(int, numbers)])
        return run

    def test_ladder_of_a_deaf_gateway_runs_to_the_kill(self):
        run = self.deaf(FAST)
        self.assertEqual(run.stop(), ('killed', KILL))
        self.assertEqual(run.child.numbers(), [TERM, INT])
        phases = [phase for phase in run.phases() if phase[0] != 'terminate']  # it is for nobody
        self.assertEqual(phases, [('drain', 'SIGTERM', True), ('interrupt', 'SIGINT', True),
                                  ('kill', 'SIGKILL', False)])
        stopped = self.assert_phase_records(run)
        self.assert_fields(stopped, outcome='killed', level='warning', exit_code='killed', exit_status='SIGKILL',
                           recorded_by='run', cause='signal')
        self.assertGreaterEqual(int(stopped['drain_used_usec']), 100000)
        self.assertEqual(run.of('phase')[0]['deadline_usec'], '100000')

    def test_ladder_of_start_stop_daemons_grammar(self):
        run = self.deaf('--stop-schedule=TERM/0.1/QUIT/0.1/-USR1/0.1/KILL/20')
        self.assertEqual(run.stop(), ('killed', KILL))
        self.assertEqual(run.child.numbers(), [TERM, QUIT, USR1])
        self.assertEqual(run.phases(), [('drain', 'SIGTERM', True), ('quit', 'SIGQUIT', True),
                                        ('usr1', 'SIGUSR1', True), ('kill', 'SIGKILL', False)])
        self.assert_fields(self.assert_phase_records(run), outcome='killed')
        self.assertRegex(run.of('started')[0]['schedule'], r'^drain:TERM@main/100ms,quit:QUIT@main/100ms,')

    def test_ladder_that_is_only_a_kill(self):
        for schedule in ('--stop-schedule=kill:KILL@all/20s', '--stop-schedule=KILL/20'):
            with self.subTest(schedule=schedule):
                run = self.deaf(schedule)
                self.assertEqual(run.stop(), ('killed', KILL))
                self.assertEqual(run.child.numbers(), [])
                self.assert_fields(self.assert_phase_records(run), outcome='killed')

    def test_ladder_second_phase_that_works_is_escalated(self):
        run = self.deaf('--stop-schedule=drain:TERM@main/100ms,interrupt:INT@main/20s,kill:KILL@all/5s', INT)
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual(run.phases(), [('drain', 'SIGTERM', True), ('interrupt', 'SIGINT', False)])
        self.assert_fields(self.assert_phase_records(run), outcome='escalated', level='warning',
                           exit_code='exited', exit_status='0')

    def test_ladder_first_signal_is_the_schedules(self):
        run = self.deaf('--stop-schedule=drain:QUIT@main/60s,kill:KILL@all/5s', QUIT)
        self.assertEqual(run.stop(TERM), ('exited', 0))
        self.assertEqual(run.child.numbers(), [QUIT])
        self.assertEqual(run.phases(), [('drain', 'SIGQUIT', False)])
        self.assert_fields(self.assert_phase_records(run), outcome='clean', signal='SIGTERM')

    def test_ladder_phase_for_all_reaches_all_once(self):
        run = self.start('--stop-schedule=drain:TERM@all/60s,kill:KILL@all/5s', channels=2).begun()
        run.child.do('fork_to(%d)' % run.channels[1].other_fd)
        run.channels[1].greet()
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual([channel.numbers() for channel in run.channels], [[TERM], [TERM]])
        self.assert_fields(self.assert_phase_records(run), outcome='clean')

    def test_ladder_drain_ends_when_the_gateway_does(self):
        run = self.deaf('--drain-timeout=10min', TERM)
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual(run.phases(), [('drain', 'SIGTERM', False)])
        stopped = self.assert_phase_records(run)
        self.assert_fields(stopped, outcome='clean', level='info')
        self.assertEqual(run.of('phase')[0]['deadline_usec'], '600000000')
        self.assertLess(int(stopped['total_usec']), 60e6)

    def test_ladder_drain_of_nothing_is_over_at_once(self):
        run = self.deaf('--drain-timeout=0', INT)
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual(run.phases()[0], ('drain', 'SIGTERM', True))

    def test_ladder_main_gone_goes_on_against_the_others(self):
        """The drain is for main: once that is gone, the phase is over and the next fitting one begins."""
        run = self.start('--stop-schedule=drain:TERM@main/10min,again:INT@main/5s,terminate:TERM@others/5s,kill:KILL@all/5s').begun()
        run.child.do('obedient(2)')
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual(run.phases(), [('drain', 'SIGTERM', False), ('terminate', 'SIGTERM', False)])
        self.assert_fields(self.assert_phase_records(run), outcome='escalated')

    def test_ladder_real_time_signal(self):
        run = self.deaf('--stop-schedule=drain:RTMIN+3@main/60s,kill:KILL@all/5s', 37)
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual(run.phases(), [('drain', 'SIGRTMIN+3', False)])

    def test_stop_before_ready_is_a_stop(self):
        run = self.start('--ready=notify').begun()
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual(run.of('ready'), [])
        self.assert_stopped(run, outcome='clean', cause='signal')

    def test_stop_before_ready_passes_the_status_on(self):
        run = self.start('--ready=notify').begun()
        run.child.do('on.update({15: "os._exit(1)"})')
        self.assertEqual(run.stop(), ('exited', 1))
        self.assert_stopped(run, outcome='clean', exit_status='1')

    def test_stop_while_the_gateway_dies_by_itself_is_a_crash(self):
        run = self.start().begun()
        run.child.do('on.update({15: "die_by(11)"})')
        self.assertEqual(run.stop(), ('killed', 11))
        self.assert_stopped(run, outcome='crashed', level='err', exit_status='SIGSEGV')

    def test_run_records_in_order(self):
        run = self.start('--name=the name').begun()
        run.fence()
        run.stop()
        self.assertEqual([record['event'] for record in run.records],
                         ['started', 'ready', 'forwarded', 'signal', 'cause', 'phase', 'stopped'])
        self.assertEqual({record['name'] for record in run.records}, {'the name'})
        self.assertEqual({record['pid'] for record in run.records}, {str(run.child.pid)})
        self.assert_fields(run.records[0], level='info', drain_usec='60000000', headroom_usec='30000000',
                           schedule='drain:TERM@main/1min,interrupt:INT@main/10s,terminate:TERM@others/5s,'
                                    'kill:KILL@all/5s')
        uptimes = [int(record['uptime_usec']) for record in run.records]
        self.assertEqual(uptimes, sorted(uptimes))
