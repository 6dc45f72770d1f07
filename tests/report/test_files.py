# SPDX-License-Identifier: MIT
"""Journal files as they come: empty, rotated, damaged, not permitted, full of nonsense, and very large."""

import glob
import json
import os
import random
import resource
import shutil
import subprocess
import tempfile
import time
import unittest

import harness
import journals
from harness import ReportTest, environment, need
from journals import EVENTS, SECOND

N_MANY = 100000
MANY_MEMORY_BYTES = 400 << 20  # of all formats; journal files, which are mapped, not counted
MANY_SECONDS = 30              # of each format; it takes one or two
DAMAGED_SECONDS = 20
FORMATS = ([], ['--json=short'], ['-o', 'csv'], ['-o', 'openmetrics'], ['--stats'], ['--by=cause'], ['--all', '-r'])
NUMBERS = ('UPTIME_USEC', 'TOTAL_USEC', 'DRAIN_USEC', 'HEADROOM_USEC', 'TIMEOUT_STOP_USEC', 'DRAIN_USED_USEC',
           'ACTIVE_AT_START', 'ACTIVE_NOW', 'OOM_KILLS', 'SLOWEST_STEP_USEC', 'STEPS_COUNT', 'SENDER_PID', 'SENDER_UID',
           'REQUESTER_PID', 'REQUESTER_UID', 'REQUESTER_LOGINUID')


