# SPDX-License-Identifier: MIT
"""A supervisor with nothing to do does nothing."""

from harness import TERM, DirectTest, stat_fields, unless_wrapped

WINDOW_SECONDS = 2  # the length of the measurement, not a wait for something
WINDOWS_MAX = 3


class IdleTest(DirectTest):
    def switches(self, run):
        with open('/proc/%d/status' % run.pid, encoding='utf-8') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('voluntary_ctxt_switches'))

    def assert_idle(self, run):
        """What was before may still come in during the first window; whatever comes again and again
        is in all of them."""
        counts = []
        while not counts or (counts[-1] != 0 and len(counts) < WINDOWS_MAX):
            self.events.poll(lambda: stat_fields(run.pid)[0] == 'S', 'the supervisor to sleep')
            before = self.switches(run)
            while self.events.turn(WINDOW_SECONDS):
                pass
            counts.append(self.switches(run) - before)
        self.assertEqual(counts[-1], 0, 'wake-ups of an idle supervisor: %s' % counts)

    @unless_wrapped('the wrapper has its own switches')
    def test_idle_supervisor_is_never_woken_up(self):
        upstream = self.notify_socket()
        run = self.start().begun()
        run.child.do('notify("READY=1\\nSTATUS=serving")')
        upstream.wait_for('READY=1')
        run.fence()
        self.assert_idle(run)
        run.stop()

    @unless_wrapped('the wrapper has its own switches')
    def test_idle_supervisor_of_a_busy_gateway_is_never_woken_up(self):
        run = self.start().begun()
        pid = run.child.do('fork_off("while True: pass")')
        run.fence()
        self.assert_idle(run)
        run.child.do('os.kill(%d, 9)' % pid)
        run.stop()

    @unless_wrapped('the wrapper has its own switches')
    def test_idle_supervisor_after_a_burst_is_never_woken_up(self):
        upstream = self.notify_socket()
        run = self.start().begun()
        run.child.do('[notify("STATUS=%d" % i) for i in range(500)] and barrier()')
        upstream.wait_for('STATUS=499')
        run.child.do('orphans(50)')
        run.fence()
        self.assert_idle(run)
        run.stop()

    @unless_wrapped('the wrapper has its own switches')
    def test_supervisor_of_a_silent_drain_is_never_woken_up(self):
        upstream = self.notify_socket()
        run = self.start().begun()
        run.child.do('on.clear()')
        run.child.do('notify("READY=1\\nX_GATEWATCH_ACTIVE=2")')
        run.kill(TERM)
        upstream.wait_for('STATUS=Draining: 2 active.*')
        run.wait_record('diagnostic')
        run.wait_record('cause')
        run.fence()
        self.assert_idle(run)
        run.child.cast('os._exit(0)')
        run.wait()
        self.assertEqual(run.stopped['active_now'], '2')

    @unless_wrapped('the wrapper has its own switches')
    def test_supervisor_of_a_gateway_whose_heartbeat_is_watched_is_not_woken_up_between_beats(self):
        run = self.start('--watchdog=1h').begun()
        run.child.do('notify("READY=1"), notify("WATCHDOG=1"), barrier()')
        run.fence()
        self.assert_idle(run)
        run.stop()
