# SPDX-License-Identifier: MIT
"""Why a run ended, and who made it, where there is no systemd to ask."""

import json
import os
import re
import subprocess

from harness import DirectTest, INT, TERM, children_of, need_program, need_root, sigqueue, unless_wrapped

CTRL_C = b'\x03'
INHERITED = {'INVOCATION_ID': '0123456789abcdef0123456789abcdef', 'JOURNAL_STREAM': '8:4711'}


class CauseTest(DirectTest):
    def assert_verdict(self, run, cause):
        """The `cause` record, of which there is one for a stop that was asked for, agrees with the last."""
        verdict, = run.of('cause')
        self.assertEqual((verdict['cause'], run.stopped['cause']), (cause, cause))
        self.assertEqual(verdict['cause_detail'], run.stopped['cause_detail'])
        for key in ('job_type', 'job_id', 'requester_pid', 'requester_comm'):
            self.assertNotIn(key, verdict)
        return verdict


def our_comm():
    with open('/proc/self/comm', encoding='utf-8') as file:
        return file.read().rstrip('\n')


class StopTest(CauseTest):
    def test_cause_of_a_signal_is_its_sender(self):
        run = self.start().begun()
        run.stop()
        record = self.assert_stopped(run, cause='signal', outcome='clean', sender_pid=str(os.getpid()),
                                     sender_state='alive', sender_comm=our_comm())
        with open('/proc/self/cmdline', 'rb') as file:
            program = file.read().split(b'\0')[0].decode()
        self.assertTrue(record['sender_cmdline'].startswith(program), record)
        self.assertRegex(record['sender_ancestry'],
                         r'^%s\(%d\)( < |$)' % (re.escape(our_comm()), os.getpid()))
        self.assert_verdict(run, 'signal')

    def test_cause_of_a_signal_with_a_value_has_it(self):
        run = self.start().begun()
        sigqueue(run.pid, TERM, 4711)
        run.wait()
        self.assert_stopped(run, cause='signal', sender_code='SI_QUEUE', sender_value='4711',
                            sender_state='alive')

    def test_cause_of_a_signal_by_a_passer_by_is_the_passer_by(self):
        run = self.start().begun()
        sender = subprocess.Popen(['/bin/kill', '-TERM', str(run.pid)])
        self.assertEqual(sender.wait(), 0)
        run.wait()
        record = self.assert_stopped(run, cause='signal', sender_pid=str(sender.pid))
        self.assertIn(record['sender_state'], ('alive', 'exited'))
        self.assertIn(record.get('sender_comm'), ('kill', None))
        self.assertIn(record.get('sender_cmdline'), ('/bin/kill -TERM %d' % run.pid, None))


class EndTest(CauseTest):
    def test_cause_of_an_exit_has_no_verdict_of_its_own(self):
        for status, outcome in ((0, 'exited'), (3, 'failed')):
            with self.subTest(status=status):
                run = self.start(command=['sh', '-c', 'exit %d' % status])
                run.wait()
                record = self.assert_stopped(run, cause='exit', outcome=outcome)
                self.assertNotIn('sender_pid', record)
                self.assertEqual(run.of('cause'), [])

    def test_cause_of_a_death_is_crash(self):
        run = self.start(command=['sh', '-c', 'kill -KILL $$'])
        run.wait()
        record = self.assert_stopped(run, cause='crash', outcome='crashed', exit_status='SIGKILL')
        self.assertNotIn('sender_pid', record)


class FastGatewayTest(CauseTest):
    def test_end_right_behind_the_signal_is_the_stops(self):
        """The gateway has the signal from a thread, and its end may be seen before the signal is."""
        for _ in range(40):
            run = self.start(verbose=False)
            run.child.greet()
            run.child.do('signal.signal(15, signal.SIG_DFL); signal.pthread_sigmask(signal.SIG_SETMASK, ())')
            self.assertEqual(run.stop(), ('killed', TERM))
            self.assert_stopped(run, cause='signal', outcome='clean', sender_pid=str(os.getpid()))


class ContextTest(CauseTest):
    def test_context_does_not_believe_an_inherited_environment(self):
        run = self.start(environment=INHERITED).begun()
        run.stop()
        record, = run.of('signal')
        context = json.loads(record['context'])
        self.assertEqual((record['under_systemd'], context['under_systemd']), ('no', False))
        self.assertEqual(context['systemd_invocation_id'], INHERITED['INVOCATION_ID'])
        self.assertEqual((record['parent_pid'], context['ppid']), (str(os.getpid()), os.getpid()))
        self.assertEqual(context['parent']['name'], our_comm())
        self.assertEqual(context['gateway']['pid'], run.child.pid)


class TerminalCauseTest(CauseTest):
    def test_interrupt_key_is_the_terminals_and_nobody_elses(self):
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        run = self.start(stdin=slave, stdout=slave, prelude='''
import fcntl, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
''')
        os.close(slave)
        run.begun()
        run.child.do('on.update({%d: "os._exit(0)"})' % INT)
        run.fence()
        os.write(master, CTRL_C)
        run.wait()
        record = self.assert_stopped(run, cause='terminal', outcome='clean', sender_state='kernel',
                                     sender_code='SI_KERNEL', signal='SIGINT')
        for key in ('sender_comm', 'sender_cmdline', 'sender_exe', 'sender_ancestry'):
            self.assertNotIn(key, record)
        self.assert_verdict(run, 'terminal')


@need_root
@need_program('unshare')
@unless_wrapped('no wrapper knows how to be PID 1')
class NamespaceCauseTest(CauseTest):
    def test_sender_outside_of_the_namespace_is_told_as_such(self):
        run = self.start(before=['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']).begun()
        os.kill(*children_of(run.pid), TERM)
        run.wait()
        record = self.assert_stopped(run, cause='signal', sender_state='other-namespace', sender_pid='0',
                                     sender_code='SI_USER')
        self.assertNotIn('sender_comm', record)
        self.assert_verdict(run, 'signal')

    def test_sender_inside_of_the_namespace_is_named(self):
        run = self.start(before=['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']).begun()
        run.child.do('on.update({15: "time.sleep(0.3) or os._exit(0)"})')
        run.child.cast('os.kill(1, 15)')
        run.wait()
        self.assert_stopped(run, cause='signal', sender_state='alive', sender_comm='python3',
                            sender_pid=str(run.child.pid))
