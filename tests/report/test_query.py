# SPDX-License-Identifier: MIT
"""Which stops the report finds: each filter beside a plain one over all that journalctl has of the same file."""

import collections
import fnmatch
import json
import os
import random
import select
import shutil
import subprocess
import tempfile
import time
import unittest

import harness
import journals
from harness import ReportTest, call, environment, need
from journals import EVENTS, SECOND, WITHOUT

N_RUNS = 200
OWN_UID = os.getuid()
DAY = 86400
HOSTS = (('a0010000000000000000000000000001', 'gw1'), ('a0020000000000000000000000000002', 'gw2'),
         ('a0030000000000000000000000000003', 'gw3'))
UNITS = ('hermes.service', 'openclaw@7.service', 'gateway-a.service', 'gateway-b.service')
CAUSES = ('stop', 'restart', 'host-shutdown', 'signal', 'oom', 'host-suspend', 'deploy')
BY_OUTCOME = {'crashed': 'crash', 'exited': 'exit', 'failed': 'exit', 'lost': 'supervisor-killed'}
OUTCOMES = ('clean', 'clean', 'clean', 'escalated', 'killed', 'crashed', 'exited', 'failed', 'lost')
UNKNOWN_WRITER = {name: WITHOUT for name in (
    '_COMM', '_EXE', '_CMDLINE', '_SYSTEMD_UNIT', '_SYSTEMD_USER_UNIT', '_SYSTEMD_CGROUP', '_SYSTEMD_SLICE',
    '_SYSTEMD_INVOCATION_ID', '_SYSTEMD_OWNER_UID', '_SYSTEMD_USER_SLICE', '_SYSTEMD_SESSION')}
FORGERIES = ({'_COMM': 'python3'}, {'_TRANSPORT': 'stdout'}, {'_UID': 4711}, {'_PID': 99},
             {'GATEWATCH_UNIT': 'other.service'}, {'_SYSTEMD_UNIT': 'evil.service', 'GATEWATCH_UNIT': WITHOUT},
             {'_MACHINE_ID': 'ff' * 16})


# ---- The plain one: what the documents say of runs, in as few words as can be

Row = collections.namedtuple('Row', 'run_id state trust realtime boot run_boot machine host unit name manager uid cause '
                                    'outcome parties')
Writer = collections.namedtuple('Writer', 'machine manager uid unit pid')


def writer_of(entry):
    unit, manager = entry.get('_SYSTEMD_USER_UNIT') or entry.get('_SYSTEMD_UNIT'), 'none'
    if unit and unit.endswith('.service'):
        if '_SYSTEMD_USER_UNIT' in entry:
            manager = 'user'
        elif not unit.startswith('user@'):
            manager = 'system'
    return Writer(entry.get('_MACHINE_ID'), manager, int(entry['_UID']), unit, int(entry['_PID']))


def own_trust(entry):
    writer, claim = writer_of(entry), entry.get('GATEWATCH_UNIT')
    if entry['_TRANSPORT'] != 'journal' or entry.get('_COMM', 'gatewatch') != 'gatewatch':
        return 'forged'
    if claim and writer.unit and claim != writer.unit:
        return 'forged'
    return 'believed' if '_COMM' in entry and (writer.unit or not claim) else 'unverified'


def trust_beside(entry, started):
    """Of a `stopped` beside the run's `started`, if there is one."""
    own = own_trust(entry)
    if own == 'forged':
        return own
    if started is None:
        return 'forged' if own == 'unverified' and entry['_UID'] != '0' else own
    a, b = writer_of(entry), writer_of(started)
    by = entry.get('GATEWATCH_RECORDED_BY')
    if a.machine != b.machine or (a.uid not in (0, b.uid)):
        return 'forged'
    if a.unit and b.unit and (a.manager != b.manager or (a.unit != b.unit and
                                                         not (a.manager == 'none' and by == 'next-run'))):
        return 'forged'
    if by not in ('post', 'next-run') and a.pid != b.pid:
        return 'forged'
    return own


def is_vouched(entry):
    return entry.get('_SYSTEMD_INVOCATION_ID') == entry['GATEWATCH_RUN_ID']


def place(started):
    writer = writer_of(started)
    return writer[:4] + (None if is_vouched(started) else started['GATEWATCH_NAME'],)


