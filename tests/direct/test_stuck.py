# SPDX-License-Identifier: MIT
"""Gateways that hang in the kernel, are held by somebody, or hold up whoever looks at them: what is
recorded of them before the kill, and that the ladder keeps its time all the same."""

import json
import os
import signal
import subprocess

from fuse import SilentFs
from harness import DirectTest, KILL, TERM, need_program, need_root, stat_fields, unless_wrapped

STOP, ABRT = signal.SIGSTOP, signal.SIGABRT
# A second before the first deadline everything is looked at.
SCHEDULE = '--stop-schedule=drain:TERM@main/2s,kill:KILL@all/20s'
SHORT_SCHEDULE = '--stop-schedule=drain:TERM@main/2s,kill:KILL@all/2s'
DRAIN_USEC = 2000000
# Who waits for a process that hangs waits for good: far beyond what a busy machine adds.
LATE_USEC = 5000000
# The words for state D. Where the host has I/O pressure, whoever makes that, and the window begins while main
# still ran now and then, the wait looks like that of a slow disk.
BLOCKED = ('blocked', 'starved')


@unless_wrapped('a look takes longer than it may')
class StuckTest(DirectTest):
    def wait_state(self, pid, states):
        """Nobody announces the state of a process that has stopped answering."""
        self.events.poll(lambda: (stat_fields(pid) or '?')[0] in states,
                         'state %s of process %d' % (states, pid))

    def assert_drain_in_time(self, run):
        """The deadline of the drain was kept, and so was all that came behind it."""
        run.events.wait(lambda: run.end, 'the exit of the supervisor')
        drain = run.of('phase', phase='drain')[0]
        self.assert_fields(drain, timed_out='yes', ended_by='deadline')
        self.assertGreaterEqual(int(drain['elapsed_usec']), DRAIN_USEC)
        self.assertLess(int(drain['elapsed_usec']), DRAIN_USEC + LATE_USEC)

    def stuck_of(self, run, **fields):
        """The record of what was seen, and main in it."""
        record = run.wait_record('stuck', **fields)
        found = json.loads(record['stuck'])
        main = [process for process in found['processes'] if process.get('main')]
        self.assertEqual([process['pid'] for process in main], [run.child.pid], record)
        return record, found, main[0]

    def main_thread(self, main):
        return next(thread for thread in main['threads'] if thread['tid'] == main['pid'])

    def assert_blocked(self, record, main, call):
        """In state D, in this system call, and the words name the wait."""
        thread = self.main_thread(main)
        self.assertIn(record['stall'], BLOCKED)
        self.assertEqual(thread['state'], 'D')
        self.assertRegex(thread['syscall'], call)
        self.assertIn('main thread in state D, wchan ' + thread['wchan'], record['stall_detail'])
        self.assertIn(record['stall_detail'], record['msg'])


class BlockedTest(StuckTest):
    """State D."""

    def test_stuck_in_vfork_is_blocked_and_names_the_wait(self):
        """Main waits for a child that borrows its memory, and that hangs before it executes anything."""
        os.mkfifo(self.path('fifo'))
        run = self.start(SCHEDULE).begun()
        run.child.cast('os.posix_spawn("/bin/true", ["true"], {}, file_actions='
                       '[(os.POSIX_SPAWN_OPEN, 0, %r, os.O_RDONLY, 0)])' % self.path('fifo'))
        self.wait_state(run.child.pid, 'D')
        run.kill(TERM)
        record, found, main = self.stuck_of(run, missed='phase', phase='drain')
        self.assert_blocked(record, main, 'clone|fork')
        self.assertRegex(self.main_thread(main)['wchan'], 'clone|fork')
        borrower = [process for process in found['processes'] if process['ppid'] == main['pid']]
        self.assertEqual([process['threads'][0]['syscall'] for process in borrower], ['openat'], found)
        self.assert_drain_in_time(run)
        self.assert_stopped(run, outcome='killed', exit_status='SIGKILL')


