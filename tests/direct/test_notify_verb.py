# SPDX-License-Identifier: MIT
"""`gatewatch notify` in shell gateways: what it tells goes up, though the process that told it ends at
once; and it says clearly where there is nobody to tell."""

import shlex
import subprocess

import harness
from harness import DirectTest, TERM, WRAPPER, unless_wrapped

OWN = 'X_GATEWATCH_'


class NotifyVerbTest(DirectTest):
    def setUp(self):
        super().setUp()
        self.upstream = self.notify_socket()

    def script(self, text):
        """A shell gateway in which `tell` is the verb."""
        verb = ' '.join(map(shlex.quote, [*WRAPPER, harness.GATEWATCH, 'notify']))
        return ['sh', '-c', 'tell() { %s "$@"; }\n%s' % (verb, text)]

    def gateway(self, text, *options, **settings):
        return self.start(*options, command=self.script(text), **settings)

    def mine(self):
        """The lines that came up from the gateway."""
        return [line for line in self.upstream.lines() if not line.startswith('STOPPING=1')]

    def outside(self, *words, **environment):
        """The verb without a run. Returns its status and what it said on stderr."""
        process = subprocess.run([*WRAPPER, harness.GATEWATCH, 'notify', *words], stdin=subprocess.DEVNULL,
                                 env={'PATH': harness.PATH, **environment}, stderr=subprocess.PIPE, check=False,
                                 timeout=harness.DEADLINE_SECONDS)
        return process.returncode, process.stderr.decode()

    # ---- in a gateway ---------------------------------------------------------------------------------

    def test_shell_gateway_tells_its_life(self):
        run = self.gateway('trap "stopping=1" TERM\n'
                           'tell --status=Connecting --phase=connect || exit 81\n'
                           'tell --ready --status=Serving --active=1 || exit 82\n'
                           'read line\n'
                           'tell ERRNO=7 X_A=b --active=0 || exit 83\n'
                           'exit 3', '--ready=notify', stdin=subprocess.PIPE)
        self.upstream.wait_for('STATUS=Serving')
        run.wait_record('ready')
        run.process.stdin.write(b'go on\n')
        run.process.stdin.close()
        self.assertEqual(run.wait(), ('exited', 3))
        self.assertEqual([datagram.text for datagram in self.upstream.received if datagram.text != 'BARRIER=1'],
                         ['STATUS=Connecting', 'READY=1\nSTATUS=Serving', 'ERRNO=7\nX_A=b'])
        self.assertEqual({datagram.pid for datagram in self.upstream.received}, {run.pid})

    def test_own_keys_go_no_further_than_the_supervisor(self):
        run = self.gateway('tell --phase=serve --active=3 --step-begin="disconnect telegram" --step-timeout=5s '
                           '--step-end="disconnect telegram" || exit 81\n'
                           'tell --phase= %sFUTURE=1 X_LAST=1 || exit 82' % OWN)
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual([line for line in self.mine() if OWN in line], [])
        self.assertIn('X_LAST=1', self.mine())

    def test_message_of_a_process_that_exits_at_once_is_not_lost(self):
        run = self.gateway('i=0\nwhile [ $i -lt 50 ]; do i=$((i + 1)); tell X_N=$i STATUS=$i || exit 81; done')
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual([line for line in self.mine() if line.startswith('X_N=')],
                         ['X_N=%d' % i for i in range(1, 51)])
        self.assertEqual([line for line in self.mine() if line.startswith('STATUS=')],
                         ['STATUS=%d' % i for i in range(1, 51)])
        self.assertEqual(run.of('degraded', what='notify'), [])

    def test_messages_of_many_processes_at_once_are_not_lost(self):
        run = self.gateway('for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do\n'
                           '        tell X_N=$i || echo "$i was not told" >&2 &\n'
                           'done\n'
                           'wait')
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(sorted(int(line[4:]) for line in self.mine() if line.startswith('X_N=')),
                         list(range(1, 21)))

    def test_stopping_begins_the_stop(self):
        run = self.gateway('tell --ready && tell --stopping --status=enough && exit 4')
        self.assertEqual(run.wait(), ('exited', 4))
        self.assert_stopped(run, cause='self-stop', exit_status='4')
        self.assertEqual(self.upstream.lines().count('STOPPING=1'), 1)

    def test_messages_while_stopping(self):
        run = self.gateway('trap "tell --status=closing && tell X_CLOSED=1 && exit 5" TERM\n'
                           'tell --ready\nwhile :; do read line; done')
        self.upstream.wait_for('READY=1')
        self.assertEqual(run.stop(TERM), ('exited', 5))
        self.upstream.wait_for(r'STATUS=Draining: .*: closing')
        self.upstream.wait_for('X_CLOSED=1')

    def test_no_supervisor_above_it_is_no_matter(self):
        """None to whom the supervisor could pass it on: the barrier opens all the same."""
        run = self.gateway('tell --ready --phase=serve', '--ready=notify', environment={'NOTIFY_SOCKET': None})
        self.assertEqual(run.wait(), ('exited', 0))
        self.assertEqual(len(run.of('ready')), 1)

    @unless_wrapped('to adopt a process needs pidfd_open(2), which valgrind 3.19 lacks')
    def test_pid_of_a_shell_is_adopted(self):
        """The shell that calls it becomes main: its end is the end. Its first parent is gone by then, so that
        its status is for the supervisor to see."""
        run = self.gateway('trap "exit 0" USR1\n'
                           '(tell --pid --ready || exit 81\n'
                           ' kill -USR1 $$\n'
                           ' while kill -0 $$ 2>/dev/null; do :; done\n'
                           ' exit 6) &\n'
                           'while :; do wait; done')
        self.assertEqual(run.wait(), ('exited', 6))

    # ---- elsewhere ------------------------------------------------------------------------------------

    def test_outside_of_a_gateway_is_said(self):
        status, said = self.outside('--ready')
        self.assertEqual((status, said), (69, 'gatewatch notify: this is no process of a gateway under gatewatch: '
                                              'NOTIFY_SOCKET is not set\n'))

    def test_own_keys_to_somebody_else_are_refused(self):
        status, said = self.outside('--ready', '--phase=up', NOTIFY_SOCKET=self.upstream.address)
        self.assertEqual(status, 69)
        self.assertIn('GATEWATCH_RUN_ID is not set', said)
        self.events.turn(0)
        self.assertEqual(self.upstream.received, [])

    def test_stranger_is_not_heard_and_does_not_hang(self):
        """Not a process of the gateway, but one that knows the address: nothing comes of it."""
        run = self.start().begun()
        address = run.child.hello['environment']['NOTIFY_SOCKET']
        self.outside('--status=stranger', NOTIFY_SOCKET=address)
        run.wait_record('degraded', what='notify')
        run.stop()
        self.assertEqual([line for line in self.mine() if 'stranger' in line], [])

    def test_usage_error_in_a_gateway_sends_nothing(self):
        run = self.gateway('tell --ready --active=many 2>&1; echo $?')
        run.wait()
        self.assertEqual(run.output.decode().splitlines(),
                         ['gatewatch notify: --active=many is no number: give how many units of work are in flight, '
                          '0 or more', '64'])
        self.assertEqual(self.mine(), [])
