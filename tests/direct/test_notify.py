# SPDX-License-Identifier: MIT
"""The notify protocol between a gateway and a socket that stands for systemd's."""

import os

from harness import DirectTest, HUP, INT, NotifySocket, TERM, USR1, need_program, stat_fields, unless_wrapped

MESSAGE_MAX = 4096
NO_PIDFD = 'to adopt a process needs pidfd_open(2), which valgrind 3.19 lacks'
EBADMSG, EMSGSIZE, EPERM, ENOBUFS = '74', '90', '1', '105'


class NotifyTest(DirectTest):
    def setUp(self):
        super().setUp()
        self.upstream = self.notify_socket()

    def ready(self, *options, **settings):
        """A run whose gateway has said READY=1."""
        run = self.start(*options, **settings).begun()
        run.child.do('notify("READY=1")')
        self.upstream.wait_for('READY=1')
        return run

    def arrives(self, run, text, expected):
        """What comes of a message, up to a mark that is sent behind it."""
        count = len(self.upstream.received)
        run.child.do('notify(%r)' % text)
        run.child.do('notify("X_MARK=1")')
        self.events.wait(lambda: len(self.upstream.received) > count and
                         self.upstream.received[-1].text == 'X_MARK=1', 'the mark')
        self.assertEqual([datagram.text for datagram in self.upstream.received[count:-1]], expected, repr(text))

    # ---- readiness --------------------------------------------------------------------------------------

    def test_ready_is_forwarded_once_by_the_supervisor(self):
        run = self.start('--ready=notify').begun()
        run.fence()
        self.assertEqual(run.of('ready'), [])
        run.child.do('notify("READY=1")')
        self.assertEqual(self.upstream.wait_for('READY=1').pid, run.pid)
        run.wait_record('ready')
        self.arrives(run, 'READY=1', [])
        self.arrives(run, 'READY=1\nSTATUS=still', ['STATUS=still'])
        run.stop()
        self.assertEqual(len(run.of('ready')), 1)
        self.assertEqual(self.upstream.lines().count('READY=1'), 1)

    def test_ready_by_exec_is_said_by_the_supervisor(self):
        run = self.start('--ready=exec').begun()
        self.assertEqual(self.upstream.wait_for('READY=1').pid, run.pid)
        self.arrives(run, 'READY=1', [])
        run.stop()

    def test_ready_is_waited_for_where_there_is_a_notify_socket(self):
        run = self.start(command=['true'])
        run.wait()
        self.assertEqual(run.of('ready'), [])
        run = self.start(command=['true'], environment={'NOTIFY_SOCKET': None})
        run.wait()
        self.assertEqual(len(run.of('ready')), 1)

    def test_reload_is_a_round_trip(self):
        run = self.start().begun()
        self.arrives(run, 'RELOADING=1\nMONOTONIC_USEC=1', ['MONOTONIC_USEC=1'])  # not before it is ready
        self.arrives(run, 'READY=1', ['READY=1'])
        for usec in (123456, 654321):
            run.fence(HUP)
            self.arrives(run, 'RELOADING=1\nMONOTONIC_USEC=%d' % usec, ['RELOADING=1\nMONOTONIC_USEC=%d' % usec])
            self.arrives(run, 'READY=1\nSTATUS=reloaded', ['READY=1\nSTATUS=reloaded'])
            self.arrives(run, 'READY=1', [])
        run.stop()
        self.assertEqual(len(run.of('ready')), 1)

    # ---- what goes on, and what does not ------------------------------------------------------------------

    def test_messages_are_passed_as_they_are(self):
        run = self.ready()
        for text in ('STATUS=serving 3 of 7', 'ERRNO=2', 'BUSERROR=org.example.Error', 'X_UNKNOWN=a=b',
                     'STATUS=Grüße', 'FDSTOREREMOVE=1\nFDNAME=x', 'ERRNO=1\nX_ONE=1\nX_ONE=2', 'MONOTONIC_USEC=5'):
            self.arrives(run, text, [text])
        run.stop()

    def test_messages_for_the_supervisor_are_kept(self):
        run = self.ready()
        for text in ('WATCHDOG=1', 'WATCHDOG_USEC=5000000', 'WATCHDOG=trigger', 'NOTIFYACCESS=all', 'MAINPIDFD=1',
                     'MAINPID=%d' % run.child.pid, 'MAINPID=1', 'MAINPID=%d' % os.getpid(), 'MAINPID=%d' % run.pid,
                     'MAINPID=x', '', '\n', '=', 'no assignment', 'EXTEND_TIMEOUT_USEC=infinity',
                     'EXTEND_TIMEOUT_USEC=-1', 'EXTEND_TIMEOUT_USEC=0'):
            self.arrives(run, text, [])
        self.arrives(run, 'WATCHDOG=1\nSTATUS=alive\nMAINPID=1', ['STATUS=alive'])
        # None of those is a new main process.
        run.fence()
        self.assertEqual(run.stop(), ('exited', 0))

    def test_extension_is_passed_before_the_stop_and_kept_while_stopping(self):
        run = self.ready()
        run.child.do('on.clear()')
        self.arrives(run, 'EXTEND_TIMEOUT_USEC=5000000', ['EXTEND_TIMEOUT_USEC=5000000'])
        run.kill(TERM)
        self.upstream.wait_for('STOPPING=1')
        run.child.do('notify("EXTEND_TIMEOUT_USEC=7000000"), notify("X_MARK=1")')
        self.upstream.wait_for('X_MARK=1')
        self.assertNotIn('EXTEND_TIMEOUT_USEC=7000000', self.upstream.lines())
        run.child.cast('os._exit(0)')
        run.wait()

    def test_messages_of_a_grandchild_count(self):
        run = self.start().begun()
        run.child.do('grandchildren(1, "notify(\'READY=1\'); ready(); os._exit(0)")')
        self.assertEqual(self.upstream.wait_for('READY=1').pid, run.pid)
        run.stop()

    def test_messages_of_a_process_that_is_dead_by_now_count(self):
        """A zombie's last words, or a sender that is only a pid by now: main itself, at its end."""
        run = self.ready()
        run.child.do('on.update({15: "notify(\'X_LAST=words\'); os._exit(0)"})')
        run.stop()
        self.assertIn('X_LAST=words', self.upstream.lines())

    @need_program('systemd-notify')
    def test_messages_of_systemds_own_tool(self):
        """It waits behind a barrier until its message has been taken."""
        run = self.start().begun()
        self.assertEqual(run.child.do('__import__("subprocess").run(["systemd-notify", "--ready", "--status=by hand"], '
                                      'env=dict(os.environ), stdin=-3).returncode'), 0)
        self.assertIn('READY=1', self.upstream.wait_for('STATUS=by hand').text)
        run.wait_record('ready')
        run.stop()

    # ---- size and shape ------------------------------------------------------------------------------------

    def test_message_of_the_greatest_size_passes(self):
        run = self.ready()
        for key in ('X_LONG=', 'STATUS=', 'ERRNO=5\nX_LONG='):
            text = key + 'a' * (MESSAGE_MAX - len(key))
            self.arrives(run, text, [text])
        run.stop()
        self.assertEqual(run.of('degraded'), [])

    def test_message_that_is_one_byte_too_long_is_dropped_and_recorded(self):
        run = self.ready()
        self.arrives(run, 'X_LONG=' + 'a' * (MESSAGE_MAX - 6), [])
        self.assert_fields(run.wait_record('degraded', what='notify'), errno=EMSGSIZE)
        self.arrives(run, 'X_LONG=' + 'a' * 100000, [])
        run.wait_record('degraded', 2, errno=EMSGSIZE)
        run.stop()

    def test_message_with_nul_bytes(self):
        run = self.ready()
        self.arrives(run, b'STATUS=ends in one\0', ['STATUS=ends in one'])
        self.assertEqual(run.of('degraded'), [])
        self.arrives(run, b'STATUS=a\0READY=1', [])
        self.assert_fields(run.wait_record('degraded', what='notify'), errno=EBADMSG)
        run.stop()

    def test_message_that_is_not_utf8_is_no_status(self):
        run = self.ready()
        self.arrives(run, b'STATUS=\xff\xfe\nX_KEPT=1', ['X_KEPT=1'])
        run.stop()

    # ---- strangers --------------------------------------------------------------------------------------

    def test_stranger_is_dropped_and_recorded(self):
        run = self.ready()
        address = run.child.hello['environment']['NOTIFY_SOCKET']
        pid = os.fork()
        if pid == 0:
            import child
            child.notify('STOPPING=1', address=address)
            child.notify('STATUS=from a stranger', address=address)
            child.notify('MAINPID=%d' % os.getpid(), address=address)
            child.notify('X_STRANGER=1', address=address)
            os._exit(0)
        os.waitpid(pid, 0)
        self.assert_fields(run.wait_record('degraded', what='notify'), errno=EPERM)
        self.arrives(run, 'X_ONE=1', ['X_ONE=1'])
        run.fence()
        self.assertEqual(run.child.numbers(), [12])
        run.stop()
        self.assertEqual([line for line in self.upstream.lines() if 'stranger' in line.lower()], [])
        # Once and at each doubling: a stranger cannot flood the records.
        self.assertEqual(len(run.of('degraded')), 3)

    def test_stranger_that_floods_fills_no_log(self):
        run = self.ready()
        address = run.child.hello['environment']['NOTIFY_SOCKET']
        import child
        for _ in range(1000):
            child.notify('X=1', address=address)
        self.arrives(run, 'X_ONE=1', ['X_ONE=1'])
        run.stop()
        self.assertLessEqual(len(run.of('degraded')), 11)

    # ---- the stop ------------------------------------------------------------------------------------------

    def test_status_is_prefixed_while_stopping(self):
        run = self.ready()
        run.child.do('on.clear()')
        self.arrives(run, 'STATUS=serving', ['STATUS=serving'])
        run.kill(TERM)
        first = self.upstream.wait_for('STOPPING=1')
        self.assertRegex(first.text, r'(?m)^STATUS=Draining: \d+s left \(phase 1/4\): serving$')
        # Without connections to count, the line is not renewed every second and says until when.
        until = r'\d+s left \(phase 1/4\)( until \d\d:\d\d:\d\d UTC)?'
        run.child.do('notify("STATUS=3 sessions")')
        self.upstream.wait_for(r'STATUS=Draining: %s: 3 sessions' % until)
        # What the gateway reports itself is shown at most once a second, the last word in any case.
        count = len(self.upstream.received)
        for n in range(50, 0, -1):
            run.child.do('notify("X_GATEWATCH_ACTIVE=%d")' % n)
        last = self.upstream.wait_for(r'STATUS=Draining: 1 active, %s: 3 sessions' % until)
        self.assertEqual(last.pid, run.pid)
        self.assertLess(len(self.upstream.received) - count, 10)
        run.child.cast('os._exit(0)')
        run.wait()
        self.assertEqual(self.upstream.lines().count('STOPPING=1'), 1)
        self.assertNotIn('STATUS=3 sessions', self.upstream.lines())

    def test_status_names_the_phase_that_runs(self):
        run = self.ready('--stop-schedule=drain:TERM@main/100ms,second:INT@main/20s,kill:KILL@all/5s')
        run.child.do('on.clear()')
        run.kill(TERM)
        self.upstream.wait_for(r'STATUS=second: \d+s left \(phase 2/3\).*')
        run.child.cast('os._exit(0)')
        run.wait()

    def test_stopping_of_the_gateway_begins_the_ladder(self):
        run = self.ready('--stop-schedule=drain:TERM@main/200ms,interrupt:INT@main/20s,kill:KILL@all/5s')
        run.child.do('on.clear(); on.update({2: "os._exit(4)"})')
        run.child.do('notify("STOPPING=1\\nSTATUS=enough")')
        begin = self.upstream.wait_for('STOPPING=1')
        self.assertEqual(begin.pid, run.pid)
        self.assertRegex(begin.text, '(?m)^STATUS=Draining: ')
        self.assertEqual(run.wait(), ('exited', 4))
        # It is at it already: it is not told a first time what it said itself.
        self.assertEqual(run.child.numbers(), [INT])
        self.assertEqual(run.phases(), [('drain', 'none', True), ('interrupt', 'SIGINT', False)])
        self.assertEqual(self.upstream.lines().count('STOPPING=1'), 1)
        self.assertEqual(run.of('signal'), [])
        record = self.assert_stopped(run, cause='self-stop', outcome='escalated')
        self.assertNotIn('signal', record)
        self.assertNotIn('sender_pid', record)

    def test_stopping_of_the_gateway_during_a_stop_says_nothing_new(self):
        run = self.ready()
        run.child.do('on.update({15: "notify(\'STOPPING=1\'); notify(\'X_MARK=1\'); os._exit(0)"})')
        run.stop()
        self.upstream.wait_for('X_MARK=1')
        self.assertEqual(self.upstream.lines().count('STOPPING=1'), 1)
        self.assert_stopped(run, cause='signal', outcome='clean')

    def test_ready_and_reload_while_stopping_are_kept(self):
        run = self.start('--ready=notify').begun()
        run.child.do('on.clear()')
        run.kill(TERM)
        self.upstream.wait_for('STOPPING=1')
        run.child.do('notify("READY=1"), notify("RELOADING=1"), notify("X_MARK=1")')
        self.upstream.wait_for('X_MARK=1')
        self.assertEqual({'READY=1', 'RELOADING=1'} & set(self.upstream.lines()), set())
        run.child.cast('os._exit(0)')
        run.wait()

    # ---- another main process ----------------------------------------------------------------------------

    @unless_wrapped(NO_PIDFD)
    def test_main_pid_is_adopted_and_its_end_is_the_end(self):
        run = self.ready(channels=2)
        first, second = run.channels
        pid = first.do('fork_to(%d)' % second.other_fd)
        second.greet()
        self.assertEqual(second.pid, pid)
        self.arrives(run, 'MAINPID=%d' % pid, [])
        with run.gone(first.pid):
            first.cast('os._exit(3)')
        run.kill(USR1)
        second.wait_signal(USR1)
        self.assertIsNone(run.end)
        self.assertEqual(run.of('stopped'), [])
        second.do('on.update({15: "os._exit(7)"})')
        self.assertEqual(run.stop(), ('exited', 7))
        self.assertEqual((first.numbers(), second.numbers()), ([], [USR1, TERM]))
        self.assert_stopped(run, outcome='clean', exit_status='7')
        self.assertEqual(run.of('leftover'), [])

    @unless_wrapped(NO_PIDFD)
    def test_main_pid_announced_by_the_new_one_itself(self):
        run = self.ready(channels=2)
        first, second = run.channels
        first.do('fork_to(%d)' % second.other_fd)
        second.do('notify("MAINPID=%d" % os.getpid()), barrier()')
        with run.gone(first.pid):
            first.cast('os._exit(0)')
        second.cast('os._exit(9)')
        self.assertEqual(run.wait(), ('exited', 9))
        self.assert_stopped(run, outcome='failed', exit_status='9')

    def test_main_pid_old_one_that_stays_is_an_other(self):
        run = self.ready(channels=2)
        first, second = run.channels
        pid = first.do('fork_to(%d)' % second.other_fd)
        second.greet()
        self.arrives(run, 'MAINPID=%d' % pid, [])
        self.assertEqual(run.stop()[0], 'exited')
        self.assertEqual((first.numbers(), second.numbers()), ([TERM], [TERM]))
        self.assertEqual(len(run.of('leftover')), 1)
        self.assert_stopped(run, outcome='escalated')

    @unless_wrapped(NO_PIDFD)
    def test_main_pid_during_the_stop_gets_the_phases_signal(self):
        run = self.ready(channels=2)
        first, second = run.channels
        first.do('on.clear()')
        run.kill(TERM)
        first.wait_signal(TERM)
        pid = first.do('fork_to(%d)' % second.other_fd)
        second.greet()
        first.do('notify("MAINPID=%d")' % pid)
        second.wait_signal(TERM)
        first.cast('os._exit(0)')
        run.wait()
        self.assertEqual(second.numbers(), [TERM])

    # ---- fds -----------------------------------------------------------------------------------------------

    def test_fdstore_brings_the_fds_along(self):
        self.upstream.keeps_fds = True
        run = self.ready()
        run.child.do('send_memfds("FDSTORE=1\\nFDNAME=state\\nFDPOLL=0", "first", "second")')
        datagram = self.upstream.wait_for('FDSTORE=1')
        self.assertEqual(datagram.text, 'FDSTORE=1\nFDNAME=state\nFDPOLL=0')
        self.assertEqual([os.pread(fd, 99, 0) for fd in datagram.fds], [b'first', b'second'])
        for fd in datagram.fds:
            os.close(fd)
        run.stop()

    def test_fdstore_of_many_fds(self):
        self.upstream.keeps_fds = True
        run = self.ready()
        run.child.do('send_memfds("FDSTORE=1", *map(str, range(253)))')
        datagram = self.upstream.wait_for('FDSTORE=1')
        self.assertEqual([os.pread(fd, 99, 0).decode() for fd in datagram.fds], [str(i) for i in range(253)])
        run.stop()

    def test_fds_are_never_kept(self):
        run = self.ready()
        fds = lambda: sorted(os.listdir('/proc/%d/fd' % run.pid))
        before = fds()
        for text in ('FDSTORE=1', 'STATUS=with fds', 'X=1', 'BARRIER=1', 'STOPPING=0', 'A\0B'):
            run.child.do('send_memfds(%r, "a", "b")' % text)
        run.child.do('notify("X_MARK=1")')
        self.upstream.wait_for('X_MARK=1')
        run.fence()
        self.assertEqual(fds(), before)
        run.stop()

    def test_barrier_is_answered_by_systemd_behind_all_that_came_before(self):
        self.upstream.keeps_fds = True
        run = self.ready()
        run.child.cast('[notify("X_N=%d" % i) for i in range(50)] and barrier()')
        barrier = self.upstream.wait_for('BARRIER=1')
        self.assertEqual(len(barrier.fds), 1)
        self.assertEqual([line for line in self.upstream.lines() if line.startswith('X_N=')],
                         ['X_N=%d' % i for i in range(50)])
        self.assertEqual(list(run.child.answers), [])
        os.close(barrier.fds[0])
        self.events.wait(lambda: run.child.answers, 'the barrier to open')
        run.child.answers.clear()
        run.stop()

    def test_barrier_with_the_wrong_fds_is_dropped_and_does_not_hang(self):
        run = self.ready()
        for code in ('barrier(count=2)', 'barrier(text="BARRIER=1\\nSTATUS=x")'):
            run.child.do(code)
        self.arrives(run, 'BARRIER=1', [])
        self.assertNotIn('BARRIER=1', self.upstream.lines())
        self.assert_fields(run.wait_record('degraded', what='notify'), errno=EBADMSG)
        run.stop()

    def test_barrier_without_systemd_is_answered(self):
        run = self.start(environment={'NOTIFY_SOCKET': None}).begun()
        run.child.do('notify("STATUS=x"), barrier()')
        run.stop()

    # ---- systemd that does not listen -----------------------------------------------------------------------

    def test_systemd_that_is_not_there_does_not_matter(self):
        for address in (self.path('nobody'), '@gatewatch-test-nobody', 'nonsense', '/' + 'x' * 200, ''):
            with self.subTest(address=address):
                run = self.start(environment={'NOTIFY_SOCKET': address}).begun()
                run.child.do('notify("READY=1\\nSTATUS=x"), barrier()')
                run.wait_record('ready')
                self.assertEqual(run.stop(), ('exited', 0))
                self.assert_stopped(run, outcome='clean')

    def test_systemd_that_comes_back_is_told(self):
        """A new listener at the same address, as after a reexec."""
        run = self.ready()
        self.upstream.close()
        os.unlink(self.upstream.address)
        self.closing.clear()
        self.upstream = NotifySocket(self.events, self.path('notify'))
        self.closing.append(self.upstream)
        run.child.do('notify("X_AGAIN=1")')
        self.upstream.wait_for('X_AGAIN=1')
        run.stop()
        self.assertIn('STOPPING=1', self.upstream.lines())

    def test_flood_does_not_hold_up_signals_or_the_stop(self):
        run = self.ready()
        run.child.do('grandchildren(2, "unblock(15); ready()\\nwhile True: notify(\'STATUS=flood\')")')
        run.child.do('fork_off("unblock(15)\\nwhile True: notify(\'X_FLOOD=1\')")')
        for number in (USR1, HUP, USR1):
            run.fence(number)
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_stopped(run, outcome='escalated')


