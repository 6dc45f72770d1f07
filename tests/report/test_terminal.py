# SPDX-License-Identifier: MIT
"""The report in a terminal, as tmux has it on its screen."""

import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
import unicodedata

import harness
import journals
from harness import ReportTest, call, environment, need

ROWS = 60
SGR = re.compile(r'\x1b\[[0-9;:]*m')
# tmux's own, in front of line drawing characters and behind them.
SHIFTS = re.compile('[\x0e\x0f]')


def columns_of(text):
    return sum(2 if unicodedata.east_asian_width(c) in 'WF' else 0 if unicodedata.combining(c) else 1 for c in text)


class Terminal:
    """A tmux server of its own with one window, in which one command runs."""

    def __init__(self, directory, columns, command, env):
        directory = tempfile.mkdtemp(dir=directory)  # another one for each server: the last one may not be gone yet
        self.socket = os.path.join(directory, 'tmux')
        self.ended = os.path.join(directory, 'ended')
        self.env = env
        # The screen stays after the command's end, and holds what has gone beyond its upper edge.
        script = '%s; echo $? >%s; exec cat' % (shlex.join(command), shlex.quote(self.ended))
        self.tmux('-f', '/dev/null', 'set-option', '-g', 'history-limit', '50000',
                  ';', 'set-option', '-g', 'status', 'off',
                  ';', 'new-session', '-d', '-x', str(columns), '-y', str(ROWS), script)

    def tmux(self, *arguments):
        return call(['tmux', '-u', '-S', self.socket, *arguments], env=self.env).stdout.decode()

    def keys(self, *keys):
        self.tmux('send-keys', *keys)

    def screen(self):
        """Its lines, with the colours."""
        return self.tmux('capture-pane', '-p', '-e', '-S', '-').rstrip('\n').split('\n')

    def has_ended(self):
        return os.path.exists(self.ended) and os.path.getsize(self.ended) > 0

    def status(self):
        with open(self.ended) as file:
            return int(file.read())

    def wait(self, is_there):
        """Until the screen is so. Returns: its lines."""
        end = time.monotonic() + harness.DEADLINE_SECONDS
        while True:
            lines = self.screen()
            if is_there(lines):
                return lines
            if time.monotonic() > end:
                raise AssertionError('the screen stays as it is:\n' + '\n'.join(lines))
            time.sleep(0.02)

    def close(self):
        subprocess.run(['tmux', '-S', self.socket, 'kill-server'], stderr=subprocess.DEVNULL)


