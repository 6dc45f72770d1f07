# SPDX-License-Identifier: MIT
"""Each format read back by programs that others have written, whatever the records contain."""

import csv
import io
import json
import math
import os
import shutil
import subprocess
import unicodedata

import harness
from harness import HOSTILE, ReportTest, call, need

STRINGS = ('CAUSE', 'CAUSE_DETAIL', 'OUTCOME', 'EXIT_CODE', 'EXIT_STATUS', 'SIGNAL', 'ACTIVE_SOURCE',
           'SLOWEST_STEP', 'TIMELINE', 'SERVICE_RESULT', 'PREVIOUS_PHASE', 'PREVIOUS_GATEWAY_PHASE',
           'PREVIOUS_STEP', 'SENDER_STATE', 'SENDER_COMM', 'SENDER_CMDLINE', 'SENDER_USER', 'SENDER_UNIT',
           'SENDER_ANCESTRY', 'REQUESTER_COMM', 'REQUESTER_CMDLINE', 'REQUESTER_VERB', 'REQUESTER_UNIT',
           'REQUESTER_ANCESTRY')
NUMBERS = ('DRAIN_USEC', 'DRAIN_USED_USEC', 'TOTAL_USEC', 'ACTIVE_NOW', 'UPTIME_USEC', 'OOM_KILLS', 'SENDER_PID')
LISTS = ('PHASES', 'GATEWAY_PHASES', 'STEPS')


def as_bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def as_text(value):
    """As a record's text is to be read: UTF-8, no NUL."""
    return as_bytes(value).replace(b'\0', '\ufffd'.encode()).decode(errors='replace')


def is_order(c):
    """Whether a character is one that a terminal obeys."""
    return unicodedata.category(c) == 'Cc' or c in '\u200e\u200f\u061c' or '\u202a' <= c <= '\u202e' or \
        '\u2066' <= c <= '\u2069'


def guarded(text):
    return "'" + text if text[:1] in tuple("=+-@\t\r\n'") else text


