# SPDX-License-Identifier: MIT
"""The recorder behind a run: what it writes when a supervisor was killed, and that it writes it once."""

import json
import os
import subprocess

import harness
import logfmt
from harness import DEADLINE_SECONDS, DirectTest, FAST, TERM, WRAPPER, unless_wrapped

SYSTEMD_SAYS = {'SERVICE_RESULT': 'signal', 'EXIT_CODE': 'killed', 'EXIT_STATUS': 'KILL'}
CLOSE_STDERR = ['sh', '-c', 'exec "$0" "$@" 2>&-']


class PostTest(DirectTest):
    def setUp(self):
        super().setUp()
        self.state = self.path('the-state')
        self.option = '--state-dir=' + self.state

    def start_here(self, *options, **settings):
        return self.start(self.option, *options, **settings)

    def begin_post(self, *options, environment=(), before=()):
        return subprocess.Popen(
            [*before, *WRAPPER, harness.GATEWATCH, 'post', '--log-target=console', *options],
            cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**self.environment, **dict(environment)})

    def end_post(self, process):
        """Returns its exit status, its records and its other lines."""
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
        self.assertEqual(output, b'')
        lines = errors.splitlines()
        return (process.returncode, [logfmt.parse(line) for line in lines if logfmt.is_record(line)],
                [line.decode() for line in lines if not logfmt.is_record(line)])

    def post(self, *options, **settings):
        return self.end_post(self.begin_post(*(options or [self.option]), **settings))

    def assert_nothing(self, *options, **settings):
        self.assertEqual(self.post(*options, **settings), (0, [], []))

    def assert_one(self, *options, **settings):
        """Returns the record."""
        status, records, lines = self.post(*options, **settings)
        self.assertEqual((status, lines), (0, []))
        self.assertEqual([record['event'] for record in records], ['stopped'])
        return records[0]

    def lose(self, *options):
        """A run whose supervisor is killed in the drain."""
        run = self.start_here(*options).begun()
        run.child.do('on.clear()')
        run.kill(TERM)
        run.wait_record('signal')
        run.fence()
        run.kill_supervisor()
        return run

    # ---- lost runs -------------------------------------------------------------------------------------

    def test_supervisor_killed_in_the_drain_is_recorded_once(self):
        run = self.lose()
        started = run.of('started')[0]
        record = self.assert_one(environment=SYSTEMD_SAYS)
        self.assert_fields(
            record, name=started['name'], run_id=started['run_id'], pid=started['pid'], level='warning',
            outcome='lost', signal='SIGTERM', sender_pid=str(os.getpid()), sender_uid=str(os.getuid()),
            sender_code='SI_USER', exit_code='killed', exit_status='SIGKILL', service_result='signal',
            previous_phase='drain', recorded_by='post', cause='signal')
        phases = json.loads(record['phases'])
        self.assertEqual([(phase['name'], phase['timed_out']) for phase in phases], [('drain', False)])
        self.assertEqual(str(phases[0]['usec']), record['drain_used_usec'])
        self.assertLessEqual(int(record['drain_used_usec']), int(record['total_usec']))
        self.assertLessEqual(int(record['total_usec']), int(record['uptime_usec']))
        self.assertIn('the supervisor was killed by SIGKILL in phase drain', record['cause_detail'])
        with open(os.path.join(self.state, '.clean_shutdown'), encoding='utf-8') as file:
            self.assertEqual(json.load(file)['outcome'], 'lost')
        self.assert_nothing(environment=SYSTEMD_SAYS)

    def test_supervisor_killed_in_a_later_phase_is_recorded_with_those_before(self):
        run = self.start_here('--stop-schedule=drain:TERM@main/10ms,second:HUP@main/1h,kill:KILL@all/1s',
                              '--headroom=2h', '--drain-timeout=10ms').begun()
        run.child.do('on.clear()')
        run.kill(TERM)
        run.wait_record('phase')
        run.child.wait_signal(1)
        run.fence()
        run.kill_supervisor()
        record = self.assert_one()
        self.assert_fields(record, outcome='lost', previous_phase='second')
        self.assertEqual([(phase['name'], phase['timed_out']) for phase in json.loads(record['phases'])],
                         [('drain', True), ('second', False)])

    def test_supervisor_killed_without_a_stop_is_recorded_as_that(self):
        run = self.start_here().begun()
        run.wait_record('ready')
        run.fence()
        run.kill_supervisor()
        record = self.assert_one()
        self.assert_fields(record, outcome='lost', cause='supervisor-killed', previous_phase='running',
                           phases='[]', total_usec='0', recorded_by='post', exit_code=None, signal=None,
                           run_id=run.records[0]['run_id'])
        self.assertFalse(os.path.exists(os.path.join(self.state, '.clean_shutdown')))
        self.assert_nothing()

    def test_supervisor_killed_before_ready_was_starting(self):
        run = self.start_here('--ready=notify').begun()
        run.fence()
        run.kill_supervisor()
        self.assert_fields(self.assert_one(), outcome='lost', previous_phase='starting')

    def test_invocation_of_another_run_says_nothing_of_this_one(self):
        self.lose()
        record = self.assert_one(environment={**SYSTEMD_SAYS, 'INVOCATION_ID': 'ab' * 16})
        self.assert_fields(record, outcome='lost', exit_code=None, service_result=None)

    def test_recorders_at_the_same_time_write_one_record(self):
        self.lose()
        several = [self.begin_post(self.option) for _ in range(4)]
        ends = [self.end_post(process) for process in several]
        self.assertEqual([(status, lines) for status, _, lines in ends], [(0, [])] * 4)
        self.assertEqual(sum(len(records) for _, records, _ in ends), 1)

    @unless_wrapped('valgrind does not start without stderr')
    def test_record_that_cannot_be_written_is_still_owed(self):
        self.lose()
        status, records, _ = self.post(self.option, before=CLOSE_STDERR)
        self.assertEqual((status, records), (1, []))
        self.assert_one()

    def test_run_after_a_recorded_one_owes_nothing_for_it(self):
        self.lose()
        self.assert_one()
        run = self.start_here().begun()
        run.stop()  # exactly one record `stopped`, and none of another run: see harness
        self.assert_nothing()

    # ---- nothing to do -----------------------------------------------------------------------------------

    def test_run_that_ended_by_itself_or_was_stopped_is_left_alone(self):
        run = self.start_here().begun()
        run.stop()
        self.assert_nothing(environment=SYSTEMD_SAYS)
        run = self.start_here(FAST).begun()
        run.child.do('on.clear()')
        run.stop()
        self.assert_nothing(environment=SYSTEMD_SAYS)
        run = self.start_here().begun()
        run.child.cast('os._exit(3)')
        run.wait()
        self.assert_nothing(environment=SYSTEMD_SAYS)

    def test_run_that_lives_is_left_alone(self):
        run = self.start_here().begun()
        self.assert_nothing()
        run.stop()
        self.assert_nothing()

    def test_state_directory_that_is_not_there_is_not_made(self):
        self.assert_nothing()
        self.assertFalse(os.path.exists(self.state))

    def test_flight_record_that_is_none_is_said_and_ignored(self):
        os.mkdir(self.state)
        self.write('the-state/gatewatch.flight', 'x' * 8192)
        status, records, lines = self.post()
        self.assertEqual((status, records), (0, []))
        self.assertEqual(len(lines), 1, lines)
        self.assertIn('gatewatch.flight is no flight record', lines[0])

    # ---- options -----------------------------------------------------------------------------------------

    def test_state_directory_is_found_as_the_run_found_it(self):
        run = self.start('--name=n').begun()
        run.fence()
        run.kill_supervisor()
        self.assert_nothing('--name=other')
        self.assert_fields(self.assert_one('--name=n'), name='n')

        for variable in ('STATE_DIRECTORY', 'HERMES_HOME', 'GATEWATCH_STATE_DIR'):
            with self.subTest(variable=variable):
                self.environment[variable] = self.path(variable)
                run = self.start('--name=n').begun()
                run.fence()
                run.kill_supervisor()
                self.assert_fields(self.assert_one('--log-level=info'), name='n')
                del self.environment[variable]

    def test_options_that_are_wrong_are_refused_with_one_line(self):
        for option, part in (('--what', "unknown or ambiguous option '--what'"), ('-z', "unknown option '-z'"),
                             ('--name=a/b', '--name=a/b is not usable'), ('--log-level=x', '--log-level=x is not'),
                             ('--state-dir=x', '--state-dir=x is not usable'), ('unit', "'unit' is too much")):
            with self.subTest(option=option):
                status, records, lines = self.post(option)
                self.assertEqual((status, records, len(lines)), (64, [], 1), lines)
                self.assertTrue(lines[0].startswith('gatewatch post: ') and part in lines[0], lines)

    @unless_wrapped('its words would be the wrapper\'s')
    def test_verb_is_in_the_help(self):
        said = subprocess.run([harness.GATEWATCH, '--help'], env=self.environment, capture_output=True, check=True,
                              timeout=DEADLINE_SECONDS).stdout.decode()
        self.assertRegex(said, r'(?m)^  post +\S')
