# SPDX-License-Identifier: MIT
"""What the caller gave is what the gateway gets: nobody stands in between."""

import os
import resource
import socket
import subprocess
import tempfile

from harness import DirectTest, HUP, KILL, TERM, WRAPPER, need_program, need_root, unless_wrapped

SIGNAL_STATE = ('SigBlk', 'SigIgn')


def status_fields(text):
    return dict(line.split(':\t', 1) for line in text.splitlines() if ':\t' in line)


class SignalStateTest(DirectTest):
    def gateway_state(self, prelude):
        """SigBlk and SigIgn of a gateway, and as they are when nobody stands in between."""
        run = self.start(prelude=prelude, command=['cat', '/proc/self/status'])
        self.assertEqual(run.wait(), ('exited', 0))
        alone = subprocess.run(
            ['/usr/bin/python3', '-I', '-S', '-c',
             'import os, signal\n%s\nfor number in (signal.SIGPIPE, signal.SIGXFSZ): signal.signal(number, '
             'signal.SIG_DFL)\nos.execvp("cat", ["cat", "/proc/self/status"])' % prelude],
            capture_output=True, text=True, check=True, env=self.environment)
        found, expected = status_fields(run.output.decode()), status_fields(alone.stdout)
        return ({key: found[key] for key in SIGNAL_STATE}, {key: expected[key] for key in SIGNAL_STATE})

    def test_signals_mask_and_dispositions_of_the_caller_are_restored(self):
        preludes = [
            'pass',
            'for n in (1, 2, 10, 20, 28): signal.signal(n, signal.SIG_IGN)',
            'signal.pthread_sigmask(signal.SIG_BLOCK, [1, 2, 12, 15, 17, 37])',
        ]
        if not WRAPPER:  # valgrind forgets an ignored SIGCHLD
            preludes += [
                'signal.signal(17, signal.SIG_IGN)',
                # Not the faults: a sanitizer has handlers for them.
                'for n in signal.valid_signals() - {4, 7, 8, 9, 11, 19}: signal.signal(n, signal.SIG_IGN)\n'
                'signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {64})',
            ]
        for prelude in preludes:
            with self.subTest(prelude=prelude):
                found, expected = self.gateway_state(prelude)
                self.assertEqual(found, expected)

    def test_signals_child_ignored_by_the_caller_does_not_hide_the_status(self):
        run = self.start(prelude='signal.signal(signal.SIGCHLD, signal.SIG_IGN)', command=['sh', '-c', 'exit 33'])
        self.assertEqual(run.wait(), ('exited', 33))
        self.assert_stopped(run, outcome='failed', exit_status='33')

    def test_signals_hangup_ignored_by_the_caller_stays_ignored(self):
        """nohup: what the caller ignores does not reach the gateway either, and the stop still works."""
        run = self.start(prelude='signal.signal(1, signal.SIG_IGN)',
                         command=['sh', '-c', 'echo ready; exec sleep 3600'])
        self.events.wait(lambda: run.output, 'the gateway to begin')
        run.kill(HUP)
        run.wait_record('forwarded', signal='SIGHUP')
        self.assertEqual(run.stop(), ('killed', TERM))