class FormatsTest(ReportTest):
    def write_stops(self):
        """One of each kind."""
        with self.journal() as journal:
            journal.run()
            journal.run(unit='a.service', outcome='killed', active=(5, 2))
            journal.run(outcome='crashed', cause='crash')
            journal.run(manager='user', uid=1000, unit='u.service', outcome='escalated', cause='user-exit')
            journal.run(manager='none', unit='terminal.service', cause='terminal')
            journal.run(outcome='lost', cause='supervisor-killed', recorded_by='post')
            journal.run(is_recorded=False)
            journal.run(cause='restart')

    def write_hostile(self):
        with self.journal() as journal:
            for value in HOSTILE + ('x' * 60 * 1024, '日' * 20 * 1024):
                strings = {'GATEWATCH_' + name: as_bytes(value) for name in STRINGS + LISTS}
                journal.run(name=as_text(value).replace('\0', '') or None, overrides={'stopped': strings})
            for value in ('-1', '1e3', '18446744073709551616', 'infinity', '', ' 5', '0x10', '5s'):
                journal.run(overrides={'stopped': {'GATEWATCH_' + name: value for name in NUMBERS}})

    # ---- JSON

    def test_json_is_read_by_jq(self):
        jq = need('jq')
        self.write_stops()
        for mode in ('short', 'pretty'):
            output = self.report('--json=' + mode).stdout
            self.assertHarmless(output)
            read = call([jq, '-c', '.[] | [.unit, .cause, .outcome, .state]'], output).stdout.decode().splitlines()
            self.assertEqual(read[0], '["hermes.service","stop","clean","stopped"]')
            self.assertEqual(read[1], '["a.service","stop","killed","stopped"]')
            self.assertEqual(len(read), 8)
            total = call([jq, 'map(.drain_used_usec // 0) | add'], output).stdout
            self.assertGreater(int(total), 60000000)

    def test_json_of_short_is_one_line_and_of_pretty_is_the_same(self):
        self.write_stops()
        short, pretty = (self.report('--json=' + mode).stdout for mode in ('short', 'pretty'))
        self.assertEqual(short.count(b'\n'), 1)
        self.assertGreater(pretty.count(b'\n'), 100)
        self.assertEqual(json.loads(short), json.loads(pretty))

    def test_json_keys_are_of_one_type(self):
        self.write_stops()
        self.write_hostile()  # with run ids that are there already: forged
        with self.journal('b.journal') as journal:
            journal.run(run_id='c' * 32, overrides={'stopped': {'GATEWATCH_GATEWAY_PHASES': '[]'}})
        texts = {'state', 'when', 'began', 'boot_id', 'machine_id', 'host', 'unit', 'manager', 'trust', 'forgery',
                 'run_id', 'name', 'command', 'recorded_by', 'cause', 'cause_detail', 'outcome', 'exit_code',
                 'exit_status', 'signal', 'active_source', 'slowest_step', 'timeline', 'service_result',
                 'previous_phase', 'previous_gateway_phase', 'previous_step'}
        numbers = {'realtime_usec', 'began_realtime_usec', 'monotonic_usec', 'uid', 'pid', 'uptime_usec', 'oom_kills',
                   'drain_usec', 'headroom_usec', 'timeout_stop_usec', 'drain_used_usec', 'total_usec',
                   'active_at_start', 'active_now', 'slowest_step_usec'}
        types = {**dict.fromkeys(texts, str), **dict.fromkeys(numbers, int), 'sender': dict, 'requester': dict,
                 'phases': list, 'gateway_phases': list, 'steps': list}
        seen = set()
        for stop in json.loads(self.report('--json=short', '--all').stdout):
            for key, value in stop.items():
                self.assertIs(type(value), types[key], key)
                seen.add(key)
        self.assertEqual(seen, set(types))

    def test_json_lists_are_what_the_record_has(self):
        with self.journal() as journal:
            journal.run(outcome='escalated', steps=(('disconnect', 1.5, 'late'),))
        [stop] = json.loads(self.report('--json=short').stdout)
        self.assertEqual(stop['phases'], [{'name': 'drain', 'usec': 60000000, 'timed_out': True},
                                          {'name': 'term', 'usec': 2000000, 'timed_out': False}])
        self.assertEqual(stop['steps'], [{'name': 'disconnect', 'usec': 1500000, 'timeout_usec': 5000000,
                                          'end': 'late'}])

    def test_json_of_hostile_lists_is_json(self):
        jq = need('jq')
        lists = ('[NaN]', '[Infinity, -Infinity]', '[1e999]', '[' * 100000, '[{"a":' * 10 + '1' + '}]' * 10,
                 '["\\u009b31m\\u0000\\u202e"]', '[{"\\u001b[31m": "\\ud800"}]', '[1][2]', '{}', 'null', '[,]')
        with self.journal() as journal:
            for text in lists:
                journal.run(overrides={'stopped': {'GATEWATCH_' + name: text for name in LISTS}})
        output = self.report('--json=short').stdout
        self.assertHarmless(output)
        stops = json.loads(output, parse_constant=self.fail)
        self.assertEqual(len(stops), len(lists))
        self.assertEqual([i for i, stop in enumerate(stops) if 'phases' in stop], [5, 6])
        call([jq, '.'], output)

    def test_json_of_hostile_fields_keeps_their_text(self):
        jq = need('jq')
        self.write_hostile()
        output = self.report('--json=short', '--all').stdout
        self.assertHarmless(output)
        call([jq, '.'], output)
        stops = json.loads(output)
        for value, stop in zip(HOSTILE, stops):
            with self.subTest(value=value):
                got, wanted = stop.get('cause_detail', ''), as_text(value)
                self.assertEqual(len(got), len(wanted))
                for a, b in zip(got, wanted):
                    self.assertTrue(a == b or is_order(b) and a == '?', repr(got))
        self.assertEqual(stops[len(HOSTILE)]['cause_detail'], 'x' * 60 * 1024)

    # ---- CSV

    def read_csv(self, *arguments):
        output = self.report('--output=csv', *arguments).stdout
        self.assertHarmless(output, but=b'\r\t')
        return list(csv.reader(io.StringIO(output.decode(), newline=''), strict=True))

    def test_csv_is_a_table(self):
        self.write_stops()
        header, *rows = self.read_csv()
        self.assertEqual(len(rows), 8)
        self.assertEqual({len(row) for row in rows}, {len(header)})
        self.assertEqual(len(set(header)), len(header))
        stops = json.loads(self.report('--json=short').stdout)
        for row, stop in zip((dict(zip(header, row)) for row in rows), stops):
            for key in ('when', 'state', 'host', 'unit', 'manager', 'cause', 'outcome', 'exit_status', 'run_id'):
                self.assertEqual(row[key], stop.get(key, ''), key)
            for name in ('drain_used', 'drain', 'total', 'uptime'):
                usec = stop.get(name + '_usec')
                self.assertEqual(row[name + '_seconds'] and round(float(row[name + '_seconds']) * 1e6),
                                 '' if usec is None else usec, name)
        self.assertEqual(self.read_csv('--no-legend'), rows)

    def test_csv_of_hostile_fields_gives_them_back(self):
        self.write_hostile()
        header, *rows = self.read_csv('--all')
        self.assertEqual({len(row) for row in rows}, {len(header)})
        for value, row in zip(HOSTILE, rows):
            row = dict(zip(header, row))
            with self.subTest(value=value):
                wanted = guarded(as_text(value))
                for key in ('cause_detail', 'timeline', 'sender_cmdline', 'exit_status'):
                    self.assertEqual(len(row[key]), len(wanted))
                    for a, b in zip(row[key], wanted):
                        self.assertTrue(a == b or is_order(b) and b not in '\t\r\n' and a == '?', repr(row[key]))
        self.assertEqual(dict(zip(header, rows[len(HOSTILE)]))['timeline'], 'x' * 60 * 1024)

    def test_csv_has_no_cell_that_is_a_formula(self):
        self.write_hostile()
        _, *rows = self.read_csv('--all')
        for row in rows:
            for cell in row:
                self.assertNotIn(cell[:1], tuple('=+-@\t\r\n'), cell[:40])

    # ---- OpenMetrics

    def metrics(self, *arguments):
        output = self.report('--output=openmetrics', *arguments).stdout
        self.assertHarmless(output, but=b'\t')
        self.assertTrue(output.endswith(b'# EOF\n'))
        return output

    def parse_openmetrics(self, output):
        """{(sample name, labels)}: value, as the Prometheus client's own parser has it."""
        try:
            from prometheus_client.openmetrics.parser import text_string_to_metric_families
        except ImportError:
            self.skipTest('python3-prometheus-client is not installed')
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in text_string_to_metric_families(output.decode()) for sample in family.samples}

    def parse_text_format(self, output):
        try:
            from prometheus_client.parser import text_string_to_metric_families
        except ImportError:
            self.skipTest('python3-prometheus-client is not installed')
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in text_string_to_metric_families(output.decode()) for sample in family.samples}

    def value(self, samples, name, **labels):
        values = [value for (sample, those), value in samples.items()
                  if sample == name and labels.items() <= dict(those).items()]
        return math.fsum(values)

    def test_openmetrics_is_read_by_prometheus_client(self):
        self.write_stops()
        samples = self.parse_openmetrics(self.metrics())
        self.assertEqual(self.value(samples, 'gatewatch_stops_total'), 8)
        self.assertEqual(self.value(samples, 'gatewatch_stops_total', unit='a.service', outcome='killed'), 1)
        self.assertEqual(self.value(samples, 'gatewatch_stops_total', outcome='unrecorded'), 1)
        self.assertEqual(self.value(samples, 'gatewatch_stop_causes_total', cause='crash'), 1)
        self.assertEqual(self.value(samples, 'gatewatch_forced_kills_total'), 2)
        self.assertEqual(self.value(samples, 'gatewatch_drain_allowed_seconds', unit='a.service'), 60)
        self.assertEqual(self.value(samples, 'gatewatch_drain_seconds_bucket', unit='hermes.service', le='2.5'),
                         self.value(samples, 'gatewatch_drain_seconds_count', unit='hermes.service'))
        self.assertEqual(samples.keys() & {('gatewatch_stops_total', ())}, set())

    def test_openmetrics_is_the_same_in_the_text_format(self):
        self.write_stops()
        output = self.metrics()
        self.assertEqual(self.parse_text_format(output), self.parse_openmetrics(output))

    def test_openmetrics_is_accepted_by_promtool(self):
        """Of metrics it checks the text format, in which a counter's help belongs to the name with _total."""
        promtool = need('promtool')
        self.write_stops()
        self.write_hostile()
        for by in ('unit', 'host', 'cause'):
            done = call([promtool, 'check', 'metrics'], self.metrics('--by=' + by, '--all'), status=None)
            complaints = [line for line in (done.stdout + done.stderr).decode().splitlines()
                          if not line.endswith('_total no help text')]
            self.assertEqual(complaints, [])

    def test_openmetrics_of_prometheus_itself_has_a_sample_in_its_database(self):
        """Its own parser of OpenMetrics."""
        promtool = need('promtool')
        self.write_stops()
        # Backfilling asks for a time at each sample, of which a document of a collector has none.
        lines = [line if line.startswith('#') else line + ' 1763712000'
                 for line in self.metrics().decode().splitlines()]
        path, blocks = self.path('metrics.txt'), self.path('blocks')
        with open(path, 'w') as file:
            file.write('\n'.join(lines) + '\n')
        call([promtool, 'tsdb', 'create-blocks-from', 'openmetrics', path, blocks])
        self.assertTrue(os.listdir(blocks))

    def test_openmetrics_of_hostile_names_is_a_document(self):
        self.write_hostile()
        with self.journal('b.journal') as journal:
            for value in HOSTILE:
                if value:
                    journal.run(manager='none', host=as_text(value), overrides={
                        event: {'GATEWATCH_NAME': as_bytes(value)} for event in ('started', 'stopped')})
        for by in ('unit', 'host', 'cause'):
            output = self.metrics('--by=' + by, '--all')
            self.assertEqual(self.parse_text_format(output), self.parse_openmetrics(output))

    def test_openmetrics_of_an_empty_journal_is_a_document(self):
        with self.journal() as journal:
            journal.foreign(3)
        output = self.metrics()
        self.assertEqual(self.parse_openmetrics(output), {})
        if shutil.which('promtool'):
            call(['promtool', 'check', 'metrics'], output)

    # ---- The table

    def test_table_of_hostile_fields_has_no_orders(self):
        self.write_hostile()
        output = self.report('--all').stdout
        self.assertHarmless(output)
        self.assertEqual({c for c in output.decode() if is_order(c)}, {'\n'})

    def test_formats_of_an_empty_journal_are_empty(self):
        with self.journal() as journal:
            journal.foreign(3)
        self.assertEqual(json.loads(self.report('--json=short').stdout), [])
        self.assertEqual(self.report('--output=csv').stdout.count(b'\n'), 1)
        self.assertEqual(self.report('--output=csv', '--no-legend').stdout, b'')

    def test_formats_that_cannot_be_written_fail(self):
        self.write_stops()
        for arguments in (['--json=short'], ['--output=csv'], ['--output=openmetrics'], []):
            with self.subTest(arguments=arguments), open('/dev/full', 'wb') as full:
                done = subprocess.run(self.command(*arguments), stdout=full, stderr=subprocess.PIPE,
                                      timeout=harness.DEADLINE_SECONDS, env=harness.environment())
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(b'No space left', done.stderr)