class FuseTest(StuckTest):
    """A file system that does not answer any more. Where it may not be mounted, the test says so and is
    skipped: the wait in vfork needs nobody's permission."""

    def mount(self):
        os.mkdir(self.path('silent'))
        try:
            self.fs = SilentFs(self.events, self.path('silent'))
        except OSError as error:
            self.skipTest('no FUSE file system can be mounted: %s' % error)
        self.addCleanup(self.fs.close)

    def hang_in_read(self, run, flags='os.O_RDONLY'):
        run.child.cast('os.read(os.open(%r, %s), 4096)' % (self.fs.path, flags))
        self.events.wait(lambda: self.fs.n_reads, 'a read to come to the file system')

    def assert_given_up(self, run):
        """SIGKILL does not end main: the last phase ends without it, and so does the supervisor."""
        self.assert_drain_in_time(run)
        kill = run.of('phase', phase='kill')[0]
        self.assert_fields(kill, timed_out='yes', ended_by='deadline')
        self.assertLess(int(kill['elapsed_usec']), 2 * DRAIN_USEC + LATE_USEC)
        self.assertEqual(stat_fields(run.child.pid)[0], 'D')
        with run.gone(run.child.pid):
            self.fs.close()
        self.assert_stopped(run, outcome='killed')

    @need_root
    def test_stuck_in_a_silent_file_system_is_blocked(self):
        self.mount()
        run = self.start(SCHEDULE).begun()
        self.hang_in_read(run)
        self.wait_state(run.child.pid, 'D')
        run.kill(TERM)
        record, _, main = self.stuck_of(run, missed='phase', phase='drain')
        self.assert_blocked(record, main, r'read|readv|pread64')
        self.assertIn(self.fs.path, [each['path'] for each in main['files']])
        self.assert_drain_in_time(run)
        self.assert_stopped(run, outcome='killed', exit_status='SIGKILL')

    @need_root
    def test_stuck_beyond_sigkill_is_blocked_and_given_up(self):
        """In state S until a signal comes, then in state D for good."""
        self.mount()
        run = self.start(SHORT_SCHEDULE).begun()
        self.hang_in_read(run, 'os.O_RDONLY | os.O_DIRECT')
        self.wait_state(run.child.pid, 'S')
        run.kill(TERM)
        record, found, main = self.stuck_of(run, missed='phase', phase='drain')
        # What the look found. eu-stack(1), where it is installed, attached to it then: that is a signal.
        self.assertEqual(self.main_thread(main)['state'], 'S')
        record, found, main = self.stuck_of(run, missed='phase', phase='kill')
        self.assert_blocked(record, main, 'read')
        self.assert_given_up(run)

    @need_root
    def test_stuck_with_its_memory_locked_hangs_readers_and_holds_up_nobody(self):
        """Main waits in mmap(2) for a page that another process waits for: whoever wants to read its memory,
        as for its command line, waits with it. The rest of it is seen, and so is the other process."""
        self.mount()
        run = self.start(SHORT_SCHEDULE).begun()
        other = run.child.do('fork_off("os.read(os.open(%r, os.O_RDONLY), 4096)")' % self.fs.path)
        self.events.wait(lambda: self.fs.n_reads, 'the page to be waited for')
        self.wait_state(other, 'D')
        run.child.cast('import mmap; mmap.mmap(os.open(%r, os.O_RDONLY | os.O_DIRECT), mmap.PAGESIZE, '
                       'mmap.MAP_PRIVATE, mmap.PROT_READ)' % self.fs.path)
        self.wait_state(run.child.pid, 'D')
        self.assert_hangs(run.child.pid)
        run.kill(TERM)
        record, found, main = self.stuck_of(run, missed='phase', phase='drain')
        self.assert_blocked(record, main, 'mmap')
        self.assertNotIn('cmdline', main)
        self.assertIn(self.fs.path, [each['path'] for each in main['files']])
        others = {process['pid']: process for process in found['processes']}
        self.assertIn('child.py', others[other]['cmdline'])
        self.assert_given_up(run)

    def assert_hangs(self, pid):
        """That this is the hang that is meant: its command line cannot be read. Main may have been in state D
        for an instant on its way there: a reader that came through is followed by another. A reader may be
        in state D for an instant as well, for its own program: it hangs when it stays there."""
        readers, states = [], []

        def hangs():
            if not readers or readers[-1].poll() is not None:
                readers.append(subprocess.Popen(['cat', '/proc/%d/cmdline' % pid],
                                                stdout=subprocess.DEVNULL))
            states.append(stat_fields(readers[-1].pid)[0])
            return states[-20:] == ['D'] * 20
        try:
            self.events.poll(hangs, 'a reader of the memory of process %d to hang' % pid)
        finally:
            for reader in readers:
                reader.kill()
                reader.wait()


