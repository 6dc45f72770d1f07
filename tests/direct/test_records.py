# SPDX-License-Identifier: MIT
"""Records on the console: where they go, that nothing can forge or break them, and that no secret is in
them."""

import os
import unittest

import logfmt
from harness import DirectTest, USR2, unless_wrapped

HOSTILE = ['plain', '', ' ', 'a b', '"', '\\', 'a=b', '=', "it's", 'line\nbreak', 'ts=2026-01-01T00:00:00.000000Z',
           'x" level=emerg event=stopped msg="forged', '\t', '\x1b[31mred', '\x07', '\x7f', 'Grüße', '\u009b31m',
           '\u2028', '\u202e', 'c:\\new\\table', '\\x41', '%s%n', '$(reboot)', '𝔊', '\ufeff', '\r\n']
HOSTILE_BYTES = [b'\xff\xfe', b'cut \xe2\x82', b'\xc0\xaf', b'\xed\xa0\x80', b'\x80']


class LogfmtTest(DirectTest):
    """The harness parses every record with a strict parser: here it gets something to do."""

    def test_arguments_that_are_hostile_stay_in_their_field(self):
        for argument in [*HOSTILE, *HOSTILE_BYTES, b''.join([word.encode() for word in HOSTILE] + HOSTILE_BYTES)]:
            with self.subTest(argument=argument):
                run = self.start('--cmdline=full', command=['true', argument, 'end'])
                self.assertEqual(run.wait(), ('exited', 0))
                self.assertEqual([record['event'] for record in run.records], ['started', 'ready', 'stopped'])
                command = run.of('started')[0]['command']
                self.assertTrue(command.startswith('true ') and command.endswith(' end'), command)
                self.assertEqual(run.raw.count(b'\n'), 3)

    def test_arguments_that_differ_are_recorded_differently(self):
        """What is quoted reads back unambiguously."""
        seen = {}
        for arguments in (['a b'], ['a', 'b'], ['"a', 'b"'], ['a\\ b'], ['a\\', 'b'], ['a\nb'], ['a\\nb'], ['a', '', 'b'],
                          ["'a b'"], ['"a b"'], ['a\tb'], [''], []):
            run = self.start('--cmdline=full', command=['true', *arguments])
            run.wait()
            command = run.of('started')[0]['command']
            self.assertNotIn(command, seen, (arguments, seen.get(command)))
            seen[command] = arguments

    def test_names_that_are_hostile_stay_in_their_field(self):
        for name in HOSTILE:
            if not name or '/' in name or any(ord(c) < 32 or ord(c) == 127 for c in name):
                continue  # refused as a name
            with self.subTest(name=name):
                run = self.start('--name=' + name, command=['true'])
                run.wait()
                self.assertEqual({record['name'] for record in run.records}, {name})

    def test_names_that_are_not_utf8_are_mended(self):
        for name in HOSTILE_BYTES:
            with self.subTest(name=name):
                run = self.start(b'--name=' + name, command=['true'])
                run.wait()
                self.assertIn('\ufffd', run.records[0]['name'])

    def test_commands_whose_name_is_hostile(self):
        """The default name comes from a file's name, which may be anything."""
        for name in ('a b', 'x"y', 'line\nbreak', '\x1b[31m', '-n', '=', '\u009b'):
            with self.subTest(name=name):
                path = self.path(name)
                os.symlink('/bin/true', path)
                run = self.start(command=[path])
                self.assertEqual(run.wait(), ('exited', 0))
                self.assertEqual(len(run.records), 3)

    def test_command_that_is_very_long_is_cut(self):
        run = self.start('--cmdline=full', command=['true', 'ä' * 60000])
        run.wait()
        self.assertLessEqual(len(run.of('started')[0]['command'].encode()), 4096 + 8)
        self.assertTrue(run.of('started')[0]['command'].endswith('…'))


