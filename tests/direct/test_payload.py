# SPDX-License-Identifier: MIT
"""All processes of the gateway, not only its first: reaped while it runs, and none left behind it. As
there is no delegated cgroup here, they are found by descent."""

import json

from harness import DirectTest, FAST, TERM, USR1, WRAPPER, children_of, stat_fields


class PayloadTest(DirectTest):
    def test_orphans_are_reaped(self):
        run = self.start().begun()
        run.child.do('orphans(%d)' % (100 if WRAPPER else 1000))
        self.events.poll(lambda: children_of(run.pid) == [run.child.pid], 'the orphans to be reaped')
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_stopped(run, outcome='clean')
        self.assertEqual(run.of('leftover'), [])

    def test_orphans_are_reaped_whoever_ignores_sigchld(self):
        run = self.start(prelude='signal.signal(signal.SIGCHLD, signal.SIG_IGN)').begun()
        run.child.do('fork_off("")')
        run.fence()
        run.child.do('on.update({15: "os._exit(6)"})')
        self.assertEqual(run.stop(), ('exited', 6))

    def test_leftovers_that_are_stubborn_are_gone_at_exit(self):
        count = 200
        run = self.start().begun()
        run.child.do('stubborn(%d)' % count)
        self.assertEqual(run.stop(), ('exited', 0))
        leftover, = run.of('leftover')
        self.assert_fields(leftover, level='warning', leftover_count=str(count))
        listed = json.loads(leftover['leftover'])
        self.assertEqual(len(listed), 64)
        for process in listed:
            self.assertEqual(set(process), {'pid', 'ppid', 'session', 'state', 'comm'})
            self.assertEqual(process['comm'], 'python3')
            self.assertNotEqual(process['pid'], run.child.pid)
        self.assertEqual(len({process['session'] for process in listed}), 64)
        self.assert_stopped(run, outcome='killed', exit_code='exited', exit_status='0')
        self.assertEqual(run.phases()[-1][:2], ('kill', 'SIGKILL'))
        # Nobody waits for a SIGTERM to work on those that ignore it.
        self.assertLess(int(run.stopped['total_usec']), 5e6 * (20 if WRAPPER else 1))

    def test_leftovers_that_obey_are_terminated_and_not_killed(self):
        run = self.start().begun()
        run.child.do('obedient(20)')
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_fields(run.of('leftover')[0], leftover_count='20')
        self.assertEqual(run.phases(), [('drain', 'SIGTERM', False), ('terminate', 'SIGTERM', False)])
        self.assert_stopped(run, outcome='escalated')

    def test_leftovers_of_a_gateway_that_ended_unasked_are_ended(self):
        for code, outcome in ((0, 'exited'), (3, 'failed')):
            with self.subTest(code=code):
                run = self.start(FAST).begun()
                run.child.do('obedient(3)')
                run.child.do('stubborn(2)')
                run.child.cast('os._exit(%d)' % code)
                self.assertEqual(run.wait(), ('exited', code))
                self.assert_fields(run.of('leftover')[0], leftover_count='5')
                self.assert_stopped(run, outcome=outcome, cause='exit', exit_status=str(code))

    def test_leftovers_in_the_gateways_own_group_are_ended(self):
        run = self.start().begun()
        pid = run.child.do('fork_off("unblock(15); linger()")')
        run.child.cast('os._exit(0)')
        self.assertEqual(run.wait(), ('exited', 0))
        listed = json.loads(run.of('leftover')[0]['leftover'])
        self.assertEqual([process['pid'] for process in listed], [pid])

    def test_leftover_is_not_recorded_when_there_is_none(self):
        run = self.start().begun()
        run.stop()
        self.assertEqual(run.of('leftover'), [])

    def test_signals_go_to_main_alone(self):
        run = self.start(channels=2).begun()
        run.child.do('fork_to(%d)' % run.channels[1].other_fd)
        other = run.channels[1]
        other.greet()
        run.fence(USR1)
        run.kill(TERM)
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(run.child.numbers(), [USR1, TERM])
        self.assertEqual(other.numbers(), [TERM])  # the ladder's, once main is gone
        self.assert_stopped(run, outcome='escalated')

    def test_storm_is_ended(self):
        run = self.start('--stop-schedule=drain:TERM@main/5s,terminate:TERM@others/100ms,kill:KILL@all/25s').begun()
        run.child.do('storm(%d)' % (4 if WRAPPER else 10))
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_stopped(run, outcome='killed')

    def test_storm_while_the_gateway_ignores_everything_is_ended(self):
        run = self.start('--stop-schedule=drain:TERM@main/100ms,kill:KILL@all/25s').begun()
        run.child.do('on.clear()')
        run.child.do('storm(%d)' % (4 if WRAPPER else 10))
        self.assertEqual(run.stop(), ('killed', 9))
        self.assert_stopped(run, outcome='killed', exit_status='SIGKILL')

    def test_stopped_processes_are_ended(self):
        run = self.start().begun()
        run.child.do('grandchildren(5, "unblock(15); ready(); os.kill(os.getpid(), 19); linger()")')
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_fields(run.of('leftover')[0], leftover_count='5')
        self.assert_stopped(run, outcome='escalated')  # SIGTERM can work, for SIGCONT follows it

    def test_zombies_of_the_gateway_are_not_leftovers(self):
        """Main does not reap its children: they are dead all the same."""
        run = self.start().begun()
        pid = run.child.do('fork_off("")')
        self.events.poll(lambda: stat_fields(pid)[0] == 'Z', 'a zombie')
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual(run.of('leftover'), [])
        self.assert_stopped(run, outcome='clean')