class FilesTest(ReportTest):
    def write(self, n=3, name='a.journal', **options):
        with self.journal(name, **options) as journal:
            for number in range(n):
                journal.run(unit='gateway-%d.service' % (number % 4),
                            outcome=('clean', 'killed', 'crashed')[number % 3])
        return self.path(name)

    def bare(self, *arguments):
        """The report without the test's directory. Returns: the CompletedProcess."""
        return harness.call([*harness.WRAPPER, harness.GATEWATCH, 'report', *arguments], env=environment(), status=None)

    def ids(self, *arguments):
        return [stop['run_id'] for stop in json.loads(self.report('--json=short', *arguments).stdout)]

    # ---- None, or none of ours

    def test_empty_directory_is_no_journal_but_no_failure(self):
        done = self.report('--json=short', status=None)
        self.assertEqual((done.returncode, done.stdout), (0, b'[]\n'))
        self.assertEqual(done.stderr.count(b'\n'), 1)
        self.assertEqual(self.report('--json=short', '--quiet').stdout, b'[]\n')

    def test_machine_without_a_journal_is_told_how_to_go_on(self):
        unshare = need('unshare')
        if os.geteuid() != 0:
            self.skipTest('mounts over the journal')
        script = 'for d in /run/log /var/log; do mount -t tmpfs none $d || exit 77; done; exec "$@"'
        for arguments in ([], ['--json=short'], ['-f']):
            done = harness.call([unshare, '--mount', 'sh', '-c', script, 'sh', *harness.WRAPPER, harness.GATEWATCH,
                                 'report', *arguments], env=environment(), status=None)
            if done.returncode == 77:
                self.skipTest('nothing can be mounted')
            self.assertEqual((done.returncode, done.stdout), (69, b''))
            self.assertIn(b'no journal files were found in /run/log/journal and /var/log/journal', done.stderr)
            self.assertEqual(done.stderr.count(b'\n'), 1)

    def test_journal_without_our_records_has_no_stops(self):
        with self.journal() as journal:
            journal.foreign(100)
        done = self.report(status=None)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, b'0 stops\n')
        self.assertEqual(done.stderr, b'gatewatch report: no stop in this journal that is asked for; --all shows runs '
                                      b'that are not over as well\n')
        for arguments in FORMATS[1:]:
            self.assertEqual(self.report(*arguments, '--quiet', status=None).returncode, 0)

    def test_what_is_not_there_is_told_by_name(self):
        for arguments in (['--directory=' + self.path('none')], ['--file=' + self.path('none.journal')],
                          ['--file=' + self.path('none-*')]):
            done = self.bare(*arguments)
            self.assertEqual((done.returncode, done.stdout), (69, b''), arguments)
            self.assertIn(self.path('none').encode(), done.stderr)
            self.assertIn(b'No such file or directory', done.stderr)
            self.assertEqual(done.stderr.count(b'\n'), 1)

    def test_file_that_is_no_journal_is_told(self):
        for name, data in (('text', b'no journal\n' * 100), ('nothing', b''), ('magic', b'LPKSHHRH'),
                           ('zeros', bytes(1 << 16))):
            path = self.path(name + '.journal')
            with open(path, 'wb') as file:
                file.write(data)
            done = self.bare('--file=' + path)
            self.assertEqual((done.returncode, done.stdout), (69, b''), name)
            self.assertIn(path.encode(), done.stderr)
            self.assertEqual(done.stderr.count(b'\n'), 1, done.stderr)

    def test_directory_with_a_file_that_is_no_journal_shows_the_others(self):
        self.write()
        with open(self.path('b.journal'), 'wb') as file:
            file.write(b'no journal\n' * 100)
        done = self.report('--json=short', status=None)
        self.assertEqual((done.returncode, len(json.loads(done.stdout))), (0, 3))
        self.assertLessEqual(done.stderr.count(b'\n'), 2)

    @unittest.skipUnless(os.getuid() == 0, 'only root can be somebody else')
    def test_what_may_not_be_read_is_told_with_the_group(self):
        setpriv = need('setpriv')
        path = self.write()
        os.chmod(self.directory, 0o711)
        os.chmod(path, 0o640)
        binary = self.path('gatewatch')  # a build directory may be out of nobody's reach
        shutil.copy(harness.GATEWATCH, binary)
        for argument in ('--directory=' + self.directory, '--file=' + path):
            done = harness.call([setpriv, '--reuid=65534', '--regid=65534', '--clear-groups', *harness.WRAPPER, binary,
                                 'report', argument], env=environment(), status=None)
            self.assertEqual((done.returncode, done.stdout), (69, b''), done.stderr)
            self.assertIn(b'systemd-journal', done.stderr)
            self.assertEqual(done.stderr.count(b'\n'), 1)

    # ---- Several

    def test_archived_files_and_the_active_one_are_one_history(self):
        for part in range(3):
            with self.journal('a.journal', realtime=journals.REALTIME + part * 86400 * SECOND,
                              monotonic=(part + 1) * 86400 * SECOND) as journal:
                journal.n_runs = part * 10
                for _ in range(4):
                    journal.run()
                journal.start(run_id='e%03x%028x' % (part, 0))  # its end is in the next file
            if part < 2:
                os.rename(self.path('a.journal'), self.path('a@%032x-%016x-%016x.journal' % (7, part, part)))
        ids = ['c001%028x' % (part * 10 + number) for part in range(3) for number in range(1, 5)]
        self.assertEqual([each for each in self.ids() if each.startswith('c')], ids)
        self.assertEqual(self.ids('-n3'), ids[-3:])
        self.assertEqual(self.ids('--outcome=unrecorded'), ['e%03x%028x' % (part, 0) for part in range(2)])

    # ---- Damaged

    def read_damaged(self, path, data):
        """The report on such a file ends in time, as it should, and without much ado. Returns: how many stops."""
        with open(path, 'wb') as file:
            file.write(data)
        began = time.monotonic()
        done = harness.call([*harness.WRAPPER, harness.GATEWATCH, 'report', '--json=short', '--file=' + path],
                            env=environment(), status=None)
        if not harness.WRAPPER:
            self.assertLess(time.monotonic() - began, DAMAGED_SECONDS)
        self.assertIn(done.returncode, (0, 69), done.stderr)
        self.assertLessEqual(done.stderr.count(b'\n'), 3, done.stderr)
        if done.returncode == 69:
            self.assertEqual(done.stdout, b'')
            return None
        return len(json.loads(done.stdout))

    def test_truncated_file_is_told_and_leaves_the_others(self):
        """libsystemd opens no file that is shorter than it says, and journalctl shows nothing of it either."""
        path = self.write(n=40, name='b.journal')
        with open(path, 'rb') as file:
            whole = file.read()
        used = len(whole.rstrip(b'\0'))
        for share in range(1, 11):
            with self.subTest(share=share):
                self.assertIsNone(self.read_damaged(path, whole[:used * share // 10 - 1]))
        self.write()
        done = self.report('--json=short', status=None)
        self.assertEqual((done.returncode, len(json.loads(done.stdout))), (0, 3))
        self.assertEqual(done.stderr.count(b'\n'), 1, done.stderr)

    def test_file_whose_end_was_not_written_is_read_as_far_as_it_goes(self):
        path = self.write(n=120)
        with open(path, 'rb') as file:
            whole = file.read()
        used = len(whole.rstrip(b'\0'))
        numbers = []
        for share in range(1, 11):
            kept = used * share // 10
            with self.subTest(share=share):
                numbers.append(self.read_damaged(path, whole[:kept] + bytes(len(whole) - kept)) or 0)
        self.assertEqual(numbers[-1], 120)
        self.assertGreater(numbers[-2], 0, numbers)

    def test_flipped_bits_are_survived(self):
        chance = random.Random(6)
        path = self.write(n=40)
        with open(path, 'rb') as file:
            whole = file.read()
        used = len(whole.rstrip(b'\0'))
        numbers = []
        for turn in range(100):
            data = bytearray(whole)
            at = chance.randrange(208 if turn < 20 else used)  # of the header some, which are few bytes
            data[at] ^= 1 << chance.randrange(8)
            with self.subTest(byte=at):
                numbers.append(self.read_damaged(path, data))
        self.assertGreater(sum(number == 40 for number in numbers), 50, numbers)

    def test_zeroed_and_random_blocks_are_survived(self):
        chance = random.Random(7)
        path = self.write(n=40)
        with open(path, 'rb') as file:
            whole = file.read()
        for turn in range(20):
            data = bytearray(whole)
            at = chance.randrange(256, len(whole.rstrip(b'\0')) - 4096) & ~7
            data[at:at + 4096] = bytes(4096) if turn % 2 else chance.randbytes(4096)
            with self.subTest(block=at, turn=turn):
                self.read_damaged(path, data)

    # ---- Nonsense

    def write_nonsense(self):
        """Records each of whose fields is missing, several times there, of another type, very long, or hostile."""
        chance = random.Random(8)
        words = [*harness.HOSTILE, 'x' * 70000, '日' * 30000, '0', '-1', '18446744073709551615', '9' * 40, '1e9', '[]',
                 '[[[[', '[{"name":"drain","usec":-5}]', '{}', 'null', '[' * 5000, '[1,2', '0x7f', 'NaN', 'infinity']
        names = [*('GATEWATCH_' + name for name in NUMBERS), 'GATEWATCH_PHASES', 'GATEWATCH_GATEWAY_PHASES',
                 'GATEWATCH_STEPS', 'GATEWATCH_CAUSE', 'GATEWATCH_CAUSE_DETAIL', 'GATEWATCH_OUTCOME',
                 'GATEWATCH_EXIT_CODE', 'GATEWATCH_EXIT_STATUS', 'GATEWATCH_TIMELINE', 'GATEWATCH_NAME',
                 'GATEWATCH_RUN_ID', 'GATEWATCH_UNIT', 'GATEWATCH_RECORDED_BY', 'GATEWATCH_SENDER_COMM', 'GATEWATCH_SENDER_USER', 'GATEWATCH_REQUESTER_COMM',
                 '_HOSTNAME', '_UID', '_PID', '_COMM', '_SYSTEMD_UNIT', '_MACHINE_ID', '_TRANSPORT', 'MESSAGE_ID']
        with self.journal() as journal:
            for number in range(100):
                overrides = {}
                for event in ('started', 'stopped'):
                    overrides[event] = {name: chance.choice((
                        journals.WITHOUT, chance.choice(words), [chance.choice(words), chance.choice(words)]))
                        for name in chance.sample(names, chance.choice((1, 2, 5, len(names) // 2)))}
                journal.run(overrides=overrides, has_systemd=False, logs=())
            journal.run(run_id='f' * 32)

    def test_records_of_nonsense_are_shown_without_harm(self):
        self.write_nonsense()
        for arguments in (*FORMATS, ['-v'], ['--all', '--json=pretty'], ['--svg=-', '-n1'], ['--html=-', '-n40']):
            with self.subTest(arguments=arguments):
                self.assertHarmless(self.report('--no-pager', *arguments).stdout, but=b'\t\r')
        self.assertEqual(self.ids('-n1'), ['f' * 32])
        self.assertGreater(len(self.ids()), 30)


class ManyRunsTest(ReportTest):
    """As many runs as a fleet leaves in years."""

    @classmethod
    def setUpClass(cls):
        if journals.find_remote() is None:
            raise unittest.SkipTest('systemd-journal-remote is not installed')
        if harness.WRAPPER:
            raise unittest.SkipTest('takes too long behind a wrapper')
        cls.shared = tempfile.mkdtemp(prefix='gatewatch-report.')
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.write_many()

    def setUp(self):
        self.directory = self.shared

    @classmethod
    def write_many(cls):
        """Of each run the first record and the last one, and only what they cannot be without."""
        common = (b'_BOOT_ID=%s\n_MACHINE_ID=%s\n_HOSTNAME=gw1\n_TRANSPORT=journal\n_COMM=gatewatch\n'
                  b'_UID=990\n_PID=4000\n'
                  b'SYSLOG_IDENTIFIER=gatewatch\nGATEWATCH_DRAIN_USEC=60000000\n' %
                  (journals.BOOT_ID.encode(), journals.MACHINE_ID.encode()))
        entry = (b'__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n' + common +
                 b'MESSAGE_ID=%s\nGATEWATCH_EVENT=%s\n'
                 b'GATEWATCH_RUN_ID=c%031x\n_SYSTEMD_INVOCATION_ID=c%031x\n_SYSTEMD_UNIT=gateway-%d.service\n')
        last = (b'GATEWATCH_CAUSE=%s\nGATEWATCH_OUTCOME=%s\nGATEWATCH_EXIT_CODE=exited\nGATEWATCH_EXIT_STATUS=0\n'
                b'GATEWATCH_DRAIN_USED_USEC=%d\nGATEWATCH_TOTAL_USEC=%d\nGATEWATCH_RECORDED_BY=run\n'
                b'GATEWATCH_REQUESTER_PID=812\nGATEWATCH_REQUESTER_UID=0\nGATEWATCH_REQUESTER_COMM=systemctl\n')
        outcomes = ((b'stop', b'clean'), (b'restart', b'clean'), (b'stop', b'killed'), (b'crash', b'crashed'))
        with journals.JournalWriter(os.path.join(cls.shared, 'a.journal')) as journal:
            write = journal.process.stdin.write
            for number in range(N_MANY):
                at, unit = number * SECOND, number % 50
                for event, later in (('started', 0), ('stopped', SECOND // 2)):
                    write(entry % (journals.REALTIME + at + later, SECOND + at + later, EVENTS[event].encode(),
                                   event.encode(), number, number, unit))
                    if event == 'stopped':
                        used = number * 7919 % 60000 * 1000
                        write(last % (*outcomes[number % 4], used, used))
                    write(b'\n')

    def measure(self, *arguments):
        """Returns: how many lines the report has on all of them, the seconds and the bytes of memory that it took."""
        with open(self.path('output'), 'wb+') as output:
            began = time.monotonic()
            process = subprocess.Popen(self.command(*arguments), stdout=output, stderr=subprocess.PIPE,
                                       env=environment())
            peak = 0
            while process.poll() is None:
                try:
                    with open('/proc/%d/status' % process.pid) as status:
                        now = [int(line.split()[1]) << 10 for line in status if line.startswith('RssAnon:')]
                    peak = max([peak, *now])
                except OSError:
                    pass
                try:
                    process.wait(0.01)
                except subprocess.TimeoutExpired:
                    continue
            self.assertEqual((process.returncode, process.stderr.read()), (0, b''))
            process.stderr.close()
            seconds = time.monotonic() - began
            output.seek(0)
            return sum(block.count(b'\n') for block in iter(lambda: output.read(1 << 20), b'')), seconds, peak

    def test_many_runs_are_shown_in_bounded_time_and_memory(self):
        for arguments, n_lines in ((['--no-legend'], N_MANY), (['--json=short'], 1), (['-o', 'csv'], N_MANY + 1),
                                   (['-o', 'openmetrics'], None), (['--stats'], None), (['-n5', '--no-legend'], 5),
                                   (['-n5', '--no-legend', 'gateway-7'], 5), (['-n5', '--outcome=lost', '--quiet'], 1)):
            lines, seconds, peak = self.measure(*arguments)
            if os.environ.get('GATEWATCH_VERBOSE'):
                print('%-40s %6d lines %6.2f s %5d MB' % (' '.join(arguments), lines, seconds, peak >> 20))
            with self.subTest(arguments=arguments):
                self.assertLess(peak, MANY_MEMORY_BYTES)
                self.assertLess(seconds, MANY_SECONDS)
                if n_lines is not None:
                    self.assertEqual(lines, n_lines)
