# SPDX-License-Identifier: MIT
"""Who sent the signal: every kind of sender that siginfo and /proc can tell apart, and what the shutdown
context says about the rest of the world at that moment."""

import json
import os
import pathlib
import signal
import subprocess
import unittest

from causes import CauseScenario, kill, sigqueue, tgkill, trace
from harness import GATEWATCH, GATEWAY, RUN_DIR, Scenario, uid_of

NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")
OWN_UNIT = "gatewatch-test.service"
SESSION_ID = "c4711"

# The whole of what a reader of the context may rely on.
CONTEXT_KEYS = {"ts", "ts_monotonic", "signal", "signal_num", "pid", "ppid", "parent", "self",
                "systemd_invocation_id", "under_systemd", "loadavg_1m", "sender", "gateway"}


class Sender(CauseScenario):
    """One that stays until it was read."""

    def running(self, *gateway, **settings):
        return self.unit("--drain", "0.5", *gateway, **settings).start()

    def signalled_by(self, unit, script, *arguments, **settings):
        deputy = self.deputy(script, unit.main_pid, *arguments, **settings)
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "signal")
        self.assert_requested_by_nobody((stopped, verdict))
        return stopped, deputy

    def test_sender_that_stays_is_described_whole(self):
        unit = self.running()
        kill(unit)
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "signal", signal="SIGTERM", sender_unit=OWN_UNIT,
                                             sender_user="root", sender_exe=os.readlink("/proc/self/exe"))
        self.assert_sent_by(stopped, os.getpid(), "python3", "runner.py")
        self.assert_requested_by_nobody((stopped, verdict))
        self.assertRegex(stopped["SENDER_ANCESTRY"],
                         rf"^python3\({os.getpid()}\) < gatewatch-test\({os.getppid()}\)$")
        signalled = unit.wait_record("signal")
        for name, value in stopped.fields.items():
            if name.startswith("GATEWATCH_SENDER_"):
                self.assertEqual(signalled.fields.get(name), value, name)

    def test_sender_shell_is_named_with_its_command_line(self):
        unit = self.running()
        stopped, deputy = self.signalled_by(unit, "kill -TERM $1")
        self.assert_sent_by(stopped, deputy.pid, "sh", "kill -TERM $1")

    def test_sender_with_a_secret_in_its_command_line_keeps_it(self):
        unit = self.running()
        stopped, deputy = self.signalled_by(unit, "kill -TERM $1", "--api-token=s3cr3t-4711")
        self.assertIn("--api-token=", stopped["SENDER_CMDLINE"])
        for record in unit.records():
            self.assertNotIn("s3cr3t-4711", json.dumps(record.fields))

    def test_sender_in_mode_comm_has_no_command_line(self):
        unit = self.running(options=["--cmdline=comm"])
        stopped, deputy = self.signalled_by(unit, "kill -TERM $1", "word-4711")
        self.assertEqual(stopped["SENDER_COMM"], "sh")
        for record in unit.records():
            self.assertNotIn("word-4711", json.dumps(record.fields))

    def test_sender_of_another_user_is_named(self):
        unit = self.running(service={"User": "nobody"})
        stopped, deputy = self.signalled_by(unit, "kill -TERM $1", before=NOBODY)
        uid = uid_of("nobody")
        self.assert_sent_by(stopped, deputy.pid, "sh", "kill -TERM", uid=uid)
        self.assertEqual(stopped["SENDER_USER"], "nobody")

    def test_sender_in_a_login_session_is_told_with_it(self):
        unit = self.running()
        scope = f"session-{SESSION_ID}.scope"
        script = self.script("session-leader", "#!/bin/sh\n"
                             "[ ! -w /proc/self/loginuid ] || echo 1234 >/proc/self/loginuid\n"
                             "kill -TERM $1\nexec >&-\nread line\n")
        deputy = self.deputy_of("systemd-run", "--quiet", "--scope", "--slice=user-1234.slice",
                                f"--unit={scope}", script, unit.main_pid)
        unit.wait_ended()
        stopped, _ = self.assert_cause(unit, "signal")
        # systemd-run executes the script: it is the same process.
        self.assert_sent_by(stopped, deputy.pid, "session-leader", "session-leader")
        self.assertEqual((stopped["SENDER_UNIT"], stopped["SENDER_SESSION"]), (scope, SESSION_ID))
        if pathlib.Path("/proc/self/loginuid").exists():
            self.assertEqual(stopped["SENDER_LOGINUID"], "1234")

    def test_sender_below_a_script_has_its_ancestors(self):
        unit = self.running()
        script = self.script("deploy", "#!/bin/sh\nexec 3<&0\n"
                             "/bin/sh -c 'kill -TERM $0; exec >&-; read line <&3' $1 &\nexec >&-\nwait\n")
        deputy = self.deputy_of(script, unit.main_pid)
        unit.wait_ended()
        stopped, _ = self.assert_cause(unit, "signal")
        self.assertEqual(stopped["SENDER_COMM"], "sh")
        self.assertRegex(stopped["SENDER_ANCESTRY"],
                         rf"^sh\(\d+\) < deploy\({deputy.pid}\) < python3\({os.getpid()}\) < ")

    def test_sender_with_a_value_is_told_with_it(self):
        unit = self.running()
        sigqueue(unit.main_pid, signal.SIGTERM, 4711)
        unit.wait_ended()
        stopped, _ = self.assert_cause(unit, "signal", sender_value="4711")
        self.assert_sent_by(stopped, os.getpid(), "python3", "runner.py", code="SI_QUEUE")

    def test_sender_with_a_negative_value_is_told_with_it(self):
        unit = self.running()
        sigqueue(unit.main_pid, signal.SIGTERM, -1)
        unit.wait_ended()
        self.assert_cause(unit, "signal", sender_value="-1", sender_code="SI_QUEUE")

    def test_sender_to_one_thread_is_told_as_such(self):
        unit = self.running()
        tgkill(unit.main_pid, unit.main_pid, signal.SIGTERM)
        unit.wait_ended()
        stopped, _ = self.assert_cause(unit, "signal")
        self.assert_sent_by(stopped, os.getpid(), "python3", "runner.py", code="SI_TKILL")

    def test_sender_that_is_the_gateway_is_named(self):
        script = RUN_DIR / "suicidal.sh"
        unit = self.unit(command=["/bin/sh", script], service={"Type": "exec", "NotifyAccess": "none"})
        script.write_text("trap 'sleep 0.3; exit 0' TERM\nkill -TERM $PPID\nwhile :; do sleep 0.1; done\n")
        self.addCleanup(script.unlink)
        unit.start()
        unit.wait_ended()
        stopped = self.assert_stopped(unit, outcome="clean", sender_state="alive", sender_comm="sh")
        self.assertEqual(stopped["SENDER_PID"], stopped["PID"])
        self.assertIn(stopped["CAUSE"], ("signal", "self-stop"))

    def test_sender_in_the_drain_is_recorded_beside_the_first(self):
        unit = self.unit("--drain", "1.5").start()
        unit.begin_stop()
        unit.wait_record("signal")
        deputy = self.deputy("kill -TERM $1", unit.main_pid)
        second = unit.wait_record("signal", count=2)
        self.assert_sent_by(second, deputy.pid, "sh", "kill -TERM")
        unit.wait_ended()
        stopped, _ = self.assert_cause(unit, "stop", job_type="stop")
        self.assert_sent_by_manager(unit, stopped)

    def test_sender_that_nobody_may_look_at_is_told_by_its_pid(self):
        unit = self.running(service={"User": "nobody", "ProtectProc": "invisible"})
        kill(unit)
        unit.wait_ended()
        stopped, _ = self.assert_cause(unit, "signal", sender_pid=str(os.getpid()), sender_uid="0")
        self.assertIsNone(stopped["SENDER_CMDLINE"])
        # It has not exited, and nothing may say that it has.
        self.assertIn(stopped["SENDER_STATE"], ("unknown", "alive"))


