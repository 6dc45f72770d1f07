# SPDX-License-Identifier: MIT
"""Rows of characters that take two columns, or none, on a terminal."""

import unicodedata

import test_table
from harness import ReportTest
from test_table import COLOUR


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)


class WidthTest(ReportTest):
    on_terminal = test_table.TableTest.on_terminal

    def write_wide(self):
        with self.journal() as journal:
            for i in range(25):
                journal.run(unit='入口%d.service' % (i % 2), cause='stop', drain_used=3.0 + i / 10,
                            requester={'PID': 812, 'UID': 1000, 'USER': '日本語の名前がここにあります', 'COMM': '停止する命令の名前',
                                       'CMDLINE': 'x', 'VERB': 'stop', 'UNIT': 'a.scope'},
                            steps=[('接続を一つずつ静かに閉じていく長い名前の作業', 1.5, 'done'),
                                   ('e\u0301' * 30, 0.5, 'done')])

    def assertWide(self, lines, columns):
        self.assertTrue(any(width(line) > len(line) for line in lines))
        for line in lines:
            self.assertLessEqual(width(COLOUR.sub('', line)), columns, line)

    def test_table_of_wide_characters_keeps_to_the_terminal_and_its_columns(self):
        self.write_wide()
        lines = self.on_terminal(80)
        self.assertWide(lines, 80)
        rows = [COLOUR.sub('', line) for line in lines[1:26]]
        self.assertEqual(len({width(row.split(' clean ')[0]) for row in rows if ' clean ' in row}), 1, rows)

    def test_picture_of_wide_characters_keeps_to_the_terminal(self):
        self.write_wide()
        for columns in (60, 80, 120):
            lines = self.on_terminal(columns, '-n1', '-v')
            self.assertWide(lines, columns)
            begins = {width(COLOUR.sub('', line).split('█')[0]) for line in lines if '█' in line and '接' in line}
            self.assertLessEqual(len(begins), 1)

    def test_statistics_of_wide_characters_keep_to_the_terminal(self):
        self.write_wide()
        for arguments in (('--stats',), ('--by=unit',)):
            self.assertWide(self.on_terminal(80, *arguments), 80)

    def test_every_page_is_ascii_where_the_locale_is_not_utf8(self):
        self.write_wide()
        for arguments in ((), ('-v', '-n1'), ('--stats',), ('--by=unit',)):
            lines = self.on_terminal(80, *arguments, LC_ALL='C')
            self.assertTrue(all(line.isascii() for line in lines), lines)
            self.assertTrue(any('?' in line for line in lines))
            for line in lines:
                self.assertLessEqual(len(COLOUR.sub('', line)), 80, line)

    def test_characters_that_nobody_knows_keep_to_the_terminal(self):
        with self.journal() as journal:
            journal.run(requester={'PID': 812, 'UID': 0, 'USER': '\U000e2000' * 9, 'COMM': '\U000e2000' * 20, 'CMDLINE': 'x',
                                   'VERB': 'stop', 'UNIT': 'a.scope'})
        for line in self.on_terminal(80):
            self.assertLessEqual(len(COLOUR.sub('', line)), 80, line)
            self.assertNotIn('\\x', line)