class SurroundingsTest(DirectTest):
    def test_argv0_is_the_gateways_name_for_itself_alone(self):
        run = self.start('--argv0=-my gateway', command=['sh', '-c', "tr '\\0' '|' </proc/$$/cmdline", 'x'])
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(run.output.decode(), "-my gateway|-c|tr '\\0' '|' </proc/$$/cmdline|x|")
        self.assertEqual(run.wait_record('started')['name'], 'sh')

    def test_surroundings_are_those_of_the_caller(self):
        os.mkdir(self.path('elsewhere'))
        run = self.start(cwd=self.path('elsewhere'), prelude='''
os.umask(0o137)
resource.setrlimit(resource.RLIMIT_NOFILE, (77, 99))
resource.setrlimit(resource.RLIMIT_CORE, (4096, 8192))
resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, 16 << 20))
resource.setrlimit(resource.RLIMIT_MEMLOCK, (4096, 65536))
os.setpriority(os.PRIO_PROCESS, 0, 3)
''').begun()
        hello = run.child.hello
        self.assertEqual((hello['cwd'], hello['umask'], hello['nice']), (self.path('elsewhere'), 0o137, 3))
        limits = hello['limits']
        self.assertEqual(limits['RLIMIT_CORE'], [4096, 8192])
        self.assertEqual(limits['RLIMIT_MEMLOCK'], [4096, 65536])
        if not WRAPPER:  # valgrind reserves some for itself
            self.assertEqual(limits['RLIMIT_NOFILE'], [77, 99])
            self.assertEqual(limits['RLIMIT_STACK'], [4 << 20, 16 << 20])
        own = {name: list(resource.getrlimit(getattr(resource, name)))
               for name in dir(resource) if name.startswith('RLIMIT_')}
        changed = ('RLIMIT_CORE', 'RLIMIT_MEMLOCK', 'RLIMIT_NOFILE', 'RLIMIT_OFILE', 'RLIMIT_STACK')
        self.assertEqual({name: value for name, value in limits.items() if name not in changed},
                         {name: value for name, value in own.items() if name not in changed})
        self.assertEqual(hello['ppid'], run.pid)
        self.assertEqual((hello['pgrp'], hello['session']), (os.getpgrp(), os.getsid(0)))
        run.stop()

    def test_environment_is_the_callers_and_what_is_documented(self):
        odd = {'EMPTY': '', 'EQUALS': 'a=b=c', 'LINES': 'one\ntwo', 'LD_DEBUG_OUTPUT': 'x', 'X' * 300: 'y' * 5000,
               'GATEWATCH_HEADROOM': '45s', 'GATEWATCH_RUN_ID': 'stale', 'GATEWATCH_PREVIOUS': 'stale',
               'NOTIFY_SOCKET': self.path('nobody-there')}
        run = self.start(environment=odd).begun()
        found = run.child.hello['environment']
        self.assertEqual(found.pop('GATEWATCH_RUN_ID'), run.records[0]['run_id'])
        self.assertIn(found.pop('GATEWATCH_PREVIOUS', 'none'), ('none', 'clean'))
        self.assertRegex(found.pop('NOTIFY_SOCKET'), '^(@|/)')
        expected = {**self.environment, **odd}
        for name in ('GATEWATCH_RUN_ID', 'GATEWATCH_PREVIOUS', 'NOTIFY_SOCKET'):
            del expected[name]
        if WRAPPER:  # valgrind preloads, and is begun by a shell
            for name in ('LD_PRELOAD', 'LD_LIBRARY_PATH', 'GLIBCPP_FORCE_NEW', 'GLIBCXX_FORCE_NEW', 'PWD'):
                found.pop(name, None)
        self.assertEqual(found, expected)
        run.stop()

    def test_pid_variables_name_the_gateway_only_where_they_named_the_supervisor(self):
        names = ('LISTEN_PID', 'SYSTEMD_EXEC_PID')
        run = self.start(prelude='for name in %r: os.environ[name] = str(os.getpid())' % (names,)).begun()
        self.assertEqual({name: run.child.hello['environment'][name] for name in names},
                         dict.fromkeys(names, str(run.child.pid)))
        run.stop()
        run = self.start(environment=dict.fromkeys(names, '1')).begun()
        self.assertEqual({name: run.child.hello['environment'][name] for name in names},
                         dict.fromkeys(names, '1'))
        run.stop()

    def test_watchdog_of_the_supervisor_is_not_the_gateways(self):
        run = self.start(prelude='os.environ.update(WATCHDOG_USEC="60000000", WATCHDOG_PID=str(os.getpid()))').begun()
        self.assertEqual({'WATCHDOG_USEC', 'WATCHDOG_PID'} & set(run.child.hello['environment']), set())
        run.stop()

    def test_fds_inherited_are_passed_and_no_other(self):
        with tempfile.TemporaryFile() as file:
            file.write(b'content')
            file.flush()
            self.notify_socket()
            run = self.start(fds=[file.fileno()]).begun()
            self.assertEqual(sorted(map(int, run.child.hello['fds'])),
                             sorted({0, 1, 2, file.fileno(), int(run.child.hello['argv'][0])}))
            self.assertEqual(run.child.do('os.pread(%d, 99, 0).decode()' % file.fileno()), 'content')
            run.stop()

    def test_fds_many_are_passed(self):
        files = [os.open('/dev/zero', os.O_RDONLY) for _ in range(200)]
        run = self.start(fds=files).begun()
        self.assertEqual([fd for fd in files if run.child.hello['fds'].get(str(fd)) != '/dev/zero'], [])
        run.stop()

    def test_standard_streams_are_the_gateways(self):
        run = self.start(command=['sh', '-c', 'read line; echo "got $line"; echo complaint >&2; exit 4'],
                         stdin=subprocess.PIPE)
        run.may_say = '^complaint$'
        run.process.stdin.write(b'hello\n')
        run.process.stdin.close()
        self.assertEqual(run.wait(), ('exited', 4))
        self.assertEqual((run.output, run.lines), (b'got hello\n', ['complaint']))

    def test_standard_streams_closed_stay_closed_and_records_land_nowhere_else(self):
        for combination in range(4 if WRAPPER else 8):  # valgrind needs its stderr
            closed = [fd for fd in range(3) if combination & 1 << fd]
            with self.subTest(closed=closed), tempfile.TemporaryFile() as file:
                # No gap above them, so that whatever is opened too early lands in what was closed.
                run = self.start(fds=[file.fileno()], prelude='for fd in %r: os.close(fd)' % closed)
                if 2 in closed:
                    run.stopped_records = None
                hello = run.child.greet()
                self.assertEqual([fd for fd in range(3) if str(fd) not in hello['fds']], closed)
                run.fence()
                self.assertEqual(run.stop(), ('exited', 0))
                self.assertEqual(run.output, b'')
                self.assertEqual(os.fstat(file.fileno()).st_size, 0)
                self.assertEqual(run.records == [], 2 in closed)
                self.assertEqual(run.child.numbers(), [12, 15])

    @unless_wrapped('the kernel shows the command line of the wrapper')
    def test_cmdline_is_rewritten_and_the_arguments_show_once(self):
        secret = 'correct-horse-battery-staple'
        run = self.start('--name=under-test', after=['--token', secret]).begun()
        with open('/proc/%d/cmdline' % run.pid, 'rb') as file:
            shown = file.read()
        self.assertEqual(shown.rstrip(b'\0'), b'gatewatch run: under-test')
        self.assertIn(secret, run.child.hello['argv'])
        with open('/proc/%d/environ' % run.pid, 'rb') as file:
            self.assertIn(b'HOME=' + self.directory.encode(), file.read().split(b'\0'))
        run.stop()
        self.assertNotIn(secret.encode(), run.raw)


