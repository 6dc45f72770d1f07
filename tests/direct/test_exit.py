# SPDX-License-Identifier: MIT
"""How a run ends: the gateway's status, its death, and the supervisor's own statuses."""

import os
import signal
import subprocess

import harness
from harness import DirectTest, TERM, USR1, WRAPPER, unless_wrapped

# Those whose default is death, in proc(5)'s order.
DEADLY = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 35, 50, 63, 64]
DUMPING = {3, 4, 5, 6, 7, 8, 11, 24, 25, 31}
if WRAPPER:
    # valgrind keeps the last real-time signal for itself, and fails to die of two others.
    DEADLY = [number for number in DEADLY if number not in (16, 31, 64)]


class ExitTest(DirectTest):
    def test_exit_every_code_is_passed_on(self):
        # A start takes a second under valgrind; the codes that mean something, and a sample.
        codes = [0, 1, 2, 64, 75, 78, 125, 126, 127, 128, 143, 255] if WRAPPER else range(256)
        for code in codes:
            run = self.start(command=['sh', '-c', 'exit %d' % code])
            self.assertEqual(run.wait(), ('exited', code))
            self.assert_stopped(run, outcome='failed' if code else 'exited', cause='exit', exit_code='exited',
                                exit_status=str(code), total_usec='0')

    def test_exit_every_deadly_signal_is_mirrored_without_a_core(self):
        for number in DEADLY:
            with self.subTest(signal=number):
                run = self.start(command=['sh', '-c', 'kill -%d $$' % number],
                                 prelude='resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)')
                # Not ("dumped", …): the gateway's core is the one worth having.
                self.assertEqual(run.wait(), ('killed', number))
                name = (signal.Signals(number).name if number < 32 else
                        'SIGRTMAX' if number == 64 else None)
                record = self.assert_stopped(run, outcome='crashed', cause='crash')
                if name:
                    self.assertEqual(record['exit_status'].replace('SIGIOT', 'SIGABRT'),
                                     name.replace('SIGIOT', 'SIGABRT'))
                self.assertIn(record['exit_code'], ('killed', 'dumped') if number in DUMPING else ('killed',))
        cores = [name for name in os.listdir(self.directory) if 'core' in name]
        self.assertLessEqual(len(cores), len(DUMPING), cores)

    def test_exit_death_by_stop_signal_is_mirrored_and_clean(self):
        run = self.start(command=['sleep', '3600'])
        run.wait_record('ready')
        self.assertEqual(run.stop(), ('killed', TERM))
        self.assert_stopped(run, outcome='clean', exit_code='killed', exit_status='SIGTERM', cause='signal',
                            signal='SIGTERM', sender_pid=str(os.getpid()), sender_code='SI_USER')

    def test_exit_status_of_a_drain_is_passed_on(self):
        run = self.start().begun()
        run.child.do('on.update({15: "os._exit(75)"})')
        self.assertEqual(run.stop(), ('exited', 75))
        self.assert_stopped(run, outcome='clean', exit_status='75')

    def test_exit_death_by_forwarded_signal_is_no_crash(self):
        run = self.start().begun()
        run.child.do('unblock(%d)' % USR1)
        self.assertEqual(run.stop(USR1), ('killed', USR1))
        self.assert_stopped(run, outcome='failed', exit_status='SIGUSR1')

    def test_exit_death_by_signal_past_the_supervisor_is_a_crash(self):
        run = self.start().begun()
        run.child.do('unblock(%d)' % TERM)
        os.kill(run.child.pid, TERM)
        self.assertEqual(run.wait(), ('killed', TERM))
        self.assert_stopped(run, outcome='crashed', cause='crash', exit_status='SIGTERM')