def parties(entry):
    found = set()
    for prefix in ('GATEWATCH_SENDER_', 'GATEWATCH_REQUESTER_'):
        found |= {entry.get(prefix + name) for name in ('COMM', 'USER', 'UNIT', 'PID')}
    return found - {None} | {user_shown(entry)}


def user_shown(entry):
    """Of the requester, else of the sender, on another machine than this."""
    for prefix in ('GATEWATCH_REQUESTER_', 'GATEWATCH_SENDER_'):
        if prefix + 'COMM' in entry:
            uid = entry.get(prefix + 'UID')
            return entry.get(prefix + 'USER') or ('root' if uid == '0' else 'uid ' + uid)
    return ''


def row_of(entry, state, trust, started=None):
    writer = writer_of(entry)
    if started is not None and writer.unit is None and trust != 'forged':
        writer = writer._replace(unit=writer_of(started).unit, manager=writer_of(started).manager)
    is_over = state == 'stopped'
    return Row(entry['GATEWATCH_RUN_ID'], state, trust, int(entry['__REALTIME_TIMESTAMP']), entry['_BOOT_ID'],
               started['_BOOT_ID'] if started is not None and trust != 'forged' else None, writer.machine, entry.get('_HOSTNAME'), writer.unit, entry.get('GATEWATCH_NAME'), writer.manager,
               writer.uid, entry['GATEWATCH_CAUSE'] if is_over else '-' if state == 'running' else 'unknown',
               entry['GATEWATCH_OUTCOME'] if is_over else state, parties(entry))


def stopped_rows(entries, started):
    """Of one run. Yields: each entry's index and row."""
    judged = [(trust_beside(entry, started), i, entry) for i, entry in entries]
    order = ('believed', 'unverified', 'forged')
    counting = min(judged, key=lambda each: (order.index(each[0]), not is_vouched(each[2]), each[1]), default=None)
    for trust, i, entry in judged:
        trust = trust if i == counting[1] else 'forged'
        yield i, row_of(entry, 'stopped', trust, started)


def started_of(entries):
    """Of one run: that of its invocation, else the first."""
    believed = [each for each in entries if own_trust(each[1]) != 'forged']
    return next((each for each in believed if is_vouched(each[1])), believed[0] if believed else None)


def all_rows(entries):
    """What --all shows of entries in the journal's order, which are of other machines than this one."""
    runs = collections.defaultdict(lambda: {'started': [], 'stopped': []})
    last_boot, newest_at = {}, {}
    for i, entry in enumerate(entries):
        last_boot[entry.get('_MACHINE_ID')] = entry['_BOOT_ID']
        for event in ('started', 'stopped'):
            if entry.get('MESSAGE_ID') == EVENTS[event]:
                runs[entry['GATEWATCH_RUN_ID']][event].append((i, entry))
        if entry.get('MESSAGE_ID') == EVENTS['started'] and own_trust(entry) != 'forged':
            newest_at[place(entry)] = i
    rows = []
    for run in runs.values():
        found = started_of(run['started'])
        stopped = list(stopped_rows(run['stopped'], found and found[1]))
        rows += stopped
        if found and all(row.trust == 'forged' for _, row in stopped):
            i, entry = found
            is_over = newest_at[place(entry)] > i or last_boot[entry.get('_MACHINE_ID')] != entry['_BOOT_ID']
            rows.append((i, row_of(entry, 'unrecorded' if is_over else 'running', own_trust(entry))))
        if not found and all(own_trust(entry) == 'forged' for _, entry in run['stopped']):
            rows += [(i, row_of(entry, 'unrecorded', 'forged')) for i, entry in run['started']]
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def is_for_everybody(row):
    return row.trust != 'forged' and row.state != 'running'


def journalctl(*arguments):
    output = call([need('journalctl'), '-o', 'json', '--all', '--no-pager', '--quiet', *arguments]).stdout
    return [json.loads(line) for line in output.splitlines()]


def seen(row):
    """What the two are compared by."""
    return row.run_id, row.state, row.trust, row.realtime, row.machine, row.unit, row.cause, row.outcome


# ---- The journal that is asked

