# SPDX-License-Identifier: MIT
"""What a run leaves in its state directory, and what becomes of it without one."""

import ctypes
import datetime
import json
import os
import shutil
import stat
import time

from harness import DirectTest, FAST, TERM, call, libc, need_program, need_root

EACCES, ENOTDIR, ENOSPC = '13', '20', '28'
MARKER = '.clean_shutdown'


class MarkerTest(DirectTest):
    def setUp(self):
        super().setUp()
        self.state = self.path('the-state')
        self.marker = os.path.join(self.state, MARKER)

    def read(self):
        with open(self.marker, encoding='utf-8') as file:
            return json.load(file)

    def start_here(self, *options, **settings):
        return self.start('--state-dir=' + self.state, *options, **settings)

    def test_marker_stands_at_the_start_of_the_stop_and_gets_the_outcome_at_its_end(self):
        run = self.start_here().begun()
        run.child.do('on.clear()')
        run.fence()
        self.assertFalse(os.path.exists(self.marker))
        began = time.time()
        run.kill(TERM)
        run.wait_record('signal')
        marker = self.read()
        with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as file:
            boot_id = file.read().strip().replace('-', '')
        self.assertEqual({key: marker[key] for key in ('run_id', 'pid', 'boot_id', 'signal', 'outcome')},
                         {'run_id': run.records[0]['run_id'], 'pid': run.child.pid, 'boot_id': boot_id,
                          'signal': 'SIGTERM', 'outcome': None})
        self.assertRegex(marker['written_at'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$')
        written_at = datetime.datetime.fromisoformat(marker['written_at']).timestamp()
        self.assertTrue(began - 1 <= written_at <= time.time() + 1, marker)
        self.assertEqual(stat.S_IMODE(os.stat(self.marker).st_mode), 0o600)
        run.child.cast('os._exit(0)')
        run.wait()
        self.assertEqual(self.read(), {**marker, 'outcome': 'clean'})
        self.assertEqual(set(os.listdir(self.state)), {MARKER, 'gatewatch.flight', 'logs'})  # no temporary files

    def test_marker_has_the_outcome_of_a_kill(self):
        run = self.start_here(FAST).begun()
        run.child.do('on.clear()')
        run.stop()
        self.assertEqual(self.read()['outcome'], 'killed')

    def test_marker_of_a_gateway_that_stops_itself_names_no_signal(self):
        run = self.start_here().begun()
        run.child.do('notify("STOPPING=1"), barrier()')
        run.child.cast('os._exit(0)')
        run.wait()
        self.assertEqual((self.read()['signal'], self.read()['outcome']), (None, 'clean'))

    def test_marker_survives_a_supervisor_that_is_killed_in_the_drain(self):
        run = self.start_here().begun()
        run.child.do('on.clear()')
        run.kill(TERM)
        run.wait_record('signal')
        run.kill_supervisor()
        self.assertIsNone(self.read()['outcome'])
        self.assertEqual(self.read()['run_id'], run.records[0]['run_id'])

    def test_marker_is_removed_when_the_next_gateway_is_ready_and_not_before(self):
        self.start_here().begun().stop()
        first = self.read()
        run = self.start_here('--ready=notify').begun()
        run.fence()
        self.assertEqual(self.read(), first)
        run.child.do('notify("READY=1"), barrier()')
        run.fence()
        self.assertFalse(os.path.exists(self.marker))
        run.stop()
        self.assertNotEqual(self.read()['run_id'], first['run_id'])

    def test_marker_is_removed_when_a_gateway_ends_unasked(self):
        self.start_here().begun().stop()
        self.assertTrue(os.path.exists(self.marker))
        for code in ('os._exit(0)', 'os._exit(3)', 'die_by(11)'):
            shutil.copy(self.marker, self.path('copy'))
            run = self.start_here('--ready=notify').begun()
            run.child.cast(code)
            run.wait()
            self.assertFalse(os.path.exists(self.marker), code)
            shutil.copy(self.path('copy'), self.marker)

    def test_marker_that_is_a_link_is_replaced_and_not_followed(self):
        os.mkdir(self.state)
        precious = self.write('precious', 'untouched')
        os.symlink(precious, self.marker)
        run = self.start_here('--ready=notify').begun()
        run.stop()
        with open(precious, encoding='utf-8') as file:
            self.assertEqual(file.read(), 'untouched')
        self.assertFalse(os.path.islink(self.marker))
        self.assertEqual(self.read()['outcome'], 'clean')

    def test_marker_of_somebody_else_does_not_matter(self):
        os.mkdir(self.state)
        for text in ('', '{', '[]', 'null', '{"run_id": 7}', 'x' * 100000):
            with self.subTest(text=text[:20]):
                self.write('the-state/' + MARKER, text)
                run = self.start_here('--ready=notify').begun()
                self.assertEqual(run.stop(), ('exited', 0))
                self.assertEqual(self.read()['outcome'], 'clean')


class PlaceTest(DirectTest):
    def test_state_directory_is_found_in_the_documented_order(self):
        places = [('STATE_DIRECTORY', self.path('a') + ':' + self.path('b'), self.path('a')),
                  ('HERMES_HOME', self.path('c'), self.path('c')),
                  ('XDG_STATE_HOME', self.path('d'), self.path('d/gatewatch/n')),
                  ('HOME', self.path('e'), self.path('e/.local/state/gatewatch/n'))]
        for i, (_, _, expected) in enumerate(places):
            with self.subTest(place=places[i][0]):
                variables = {name: value if k >= i else None for k, (name, value, _) in enumerate(places)}
                run = self.start('--name=n', environment=variables).begun()
                run.stop()
                self.assertTrue(os.path.exists(os.path.join(expected, MARKER)))
                self.assertEqual(stat.S_IMODE(os.stat(expected).st_mode), 0o700)

    def test_state_directory_of_the_command_line_goes_first(self):
        run = self.start('--state-dir=' + self.path('deep/down/here'), environment={
            'STATE_DIRECTORY': self.path('a')}).begun()
        run.stop()
        self.assertTrue(os.path.exists(self.path('deep/down/here', MARKER)))
        self.assertFalse(os.path.exists(self.path('a')))


class TroubleTest(DirectTest):
    def assert_unaffected(self, error, whats=('state-dir',), **settings):
        """The run is what it would be, but for one record of each thing that is missing."""
        run = self.start(**settings).begun()
        run.child.do('notify("READY=1"), barrier()')
        run.fence()
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_stopped(run, outcome='clean')
        self.assertEqual([record['what'] for record in run.of('degraded')], list(whats))
        for degraded in run.of('degraded'):
            self.assert_fields(degraded, errno=error, level='warning')
        return run.of('degraded')[0]

    def test_file_in_its_place_is_recorded_once(self):
        self.write('state', 'a file')
        self.assertIn(self.path('state'), self.assert_unaffected(ENOTDIR)['msg'])

    def test_home_that_is_not_set_is_recorded_once(self):
        # root has /var/lib
        before = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] if os.geteuid() == 0 else []
        self.assert_unaffected('2', environment={'HOME': None, 'XDG_STATE_HOME': None}, before=before)

    @need_root
    @need_program('setpriv')
    def test_directory_that_is_not_writable_is_recorded_once(self):
        os.makedirs(self.path('state/gatewatch/python3'))
        self.assert_unaffected(EACCES, before=['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'])

    def test_directory_in_the_markers_place_is_recorded_once(self):
        os.makedirs(self.path('state/gatewatch/python3', MARKER, 'x'))
        self.assert_unaffected('21')

    @need_root
    def test_disk_that_is_full_is_recorded_once(self):
        os.mkdir(self.path('disk'))
        clone_newns = 0x20000
        call(libc.unshare(clone_newns))  # a mount that nobody else sees, and that ends with this test
        ms_rec, ms_private = 0x4000, 1 << 18
        call(libc.mount(b'none', b'/', None, ctypes.c_ulong(ms_rec | ms_private), None))
        call(libc.mount(b'tmpfs', os.fsencode(self.path('disk')), b'tmpfs', ctypes.c_ulong(0), b'size=64k'))
        os.makedirs(self.path('disk/gatewatch/python3'))
        try:
            with open(self.path('disk/filler'), 'wb', buffering=0) as file:
                while True:
                    file.write(b'x' * 4096)
        except OSError:
            pass
        self.assert_unaffected(ENOSPC, ('flight-record', 'state-dir'),
                               environment={'XDG_STATE_HOME': self.path('disk')})
        self.assertLessEqual(set(os.listdir(self.path('disk/gatewatch/python3'))),
                             {'gatewatch.flight', 'logs'})

    def test_directory_that_vanishes_does_not_matter(self):
        run = self.start().begun()
        run.fence()
        shutil.rmtree(self.path('state'))
        self.assertEqual(run.stop(), ('exited', 0))
        self.assert_stopped(run, outcome='clean')
