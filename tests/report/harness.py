# SPDX-License-Identifier: MIT
"""What the tests of the report share: the program, a place for journals, programs that read its output.

    class TestX(harness.ReportTest):
        def test_x(self):
            with self.journal("a.journal") as journal:
                journal.run(outcome="killed")
            stops = json.loads(self.report("--json=short").stdout)

Output is bytes: what must not be in it need not be text. Nothing waits longer than DEADLINE_SECONDS."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'support'))

import journals  # noqa: E402

GATEWATCH = ''  # set by run
WRAPPER = shlex.split(os.environ.get('GATEWATCH_WRAPPER', ''))
DEADLINE_SECONDS = float(os.environ.get('GATEWATCH_DEADLINE', '180' if WRAPPER else '30'))

# What text of a stranger may try: escapes of either form, an order to copy, C1 as a character and as a byte, directions
# turned round, invisible ones, line ends, quotes, markup, formulas, NUL, no UTF-8.
HOSTILE = ('\x1b]52;c;eA==\x07\x1b[31mred', '\x9b31mred', b'\x9b31m\xff\xfe', 'a\u202eb\u2066c\u200ed',
           'two\nlines', 'two\r\nlines\tand a tab', 'say "no", it\'s said', '<script>alert(1)</script>&amp;',
           '=1+1', '+1', '-1', '@SUM(A1)', '\t=1+1', "'quoted", b'nul\0here', b'\xc0\xaf', 'back\\slash{}',
           'täglich ✓ 日本語', ' blanks ', '# EOF', '')


def need(program):
    """The program's path; skips the test when it is not installed."""
    path = shutil.which(program)
    if path is None:
        raise unittest.SkipTest(program + ' is not installed')
    return path


def call(arguments, data=b'', env=None, status=0):
    """Runs a program. Returns: the CompletedProcess; raises when it ends otherwise than expected."""
    done = subprocess.run(arguments, input=data, capture_output=True, timeout=DEADLINE_SECONDS, env=env)
    if status is not None and done.returncode != status:
        raise AssertionError('%s ended with %d: %s' % (shlex.join(arguments), done.returncode,
                                                       done.stderr.decode(errors='backslashreplace')))
    return done


def environment(**more):
    """Without what changes the output behind a test's back."""
    kept = {name: value for name, value in os.environ.items()
            if name.startswith(('ASAN_', 'UBSAN_', 'LSAN_')) or name in ('PATH', 'HOME', 'TMPDIR')}
    return {**kept, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'TERM': 'xterm-256color', **more}


class ReportTest(unittest.TestCase):
    """A test with journals of its own in self.directory."""

    maxDiff = None

    def setUp(self):
        if journals.find_remote() is None:
            self.skipTest('systemd-journal-remote is not installed')
        self.directory = tempfile.mkdtemp(prefix='gatewatch-report.')
        self.addCleanup(shutil.rmtree, self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def journal(self, name='a.journal', **options):
        """A journals.JournalWriter."""
        return journals.JournalWriter(self.path(name), **options)

    def command(self, *arguments):
        return [*WRAPPER, GATEWATCH, 'report', '--directory=' + self.directory, *arguments]

    def report(self, *arguments, status=0, env=None):
        """Runs `gatewatch report` on the test's journals."""
        done = call(self.command(*arguments), env=environment(**(env or {})), status=status)
        if status == 0:
            self.assertEqual(done.stderr, b'')
        return done

    def assertHarmless(self, output, but=b''):
        """No byte of it gives an order to a terminal, but those."""
        text = output.decode('utf-8')  # and it is valid
        kept = set(but.decode()) | {'\n'}
        bad = {c for c in text if c not in kept and (ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0)}
        self.assertEqual(bad, set())
