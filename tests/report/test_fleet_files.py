# SPDX-License-Identifier: MIT
"""Rules and queries for Prometheus, those of the example and those of fleet.md: they are valid, they ask for series that
there are, and an alert comes when it is to, and only then."""

import os
import re

import harness
from harness import ReportTest, call, need

ROOT = os.path.dirname(os.path.dirname(harness.HERE))
RULES = os.path.join(ROOT, 'systemd', 'examples', 'fleet', 'gatewatch-alerts.yml')
SERIES = 'unit="hermes.service",manager="system",host="a"'
# Series with their values once a minute (promtool-test-rules(1)), the alert, and the minute at which it is looked at.
ALERTS = (
    ('GatewayStopForced', {f'gatewatch_forced_kills_total{{{SERIES}}}': '0x5 1x30'}, '10m', True),
    ('GatewayStopForced', {f'gatewatch_forced_kills_total{{{SERIES}}}': '1x40'}, '30m', False),
    ('GatewayEndUnexplained', {f'gatewatch_unexplained_ends_total{{{SERIES}}}': '2x5 3x30'}, '10m', True),
    ('GatewayEndUnexplained', {f'gatewatch_unexplained_ends_total{{{SERIES}}}': '2x5 3x60'}, '50m', False),
    ('GatewayDrainNearLimit', {f'gatewatch_drains_near_limit_total{{{SERIES}}}': '0x5 1x30'}, '30m', True),
    ('GatewayStopTimeoutTooShort', {f'gatewatch_timeout_stop_seconds{{{SERIES}}}': '60x9',
                                    f'gatewatch_drain_allowed_seconds{{{SERIES}}}': '60x9',
                                    f'gatewatch_headroom_seconds{{{SERIES}}}': '30x9'}, '5m', True),
    ('GatewayStopTimeoutTooShort', {f'gatewatch_timeout_stop_seconds{{{SERIES}}}': '90x9',
                                    f'gatewatch_drain_allowed_seconds{{{SERIES}}}': '60x9',
                                    f'gatewatch_headroom_seconds{{{SERIES}}}': '30x9'}, '5m', False),
    ('GatewayMetricsStale', {'node_textfile_mtime_seconds{file="/x/gatewatch.prom"}': '0x30'}, '11m', True),
    ('GatewayMetricsStale', {'node_textfile_mtime_seconds{file="/x/gatewatch.prom"}': '0x30'}, '9m', False),
)


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def queries():
    """Of fleet.md: each line of a block is one."""
    blocks = re.findall(r'^```promql\n(.*?)^```$', read(os.path.join(ROOT, 'docs', 'fleet.md')), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


class FleetFilesTest(ReportTest):
    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self.path(name)

    def exported(self):
        """The names of the series that there are."""
        with self.journal() as journal:
            for outcome in ('clean', 'killed', 'lost'):
                journal.run(outcome=outcome)
        text = self.report('--output=openmetrics').stdout.decode()
        return {line.split('{')[0] for line in text.splitlines() if not line.startswith('#')}

    def test_rules_and_queries_are_valid(self):
        promtool = need('promtool')
        call([promtool, 'check', 'rules', RULES])
        self.assertGreater(len(queries()), 4)
        rules = ''.join('      - record: "query:%d"\n        expr: %r\n' % pair for pair in enumerate(queries()))
        call([promtool, 'check', 'rules', self.write('queries.yml', 'groups:\n  - name: queries\n    rules:\n' + rules)])

    def test_series_that_are_asked_for_exist(self):
        asked = set(re.findall(r'\bgatewatch_\w+', ' '.join(
            queries() + re.findall(r'(?m)^ +expr: (.*)$', read(RULES)))))
        self.assertGreater(len(asked), 5)
        self.assertEqual(asked - self.exported(), set())

    def test_alerts_come_when_they_are_to(self):
        promtool = need('promtool')
        rules = read(RULES)
        self.assertEqual({row[0] for row in ALERTS}, set(re.findall(r'(?m)^ +- alert: (\w+)$', rules)))
        for alert, series, at, is_due in ALERTS:
            with self.subTest(alert=alert, at=at):
                test = ('rule_files: [%r]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n' % RULES)
                test += ''.join("      - series: '%s'\n        values: '%s'\n" % pair for pair in series.items())
                test += '    alert_rule_test:\n      - eval_time: %s\n        alertname: %s\n        exp_alerts: []\n' % (
                    at, alert)
                done = call([promtool, 'test', 'rules', self.write('test.yml', test)], status=None)
                # Where none is expected, one that comes is a failure, and is shown.
                self.assertEqual(done.returncode == 0, not is_due, done.stdout + done.stderr)
                self.assertEqual(b'alertname="%s"' % alert.encode() in done.stdout + done.stderr, is_due)

    def test_alerts_name_the_next_command(self):
        runbooks = re.findall(r'(?m)^ +runbook: "(.*)"$', read(RULES))
        self.assertEqual(len(runbooks), len(set(row[0] for row in ALERTS)))
        for runbook in runbooks:
            words = re.sub(r'\{\{ \$labels\.\w+ \}\}', 'hermes', runbook).split()
            if words[:2] == ['gatewatch', 'report']:
                with self.subTest(runbook):
                    with self.journal() as journal:
                        journal.run(unit='hermes.service', outcome='killed')
                    # On the test's own journal.
                    words = [self.directory if word == '/var/log/journal/remote' else word for word in words]
                    call([harness.GATEWATCH, *words[1:]], env=harness.environment())
