# SPDX-License-Identifier: MIT
"""As PID 1 of a pid namespace: nothing kills it, everything becomes its child."""

import os

from harness import (DirectTest, FAST, INT, KILL, TERM, USR1, children_of, need_program, need_root,
                     unless_wrapped)


@need_root
@need_program('unshare')
@unless_wrapped('no wrapper knows how to be PID 1')
class PidOneTest(DirectTest):
    UNSHARE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']

    def inside(self, *options, **settings):
        run = self.start(*options, before=self.UNSHARE, **settings)
        if 'command' not in settings:
            run.begun()
            self.assertEqual(run.child.hello['ppid'], 1)
        return run

    def supervisor(self, run):
        """Its pid as we see it."""
        pid, = children_of(run.pid)
        return pid

    def test_pid_one_passes_codes(self):
        for code in (0, 1, 75, 255):
            run = self.inside(command=['sh', '-c', 'exit %d' % code])
            self.assertEqual(run.wait(), ('exited', code))

    def test_pid_one_exits_with_128_and_the_signal(self):
        for number in (1, 2, 6, 9, 11, 15, 34):
            with self.subTest(signal=number):
                run = self.inside(command=['sh', '-c', 'kill -%d $$' % number])
                self.assertEqual(run.wait(), ('exited', 128 + number))
                self.assert_stopped(run, outcome='crashed')

    def test_pid_one_is_stopped_from_inside(self):
        run = self.inside()
        run.child.do('on.update({15: "die_by(15)"})')
        run.child.do('os.kill(1, 15)')
        self.assertEqual(run.wait(), ('exited', 128 + TERM))
        self.assertEqual(run.child.numbers(), [TERM])
        self.assert_stopped(run, outcome='clean', sender_pid=str(run.child.pid), exit_status='SIGTERM')

    def test_pid_one_is_stopped_from_outside_by_a_sender_without_a_pid(self):
        run = self.inside()
        os.kill(self.supervisor(run), TERM)
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(run.child.numbers(), [TERM])
        self.assert_stopped(run, outcome='clean', cause='signal', sender_pid='0', sender_code='SI_USER')

    def test_pid_one_forwards_signals(self):
        run = self.inside()
        supervisor = self.supervisor(run)
        numbers = [USR1, 1, 28, 18, 35, 64]
        for number in numbers:
            os.kill(supervisor, number)
            run.child.wait_signal(number)
        self.assertEqual([packet['signal'] for packet in run.child.signals], numbers)
        os.kill(supervisor, TERM)
        run.wait()

    def test_pid_one_escalates(self):
        run = self.inside(FAST)
        run.child.do('on.clear()')
        os.kill(self.supervisor(run), TERM)
        self.assertEqual(run.wait(), ('exited', 128 + KILL))
        self.assertEqual(run.child.numbers(), [TERM, INT])
        self.assert_stopped(run, outcome='killed')

    def test_pid_one_reaps_orphans(self):
        run = self.inside()
        supervisor = self.supervisor(run)
        run.child.do('orphans(100)')
        self.events.poll(lambda: len(children_of(supervisor)) == 1, 'the orphans to be reaped')
        os.kill(supervisor, TERM)
        self.assertEqual(run.wait(), ('exited', 0))

    def test_pid_one_ends_leftovers(self):
        run = self.inside()
        run.child.do('stubborn(10)')
        os.kill(self.supervisor(run), TERM)
        self.assertEqual(run.wait(), ('exited', 0))
        self.assert_fields(run.of('leftover')[0], leftover_count='10')
        self.assert_stopped(run, outcome='killed')

    def test_pid_one_killed_takes_everything_along(self):
        run = self.inside()
        run.child.do('stubborn(3)')
        run.stopped_records = 0
        run.may_say = '^unshare: '  # it cannot always die of what its child died of
        os.kill(self.supervisor(run), KILL)
        self.assertNotEqual(run.wait(), ('exited', 0))