class PasserBy(CauseScenario):
    """One that exits as soon as it has sent its signal."""

    def passes_by(self, *command, comm, argument, uid="0", **settings):
        unit = self.unit("--drain", "0.5", **settings).start()
        words = [str(word).replace("MAINPID", str(unit.main_pid)) for word in command]
        sender = subprocess.Popen(words)
        self.assertEqual(sender.wait(), 0)
        unit.wait_ended()
        stopped, verdict = self.assert_cause(unit, "signal")
        self.assert_sent_by_passer_by(stopped, sender.pid, comm, argument, uid)
        self.assert_requested_by_nobody((stopped, verdict))
        return stopped

    def test_passer_by_kill_is_named_or_left_out(self):
        self.passes_by("/bin/kill", "-TERM", "MAINPID", comm="kill", argument="/bin/kill -TERM ")

    def test_passer_by_shell_is_named_or_left_out(self):
        self.passes_by("/bin/sh", "-c", "kill -TERM MAINPID", comm="sh", argument="-c ")

    def test_passer_by_python_is_named_or_left_out(self):
        self.passes_by("/usr/bin/python3", "-I", "-S", "-c", "import os; os.kill(MAINPID, 15)",
                       comm="python3", argument="os.kill")

    def test_passer_by_pkill_of_another_user_is_named_or_left_out(self):
        uid = uid_of("nobody")
        name = self.unit_name()
        # setpriv(1) executes it: its pid is pkill's.
        self.passes_by(*NOBODY, "pkill", "-TERM", "-U", "nobody", "-f", f"^gatewatch run: {name}$",
                       comm="pkill", argument="pkill -TERM", uid=uid, service={"User": "nobody"})

    def test_passers_by_are_named_where_realtime_is_allowed(self):
        unit = self.draining_unit("--sender-capture=realtime")
        self.assertEqual(unit.wait_record("started")["SENDER_CAPTURE"], "realtime")
        records = self.kill_often(unit, 20)
        self.assertGreaterEqual(sum(record["SENDER_CMDLINE"] is not None for record in records), 16)

    def test_passers_by_are_mostly_known_by_name_where_realtime_is_not_allowed(self):
        unit = self.draining_unit("--sender-capture=plain")
        self.assertEqual(unit.wait_record("started")["SENDER_CAPTURE"], "plain")
        records = self.kill_often(unit, 20)
        self.assertGreaterEqual(sum(record["SENDER_COMM"] is not None for record in records), 10)