class SecretTest(DirectTest):
    SECRET = 'Xk29vQz7LmPw'

    def recorded(self, *options, command):
        run = self.start(*options, command=command)
        run.wait()
        return run, run.of('started')[0]['command']

    def test_secrets_are_replaced_by_default(self):
        for words in (['--token=@'], ['--token', '@'], ['PASSWORD=@'], ['API_KEY=@'], ['--api-key=@'], ['--password', '@'],
                      ['https://user:@@example.org/'], ['Authorization: Bearer @'], ['--client-secret=@'], ['DB_PASSWD=@'],
                      ['--header', 'Authorization: Bearer @'], ['GITHUB_TOKEN=@'], ['postgres://bot:@@db/prod']):
            arguments = [word.replace('@', self.SECRET, 1) for word in words]
            with self.subTest(arguments=arguments):
                run, command = self.recorded(command=['true', *arguments, 'kept'])
                self.assertNotIn(self.SECRET.encode(), run.raw)
                self.assertIn('***', command)
                self.assertTrue(command.endswith(' kept'), command)
                self.assertIn(words[0].split('@')[0].split('=')[0].split(':')[0], command)

    def test_what_is_no_secret_is_kept(self):
        words = ['--port=8080', '--verbose', '-c', '/etc/gateway.conf', 'PATHS=/a:/b', 'https://example.org/x']
        _, command = self.recorded(command=['true', *words])
        self.assertEqual(command, 'true ' + ' '.join(words))

    def test_cmdline_full_has_everything(self):
        _, command = self.recorded('--cmdline=full', command=['true', '--token=' + self.SECRET])
        self.assertEqual(command, 'true --token=' + self.SECRET)

    def test_cmdline_comm_has_the_program_alone(self):
        run, command = self.recorded('--cmdline=comm', command=['/bin/true', '--token=' + self.SECRET])
        self.assertEqual(command, 'true')
        self.assertNotIn(self.SECRET.encode(), run.raw)


class TargetTest(DirectTest):
    def assert_silent(self, *options):
        run = self.start(*options, verbose=False)
        run.child.greet()
        run.fence()
        run.stopped_records = 0
        self.assertEqual(run.stop(), ('exited', 0))
        self.assertEqual((run.raw, run.output), (b'', b''))

    def test_target_null_says_nothing(self):
        self.assert_silent('--log-target=null', '--log-level=debug')

    def test_target_null_says_nothing_of_trouble_either(self):
        self.write('state', 'in the way')
        self.assert_silent('--log-target=null')

    @unittest.skipIf(os.path.exists('/run/systemd/journal/socket'), 'there is a journal here')
    def test_target_journal_that_is_not_there_falls_back_to_the_console(self):
        for option in ('--log-target=journal', '--log-target=auto', '--log-level=info'):
            with self.subTest(option=option):
                run = self.start(option, verbose=False)
                run.child.greet()
                run.fence()
                self.assertEqual(run.stop(), ('exited', 0))
                self.assert_stopped(run, outcome='clean')

    def test_level_hides_what_is_less_important(self):
        for level, expected in (('debug', {'started', 'ready', 'forwarded', 'signal', 'cause', 'phase', 'stopped'}),
                                ('info', {'started', 'ready', 'signal', 'cause', 'phase', 'stopped'}),
                                ('notice', {'signal', 'cause'}), ('5', {'signal', 'cause'}),
                                ('warning', set()), ('emerg', set())):
            with self.subTest(level=level):
                run = self.start('--log-target=console', '--log-level=' + level, verbose=False)
                run.child.greet()
                run.fence()
                run.stopped_records = None
                run.stop()
                self.assertEqual({record['event'] for record in run.records}, expected)

    def test_console_that_nobody_reads_any_more_does_not_matter(self):
        run = self.start().begun()
        run.release(run.process.stderr)
        run.stopped_records = None
        run.fence()
        self.assertEqual(run.stop(), ('exited', 0))

    def test_console_that_is_full_holds_nothing_up(self):
        run = self.start().begun()
        run.fence()
        run.ignore(run.process.stderr)
        run.stopped_records = None
        run.child.do('os.set_blocking(2, False)')
        run.child.do('try:\n while True: os.write(2, b"x" * 4096)\nexcept BlockingIOError: pass')
        run.child.do('try:\n while True: os.write(2, b"x")\nexcept BlockingIOError: pass')
        run.child.do('os.set_blocking(2, True)')
        run.fence()
        run.fence(USR2)
        self.assertEqual(run.stop(), ('exited', 0))

    def test_console_blocking_mode_is_the_gateways(self):
        run = self.start().begun()
        run.fence()
        self.assertTrue(run.child.do('os.get_blocking(2)'))
        run.stop()

    @unless_wrapped('it complains into the file')
    def test_console_that_is_a_file_is_appended_to(self):
        with open(self.path('log'), 'ab') as file:
            run = self.start(stderr=file)
            run.child.greet()
            run.fence()
            run.stopped_records = None
            run.stop()
        with open(self.path('log'), 'rb') as file:
            self.assertEqual([logfmt.parse(line)['event'] for line in file.read().splitlines()],
                             ['started', 'ready', 'forwarded', 'signal', 'cause', 'phase', 'stopped'])

    def test_supervisor_that_is_killed_leaves_no_last_record(self):
        run = self.start().begun()
        run.kill_supervisor()
        self.assertEqual(run.of('stopped'), [])
