#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The units that are shipped, as systemd itself reads them.

Each unit, or drop-in on top of the service that it is for, is put where an administrator puts it, below a
private root with the programs that it names, and read by `systemd-analyze verify`. What it prints is a
failure, also when it exits with 0. Then the directives that a drain depends on are looked up in what was
written, and `gatewatch check` is asked what it thinks of them.

usage: verify.py TEMPLATE-UNIT EXAMPLES-DIR GATEWATCH
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TEMPLATE = ''
EXAMPLES = ''
GATEWATCH = ''

# What the packages ship, in the parts that the drop-ins change.
BASES = {
    'mygateway.service': """
[Unit]
Description=a gateway
[Service]
ExecStart=/usr/local/bin/mygateway --listen 8080
ExecStop=/bin/kill $MAINPID
Restart=always
""",
    'nginx.service': """
[Unit]
Description=nginx
[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStartPre=/usr/sbin/nginx -t -q
ExecStart=/usr/sbin/nginx -g 'daemon on; master_process on;'
ExecReload=/usr/sbin/nginx -s reload
ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry QUIT/5 --pidfile /run/nginx.pid
TimeoutStopSec=5
KillMode=mixed
""",
    'haproxy.service': """
[Unit]
Description=HAProxy
[Service]
Environment=CONFIG=/etc/haproxy/haproxy.cfg PIDFILE=/run/haproxy.pid EXTRAOPTS=
ExecStart=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE $EXTRAOPTS
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
SuccessExitStatus=143
Type=notify
""",
}

# What `gatewatch check` may find in the units: nothing. Only how nginx restarts is for its package to say.
ACCEPTED = {'nginx.service': {('warning', 'restart-never')}}

# Units that every installation has and that unit files of all kinds refer to.
STANDARD_UNITS = ('sysinit.target', 'basic.target', 'shutdown.target', 'network.target',
                  'network-online.target', 'remote-fs.target', 'nss-lookup.target', 'multi-user.target',
                  'system.slice', '-.slice', '-.mount', 'tmp.mount')

PROGRAMS = ('usr/bin/gatewatch', 'usr/bin/python3', 'usr/sbin/nginx', 'usr/sbin/haproxy', 'bin/kill',
            'sbin/start-stop-daemon', 'usr/local/bin/mygateway', 'usr/bin/man')

# Directives that hide senders of signals from a supervisor, or take its group or its priority away.
FORBIDDEN = re.compile(
    r'^(ProtectProc=(invisible|noaccess|ptraceable)|ProcSubset=pid|PrivatePIDs=(yes|true)|'
    r'PrivateUsers=(yes|true|self|identity)|ProtectControlGroups=(yes|true|strict|private)|'
    r'RestrictNamespaces=|RestrictRealtime=(yes|true))', re.MULTILINE)


