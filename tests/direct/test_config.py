# SPDX-License-Identifier: MIT
"""Settings on the command line, in the environment and in a file, end to end."""

import os

from harness import DirectTest

# Option, variable, key, three values, the `started` record's field, what it shows of each value.
SETTINGS = (
    ('drain-timeout', 'GATEWATCH_DRAIN_TIMEOUT', 'DrainTimeout', ('41s', '42s', '43'), 'drain_usec',
     ('41000000', '42000000', '43000000')),
    ('headroom', 'GATEWATCH_HEADROOM', 'Headroom', ('1min 1s', '1.5min', '120s'), 'headroom_usec',
     ('61000000', '90000000', '120000000')),
    ('name', 'GATEWATCH_NAME', 'Name', ('one', 'two', 'three'), 'name', ('one', 'two', 'three')),
    ('stop-schedule', 'GATEWATCH_STOP_SCHEDULE', 'StopSchedule',
     ('KILL/1', 'KILL/2', 'TERM/5/KILL/3'), 'schedule',
     ('kill:KILL@all/1s', 'kill:KILL@all/2s', 'drain:TERM@main/5s,kill:KILL@all/3s')),
)


class ConfigTest(DirectTest):
    def started(self, *options, **settings):
        run = self.start(*options, command=['true'], **settings)
        run.wait()
        return run.of('started')[0]

    def test_precedence_is_command_line_then_environment_then_file(self):
        for option, variable, key, values, field, shown in SETTINGS:
            for weakest in range(8):
                in_file, in_environment, on_line = weakest & 1, weakest & 2, weakest & 4
                with self.subTest(option=option, file=bool(in_file), environment=bool(in_environment),
                                  line=bool(on_line)):
                    options = ['--%s=%s' % (option, values[2])] if on_line else []
                    variables = {variable: values[1]} if in_environment else {}
                    if in_file:
                        path = self.write('config', '# comment\n; another\n\n[Run]\n %s = %s \n' % (key, values[0]))
                        options.insert(0, '--config=' + path)
                    expected = shown[2] if on_line else shown[1] if in_environment else shown[0] if in_file else None
                    record = self.started(*options, environment=variables)
                    if expected:
                        self.assertEqual(record[field], expected)
                    else:
                        self.assertNotIn(record[field], shown)

    def test_file_is_named_by_the_environment_too(self):
        path = self.write('config', '[Run]\nDrainTimeout=44s\nReady=exec\n')
        self.assert_fields(self.started(environment={'GATEWATCH_CONFIG': path}), drain_usec='44000000')

    def test_file_of_the_command_line_hides_that_of_the_environment(self):
        path = self.write('config', '[Run]\nDrainTimeout=44s\n')
        other = self.write('other', '[Run]\nHeadroom=44s\n')
        self.assert_fields(self.started('--config=' + path, environment={'GATEWATCH_CONFIG': other}),
                           drain_usec='44000000', headroom_usec='30000000')

    def test_file_may_be_a_link(self):
        os.symlink(self.write('config', '[Run]\nDrainTimeout=44s\r\n'), self.path('link'))
        self.assert_fields(self.started('--config=' + self.path('link')), drain_usec='44000000')

    def test_file_all_settings_have_an_effect(self):
        """Those that `started` does not show, by what they do."""
        path = self.write('config', '[Run]\nLogTarget=console\nLogLevel=notice\nCmdline=comm\nSecondSignal=escalate\n'
                          'StateDir=%s\nReady=exec\nOnShortTimeout=warn\n' % self.path('there'))
        run = self.start('--config=' + path, verbose=False)
        run.child.do('on.clear()')
        run.kill(15)
        run.child.wait_signal(15)
        run.wait_record('signal')
        run.kill(15)
        run.child.wait_signal(2)
        run.child.cast('os._exit(0)')
        run.wait()
        self.assertEqual([record['event'] for record in run.records],
                         ['signal', 'cause', 'signal', 'stopped'])
        self.assertTrue(os.path.exists(self.path('there/.clean_shutdown')))

    def test_file_errors_name_the_line_and_the_fix(self):
        for text, words in (
                ('[Run]\nNoSuchKey=1\n', [':2', 'NoSuchKey']),
                ('[Run]\n\ndrain-timeout=5s\n', [':3', 'drain-timeout']),
                ('[Run]\nDrainTimeout=5x\n', [':2', 'DrainTimeout=5x', '1min']),
                ('DrainTimeout=5s\n', [':1', '[Run]']),
                ('[Service]\n', [':1', '[Service]', '[Run]']),
                ('[Run]\nnothing\n', [':2', 'nothing', '=']),
                ('[Run]\nDrainTimeout=5s\0\n', ['NUL']),
                ('#' * 100000, ['config']),
        ):
            with self.subTest(text=text[:40]):
                path = self.write('config', text)
                self.assert_refused(['--config=' + path], words)

    def test_file_that_cannot_be_read_is_refused(self):
        for path in (self.path('missing'), self.directory, '/dev/zero'):
            with self.subTest(path=path):
                self.assert_refused(['--config=' + path], [path])

    def assert_refused(self, options, words):
        run = self.start(*options, command=['touch', self.path('was-run')], verbose=False)
        run.stopped_records, run.may_say = 0, '.'
        self.assertEqual(run.wait(), ('exited', 64), run.lines)
        self.assertEqual(len(run.lines), 1, run.lines)
        for word in words:
            self.assertIn(word, run.lines[0])

    def test_options_end_at_the_command(self):
        run = self.start(command=['sh', '-c', 'echo "$@"', 'x', '--drain-timeout=1s', '--', '-h'])
        run.wait()
        self.assertEqual(run.output, b'--drain-timeout=1s -- -h\n')
        self.assert_fields(run.of('started')[0], drain_usec='60000000')

    def test_help_and_version_go_to_stdout(self):
        for option, word in (('--help', b'--drain-timeout'), ('-h', b'--drain-timeout'), ('--version', b'gatewatch ')):
            run = self.start(option, command='', verbose=False)
            run.stopped_records = 0
            self.assertEqual(run.wait(), ('exited', 0))
            self.assertIn(word, run.output)
