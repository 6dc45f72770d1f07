#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program's output behind a pager, on a terminal: what it looks like is decided by the terminal, not by the pipe.

usage: pager.py GATEWATCH
"""

import fcntl
import os
import pty
import shutil
import signal
import struct
import sys
import tempfile
import termios
import unittest

GATEWATCH = ''
PATIENCE_SEC = 60
COLUMNS = 70
TIMEOUT_TOO_SHORT = '[Service]\nExecStart=/usr/bin/gatewatch run --drain-timeout=3min -- /bin/true\n'
# Keeps what it gets.
SCRIPT = '#!/bin/sh\nexec cat >"$GOT"\n'


class PagerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='gatewatch-pager-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.got = self.write('got', '')
        self.pager = self.write('pager', SCRIPT)
        os.chmod(self.pager, 0o755)
        self.unit = self.write('short.service', TIMEOUT_TOO_SHORT)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def run_on_terminal(self, *arguments, rows=24, keys=b'', until=b'', **environment):
        """Types the keys when the screen has what they are for. Gives the exit status and the screen."""
        variables = {'PATH': self.folder + ':/usr/bin:/bin', 'TERM': 'xterm', 'LANG': 'C.UTF-8', 'GOT': self.got,
                     'SYSTEMD_PAGERSECURE': '0', 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')}
        variables.update(environment)
        pid, terminal = pty.fork()
        if pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', rows, COLUMNS, 0, 0))
                signal.alarm(PATIENCE_SEC)
                os.execve(GATEWATCH, [GATEWATCH, *arguments], variables)
            finally:
                os._exit(127)
        screen = b''
        while True:
            try:
                screen += os.read(terminal, 65536)
            except OSError:  # the last one has left the terminal
                break
            if keys and until in screen:
                os.write(terminal, keys)
                keys = b''
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode()

    def what_was_paged(self):
        with open(self.got, encoding='utf-8') as file:
            return file.read()

    def test_findings_are_paged_as_they_would_be_shown(self):
        status, shown = self.run_on_terminal('check', '--offline', self.unit)
        self.assertEqual((status, shown), (2, ''))
        paged = self.what_was_paged()
        self.assertIn('timeout-too-short', paged)
        self.assertIn('\033[', paged)
        status, shown = self.run_on_terminal('check', '--no-pager', '--offline', self.unit)
        self.assertEqual((status, shown.replace('\r\n', '\n')), (2, paged))

    def test_json_rules_and_drop_ins_are_paged(self):
        for arguments, status, word in ((['--json=pretty', '--offline', self.unit], 2, '"timeout-too-short"'),
                                        (['--list-rules'], 0, 'timeout-too-short'),
                                        (['--fix', '--offline', self.unit], 2, 'TimeoutStopSec=')):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.run_on_terminal('check', *arguments), (status, ''))
                self.assertIn(word, self.what_was_paged())

    def test_what_goes_wrong_is_told_on_the_terminal(self):
        status, shown = self.run_on_terminal('check', '--offline', self.unit + '.gone')
        self.assertEqual(status, 69)
        self.assertIn('gone', shown)

    def test_no_pager_is_wanted(self):
        for environment in {'PAGER': 'cat'}, {'SYSTEMD_PAGER': ''}, {'TERM': 'dumb'}:
            with self.subTest(environment=environment):
                status, shown = self.run_on_terminal('check', '--list-rules', **environment)
                self.assertEqual(status, 0)
                self.assertIn('timeout-too-short', shown)
                self.assertEqual(self.what_was_paged(), '')

    @unittest.skipUnless(shutil.which('less'), 'less is not installed')
    def test_less_that_is_left_early_ends_it_without_a_word(self):
        os.unlink(self.pager)
        status, shown = self.run_on_terminal('check', '--list-rules', rows=10, keys=b'q', until=b'not-loaded',
                                             SYSTEMD_PAGER='less')
        self.assertEqual(status, 0)
        self.assertIn('not-loaded', shown)
        self.assertNotIn('log-rate-limit', shown)
        self.assertNotIn('roken', shown)


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    GATEWATCH = os.path.abspath(sys.argv[1])
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:], verbosity=2)