def directives(text):
    """What a unit file assigns: a list of (key, value), comments out, continuations joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(('#', ';'))]
    joined = re.sub(r'\\\n\s*', ' ', '\n'.join(lines))
    return [tuple(line.split('=', 1)) for line in joined.splitlines() if '=' in line]


class Root:
    """A file system of a machine, as far as systemd-analyze looks at it."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix='gatewatch-units-')
        os.chmod(self.path, 0o755)
        for program in PROGRAMS:
            self.write(program, '#!/bin/sh\n', mode=0o755)
        for unit in STANDARD_UNITS:
            kind = unit.rpartition('.')[2]
            what = {'mount': '[Mount]\nWhat=tmpfs\nWhere=%s\n' % ('/' if unit[0] == '-' else '/tmp')}
            self.write('usr/lib/systemd/system/' + unit, what.get(kind, '[Unit]\nDescription=x\n'))

    def write(self, path, text, mode=0o644):
        whole = os.path.join(self.path, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(whole, mode)

    def verify(self, unit):
        """Returns what systemd-analyze has to say; nothing when all is well."""
        done = subprocess.run(
            ['systemd-analyze', 'verify', '--man=no', '--root=' + self.path, unit],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={'PATH': os.environ['PATH'], 'LC_ALL': 'C'}, text=True, timeout=60, check=False)
        said = done.stdout.strip()
        if done.returncode != 0 and not said:
            said = 'exit status %d' % done.returncode
        return said

    def remove(self):
        shutil.rmtree(self.path)


def read(*path):
    with open(os.path.join(*path), encoding='utf-8') as file:
        return file.read()


class UnitsTest(unittest.TestCase):
    def setUp(self):
        self.root = Root()
        self.addCleanup(self.root.remove)

    def install_drop_in(self, unit, base, drop_in):
        self.root.write('usr/lib/systemd/system/' + unit, base)
        self.root.write('etc/systemd/system/%s.d/50-gatewatch.conf' % unit, drop_in)

    def test_template_instance_verifies(self):
        self.root.write('usr/lib/systemd/system/gatewatch@.service',
                        read(TEMPLATE).replace(self.bindir() + '/gatewatch', '/usr/bin/gatewatch'))
        self.assertEqual(self.root.verify('gatewatch@hermes.service'), '')

    def bindir(self):
        return re.search(r'^ExecStart=(\S+)/gatewatch run', read(TEMPLATE), re.MULTILINE).group(1)

    def test_drop_in_on_its_service_verifies(self):
        for unit, file in (('mygateway.service', '50-gatewatch.conf'),
                           ('nginx.service', 'nginx.service.d/50-gatewatch.conf'),
                           ('haproxy.service', 'haproxy.service.d/50-gatewatch.conf')):
            with self.subTest(unit=unit):
                self.install_drop_in(unit, BASES[unit], read(EXAMPLES, file))
                self.assertEqual(self.root.verify(unit), '')

    def test_drop_in_on_the_packaged_service_verifies(self):
        for unit in ('nginx.service', 'haproxy.service'):
            packaged = '/lib/systemd/system/' + unit
            if not os.path.exists(packaged):
                continue
            with self.subTest(unit=unit):
                self.install_drop_in(unit, read(packaged),
                                     read(EXAMPLES, unit + '.d/50-gatewatch.conf'))
                self.assertEqual(self.root.verify(unit), '')

    def test_asyncio_example_with_and_without_drop_in_verifies(self):
        unit = 'asyncio-gateway.service'
        self.root.write('usr/lib/systemd/system/' + unit, read(EXAMPLES, unit))
        self.assertEqual(self.root.verify(unit), '')
        self.install_drop_in(unit, read(EXAMPLES, unit),
                             read(EXAMPLES, unit + '.d/50-gatewatch.conf'))
        self.assertEqual(self.root.verify(unit), '')

    def test_units_of_a_fleet_verify(self):
        for unit in ('gatewatch-metrics.service', 'gatewatch-metrics.timer'):
            self.root.write('etc/systemd/system/' + unit, read(EXAMPLES, 'fleet', unit))
        self.root.write('bin/sh', '#!/bin/sh\n', mode=0o755)
        for unit in ('timers.target', 'time-sync.target', 'time-set.target'):
            self.root.write('usr/lib/systemd/system/' + unit, '[Unit]\nDescription=x\n')
        for unit in ('gatewatch-metrics.service', 'gatewatch-metrics.timer'):
            with self.subTest(unit=unit):
                self.assertEqual(self.root.verify(unit), '')

    def test_verify_misspelt_directive_reports(self):
        """The check itself: what it is to catch, it catches."""
        drop_in = read(EXAMPLES, '50-gatewatch.conf')
        for good, bad in (('KillMode=mixed', 'KilMode=mixed'), ('KillMode=mixed', 'KillMode=mixd'),
                          ('/usr/bin/gatewatch', '/usr/bin/gatwatch')):
            with self.subTest(bad=bad):
                self.assertIn(good, drop_in)
                self.install_drop_in('mygateway.service', BASES['mygateway.service'],
                                     drop_in.replace(good, bad))
                self.assertNotEqual(self.root.verify('mygateway.service'), '')


class DirectivesTest(unittest.TestCase):
    def files(self):
        yield TEMPLATE
        for directory, _, names in sorted(os.walk(EXAMPLES)):
            if os.path.basename(directory) == 'fleet':
                continue  # nothing there runs a gateway
            for name in sorted(names):
                if name.endswith('.conf'):
                    yield os.path.join(directory, name)

    def test_units_hold_what_a_drain_needs(self):
        n_files = 0
        for path in self.files():
            n_files += 1
            with self.subTest(path=path):
                have = dict(directives(read(path)))
                self.assertEqual(have.get('KillMode'), 'mixed')
                self.assertEqual(have.get('TimeoutStopSec'), '90s')
                self.assertEqual(have.get('NotifyAccess'), 'main')
                self.assertEqual(have.get('LimitRTPRIO'), '1')
                self.assertEqual(have.get('Delegate'), 'yes')
                self.assertIn('78', have.get('RestartPreventExitStatus', '').split())
                self.assertIn('/gatewatch run ', have.get('ExecStart', ''))
        self.assertEqual(n_files, 5)

    def test_template_comes_back_after_any_end(self):
        """A stray SIGTERM that the gateway answers by a clean exit is no failure to systemd."""
        have = dict(directives(read(TEMPLATE)))
        self.assertEqual(have.get('Restart'), 'always')
        self.assertLess(float(have['RestartSec'].rstrip('s')) * int(have['StartLimitBurst']),
                        float(have['StartLimitIntervalSec'].rstrip('s')))

    def test_units_close_the_record_of_a_lost_run(self):
        """By a post that looks where the run writes, and whose failure is not the gateway's."""
        for path in self.files():
            with self.subTest(path=path):
                have = dict(directives(read(path)))
                run, post = have['ExecStart'].split(' -- ')[0], have.get('ExecStopPost', '')
                self.assertRegex(post, r'^-/\S+/gatewatch post\b')
                self.assertEqual(run.split()[0], post.split()[0].lstrip('-'))
                same = re.compile(r' (--(?:name|state-dir)=\S+)')
                self.assertEqual(same.findall(run), same.findall(post))
                self.assertTrue('StateDirectory' in have or '--state-dir=' in post)

    def test_units_hide_no_sender(self):
        for path in self.files():
            with self.subTest(path=path):
                text = '\n'.join('='.join(pair) for pair in directives(read(path)))
                self.assertIsNone(FORBIDDEN.search(text))

    def test_units_give_a_reason_for_every_directive(self):
        """A directive stands below a comment, with at most other directives of the same group between."""
        for path in self.files():
            with self.subTest(path=path):
                has_comment = False
                for line in read(path).splitlines():
                    if not line.strip() or line.startswith('['):
                        has_comment = line.startswith('[') and line in ('[Unit]', '[Install]')
                    elif line.startswith('#'):
                        has_comment = True
                    else:
                        self.assertTrue(has_comment, line)


class FindingsTest(unittest.TestCase):
    """The checker that is shipped, over the units that are shipped with it."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix='gatewatch-units-')
        self.addCleanup(shutil.rmtree, self.directory)
        os.chmod(self.directory, 0o755)

    def write(self, path, text):
        whole = os.path.join(self.directory, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, 'w', encoding='utf-8') as file:
            file.write(text)
        return whole

    def check(self, unit, text, drop_in=None):
        """Returns the unit's object of the JSON that check prints."""
        path = self.write(unit, text)
        if drop_in:
            self.write(unit + '.d/50-gatewatch.conf', drop_in)
        done = subprocess.run([GATEWATCH, 'check', '--offline', '--json=short', path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              env={'PATH': os.environ['PATH']}, text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (0, 1, 2))
        return json.loads(done.stdout)[0]

    def assert_accepted(self, unit, found, is_supervised=True):
        self.assertEqual((found['load_state'], found['supervised']), ('loaded', is_supervised))
        self.assertEqual({(finding['severity'], finding['id']) for finding in found['findings']},
                         ACCEPTED.get(unit, set()))

    def test_template_and_instance_have_no_findings(self):
        for unit in ('gatewatch@.service', 'gatewatch@hermes.service'):
            with self.subTest(unit=unit):
                self.assert_accepted(unit, self.check(unit, read(TEMPLATE)))

    def test_template_with_its_settings_has_no_findings(self):
        """With the file that it reads, the settings of the run are known as well."""
        settings = self.write('hermes.env', 'GATEWAY_COMMAND=/bin/hermes --config /etc/hermes.yaml\n'
                              'GATEWATCH_READY=notify\nGATEWATCH_DRAIN_TIMEOUT=60s\n')
        text = read(TEMPLATE).replace('/etc/gatewatch/%i.env', settings)
        found = self.check('gatewatch@hermes.service', text)
        self.assertEqual((found['unknown'], found['required_usec']), ([], 90000000))
        self.assert_accepted('gatewatch@hermes.service', found)

    def test_drop_ins_on_their_services_have_no_findings(self):
        for unit, file in (('mygateway.service', '50-gatewatch.conf'),
                           ('nginx.service', 'nginx.service.d/50-gatewatch.conf'),
                           ('haproxy.service', 'haproxy.service.d/50-gatewatch.conf')):
            with self.subTest(unit=unit):
                found = self.check(unit, BASES[unit], read(EXAMPLES, file))
                self.assertEqual(found['unknown'], [])
                self.assert_accepted(unit, found)

    def test_asyncio_example_with_and_without_drop_in_has_no_findings(self):
        unit = 'asyncio-gateway.service'
        self.assert_accepted(unit, self.check(unit, read(EXAMPLES, unit)), is_supervised=False)
        self.assert_accepted(unit, self.check(unit, read(EXAMPLES, unit),
                                              read(EXAMPLES, unit + '.d/50-gatewatch.conf')))

    def test_check_finds_what_is_wrong(self):
        """The check itself: what it is to catch, it catches."""
        unit = 'asyncio-gateway.service'
        drop_in = read(EXAMPLES, unit + '.d/50-gatewatch.conf')
        self.assertIn('KillMode=mixed', drop_in)
        found = self.check(unit, read(EXAMPLES, unit),
                           drop_in.replace('KillMode=mixed', 'KillMode=process'))
        self.assertEqual([finding['id'] for finding in found['findings']], ['kill-mode'])


if __name__ == '__main__':
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    TEMPLATE, EXAMPLES, GATEWATCH = sys.argv[1:4]
    if not shutil.which('systemd-analyze'):
        print('systemd-analyze is not installed')
        sys.exit(1 if os.environ.get('GATEWATCH_NO_SKIP') else 77)
    unittest.main(argv=[sys.argv[0]] + sys.argv[4:], verbosity=2)