class OtherNamespace(Scenario):
    """The supervisor is PID 1 of a pid namespace; who is outside has no pid there."""

    def test_sender_in_another_namespace_is_told_as_such(self):
        unit = self.unit()
        command = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child", GATEWATCH, "run",
                   f"--name={unit.name}", "--", "/usr/bin/python3", GATEWAY, "--log", str(unit.log_path),
                   "--drain", "0.5"]
        unit.write(service={"Type": "exec", "NotifyAccess": "none", "ExecStart": " ".join(command)})
        unit.start()
        children = pathlib.Path(f"/proc/{unit.main_pid}/task/{unit.main_pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        unit.wait_ended()
        record = self.assert_stopped(unit, cause="signal", outcome="clean", sender_state="other-namespace",
                                     sender_pid="0", sender_code="SI_USER", sender_comm=None,
                                     sender_cmdline=None, requester_pid=None)
        self.assertTrue(record["CAUSE_DETAIL"])


class Context(CauseScenario):
    def test_context_of_a_stop_has_every_key(self):
        unit = self.unit("--drain", "0.5").start()
        supervisor, gateway = unit.main_pid, unit.seen("start")[0]["pid"]
        unit.stop()
        record = unit.wait_record("signal")
        self.assertEqual((record["SIGNAL"], record["SIGNAL_NUMBER"]), ("SIGTERM", "15"))
        self.assertEqual((record["PARENT_PID"], record["PARENT_COMM"]), ("1", "systemd"))
        self.assertEqual(record["UNDER_SYSTEMD"], "yes")
        self.assertRegex(record["LOADAVG"], r"^[0-9]+\.[0-9]+$")
        context = json.loads(record["CONTEXT"])
        self.assertLessEqual(CONTEXT_KEYS, set(context))
        self.assertEqual((context["signal"], context["signal_num"], context["pid"], context["ppid"]),
                         ("SIGTERM", 15, supervisor, 1))
        self.assertEqual(context["systemd_invocation_id"], record["RUN_ID"])
        self.assertIs(context["under_systemd"], True)
        self.assertEqual((context["parent"]["pid"], context["parent"]["name"]), (1, "systemd"))
        self.assertEqual(context["gateway"]["pid"], gateway)
        self.assertEqual(context["self"]["pid"], supervisor)

    def test_context_is_the_message_too(self):
        unit = self.unit("--drain", "0.5").start()
        kill(unit)
        unit.wait_ended()
        record = unit.wait_record("signal")
        # The contract fixes this text: people have searched for its predecessor for years.
        self.assertRegex(record.fields["MESSAGE"],
                         r"^Shutdown context: signal=SIGTERM under_systemd=yes "
                         rf"sender_pid={os.getpid()} sender_comm=python3 .*parent_pid=1 parent_name=systemd "
                         r"loadavg_1m=[0-9.]+ .*parent_cmdline=\".*\"$")

    def test_context_names_a_tracer(self):
        unit = self.unit("--drain", "0.5").start()
        tracer = trace(unit.main_pid)
        unit.stop()
        os.waitpid(tracer, 0)
        record = unit.wait_record("signal")
        self.assertEqual((record["TRACER_PID"], record["TRACER_COMM"]), (str(tracer), "python3"))
        context = json.loads(record["CONTEXT"])
        self.assertEqual((context["tracer_pid"], context["tracer"]["name"]), (tracer, "python3"))
        self.assert_cause(unit, "stop", job_type="stop")


if __name__ == "__main__":
    unittest.main()