class OwnStatusTest(DirectTest):
    """64, 78, 125, 126, 127: one line on stderr that names the value and the fix, and no gateway."""

    def assert_refused(self, status, *words, run=None, **settings):
        run = run or self.start(verbose=False, **settings)
        run.stopped_records = 0
        self.assertEqual(run.wait(), ('exited', status), run.lines)
        self.assertEqual(len(run.lines), 1, run.lines)
        line = run.lines[0]
        for word in words:
            self.assertIn(word, line)
        run.may_say = '.'
        self.assertEqual((run.records, run.output), ([], b''))

    def refused(self, status, options, *words, **settings):
        with self.subTest(options=options):
            self.assert_refused(status, *words, run=self.start(
                *options, command=settings.pop('command', ['touch', self.path('was-run')]), verbose=False,
                **settings))

    def tearDown(self):
        self.assertFalse(os.path.exists(self.path('was-run')), 'the gateway was run')
        super().tearDown()

    def test_usage_value_that_is_unusable_is_named_with_its_fix(self):
        for options, words in (
                (['--drain-timeout=10q'], ['--drain-timeout=10q', '1min 30s', "'q'"]),
                (['--drain-timeout='], ['--drain-timeout=', '90s']),
                (['--drain-timeout=-5'], ['-5', '90s']),
                (['--drain-timeout=infinity'], ['infinity', 'finite']),
                (['--headroom=abc'], ['--headroom=abc', '90s']),
                (['--headroom=1s'], ['--headroom=1s', '20s', 'raise']),
                (['--on-short-timeout=maybe'], ['maybe', 'extend', 'clamp', 'warn', 'refuse']),
                (['--stop-schedule=drain@main'], ['drain@main', 'PHASE:SIGNAL']),
                (['--stop-schedule=drain'], ['drain', 'TERM']),
                (['--stop-schedule=drain:TERM'], ['KILL@all']),
                (['--stop-schedule=drain:NONE@main/5s,kill:KILL@all/5s'], ['NONE', 'TERM']),
                (['--stop-schedule=drain:TERM@some/5s,kill:KILL@all/5s'], ['some', 'others']),
                (['--stop-schedule=drain:TERM/5s,again:INT,kill:KILL@all/5s'], ['again:INT', '/10s']),
                (['--stop-schedule=TERM/5/INT/5'], ['KILL']),
                (['--stop-schedule=TERM/forever/KILL/5'], ['forever', 'finite']),
                (['--stop-schedule='], ['--stop-schedule=']),
                (['--second-signal=x'], ['x', 'ignore', 'escalate']),
                (['--ready=soon'], ['soon', 'notify', 'exec']),
                (['--state-dir=relative'], ['relative', 'absolute']),
                (['--name='], ['--name=']),
                (['--name=a/b'], ['a/b', "'/'"]),
                (['--name=a\nb'], ['a?b']),
                (['--cmdline=some'], ['some', 'redacted', 'full', 'comm']),
                (['--log-target=syslog'], ['syslog', 'journal', 'console', 'null']),
                (['--log-level=loud'], ['loud', 'debug']),
                (['--no-such-option'], ['--no-such-option', '--help']),
                (['-x'], ['-x', '--help']),
                (['--name'], ['--help']),
        ):
            # The last row's value is the "--" that follows: an option without one swallows it.
            command = '' if options == ['--name'] else ['touch', self.path('was-run')]
            self.refused(64, options, *words, command=command)

    def test_usage_unusable_value_in_the_environment_names_the_variable(self):
        self.refused(64, [], 'GATEWATCH_DRAIN_TIMEOUT=10q', environment={'GATEWATCH_DRAIN_TIMEOUT': '10q'})

    def test_usage_value_that_a_stronger_one_hides_is_refused_all_the_same(self):
        self.refused(64, ['--drain-timeout=5s'], 'GATEWATCH_DRAIN_TIMEOUT=10q',
                     environment={'GATEWATCH_DRAIN_TIMEOUT': '10q'})

    def test_usage_without_command_is_refused(self):
        self.refused(64, [], 'COMMAND', command='')

    def test_usage_contradiction_is_refused_with_78(self):
        self.refused(78, ['--drain-timeout=5s', '--stop-schedule=drain:TERM@main/7s,kill:KILL@all/5s'],
                     '5s', '7s')

    def test_exec_not_found_is_127(self):
        for command in ('no-such-command-anywhere', '/nonexistent/gateway', './nothing', ''):
            with self.subTest(command=command):
                self.assert_refused(127, command, 'No such file', command=[command, 'argument'])

    def test_exec_not_executable_is_126(self):
        script = self.write('script', '#!/bin/sh\nexit 0\n')
        for command, word in ((script, 'Permission denied'), (self.directory, 'Permission denied'),
                              ('/' + 'x' * 300, 'name too long')):
            with self.subTest(command=command[:50]):
                self.assert_refused(126, word, command=[command])

    def test_exec_is_searched_for_in_path(self):
        os.mkdir(self.path('first'))
        os.mkdir(self.path('second'))
        self.write('first/gateway-x', 'not executable')
        self.write('second/gateway-x', '#!/bin/sh\nexit 42\n', 0o755)
        run = self.start(command=['gateway-x'], environment={
            'PATH': '%s:%s:/usr/bin:/bin' % (self.path('first'), self.path('second'))})
        self.assertEqual(run.wait(), ('exited', 42))

    @unless_wrapped('it needs more fds than this leaves')
    def test_failure_of_the_supervisor_before_the_gateway_is_125(self):
        self.assert_refused(125, 'Too many open files', command=['touch', self.path('was-run')],
                            prelude='resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))')

    def test_verb_unknown_is_refused(self):
        done = subprocess.run([*WRAPPER, harness.GATEWATCH, 'ruin'], capture_output=True, env=self.environment,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual((done.returncode, done.stdout), (64, b''))
        self.assertEqual(done.stderr.count(b'\n'), 1)
        self.assertIn(b'ruin', done.stderr)