class Author:
    """Writes runs of all kinds; always the same ones."""

    def __init__(self, path, realtime):
        self.random = random.Random(6)
        self.journal = journals.JournalWriter(path, realtime=realtime)
        self.before = realtime  # what a clock says that is right

    def options(self):
        pick = self.random.choice
        machine_id, host = pick(HOSTS)
        outcome = pick(OUTCOMES)
        options = dict(unit=pick(UNITS), uid=pick((990, 991)), machine_id=machine_id, host=host, outcome=outcome,
                       cause=BY_OUTCOME.get(outcome) or pick(CAUSES),
                       recorded_by='post' if outcome == 'lost' else 'run')
        manager = pick(('system',) * 5 + ('user', 'none'))
        if manager != 'system':
            options.update(manager=manager, uid=pick((OWN_UID, 1000)), name=pick(('alpha', 'beta')))
        if options['cause'] == 'signal':
            options.update(requester={}, sender={
                'STATE': 'alive', 'CODE': 'SI_USER', 'PID': pick((812, 4343)), 'UID': 1000,
                'USER': pick(('alice', 'bob')), 'COMM': pick(('kill', 'pkill')),
                'UNIT': 'session-%d.scope' % pick((3, 12))})
        return options

    def tamper(self, options):
        """What is to be seen as forged, as not verified, or as a second last record."""
        kind = self.random.random()
        if kind < 0.10:
            options['overrides'] = {'stopped': self.random.choice(FORGERIES)}
        elif kind < 0.16:
            options['overrides'] = {'stopped': UNKNOWN_WRITER}
        elif kind < 0.19:
            options['overrides'] = {'stopped': {**UNKNOWN_WRITER, '_UID': 4711}}
        elif kind < 0.22:
            options['overrides'] = {'started': {'_COMM': 'python3'}}
        elif kind < 0.25:
            options['overrides'] = {'started': UNKNOWN_WRITER}
        return kind > 0.97

    def write_run(self):
        options = self.options()
        is_doubled = self.tamper(options)
        end = self.random.random()
        if end < 0.08:
            self.journal.start(**options)
            self.journal.advance(self.random.randrange(60, 600))
            return
        run = self.journal.run(uptime=self.random.randrange(60, 1200), is_recorded=end >= 0.16, **options)
        if is_doubled:
            self.journal.advance(1)
            run.write_stopped()

    def write_late(self):
        """A run that the next one, in another boot, has recorded."""
        run = self.journal.start(unit='late.service', outcome='lost', cause='supervisor-killed', recorded_by='next-run')
        self.journal.advance(60)
        self.journal.reboot('b00%x' % 8 + '0' * 28)
        self.journal.start(unit='late.service')
        run.write_stopped()

    def write(self):
        with self.journal as journal:
            for number in range(N_RUNS):
                if number in (40, 80, 110, 160):
                    boot = 'b%03x' % number + '0' * 28
                    journal.reboot(boot, realtime={80: 12 * SECOND, 110: self.before + 90 * SECOND}.get(number))
                if number == 79:
                    self.before = journal.realtime
                self.write_run()
                if number == 60:
                    self.write_late()
                journal.foreign(3)
                journal.advance(self.random.randrange(1, 900))


