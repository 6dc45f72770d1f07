# SPDX-License-Identifier: MIT
"""The table as a terminal gets it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata

import harness
from harness import ReportTest

COLOUR = re.compile(r'\x1b\[[0-9;]*m')


class TableTest(ReportTest):
    def on_terminal(self, columns, *arguments, **env):
        """What the program writes to a terminal so wide, as lines."""
        master, slave = pty.openpty()
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('4H', 50, columns, 0, 0))
            process = subprocess.Popen(self.command('--no-pager', *arguments), stdin=slave, stdout=slave,
                                       stderr=subprocess.PIPE, env=harness.environment(**env))
            os.close(slave)
            slave = -1
            output = b''
            while True:
                try:
                    data = os.read(master, 1 << 16)
                except OSError:  # EIO: the other end is closed
                    break
                if not data:
                    break
                output += data
            _, errors = process.communicate(timeout=harness.DEADLINE_SECONDS)
        finally:
            os.close(master)
            if slave >= 0:
                os.close(slave)
        self.assertEqual((process.returncode, errors), (0, b''))
        return output.decode().replace('\r\n', '\n').splitlines()

    def write_stops(self):
        with self.journal() as journal:
            journal.run()
            journal.run(unit='a-gateway-with-a-long-name@instance-17.service', outcome='killed', active=(5, 2))
            journal.run(outcome='escalated', drain=90, drain_used=90, cause='host-shutdown')
            journal.run(outcome='crashed', cause='crash')
            journal.run(is_recorded=False)
            journal.run(cause='restart', drain=60, drain_used=56)

    def assertColumns(self, lines, columns):
        for line in lines:
            self.assertLessEqual(len(COLOUR.sub('', line)), columns, line)

    def test_table_on_80_columns_has_one_line_a_stop(self):
        self.write_stops()
        lines = self.on_terminal(80)
        self.assertColumns(lines, 80)
        self.assertEqual(len(lines), 1 + 6 + 2)
        self.assertIn('…', lines[2])

    def test_table_on_200_columns_cuts_nothing(self):
        self.write_stops()
        lines = self.on_terminal(200)
        self.assertColumns(lines, 200)
        self.assertNotIn('…', ''.join(lines))
        self.assertIn(' a-gateway-with-a-long-name@instance-17.service ', lines[2])
        self.assertIn('systemctl(812) by ', lines[1])

    def test_table_in_full_cuts_nothing_on_80_columns(self):
        self.write_stops()
        lines = self.on_terminal(80, '--full')
        self.assertNotIn('…', ''.join(lines))
        self.assertIn(' a-gateway-with-a-long-name@instance-17.service ', lines[2])

    def test_table_without_a_terminal_is_whole_and_plain(self):
        self.write_stops()
        text = self.report().stdout.decode()
        self.assertNotIn('…', text)
        self.assertNotIn('\x1b', text)
        self.assertTrue(text.endswith('\n\n6 stops: 2 clean, 1 escalated, 1 killed, 1 crashed, 1 unrecorded\n'), text)
        self.assertEqual(text.count('\n'), 1 + 6 + 2)
        self.assertFalse([line for line in text.splitlines() if line.endswith(' ')])

    def test_table_has_colours_only_on_a_terminal_that_wants_them(self):
        self.write_stops()
        lines = self.on_terminal(200)
        for line, colour in zip(lines[1:7], ('\x1b[0;32m', '\x1b[0;1;31m', '\x1b[0;1;33m', '\x1b[0;1;31m',
                                             '\x1b[0;1;31m', '\x1b[0;1;33m')):
            self.assertIn(colour, line)
        self.assertNotIn('\x1b', ''.join(self.on_terminal(200, NO_COLOR='1')))
        self.assertNotIn('\x1b', ''.join(self.on_terminal(200, SYSTEMD_COLORS='0')))

    def test_table_of_hostile_names_keeps_to_its_lines(self):
        with self.journal() as journal:
            for value in harness.HOSTILE:
                journal.run(overrides={'stopped': {'GATEWATCH_' + name: value for name in (
                    'CAUSE', 'OUTCOME', 'EXIT_CODE', 'EXIT_STATUS', 'REQUESTER_COMM')}})
        for columns in (80, 200):
            lines = self.on_terminal(columns)
            self.assertEqual(len(lines), 1 + len(harness.HOSTILE) + 2)
            for line in lines:
                rest = COLOUR.sub('', line)
                self.assertEqual([c for c in rest if unicodedata.category(c) in ('Cc', 'Cf')], [])
