# SPDX-License-Identifier: MIT
"""`gatewatch unit`: what it prints is a unit, or a drop-in, that check finds nothing in and that systemd's
own verifier takes; what it cannot do it says in one line."""

import json
import os
import re
import subprocess

import harness
from harness import DEADLINE_SECONDS, DirectTest, WRAPPER, need_program

BASE = """
[Unit]
Description=a gateway
[Service]
ExecStart=/usr/bin/sleep 1
"""


class UnitTest(DirectTest):
    def call(self, verb, *words, status=0, environment=(), **settings):
        """Returns stdout; what stderr says is in self.said."""
        done = subprocess.run([*WRAPPER, harness.GATEWATCH, verb, *words], text=True, check=False,
                              cwd=self.directory, env={**self.environment, **dict(environment)},
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=DEADLINE_SECONDS,
                              **(settings or {'stdout': subprocess.PIPE}))
        self.said = done.stderr
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def unit(self, *words, **settings):
        return self.call('unit', *words, **settings)

    def lines(self, text, setting):
        return re.findall('^%s=(.*)$' % setting, text, re.MULTILINE)

    def assert_check_finds_nothing(self, name):
        units = json.loads(self.call('check', '--json=short', self.path(name)))
        self.assertEqual([unit['findings'] for unit in units], [[]])

    def program(self, name, directory=''):
        os.makedirs(self.path(directory), exist_ok=True)
        return self.write(os.path.join(directory, name), '#!/bin/sh\n', mode=0o755)


class WholeUnitTest(UnitTest):
    def test_unit_passes_check_and_is_aligned_with_the_drain(self):
        for options, timeout in (((), '1min 30s'), (('--drain-timeout=10min', '--headroom', '1min'), '11min'),
                                 (('--user', '--drain-timeout=5m'), '5min 30s')):
            with self.subTest(options=options):
                text = self.unit(*options, '--', 'sleep', 'infinity')
                self.assertEqual(self.lines(text, 'TimeoutStopSec'), [timeout])
                self.assertEqual(self.said, '')
                self.write('sleep.service', text)
                self.assert_check_finds_nothing('sleep.service')

    @need_program('systemd-analyze')
    def test_unit_passes_systemds_verifier(self):
        text = self.unit('--name=odd', '--', 'sleep', '$X', '%n', 'a b', ';', 'é')
        # The verifier looks whether the program is there.
        text = re.sub(r'/\S+/gatewatch (run|post)', r'/usr/bin/env \1', text)
        path = self.write('odd.service', text)
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', path], capture_output=True,
                              text=True, check=False, env=self.environment, timeout=DEADLINE_SECONDS)
        self.assertEqual([line for line in done.stderr.splitlines() if 'odd' in line], [])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_command_is_named_by_its_path(self):
        program = self.program('my-gateway', 'bin')
        for word in ('my-gateway', program, 'bin/my-gateway', './bin/my-gateway'):
            with self.subTest(word=word):
                text = self.unit('--', word, 'run', environment={'PATH': self.path('bin')})
                self.assertRegex(self.lines(text, 'ExecStart')[0], ' -- %s run$' % re.escape(program))
                self.assertIn('my-gateway.service, then:', text)
                self.assertEqual(self.said, '')

    def test_command_that_is_not_here_stays_and_is_remarked(self):
        for word in ('no-such-gateway', '/nowhere/no-such-gateway'):
            with self.subTest(word=word):
                text = self.unit('--', word)
                self.assertRegex(self.lines(text, 'ExecStart')[0], ' -- %s$' % word)
                self.assertRegex(self.said, '^gatewatch unit: .*%s.*\n$' % word)

    def test_name_is_the_units_as_systemd_would_write_it(self):
        for name, unit in (('edge', 'edge'), ('my gate', r'my\x20gate'), ('é', r'\xc3\xa9'),
                           ('edge.service', 'edge'), ('edge@1', 'edge@1')):
            with self.subTest(name=name):
                text = self.unit('--system', '--name', name, '--', 'sleep', 'infinity')
                self.assertIn('# /etc/systemd/system/%s.service, then:\n' % unit, text)
        self.unit('--name=' + 60 * 'é', '--', 'sleep', status=64)  # too long when escaped

    def test_surroundings_of_the_caller_have_no_say(self):
        plain = self.unit('--', 'sleep', 'infinity')
        told = self.unit('--', 'sleep', 'infinity', environment={
            'GATEWATCH_DRAIN_TIMEOUT': '1h', 'GATEWATCH_READY': 'notify', 'NOTIFY_SOCKET': '/run/x',
            'GATEWATCH_STATE_DIR': '/x', 'GATEWATCH_HEADROOM': 'nonsense'})
        self.assertEqual(plain, told)

    def test_settings_of_a_file_count(self):
        path = self.write('gate.conf', '[Run]\nDrainTimeout=3min\nReady=notify\nStateDir=/srv/gate\n')
        text = self.unit('--config=' + path, '--', 'sleep', 'infinity')
        self.assertEqual(self.lines(text, 'TimeoutStopSec'), ['3min 30s'])
        self.assertEqual(self.lines(text, 'ExecStart')[0].partition(' run ')[2],
                         '--config=%s -- /usr/bin/sleep infinity' % path)
        self.assertRegex(self.lines(text, 'ExecStopPost')[0], ' post --state-dir=/srv/gate$')

    def test_abbreviated_option_is_written_out(self):
        text = self.unit('--drain', '4min', '--planned', '--', 'sleep', 'infinity')
        self.assertIn(' run --drain-timeout=4min --planned-stop-marker --ready=exec -- ', text)