class HeldTest(StuckTest):
    """By somebody else."""

    def test_stuck_stopped_by_sigstop_is_stopped(self):
        self.notify_socket()
        run = self.start(SCHEDULE, '--ready=notify', '--watchdog=3s').begun()
        run.child.do('on.update({%d: "os._exit(0)"})' % ABRT)
        run.child.do('notify("READY=1")')
        run.wait_record('ready')
        os.kill(run.child.pid, STOP)
        record, _, main = self.stuck_of(run, missed='heartbeat')
        self.assert_fields(record, stall='stopped', stall_detail='stopped by SIGSTOP')
        self.assertEqual(self.main_thread(main)['state'], 'T')
        self.assertIn('child.py', main['cmdline'])
        self.assert_fields(run.wait_record('watchdog'), stall='stopped', watchdog_triggered='no')
        run.wait()
        self.assert_stopped(run, cause='watchdog')

    def start_traceable(self):
        run = self.start(SCHEDULE).begun()
        run.child.do('on.clear()')
        pr_set_ptracer = 0x59616d61  # for a kernel.yama.ptrace_scope of 1
        run.child.do('libc.prctl(%d, ctypes.c_long(-1), 0, 0, 0)' % pr_set_ptracer)
        return run

    def attach(self, run, words):
        tracer = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(tracer.stdin.close)
        return tracer

    def detach(self, tracer):
        """A process that was killed while it was traced is not gone before its tracer is."""
        tracer.kill()
        tracer.wait()

    @need_program('gdb')
    def test_stuck_at_gdbs_prompt_is_traced(self):
        run = self.start_traceable()
        tracer = self.attach(run, ['gdb', '-nx', '-q', '-p', str(run.child.pid)])
        self.wait_state(run.child.pid, 't')
        run.kill(TERM)
        record, _, main = self.stuck_of(run, missed='phase', phase='drain')
        self.assert_fields(record, stall='traced', stall_detail='traced by gdb(%d)' % tracer.pid)
        self.assertEqual(self.main_thread(main)['state'], 't')
        self.detach(tracer)
        self.assert_drain_in_time(run)
        self.assert_stopped(run, outcome='killed')

    @need_program('strace')
    def test_stuck_under_strace_is_what_it_is_and_names_the_tracer(self):
        """It lets the gateway run: that is not why it does not end."""
        run = self.start_traceable()
        tracer = self.attach(run, ['strace', '-qq', '-e', 'trace=none', '-p', str(run.child.pid)])
        self.events.poll(lambda: self.tracer_of(run.child.pid) == tracer.pid, 'strace to attach')
        run.kill(TERM)
        record, _, main = self.stuck_of(run, missed='phase', phase='drain')
        self.assert_fields(record, stall='wedged')
        self.assertTrue(record['stall_detail'].endswith('; traced by strace(%d)' % tracer.pid), record)
        self.assert_drain_in_time(run)
        self.assert_stopped(run, outcome='killed', exit_status='SIGKILL')
        self.detach(tracer)

    def tracer_of(self, pid):
        with open('/proc/%d/status' % pid, encoding='utf-8') as status:
            return next(int(line.split()[1]) for line in status if line.startswith('TracerPid:'))