class QueryTest(ReportTest):
    """One journal for all of them; of N_RUNS runs, in boots of which one believes to be in 1970."""

    @classmethod
    def setUpClass(cls):
        if journals.find_remote() is None:
            raise unittest.SkipTest('systemd-journal-remote is not installed')
        cls.shared = tempfile.mkdtemp(prefix='gatewatch-report.')
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        path = os.path.join(cls.shared, 'a.journal')
        Author(path, int(time.time() - 4 * DAY) * SECOND).write()
        cls.entries = journalctl('--file=' + path)
        cls.rows = all_rows(cls.entries)

    def setUp(self):
        self.directory = self.shared

    def ask(self, *arguments):
        """The stops, as seen() has them."""
        stops = json.loads(self.report('--json=short', *arguments).stdout)
        return [(stop['run_id'], stop['state'], stop['trust'], stop['realtime_usec'], stop.get('machine_id'),
                 stop.get('unit'), stop.get('cause', '-'), stop.get('outcome', stop['state'])) for stop in stops]

    def assertFinds(self, arguments, matches, take=lambda rows: rows, is_empty=False):
        """The report finds what the plain filter does; without --all and with it, and that is not nothing."""
        for is_all in (False, True):
            wanted = take([row for row in self.rows if matches(row) and (is_all or is_for_everybody(row))])
            with self.subTest(arguments=arguments, all=is_all):
                self.assertSame(self.ask(*arguments, *(['--all'] if is_all else [])), [seen(row) for row in wanted])
                self.assertEqual(not wanted, is_empty)

    def assertSame(self, found, wanted):
        """assertEqual() that says what is too much and what is missing."""
        if found != wanted:
            self.fail('too much: %s; missing: %s; %d of %d' % (
                [row for row in found if row not in wanted], [row for row in wanted if row not in found], len(found),
                len(wanted)))

    def test_journal_has_some_of_each_kind(self):
        counts = collections.Counter((row.state, row.trust) for row in self.rows)
        for kind in (('stopped', 'believed'), ('stopped', 'unverified'), ('stopped', 'forged'),
                     ('unrecorded', 'believed'), ('running', 'believed')):
            self.assertGreater(counts[kind], 3, kind)
        self.assertEqual({row.manager for row in self.rows}, {'system', 'user', 'none'})
        self.assertEqual(len({row.boot for row in self.rows}), 6)

    def test_nothing_asked_for_finds_all(self):
        self.assertFinds([], lambda row: True)
        self.assertFinds(['--merge'], lambda row: True)

    def test_lines_finds_the_newest(self):
        for n in (1, 2, 7, 50, 199, 1000):
            self.assertFinds(['-n', str(n)], lambda row: True, lambda rows, n=n: rows[-n:])
        self.assertFinds(['--lines=0'], lambda row: True, lambda rows: [], is_empty=True)
        self.assertFinds(['--lines=all'], lambda row: True)

    def test_reverse_turns_round(self):
        self.assertFinds(['-r'], lambda row: True, lambda rows: rows[::-1])
        self.assertFinds(['-r', '-n3'], lambda row: True, lambda rows: rows[:-4:-1])

    def test_cause_finds_any_of_its_words(self):
        for words in ('stop', 'signal', 'crash', 'unknown', 'stop,restart', 'oom,,exit'):
            self.assertFinds(['--cause=' + words], lambda row, words=words.split(','): row.cause in words)
        self.assertFinds(['--cause=stop', '--cause=oom'], lambda row: row.cause in ('stop', 'oom'))

    def test_outcome_finds_any_of_its_words(self):
        for words in ('clean', 'killed', 'lost', 'unrecorded', 'crashed,killed'):
            self.assertFinds(['--outcome=' + words], lambda row, words=words.split(','): row.outcome in words)
        wanted = [seen(row) for row in self.rows if row.state == 'running']
        self.assertEqual(self.ask('--outcome=running', '--all'), wanted)

    def test_sender_finds_senders_and_requesters(self):
        for glob in ('kill', '*kill', 'alice', 'root', 'session-12.scope', '4343', 'systemctl', '[ab]*[!e]',
                     'session-*'):
            self.assertFinds(['--sender=' + glob], lambda row, glob=glob: any(
                fnmatch.fnmatchcase(name, glob) for name in row.parties))
        self.assertFinds(['--sender=mallory'], lambda row: False, is_empty=True)

    def test_manager_finds_its_services(self):
        self.assertFinds(['--system'], lambda row: row.manager == 'system')
        self.assertFinds(['--user'], lambda row: row.manager == 'user' and row.uid == OWN_UID)

    def test_unit_finds_services_and_names_of_runs_in_none(self):
        def is_named(row, glob):
            if row.unit and fnmatch.fnmatchcase(row.unit, glob):
                return True
            return bool(row.name) and (row.manager == 'none' or row.trust == 'forged') and (
                fnmatch.fnmatchcase(row.name, glob) or row.name + '.service' == glob)

        for names, globs in ((['hermes'], ['hermes', 'hermes.service']), (['hermes.service'], ['hermes.service']),
                             (['openclaw@7'], ['openclaw@7', 'openclaw@7.service']),
                             (['gateway-*'], ['gateway-*']), (['gateway-[!a]*'], ['gateway-[!a]*']),
                             (['*@*'], ['*@*']), (['alpha'], ['alpha']),
                             (['be*', 'late'], ['be*', 'late', 'late.service']),
                             (['session-3.scope'], ['session-3.scope']),
                             (['hermes', 'gateway-a'], ['hermes', 'hermes.service', 'gateway-a', 'gateway-a.service'])):
            for more, take in (([], lambda rows: rows), (['-n3'], lambda rows: rows[-3:])):
                self.assertFinds([*names, *more],
                                 lambda row, globs=globs: any(is_named(row, glob) for glob in globs), take)
        self.assertFinds(['no-such'], lambda row: False, is_empty=True)

    def test_run_id_finds_that_run(self):
        for row in self.rows[::17]:
            wanted = [seen(other) for other in self.rows if other.run_id == row.run_id]
            self.assertEqual(self.ask(row.run_id, '--all'), wanted)
            self.assertEqual(self.ask(row.run_id.upper(), '--all'), wanted)
        two = {row.run_id for row in self.rows[20:22]}
        self.assertFinds(sorted(two), lambda row: row.run_id in two)

    def test_boot_finds_stops_of_that_boot(self):
        boots = list(dict.fromkeys(entry['_BOOT_ID'] for entry in self.entries))
        self.assertEqual(len(boots), 6)
        for argument, boot in (('-b', boots[-1]), ('-b0', boots[-1]), ('-b-1', boots[-2]), ('--boot=-4', boots[-5]),
                               ('-b1', boots[0]), ('-b3', boots[2]), ('--boot=' + boots[3], boots[3]),
                               ('-b' + boots[3] + '-1', boots[2])):
            self.assertFinds([argument], lambda row, boot=boot: boot in (row.boot, row.run_boot))
        self.assertIn(b"no boot '-6'", self.report('-b-6', status=69).stderr)
        self.assertIn(b'is not usable', self.report('--boot=last', status=64).stderr)

    def between(self, share):
        """An instant with a distance to all entries."""
        times = sorted({int(entry['__REALTIME_TIMESTAMP']) for entry in self.entries})
        times = times[int(len(times) * share):]
        return next((a + b) // 2 for a, b in zip(times, times[1:]) if b - a > 20 * SECOND)

    def test_since_and_until_find_what_lies_between(self):
        since, until = self.between(0.5), self.between(0.8)
        now = time.time() * SECOND
        forms = [lambda usec: '@%d' % (usec // SECOND),
                 lambda usec: time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(usec // SECOND)),
                 lambda usec: time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(usec // SECOND)),
                 lambda usec: '-%ds' % ((now - usec) // SECOND),
                 lambda usec: '%d min %d s ago' % divmod((now - usec) // SECOND, 60)]
        for form in forms:
            self.assertFinds(['-S', form(since)], lambda row: row.realtime >= since)
            self.assertFinds(['-U', form(until)], lambda row: row.realtime <= until)
            self.assertFinds(['--since=' + form(since), '--until=' + form(until)],
                             lambda row: since <= row.realtime <= until)
        self.assertFinds(['-S', form(since), '-n4', 'hermes.service'], lambda row: (
            row.realtime >= since and 'hermes.service' in (row.unit, row.name and row.name + '.service')),
            lambda rows: rows[-4:])
        self.assertFinds(['-S', '+1d'], lambda row: False, is_empty=True)

    def test_since_and_until_find_days(self):
        day = int(time.time() * SECOND) // (DAY * SECOND) * DAY * SECOND - 2 * DAY * SECOND
        text = time.strftime('%Y-%m-%d', time.gmtime(day // SECOND))
        self.assertFinds(['-S', text], lambda row: row.realtime >= day)
        self.assertFinds(['-U', text], lambda row: row.realtime <= day)

    def test_boots_without_a_clock_are_shown_as_they_are(self):
        year = 365 * DAY * SECOND
        self.assertGreater(sum(row.realtime < year for row in self.rows), 10)
        self.assertFinds(['-U', '1970-06-01'], lambda row: row.realtime < year // 2)
        lines = self.report('-U', '1970-06-01', '--no-legend').stdout.decode().splitlines()
        self.assertTrue(lines and all(' 1970-01-01 ' in line for line in lines), lines)

    def test_filters_together_find_what_passes_all(self):
        def is_wanted(row):
            return row.manager == 'system' and row.cause == 'signal' and 'alice' in row.parties

        self.assertFinds(['--system', '--cause=signal', '--sender=alice'], is_wanted)
        self.assertFinds(['--system', '--cause=signal', '--sender=alice', '-n2'], is_wanted, lambda rows: rows[-2:])

    def test_formats_have_the_same_stops(self):
        n = len(self.ask())
        self.assertEqual(len(self.report('--no-legend').stdout.splitlines()), n)
        self.assertEqual(len(self.report('-o', 'csv', '--no-legend').stdout.splitlines()), n)


class SourcesTest(ReportTest):
    def ids(self, output):
        return [stop['run_id'] for stop in json.loads(output)]

    def write_fleet(self):
        """Three files of machines of their own, whose runs take turns."""
        writers = [self.journal('%s.journal' % host, machine_id=machine_id, host=host) for machine_id, host in HOSTS]
        for turn in range(5):
            for number, writer in enumerate(writers):
                writer.realtime = journals.REALTIME + (turn * 3 + number) * 1000 * SECOND
                writer.run(run_id='c%03x%028x' % (number, turn))
        for writer in writers:
            writer.close()
        return ['c%03x%028x' % (number, turn) for turn in range(5) for number in range(3)]

    def test_directory_of_many_machines_is_in_order(self):
        ids = self.write_fleet()
        self.assertEqual(self.ids(self.report('--json=short').stdout), ids)
        self.assertEqual(self.ids(self.report('--json=short', '--merge').stdout), ids)
        self.assertEqual(self.ids(self.report('--json=short', '-n4').stdout), ids[-4:])

    def test_file_takes_names_and_globs(self):
        ids = self.write_fleet()
        for files, wanted in ((['gw1'], [0]), (['gw1', 'gw3'], [0, 2]), (['gw[23]'], [1, 2]), (['*'], [0, 1, 2])):
            output = call([*harness.WRAPPER, harness.GATEWATCH, 'report', '--json=short',
                           *('--file=' + self.path(name + '.journal') for name in files)], env=environment()).stdout
            self.assertEqual(self.ids(output), [each for each in ids if int(each[1:4], 16) in wanted], files)

    def test_clock_that_goes_back_leaves_the_order(self):
        with self.journal() as journal:
            for number in range(30):
                journal.run(run_id='c%031x' % number)
                journal.foreign(5)
                if number % 7 == 3:
                    journal.realtime -= 3600 * SECOND
            journal.start(run_id='c%031x' % 30)
        ids = ['c%031x' % number for number in range(30)]
        entries = journalctl('--file=' + self.path('a.journal'))
        stopped = [entry for entry in entries if entry.get('MESSAGE_ID') == EVENTS['stopped']]
        self.assertEqual([entry['GATEWATCH_RUN_ID'] for entry in stopped], ids)
        times = [int(entry['__REALTIME_TIMESTAMP']) for entry in stopped]
        self.assertNotEqual(times, sorted(times))
        self.assertEqual(self.ids(self.report('--json=short').stdout), ids)
        self.assertEqual(self.ids(self.report('--json=short', '-n9').stdout), ids[-9:])
        for bound in (times[2] + SECOND, times[20] + SECOND, times[28] - SECOND):
            text = '@%d.%06d' % divmod(bound, SECOND)
            self.assertEqual(self.ids(self.report('--json=short', '-S', text).stdout),
                             [each for each, at in zip(ids, times) if at >= bound])
            self.assertEqual(self.ids(self.report('--json=short', '-U', text).stdout),
                             [each for each, at in zip(ids, times) if at <= bound])


class FollowTest(ReportTest):
    def follow(self, *arguments):
        """The program, following; ended with the test."""
        process = subprocess.Popen(self.command('--follow', *arguments), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.output = b''
        return process

    def read_line(self, process):
        """The next line, as soon as it is there."""
        end = time.monotonic() + harness.DEADLINE_SECONDS
        while b'\n' not in self.output:
            ready, _, _ = select.select([process.stdout], [], [], max(end - time.monotonic(), 0))
            data = os.read(process.stdout.fileno(), 1 << 16) if ready else b''
            self.assertNotEqual(data, b'', 'no further line; so far: %r' % self.output)
            self.output += data
        line, self.output = self.output.split(b'\n', 1)
        return line.decode()

    def append(self, journal, **options):
        run = journal.run(uptime=1, **options)
        journal.flush()
        return run.run_id

    def test_follow_shows_each_stop_once_in_order(self):
        with self.journal(realtime=int(time.time()) * SECOND) as journal:
            ids = [self.append(journal) for _ in range(3)]
            self.await_entries(3)
            process = self.follow('--json=short', '-n2')
            found = [json.loads(self.read_line(process))['run_id'] for _ in range(2)]
            self.assertEqual(found, ids[1:])
            found = []
            for number in range(8):
                if number == 5:
                    journal.realtime -= 7200 * SECOND
                ids.append(self.append(journal))
                journal.foreign(20)
                journal.flush()
                found.append(json.loads(self.read_line(process))['run_id'])
            self.assertEqual(found, ids[3:])
            self.append(journal, cause='crash', outcome='crashed', overrides={'stopped': {'_COMM': 'python3'}})
            last = self.append(journal)
            self.assertEqual(json.loads(self.read_line(process))['run_id'], last)
            self.assertEqual(self.output, b'')

    def test_follow_shows_only_what_is_asked_for(self):
        with self.journal(realtime=int(time.time()) * SECOND) as journal:
            self.append(journal, cause='oom')
            self.await_entries(1)
            process = self.follow('--json=short', '--cause=oom')
            self.read_line(process)
            self.append(journal)
            run_id = self.append(journal, cause='oom', unit='other.service')
            self.append(journal)
            last = self.append(journal, cause='oom')
            self.assertEqual([json.loads(self.read_line(process))['run_id'] for _ in range(2)], [run_id, last])

    def test_follow_as_csv_and_as_table_is_a_line_each(self):
        for arguments, n_header in ((['-o', 'csv'], 1), ([], 0)):
            name = 'b.journal' if arguments else 'c.journal'
            with self.journal(name, realtime=int(time.time()) * SECOND) as journal:
                self.append(journal, unit='past.service')
                self.await_entries(1, name)
                process = self.follow(*arguments, '--quiet')
                while 'past' not in self.read_line(process):
                    n_header -= 1
                self.assertGreaterEqual(n_header, 0)
                for unit in ('one.service', 'two.service', 'three.service'):
                    self.append(journal, unit=unit)
                    self.assertIn(unit, self.read_line(process))
                self.assertEqual(self.output, b'')
                process.kill()
                process.wait()
            os.unlink(self.path(name))

    def test_follow_marks_what_is_not_believed(self):
        with self.journal(realtime=int(time.time()) * SECOND) as journal:
            self.append(journal)
            self.await_entries(1)
            process = self.follow('--all', '--quiet')
            self.assertIn('believed', self.read_line(process))
            self.append(journal, overrides={'stopped': {'_COMM': 'python3'}})
            self.assertIn('forged', self.read_line(process))
            process = self.follow('--quiet')
            self.assertNotIn('believed', self.read_line(process))
            self.append(journal, overrides={'stopped': {'_COMM': WITHOUT}})
            while 'unverified' not in (line := self.read_line(process)):
                self.assertIn('unrecorded', line)

    def test_follow_ends_with_its_reader(self):
        with self.journal(realtime=int(time.time()) * SECOND) as journal:
            self.append(journal)
            self.await_entries(1)
            process = self.follow('--json=short')
            self.read_line(process)
            process.stdout.close()
            self.assertEqual(process.wait(harness.DEADLINE_SECONDS), 0)
            process.stdout = None

    def test_follow_sees_files_that_come_later(self):
        with self.journal('a.journal', realtime=int(time.time()) * SECOND) as first:
            self.append(first)
            self.await_entries(1)
            process = self.follow('--json=short')
            self.read_line(process)
            with self.journal('b.journal', realtime=int(time.time() + 5) * SECOND, machine_id=HOSTS[1][0],
                              host='gw2') as second:
                second.n_runs = 100
                run_id = self.append(second)
                self.assertEqual(json.loads(self.read_line(process))['run_id'], run_id)

    def await_entries(self, n, name='a.journal'):
        """Until systemd-journal-remote has written so many stops."""
        end = time.monotonic() + harness.DEADLINE_SECONDS
        pattern = 'MESSAGE_ID=' + EVENTS['stopped']
        while time.monotonic() < end:
            output = subprocess.run(['journalctl', '--file=' + self.path(name), '-o', 'cat', '-q', pattern],
                                    capture_output=True).stdout
            if output.count(b'\n') >= n:
                return
        self.fail('systemd-journal-remote has not written them')
