#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The catalog as journalctl itself compiles and shows it.

The generated file is put below a private root, compiled by `journalctl --update-catalog`, and each
entry is asked for by its MESSAGE_ID. Without a journalctl the test says so and is skipped (77).

usage: test-catalog.py GENERATED-CATALOG
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CATALOG = ''
ENTRY = re.compile(r'^-- ([0-9a-f]{32})$', re.MULTILINE)


class TestCatalog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix='test-catalog-')
        cls.addClassCleanup(shutil.rmtree, cls.root)
        directory = os.path.join(cls.root, 'usr/lib/systemd/catalog')
        os.makedirs(directory)
        shutil.copy(CATALOG, os.path.join(directory, 'gatewatch.catalog'))
        cls.update = cls.journalctl('--update-catalog')
        with open(CATALOG, encoding='utf-8') as file:
            cls.text = file.read()
        cls.ids = ENTRY.findall(cls.text)

    @classmethod
    def journalctl(cls, *args):
        return subprocess.run(['journalctl', '--no-pager', '--root=' + cls.root, *args],
                              capture_output=True, text=True, timeout=60, check=False)

    def test_update_catalog_compiles_it_without_a_word(self):
        self.assertEqual(self.update.returncode, 0)
        self.assertEqual(self.update.stdout + self.update.stderr, '')

    def test_list_catalog_knows_every_id_once(self):
        listed = [line.split()[0] for line in self.journalctl('--list-catalog').stdout.splitlines()]
        self.assertGreaterEqual(len(self.ids), 15)
        self.assertEqual(sorted(listed), sorted(self.ids))
        self.assertEqual(len(set(self.ids)), len(self.ids))

    def test_dump_catalog_explains_every_id(self):
        for message_id in self.ids:
            with self.subTest(message_id):
                shown = self.journalctl('--dump-catalog', message_id)
                self.assertEqual(shown.returncode, 0, shown.stderr)
                head, _, body = shown.stdout.partition('\n\n')
                self.assertEqual(head.splitlines()[0], '-- ' + message_id)
                self.assertRegex(head, r'(?m)^Subject: .{10,}$')
                self.assertRegex(head, r'(?m)^Defined-By: gatewatch$')
                self.assertRegex(head, r'(?m)^Documentation: man:gatewatch-run\(1\)')
                self.assertGreater(len(body), 100)
                # Nothing got lost on the way (a line that begins with # would).
                self.assertIn(body.strip(), self.text)

    def test_references_are_ours_and_whole(self):
        for line in self.text.splitlines():
            rest = re.sub(r'@GATEWATCH_[A-Z0-9_]+@', '', line)
            self.assertNotIn('@', rest, line)

    def test_commands_name_the_entry_that_they_stand_in(self):
        for entry in self.text.split('\n-- ')[1:]:
            for message_id in re.findall(r'MESSAGE_ID=([0-9a-f]+)', entry):
                self.assertEqual(message_id, entry[:32])

    def test_lines_fit_a_terminal(self):
        for line in self.text.splitlines():
            self.assertLessEqual(len(line), 80, line)


if __name__ == '__main__':
    CATALOG = sys.argv.pop(1)
    if not shutil.which('journalctl'):
        print('no journalctl here')
        sys.exit(77)
    unittest.main(verbosity=2)