class SocketActivationTest(DirectTest):
    def test_socket_activation_passes_listeners_with_the_gateways_pid(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        run = self.start(fds=[listener.fileno()], prelude='''
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='web')
control = int(sys.argv[-1])
if control == 3:
    control = os.dup(3)
    os.set_inheritable(control, True)
    sys.argv[-1] = str(control)
os.dup2(%d, 3)
''' % listener.fileno()).begun()
        found = run.child.hello['environment']
        self.assertEqual((found['LISTEN_PID'], found['LISTEN_FDS'], found['LISTEN_FDNAMES']),
                         (str(run.child.pid), '1', 'web'))
        with socket.create_connection(listener.getsockname()) as client:
            run.child.do('socket.socket(fileno=3).accept()[0].sendall(b"hi")')
            self.assertEqual(client.recv(99), b'hi')
        run.stop()

    @need_program('systemd-socket-activate')
    def test_socket_activation_by_systemds_own_tool(self):
        address = self.path('listener')
        run = self.start(before=['systemd-socket-activate', '--listen=' + address, '-E', 'HOME', '-E', 'XDG_STATE_HOME',
                                 '-E', 'ASAN_OPTIONS'],
                         command=['/usr/bin/python3', '-I', '-S', '-c',
                                  'import os, socket; assert os.environ["LISTEN_PID"] == str(os.getpid()); '
                                  'assert os.environ["LISTEN_FDS"] == "1"; '
                                  'socket.socket(fileno=3).accept()[0].sendall(b"hi")'])
        run.may_say = '^(Listening on|Communication attempt|Execing|Running)'
        self.events.wait(lambda: any('Listening' in line for line in run.lines), 'the listener')
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(address)
            self.assertEqual(client.recv(99), b'hi')
        self.assertEqual(run.wait(), ('exited', 0))


class ParentDeathTest(DirectTest):
    def test_supervisor_killed_takes_the_gateway_along(self):
        run = self.start().begun()
        run.stopped_records = 0
        with run.gone(run.child.pid):
            run.kill(KILL)
        # Its parent is gone: it is ours to reap.
        self.assertEqual(os.WTERMSIG(os.waitpid(run.child.pid, 0)[1]), KILL)
        self.assertEqual(run.wait(), ('killed', KILL))


@need_root
@need_program('setpriv')
class UserTest(DirectTest):
    NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

    def setUp(self):
        super().setUp()
        os.chown(self.directory, 65534, 65534)

    def test_user_without_privileges_runs_and_stops(self):
        upstream = self.notify_socket()
        run = self.start(before=self.NOBODY).begun()
        self.assertEqual(run.child.hello['uids'], [65534] * 3)
        run.child.do('notify("READY=1")')
        upstream.wait_for('READY=1')
        run.child.do('stubborn(3)')
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual(run.child.numbers(), [TERM])
        self.assertEqual(run.of('degraded'), [])
        self.assert_fields(run.of('leftover')[0], leftover_count='3')
        self.assertTrue(os.path.exists(self.path('state/gatewatch/python3/.clean_shutdown')))

    def test_user_gateway_that_changed_its_user_is_ended_all_the_same(self):
        """Root's supervisor, a gateway that dropped its privileges."""
        run = self.start(FAST_DRAIN).begun()
        run.child.do('os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)')
        run.child.do('on.clear()')
        self.assertEqual(run.stop(), ('killed', KILL))
        self.assertEqual(run.child.numbers(), [TERM])

    @unless_wrapped('the wrapper counts against the limit')
    def test_user_who_may_not_fork_gets_125(self):
        run = self.start(before=self.NOBODY[:1] + ['--reuid=65533', '--regid=65533', '--clear-groups'],
                         command=['true'], verbose=False,
                         environment={'ASAN_OPTIONS': 'detect_leaks=0'},  # it would have to fork itself
                         prelude='resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))')
        run.stopped_records, run.may_say = 0, 'cannot fork'
        self.assertEqual(run.wait(), ('exited', 125))
        self.assertEqual(len(run.lines), 1)


FAST_DRAIN = '--stop-schedule=drain:TERM@main/100ms,kill:KILL@all/20s'