class SilentSystemdTest(DirectTest):
    def test_systemd_that_does_not_read_blocks_nothing(self):
        upstream = self.notify_socket(is_read=False)
        run = self.start('--ready=notify').begun()
        run.child.do('notify("READY=1")')
        run.wait_record('ready')
        run.child.do('[notify("X_N=%d" % i) for i in range(600)] and 1')
        run.child.do('[notify("STATUS=%d" % i) for i in range(600)] and 1')
        run.fence(USR1)
        self.assert_fields(run.wait_record('degraded', what='notify'), errno=ENOBUFS)
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_stopped(run, outcome='clean')
        self.assertLessEqual(len(run.of('degraded')), 12)

    def test_systemd_that_reads_late_gets_what_counts_in_order(self):
        upstream = self.notify_socket(is_read=False)
        run = self.start('--ready=notify').begun()
        run.child.do('on.clear()')
        run.child.do('[notify("STATUS=%d" % i) for i in range(100)] and 1')
        run.child.do('notify("READY=1"), send_memfds("FDSTORE=1\\nFDNAME=late", "content"), notify(b"a\\0b")')
        run.wait_record('degraded', errno=EBADMSG)  # signals go before messages: this one is behind them
        run.kill(TERM)
        run.wait_record('signal')
        upstream.keeps_fds = True
        upstream.read()
        stored = upstream.wait_for('FDSTORE=1')
        self.assertEqual(os.pread(stored.fds[0], 99, 0), b'content')
        upstream.wait_for('STOPPING=1')
        lines = upstream.lines()
        self.assertLess(lines.index('READY=1'), lines.index('FDSTORE=1'))
        self.assertLess(lines.index('FDSTORE=1'), lines.index('STOPPING=1'))
        run.child.cast('os._exit(0)')
        run.wait()


    def test_systemd_that_does_not_read_and_fds_that_run_out_keep_nobody_alive(self):
        """What lies in the queue must leave the supervisor the fds that it needs to find processes."""
        self.notify_socket(is_read=False)
        run = self.start(prelude='resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))').begun()
        run.child.do('stubborn(3)')
        for _ in range(100):
            run.child.do('send_memfds("FDSTORE=1", "content")')
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_fields(run.of('leftover')[0], leftover_count='3')