class DropInTest(UnitTest):
    def test_drop_in_passes_check_on_its_unit(self):
        name = 'my-gateway.service'
        self.write(name, BASE.replace('/usr/bin/sleep 1', '@/usr/bin/sh "-my sh" -c "exec sleep $X %i"') +
                   'Type=exec\nExecStop=/bin/kill $MAINPID\nKillSignal=SIGQUIT\nPIDFile=/run/x.pid\n'
                   'Restart=on-failure\nProtectProc=invisible\nUser=daemon\nTimeoutStopSec=5\n')
        os.mkdir(self.path(name + '.d'))
        text = self.unit('--drop-in=./' + name, '--drain-timeout=2min')
        self.assertEqual(self.said, '')
        self.assertRegex(self.lines(text, 'ExecStart')[1],
                         r'/gatewatch run --drain-timeout=2min --ready=exec --stop-schedule=drain:QUIT@main,\S+ '
                         r'--argv0 "-my sh" -- /usr/bin/sh -c "exec sleep \$X %i"$')
        self.assertTrue(text.startswith('# Written by gatewatch; '))
        self.write(name + '.d/50-gatewatch.conf', text)
        self.assert_check_finds_nothing(name)

    def test_drop_in_takes_the_last_command_of_the_files(self):
        self.write('gate.service', BASE)
        os.mkdir(self.path('gate.service.d'))
        self.write('gate.service.d/20-second.conf', '[Service]\nExecStart=\nExecStart=/usr/bin/sleep \\\n  3%%\n')
        self.write('gate.service.d/10-first.conf', '[Service]\nExecStart=\nExecStart=/usr/bin/sleep 2\n')
        text = self.unit('--drop-in', self.path('gate.service'))
        self.assertRegex(self.lines(text, 'ExecStart')[1], ' -- /usr/bin/sleep 3%%$')

    def test_drop_in_with_a_command_takes_that(self):
        self.write('gate.service', BASE + 'Type=forking\n')
        text = self.unit('--drop-in=./gate.service', '--', 'sleep', '$HOME')
        self.assertRegex(self.lines(text, 'ExecStart')[1], r' --ready=exec -- /usr/bin/sleep \$\$HOME$')
        self.assertEqual(self.lines(text, 'Type'), ['notify'])


class RefusalTest(UnitTest):
    def refused(self, status, pattern, *words):
        with self.subTest(words=words):
            self.assertEqual(self.unit(*words, status=status), '')
            self.assertRegex(self.said, r'^gatewatch unit: [^\n]*%s[^\n]*\n$' % pattern)

    def test_options_that_cannot_be_used_are_named(self):
        self.refused(64, 'no COMMAND')
        self.refused(64, '--drain-timeout=x is not usable', '--drain-timeout=x', '--', 'sleep')
        self.refused(64, "'--bogus'", '--bogus', '--', 'sleep')
        self.refused(64, "'-x'", '-x')
        self.refused(64, "'--drop-in' needs a value", '--drop-in')
        self.refused(64, "'--user=1' takes no value", '--user=1')
        self.refused(64, '--config=/nowhere', '--config=/nowhere', '--', 'sleep')
        self.refused(64, '--description=', '--description=x', '--drop-in=x')
        self.refused(78, '--drain-timeout=2min contradicts', '--drain-timeout=2min',
                     '--stop-schedule=TERM/60/KILL/5', '--', 'sleep')

    def test_units_that_cannot_be_put_under_gatewatch_are_named(self):
        self.write('job.service', BASE + 'Type=oneshot\n')
        self.write('back.service', BASE + 'Type=forking\n')
        self.write('none.service', '[Service]\nExecStop=/bin/true\n')
        self.write('done.service', BASE.replace('/usr/bin/sleep', '/usr/bin/gatewatch run sleep'))
        self.refused(64, 'job.service is Type=oneshot', '--drop-in=./job.service')
        self.refused(64, 'back.service is Type=forking', '--drop-in=./back.service')
        self.refused(64, 'none.service', '--drop-in=./none.service')
        self.refused(64, 'done.service runs under gatewatch already', '--drop-in=./done.service')

    def test_units_that_are_not_there_are_named(self):
        self.refused(69, r'\./nowhere.service', '--drop-in=./nowhere.service')
        self.refused(69, 'gatewatch-no-such-unit', '--drop-in=gatewatch-no-such-unit')
        self.write('a.socket', '[Socket]\n')
        self.refused(64, r'\./a.socket', '--drop-in=./a.socket')

    def test_stdout_that_takes_nothing_is_an_error(self):
        with open('/dev/full', 'w', encoding='utf-8') as full:
            self.unit('--', 'sleep', status=74, stdout=full)
        self.assertRegex(self.said, '^gatewatch unit: cannot write to stdout: ')

    def test_help_and_version_go_to_stdout(self):
        self.assertIn('--drop-in=UNIT', self.unit('--help'))
        self.assertRegex(self.unit('--version'), r'^gatewatch \d')
        self.assertIn('  unit ', self.call('--help'))
