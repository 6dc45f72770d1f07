#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The man pages and the README against the program: what it has, they tell; what they tell, it has.

usage: pages.py GATEWATCH SOURCE-DIR
"""

import os
import re
import subprocess
import sys
import unittest

GATEWATCH = ''
SOURCE = ''

# In the table of events, written by no verb of this version.
UNWRITTEN = {'previous', 'cause', 'step', 'stuck', 'watchdog', 'diagnostic'}


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding='utf-8') as file:
        return file.read()


def options_of_help():
    text = subprocess.run([GATEWATCH, 'run', '--help'], stdin=subprocess.DEVNULL, check=True,
                          stdout=subprocess.PIPE, text=True, timeout=60).stdout
    return set(re.findall(r'^ +(?:-\w )?(--[a-z-]+)', text, re.MULTILINE))


def events_of_source():
    text = read('common', 'record-event.c')
    rows = re.findall(r'\.name = "([a-z-]+)",\s*\.message_id = "([0-9a-f]{32})"', text)
    return {name: message_id for name, message_id in rows if name not in UNWRITTEN}


class PagesTest(unittest.TestCase):
    def test_run_page_has_the_options_of_help_and_no_others(self):
        page = read('docs', 'gatewatch-run.1.scd').split('# STOP SCHEDULE')[0].split('# OPTIONS')[1]
        documented = set(re.findall(r'^(?:\*-h\*, )?\*(--[a-z-]+)', page, re.MULTILINE))
        self.assertGreater(len(documented), 10)
        self.assertEqual(documented, options_of_help())

    def test_readme_has_the_options_of_help(self):
        documented = set(re.findall(r'^\| `(--[a-z-]+)', read('README.md'), re.MULTILINE))
        self.assertEqual(documented, options_of_help() - {'--help', '--version'})

    def test_fields_page_has_the_events_of_the_table(self):
        page = read('docs', 'gatewatch.journal-fields.7.scd')
        documented = dict(re.findall(r'^## ([a-z-]+)\n\n\*([0-9a-f]{32})\*', page, re.MULTILINE))
        self.assertEqual(documented, events_of_source())

    def test_message_ids_in_examples_exist(self):
        known = set(events_of_source().values())
        for path in ('README.md', 'docs/gatewatch.1.scd', 'docs/gatewatch.journal-fields.7.scd'):
            for message_id in re.findall(r'MESSAGE_ID=([0-9a-f]{32})', read(path)):
                with self.subTest(path=path):
                    self.assertIn(message_id, known)

    def test_fields_page_has_every_field_that_is_written(self):
        page = read('docs', 'gatewatch.journal-fields.7.scd')
        written = set(re.findall(r'record_add_\w+\(\s*record, "([A-Z_]+)"',
                                 read('supervisor', 'run', 'run-record.c')))
        self.assertGreater(len(written), 20)
        for field in sorted(written):
            with self.subTest(field=field):
                self.assertIn('*GATEWATCH_%s*' % field, page)

    def test_links_of_the_readme_lead_somewhere(self):
        for target in re.findall(r'\]\(([^)#]+)\)', read('README.md')):
            with self.subTest(target=target):
                self.assertTrue(os.path.exists(os.path.join(SOURCE, target)), target)


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    GATEWATCH, SOURCE = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=2)