class WatchdogTest(DirectTest):
    OWN = 'os.environ.update(WATCHDOG_USEC="200000", WATCHDOG_PID=str(os.getpid()))'

    def test_watchdog_is_fed_before_the_stop_and_never_after(self):
        upstream = self.notify_socket()
        run = self.start(prelude=self.OWN).begun()
        run.child.do('on.clear()')
        self.assertEqual(upstream.wait_for('WATCHDOG=1', 4).pid, run.pid)
        run.kill(TERM)
        upstream.wait_for('STOPPING=1')
        # Progress is shown at most once a second: time for ten heartbeats a time.
        for count in (1, 2):
            run.child.do('notify("X_GATEWATCH_ACTIVE=%d")' % count)
            upstream.wait_for('STATUS=Draining: %d active.*' % count)
        run.child.cast('os._exit(0)')
        run.wait()
        lines = upstream.lines()
        self.assertNotIn('WATCHDOG=1', lines[lines.index('STOPPING=1'):])

    def test_watchdog_is_fed_without_the_gateways_help_and_not_by_it(self):
        upstream = self.notify_socket()
        run = self.start(environment={'WATCHDOG_USEC': '200000', 'WATCHDOG_PID': '1'}).begun()
        run.child.do('notify("WATCHDOG=1"), barrier()')
        self.assertNotIn('WATCHDOG=1', upstream.lines())
        run.stop()
        self.assertNotIn('WATCHDOG=1', upstream.lines())

    def test_watchdog_of_a_supervisor_that_hangs_is_not_fed(self):
        upstream = self.notify_socket()
        run = self.start(prelude=self.OWN).begun()
        upstream.wait_for('WATCHDOG=1', 2)
        run.kill(19)  # SIGSTOP
        self.events.poll(lambda: stat_fields(run.pid)[0] == 'T', 'the supervisor to stop')
        while self.events.turn(0):
            pass
        count = len(upstream.received)
        self.events.turn(1)  # five times the period: there must be nothing
        self.assertEqual(len(upstream.received), count)
        run.kill(18)  # SIGCONT
        upstream.wait_for('WATCHDOG=1', count + 1)
        run.stop()


class SocketPlaceTest(DirectTest):
    def test_socket_lies_in_the_runtime_directory_and_is_removed(self):
        os.mkdir(self.path('runtime'))
        run = self.start(environment={'RUNTIME_DIRECTORY': self.path('runtime') + ':/nonexistent'},
                         prelude='os.umask(0o077)').begun()
        name, = os.listdir(self.path('runtime'))
        self.assertEqual(run.child.hello['environment']['NOTIFY_SOCKET'], self.path('runtime', name))
        self.assertEqual(os.stat(self.path('runtime', name)).st_mode & 0o777, 0o666)
        run.child.do('notify("STATUS=x"), barrier()')
        run.stop()
        self.assertEqual(os.listdir(self.path('runtime')), [])

    def test_socket_is_abstract_where_the_runtime_directory_is_unusable(self):
        for directory in ('/nonexistent', 'relative', self.path('x' * 150), ''):
            run = self.start(environment={'RUNTIME_DIRECTORY': directory}).begun()
            self.assertRegex(run.child.hello['environment']['NOTIFY_SOCKET'], '^@')
            run.child.do('notify("STATUS=x"), barrier()')
            run.stop()
