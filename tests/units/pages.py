#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The man pages, the catalog and the README against the program: what it has, they tell; what they tell, it
has.

usage: pages.py GATEWATCH SOURCE-DIR
"""

import glob
import os
import re
import subprocess
import sys
import unittest

GATEWATCH = ''
SOURCE = ''


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding='utf-8') as file:
        return file.read()


def sources(*rooms):
    """The text of all C files of these rooms."""
    return '\n'.join(read(path) for room in rooms
                     for path in sorted(glob.glob(os.path.join(SOURCE, room, '*.c'))))


def section(page, title):
    """What stands between this heading of a page and the next of its rank."""
    return re.split(r'^# ', page.split('# %s\n' % title)[1], flags=re.MULTILINE)[0]


def terms(text):
    """What a list defines: the emphasised words of the lines that have an indented one below them."""
    heads = re.findall(r'^(\*[^\n]+)\n\t', text, re.MULTILINE)
    return {word for head in heads for word in re.findall(r'\*([^*]+)\*', head)}


def table_of_names(path, table):
    """The strings of a const table of names."""
    rows = re.search(r'\b%s\[[^\]]*\] = \{(.*?)\n\};' % table, read(path), re.DOTALL).group(1)
    return set(re.findall(r'= "([^"]+)"', rows))


def help_of(verb):
    return subprocess.run([GATEWATCH, verb, '--help'], stdin=subprocess.DEVNULL, check=True,
                          stdout=subprocess.PIPE, text=True, timeout=60).stdout


def options_of_help(verb='run'):
    """Also the second one of a line that has two, and the same by another name."""
    return set(re.findall(r'(?:^ +|;  |\()(?:-\w )?(--[a-z-]+)', help_of(verb), re.MULTILINE))


def options_of_page(verb):
    page = section(read('docs', 'gatewatch-%s.1.scd' % verb), 'OPTIONS')
    heads = re.findall(r'^(\*-[^\n]+)\n\t', page, re.MULTILINE)
    return {word for head in heads for word in re.findall(r'\*(--[a-z-]+)', head)}


def block(page, title, index=0):
    """The preformatted text of a section, one of several."""
    return section(page, title).split('```\n')[1 + 2 * index]


def events_of_source():
    text = read('common', 'record-event.c')
    rows = re.findall(r'\.name = "([a-z-]+)",\s*\.message_id = "([0-9a-f]{32})"', text)
    return dict(rows)


class PagesTest(unittest.TestCase):
    def test_run_page_has_the_options_of_help_and_no_others(self):
        page = read('docs', 'gatewatch-run.1.scd').split('# STOP SCHEDULE')[0].split('# OPTIONS')[1]
        documented = set(re.findall(r'^(?:\*-h\*, )?\*(--[a-z-]+)', page, re.MULTILINE))
        self.assertGreater(len(documented), 10)
        self.assertEqual(documented, options_of_help())

    def test_post_page_has_the_options_of_help_and_no_others(self):
        page = section(read('docs', 'gatewatch-post.1.scd'), 'OPTIONS')
        documented = set(re.findall(r'^(?:\*-h\*, )?\*(--[a-z-]+)', page, re.MULTILINE))
        self.assertGreater(len(documented), 4)
        self.assertEqual(documented, options_of_help('post'))

    def test_notify_page_has_the_options_of_help_and_no_others(self):
        page = section(read('docs', 'gatewatch-notify.1.scd'), 'OPTIONS')
        documented = set(re.findall(r'^(?:\*-h\*, )?\*(--[a-z-]+)', page, re.MULTILINE))
        self.assertGreater(len(documented), 10)
        self.assertEqual(documented, options_of_help('notify'))

    def test_check_page_has_the_options_of_help_and_no_others(self):
        page = section(read('docs', 'gatewatch-check.1.scd'), 'OPTIONS')
        documented = set(re.findall(r'^(?:\*-\w\*, )?\*(--[a-z-]+)', page, re.MULTILINE))
        self.assertEqual(documented, options_of_help('check'))

    def test_unit_page_has_the_options_of_help(self):
        page = section(read('docs', 'gatewatch-unit.1.scd'), 'OPTIONS')
        documented = set(re.findall(r'^(?:\*-\w\*, )?\*(--[a-z-]+)', page, re.MULTILINE))
        self.assertLessEqual(options_of_help('unit') - {'--user'}, documented)
        self.assertEqual(documented & options_of_help(), {'--config', '--help', '--name', '--version'})

    def test_check_page_has_the_rules_with_their_severities(self):
        page = section(read('docs', 'gatewatch-check.1.scd'), 'RULES')
        documented = {}
        for names, rest in re.findall(r'^((?:\*[a-z-]+\*(?: \(\w+\))?(?:, )?)+)( \(\w+\))?$', page,
                                      re.MULTILINE):
            severity = None
            for name, own in reversed(re.findall(r'\*([a-z-]+)\*(?: \((\w+)\))?', names + rest)):
                severity = own or severity
                documented[name] = severity
        rows = subprocess.run([GATEWATCH, 'check', '--list-rules'], stdin=subprocess.DEVNULL, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=60).stdout.splitlines()
        rules = {row.split()[0]: row.split()[1] for row in rows}
        self.assertGreater(len(rules), 30)
        self.assertEqual(documented, rules)
        self.assertIn('%d rules' % len(rules), read('README.md'))

    def test_pages_of_verbs_that_read_back_have_the_options_of_help_and_no_others(self):
        for verb in 'report', 'list':
            with self.subTest(verb=verb):
                self.assertGreater(len(options_of_help(verb)), 10)
                self.assertEqual(options_of_page(verb), options_of_help(verb))

    def test_report_page_has_the_outcomes_of_the_table(self):
        page = section(read('docs', 'gatewatch-report.1.scd'), 'OUTCOMES')
        outcomes = table_of_names('supervisor/stop/outcome.c', 'outcome_table')
        self.assertGreater(len(outcomes), 5)
        self.assertEqual(terms(page), outcomes | {'unrecorded', 'running'})

    def test_report_page_has_the_columns_of_the_table(self):
        page = section(read('docs', 'gatewatch-report.1.scd'), 'TABLE')
        columns = re.findall(r'\[COLUMN_\w+\] = \{ "(\w+)"', read('supervisor', 'report', 'output-row.c'))
        self.assertGreater(len(columns), 8)
        self.assertEqual(re.findall(r'^(?:\[\[|\|) +\*(\w+)\*$', page, re.MULTILINE), columns)

    def test_report_page_has_the_keys_of_a_stop(self):
        text = block(read('docs', 'gatewatch-report.1.scd'), 'JSON')
        written = set()
        for match in re.finditer(r'writer_put_(instant|\w+)\(\s*&?writer, (?:object|value), ((?:"[a-z_]+"(?:, )?)+)',
                                 read('supervisor', 'report', 'output-json.c')):
            written |= set(re.findall(r'"([a-z_]+)"', match.group(2)))
        self.assertGreater(len(written), 50)
        self.assertEqual(written - set(re.findall(r'[a-z0-9_]+', text)), set())
        keys = {key for line in re.findall(r'^ *([a-z_]+(?:[{}\[\]]*, [a-z_]+)*)', text, re.MULTILINE)
                for key in re.findall(r'[a-z_]{3,}', line) if '_' in key}
        self.assertEqual(keys - written, set())

    def test_report_page_has_the_keys_of_statistics(self):
        text = block(read('docs', 'gatewatch-report.1.scd'), 'JSON', 1)
        source = read('supervisor', 'report', 'statistics-json.c')
        written = set(re.findall(r'_put(?:_\w+)?\(\s*(?:object|bucket), "([a-z0-9_]+)"', source))
        self.assertGreater(len(written), 40)
        self.assertEqual(written - set(re.findall(r'[a-z0-9_]+', text)), set())
        self.assertEqual({key for key in re.findall(r'[a-z0-9]+_[a-z0-9_]+', text)} - written, set())

    def test_report_page_has_the_columns_of_csv(self):
        text = block(read('docs', 'gatewatch-report.1.scd'), 'CSV')
        columns = re.findall(r'CSV_COLUMN\("([a-z_]+)"', read('supervisor', 'report', 'output-csv.c'))
        self.assertGreater(len(columns), 50)
        self.assertEqual(re.findall(r'[a-z_]+', text), columns)

    def test_report_page_has_the_families_of_openmetrics(self):
        text = block(read('docs', 'gatewatch-report.1.scd'), 'OPENMETRICS')
        source = read('supervisor', 'report', 'output-openmetrics.c')
        families = {name for name in re.findall(r'"(gatewatch_[a-z_]+)"', source)}
        families = {name + '_total' if name + '_total' in families else name for name in families}
        documented = set(re.findall(r'^(gatewatch_[a-z_]+)', text, re.MULTILINE))
        self.assertGreater(len(families), 8)
        self.assertEqual({re.sub('_total$', '', name) for name in documented},
                         {re.sub('_total$', '', name) for name in families})

    def test_list_page_has_the_states_of_the_table(self):
        page = section(read('docs', 'gatewatch-list.1.scd'), 'STATES')
        states = table_of_names('supervisor/report/list-unit.c', 'listed_state_table')
        self.assertGreater(len(states), 5)
        self.assertEqual(terms(page), states)

    def test_list_page_has_the_columns_of_the_table(self):
        page = section(read('docs', 'gatewatch-list.1.scd'), 'TABLE')
        columns = re.findall(r'\[COLUMN_\w+\] = \{ "([A-Z ]+)"', read('supervisor', 'report', 'list-print.c'))
        self.assertGreater(len(columns), 6)
        self.assertEqual(['UNIT'] + re.findall(r'^(?:\[\[|\|) +\*([A-Z ]+)\*$', page, re.MULTILINE), columns)

    def test_list_page_has_the_keys_of_a_unit(self):
        text = block(read('docs', 'gatewatch-list.1.scd'), 'JSON')
        written = set(re.findall(r'writer_put(?:_\w+)?\(\s*(?:writer|&part), "([a-z_]+)"',
                                 read('supervisor', 'report', 'list-print-json.c')))
        self.assertGreater(len(written), 20)
        self.assertEqual(written - set(re.findall(r'[a-z_]+', text)), set())
        self.assertEqual({key for key in re.findall(r'[a-z]+_[a-z_]+', text)} - written, set())

    def test_first_page_has_the_verbs_of_help(self):
        page = section(read('docs', 'gatewatch.1.scd'), 'VERBS')
        text = subprocess.run([GATEWATCH, '--help'], stdin=subprocess.DEVNULL, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=60).stdout
        verbs = re.findall(r'^  ([a-z]+) ', text.split('Verbs:')[1].split('Options:')[0], re.MULTILINE)
        self.assertGreater(len(verbs), 1)
        self.assertEqual(re.findall(r'^\*([a-z]+)\* ', page, re.MULTILINE), verbs)

    def test_readme_has_the_options_of_help(self):
        documented = set(re.findall(r'^\| `(--[a-z-]+)', read('README.md'), re.MULTILINE))
        self.assertEqual(documented, options_of_help() - {'--help', '--version'})

    def test_fields_page_has_the_events_of_the_table(self):
        page = read('docs', 'gatewatch.journal-fields.7.scd')
        documented = dict(re.findall(r'^## ([a-z-]+)\n\n\*([0-9a-f]{32})\*', page, re.MULTILINE))
        self.assertEqual(documented, events_of_source())

    def test_message_ids_in_examples_exist(self):
        known = set(events_of_source().values())
        for path in ('README.md', 'docs/gatewatch.1.scd', 'docs/gatewatch-post.1.scd',
                     'docs/gatewatch.journal-fields.7.scd'):
            for message_id in re.findall(r'MESSAGE_ID=([0-9a-f]{32})', read(path)):
                with self.subTest(path=path):
                    self.assertIn(message_id, known)

    def test_fields_page_has_every_field_that_is_written(self):
        page = read('docs', 'gatewatch.journal-fields.7.scd')
        written = set(re.findall(r'(?:record|context)_add_\w+\(\s*record, "([A-Z_]*[A-Z])"',
                                 sources('supervisor/run', 'supervisor/forensics')))
        self.assertGreater(len(written), 60)
        for field in sorted(written):
            with self.subTest(field=field):
                self.assertTrue('*GATEWATCH_%s*' % field in page, field)

    def test_fields_page_has_no_field_that_is_not_written(self):
        page = read('docs', 'gatewatch.journal-fields.7.scd')
        text = sources('common', 'supervisor/run', 'supervisor/forensics')
        for field in sorted(set(re.findall(r'\*GATEWATCH_([A-Z_]*[A-Z])\*', page))):
            with self.subTest(field=field):
                self.assertTrue(re.search(r'"(GATEWATCH_)?%s[="]' % field, text), field)

    def test_fields_page_has_the_causes_of_the_table(self):
        page = section(read('docs', 'gatewatch.journal-fields.7.scd'), 'CAUSES')
        causes = table_of_names('supervisor/stop/cause-name.c', 'cause_table')
        self.assertGreater(len(causes), 20)
        self.assertEqual(terms(page), causes)

    def test_fields_page_has_the_states_of_a_sender(self):
        page = section(read('docs', 'gatewatch.journal-fields.7.scd'), 'SENDERS')
        states = table_of_names('supervisor/forensics/sender-catcher.c', 'sender_state_table')
        self.assertGreater(len(states), 5)
        self.assertEqual(terms(page), states)

    def test_pages_have_the_words_of_a_stall(self):
        words = table_of_names('supervisor/stop/stall.c', 'stall_table')
        self.assertGreater(len(words), 5)
        page = section(read('docs', 'gatewatch.journal-fields.7.scd'), 'STALL')
        self.assertEqual(terms(page.split('\nValues of ')[1]), words)
        page = section(read('docs', 'gatewatch-run.1.scd'), 'BEFORE A KILL')
        self.assertEqual(terms(page.split('\n## Stall\n')[1]), words)

    def test_fields_page_has_the_keys_of_what_is_stuck(self):
        page = section(read('docs', 'gatewatch.journal-fields.7.scd'), 'STUCK')
        text = read('supervisor', 'forensics', 'stuck-json.c')
        keys = set(re.findall(r'\{ "([a-z_]+)", json_type_', text))
        keys |= set(re.findall(r'(?:record_json_put|stuck_list|stuck_item)\(\w+, "([a-z_]+)"', text))
        self.assertGreater(len(keys), 20)
        for key in sorted(keys):
            with self.subTest(key=key):
                self.assertTrue('*%s*' % key in page, key)

    def test_run_page_has_the_ends_of_a_previous_run(self):
        page = section(read('docs', 'gatewatch-run.1.scd'), 'THE RUN BEFORE')
        ends = table_of_names('supervisor/forensics/previous-run.c', 'previous_end_table')
        self.assertGreater(len(ends), 8)
        self.assertEqual(set(re.findall(r'^\|[|\[ ]+\*([a-z]+)\*$', page, re.MULTILINE)), ends)

    def test_fields_page_has_the_keys_of_a_context(self):
        page = section(read('docs', 'gatewatch.journal-fields.7.scd'), 'CONTEXT')
        text = read('supervisor', 'forensics', 'shutdown-context-json.c') + read('common', 'process-snapshot.c')
        keys = set(re.findall(r'_json_add(?:_\w+)?\(\s*&?(?:json|object), "([a-z_0-9]+)"', text))
        keys |= set(re.findall(r'"((?:takeover|planned_stop)_marker(?:_for_self)?)"', text))
        self.assertGreater(len(keys), 30)
        for key in sorted(keys):
            with self.subTest(key=key):
                self.assertTrue('*%s*' % key in page, key)

    def test_degraded_words_are_told(self):
        """By the page and by the catalog."""
        words = set(re.findall(r'(?:run_record_degraded|supervisor_refuse_work)\(\s*supervisor, "([a-z-]+)"',
                               sources('supervisor/run')))
        self.assertGreater(len(words), 10)
        page = read('docs', 'gatewatch.journal-fields.7.scd').split('*GATEWATCH_WHAT*')[1].split('\n\n')[0]
        self.assertEqual(set(re.findall(r'\*([a-z-]+)\*:', page)), words)
        catalog = read('common', 'record-event.c').split('[RECORD_DEGRADED]')[1]
        self.assertEqual(set(re.findall(r'^ +"([a-z-]+)  +', catalog, re.MULTILINE)), words)

    def test_links_of_the_readme_lead_somewhere(self):
        for target in re.findall(r'\]\(([^)#]+)\)', read('README.md')):
            with self.subTest(target=target):
                self.assertTrue(os.path.exists(os.path.join(SOURCE, target)), target)


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    GATEWATCH, SOURCE = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=2)