class TerminalTest(ReportTest):
    def setUp(self):
        super().setUp()
        need('tmux')
        self.write()

    def write(self):
        with self.journal() as journal:
            for _ in range(3):
                journal.run()
            journal.run(unit='a-gateway-with-a-long-name@instance-17.service', outcome='killed', active=(5, 2),
                        steps=(('disconnect telegram', 1.2, 'done'), ('flush the queue of 日本語', 58.0, 'timeout')))
            journal.run(outcome='escalated', drain=90, drain_used=90, cause='host-shutdown', active=(12, 3))
            journal.run(outcome='crashed', cause='crash', has_coredump=True, cause_detail='it died by SIGSEGV')
            journal.run(is_recorded=False)
            journal.run(manager='none', unit='terminal.service', cause='terminal', uid=1000)
            for number in range(20):
                journal.run(cause='restart', drain_used=1.0 + number / 4)
            journal.run(run_id='d' * 32, cause_detail='\x1b[31mred\x9b1m \u202eturned\u202c',
                        logs=('\x1b]0;title\x07', 'bye'), drain=60, drain_used=57)

    def terminal(self, columns, *arguments, verb='report', tmux_locale='C.UTF-8', **env):
        command = ['env', *('%s=%s' % item for item in env.items()), *harness.WRAPPER, harness.GATEWATCH, verb,
                   *(['--directory=' + self.directory] if verb == 'report' else []), *arguments]
        terminal = Terminal(self.directory, columns, command, environment(LC_ALL=tmux_locale, SHELL='/bin/sh'))
        self.addCleanup(terminal.close)
        return terminal

    def show(self, columns, *arguments, status=0, **options):
        """What is on the screen when it is over, and the colours are taken away."""
        terminal = self.terminal(columns, *arguments, **options)
        terminal.wait(lambda lines: terminal.has_ended())
        lines = terminal.screen()
        self.assertEqual(terminal.status(), status, lines)
        terminal.close()
        self.keep(columns, arguments, options, lines)
        self.colours = ''.join(lines)
        plain = [SHIFTS.sub('', SGR.sub('', line)) for line in lines]
        for line in plain:
            self.assertLessEqual(columns_of(line), columns, line)
            self.assertEqual([c for c in line if unicodedata.category(c) in ('Cc', 'Cf')], [], line)
        return plain

    def keep(self, columns, arguments, options, lines):
        """For eyes: GATEWATCH_SCREENS is a directory for what was on the screen."""
        directory = os.environ.get('GATEWATCH_SCREENS')
        if directory:
            words = [str(columns), *arguments, *('%s=%s' % item for item in options.items())]
            with open(os.path.join(directory, re.sub(r'[^\w.=-]+', '_', ' '.join(words)) + '.txt'), 'w') as file:
                file.write('\n'.join(lines) + '\n')

    def assertUnwrapped(self, lines, beginnings):
        """Each line of the table begins as a line of it does: none has been broken by the terminal."""
        for line in lines:
            self.assertRegex(line, beginnings)

    # ---- Formats

    def test_table_is_a_line_a_stop_at_any_width(self):
        for columns in (80, 120, 200):
            lines = self.show(columns, '--no-pager')
            self.assertEqual(len(lines), 1 + 29 + 2, columns)
            for word in ('host-shutdown', 'restart', 'escalated', 'unrecorded'):
                self.assertTrue(columns == 80 and len(word) > 11 or any(' %s ' % word in line for line in lines), word)
            self.assertUnwrapped(lines[1:30], r'^(\w{3} )?(\d{4}-)?\d\d-\d\d \d\d:\d\d')
            self.assertIn('\x1b[32mclean', self.colours.replace('\x1b[0;32m', '\x1b[32m'))

    def test_picture_of_each_stop_fits_the_width(self):
        for columns in (80, 200):
            lines = self.show(columns, '--no-pager', '-v', '-n8', 'a-gateway-*', 'hermes')
            self.assertTrue(any('drain' in line for line in lines))
            lines = self.show(columns, '--no-pager', '-v', '--outcome=killed,crashed,escalated,unrecorded')
            self.assertTrue(any('─' in line or '━' in line or '█' in line for line in lines), lines)
            lines = self.show(columns, '--no-pager', 'd' * 32)
            self.assertTrue(any('red' in line for line in lines), lines)

    def test_statistics_fit_the_width(self):
        for columns in (80, 200):
            lines = self.show(columns, '--no-pager', '--stats')
            self.assertTrue(any('hermes.service' in line for line in lines))
            self.show(columns, '--no-pager', '--by=unit')
            self.show(columns, '--no-pager', '--by=cause')

    def test_help_fits_a_screen(self):
        lines = self.show(80, '--help')
        self.assertLessEqual(len(lines), 50)

    # ---- What the environment asks for

    def test_colours_are_there_unless_they_are_not_wanted(self):
        for arguments in (['--no-pager'], ['--no-pager', '-v', '-n1'], ['--no-pager', '--stats']):
            self.show(120, *arguments)
            self.assertRegex(self.colours, SGR)
            for name, value in (('NO_COLOR', '1'), ('SYSTEMD_COLORS', '0'), ('TERM', 'dumb')):
                self.show(120, *arguments, **{name: value})
                self.assertNotRegex(self.colours, SGR)

    def test_ascii_locale_has_ascii_only(self):
        for arguments in (['--no-pager'], ['--no-pager', '-v', '-n30'], ['--no-pager', '--stats']):
            lines = self.show(80, *arguments, LC_ALL='C')
            self.assertEqual([line for line in lines if not line.isascii()], [])

    # ---- The pager

    def test_pager_shows_it_and_ends_quietly(self):
        need('less')
        with self.journal('b.journal', realtime=journals.REALTIME + 10 ** 11, monotonic=10 ** 11) as journal:
            journal.n_runs = 500
            for _ in range(100):
                journal.run(has_systemd=False, logs=())
        for columns in (80, 200):
            terminal = self.terminal(columns)
            terminal.wait(lambda lines: any(line.startswith('lines 1-') for line in map(plain_of, lines)))
            self.assertFalse(terminal.has_ended())
            self.keep(columns, ['pager'], {}, terminal.screen())
            terminal.keys('G')
            terminal.wait(lambda lines: any('129 stops' in line for line in lines))
            terminal.keys('q')
            terminal.wait(lambda lines: terminal.has_ended())
            self.assertEqual(terminal.status(), 0)
            self.assertEqual([line for line in terminal.screen() if 'gatewatch report' in line or 'ipe' in line], [])
            terminal.close()

    def test_pager_that_is_left_at_once_ends_quietly(self):
        need('less')
        terminal = self.terminal(80, '-v')
        terminal.wait(lambda lines: any(line.startswith('lines 1-') for line in map(plain_of, lines)))
        terminal.keys('q')
        terminal.wait(lambda lines: terminal.has_ended())
        self.assertIn(terminal.status(), (0, 128 + signal.SIGPIPE))  # as of any program whose pager is left
        self.assertEqual([line for line in terminal.screen() if 'gatewatch report' in line or 'ipe' in line], [])

    def test_short_output_does_not_stay_in_the_pager(self):
        need('less')
        self.assertEqual(len(self.show(120, '-n5')), 1 + 5 + 2)

    # ---- list

    def test_list_without_a_bus_is_one_sentence(self):
        nowhere = 'unix:path=' + self.path('no-bus')
        lines = self.show(200, verb='list', status=69, DBUS_SYSTEM_BUS_ADDRESS=nowhere)
        self.assertEqual(len(lines), 1)
        self.assertTrue(lines[0].startswith('gatewatch list: '), lines)


def plain_of(line):
    return SHIFTS.sub('', SGR.sub('', line))
