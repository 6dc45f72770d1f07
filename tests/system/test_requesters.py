# SPDX-License-Identifier: MIT
"""Who asked systemd: the process that waits for the unit's job, however it names the unit and whatever
stands between it and a person; and nobody, where nobody waits."""

import json
import os
import subprocess
import unittest

from causes import CauseScenario
from harness import run

NOPASSWD = "/etc/sudoers.d/gatewatch-test"


class Requester(CauseScenario):
    def setUp(self):
        super().setUp()
        self.own_ancestry = rf"python3\({os.getpid()}\) < gatewatch-test\({os.getppid()}\)$"

    def running(self, *gateway, **settings):
        return self.unit("--drain", "0.7", *gateway, **settings).start()

    def assert_stop(self, unit, cause="stop"):
        return self.assert_cause(unit, cause, job_type=cause)

    def stopped_by(self, unit, *command, cause="stop", **settings):
        """Runs it to its end, which comes after the stop's. Returns the two records."""
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, **settings)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.assert_stop(unit, cause)


class Naming(Requester):
    """However the unit is called."""

    def test_requester_is_described_whole(self):
        unit = self.running()
        records = self.stopped_by(unit, "systemctl", "stop", unit.service)
        self.assert_requested_by(records, f"systemctl stop {unit.service}", verb="stop",
                                 unit="gatewatch-test.service", ancestry=self.own_ancestry)
        self.assertEqual(records[0]["REQUESTERS"], None)

    def test_requester_without_suffix_is_found(self):
        unit = self.running()
        records = self.stopped_by(unit, "systemctl", "stop", unit.name)
        self.assert_requested_by(records, f"systemctl stop {unit.name}", verb="stop")

    def test_requester_with_options_and_other_units_is_found(self):
        unit = self.running()
        records = self.stopped_by(unit, "systemctl", "--job-mode=replace", "stop", "-q", "rescue.service",
                                  unit.name, "emergency.service")
        self.assert_requested_by(records, unit.name, verb="stop")

    def test_requester_by_alias_is_found(self):
        unit = self.unit("--drain", "0.7")
        alias = unit.manager.unit_dir / "gw-other-name.service"
        alias.symlink_to(unit.manager.unit_dir / unit.service)
        unit.files.append(alias)
        unit.manager.reload()
        unit.start()
        records = self.stopped_by(unit, "systemctl", "stop", "gw-other-name")
        self.assert_requested_by(records, "gw-other-name", verb="stop")

    def test_requester_by_glob_is_found(self):
        unit = self.running()
        pattern = unit.name[:-3] + "*"
        records = self.stopped_by(unit, "systemctl", "stop", pattern)
        self.assert_requested_by(records, pattern, verb="stop")

    def called(self, unit, file, service=None):
        """Gives the unit's file another name: a template's, when service says which instance it is."""
        path = unit.manager.unit_dir / file
        (unit.manager.unit_dir / unit.service).rename(path)
        unit.files.append(path)
        unit.service = service or file
        unit.manager.hold(unit.service)
        unit.manager.reload()
        return unit.start()

    def test_requester_by_template_instance_is_found(self):
        unit = self.unit("--drain", "0.7", options=["--name=" + self.unit_name()])
        self.called(unit, "gw-template@.service", "gw-template@edge-1.service")
        other = self.unit("--drain", "1.5", suffix="-2", options=["--name=" + self.unit_name("-2")])
        self.called(other, "gw-template@edge-2.service")
        waiting = subprocess.Popen(["systemctl", "stop", "gw-template@edge-2"])
        self.addCleanup(waiting.wait)
        other.wait_seen("drain")
        records = self.stopped_by(unit, "systemctl", "stop", "gw-template@edge-1")
        self.assert_requested_by(records, "gw-template@edge-1", verb="stop")

    def test_requester_by_template_glob_is_found(self):
        unit = self.unit("--drain", "0.7", options=["--name=" + self.unit_name()])
        self.called(unit, "gw-globbed@.service", "gw-globbed@edge-1.service")
        records = self.stopped_by(unit, "systemctl", "stop", "gw-globbed@*")
        self.assert_requested_by(records, "gw-globbed@*", verb="stop")

    def test_requester_of_a_reload_or_restart_is_found(self):
        unit = self.running()
        records = self.stopped_by(unit, "systemctl", "reload-or-restart", unit.service, cause="restart")
        self.assert_requested_by(records, unit.service, verb="reload-or-restart")


class Way(Requester):
    """Whatever stands in between."""

    def test_requester_below_a_script_has_its_ancestors(self):
        unit = self.running()
        script = self.script("deploy.sh", f"#!/bin/sh\nsystemctl restart {unit.service}\n:\n")
        records = self.stopped_by(unit, script, cause="restart")
        self.assert_requested_by(records, unit.service, verb="restart",
                                 ancestry=rf"deploy\.sh\(\d+\) < {self.own_ancestry}")

    def test_requester_below_sudo_has_the_script_and_sudo_as_ancestors(self):
        if run("id", "gwdeploy", check=False).returncode != 0:
            run("useradd", "--create-home", "gwdeploy")
        unit = self.running()
        script = self.script("deploy-as-root", f"#!/bin/sh\nsystemctl stop {unit.service}\n:\n")
        with open(NOPASSWD, "w", encoding="utf-8") as file:
            file.write(f"gwdeploy ALL=(root) NOPASSWD: {script}\n")
        os.chmod(NOPASSWD, 0o440)
        self.addCleanup(os.unlink, NOPASSWD)
        # A session leader of its own, as a login shell is; whoever logged in stays known below sudo.
        login = self.script("login-shell", "#!/bin/sh\n"
                            "[ ! -w /proc/self/loginuid ] || echo 1234 >/proc/self/loginuid\n"
                            f"setpriv --reuid=gwdeploy --regid=gwdeploy --init-groups sudo -n {script}\n")
        records = self.stopped_by(unit, "setsid", "--wait", login)
        self.assert_requested_by(
            records, unit.service, verb="stop", uid="0",
            ancestry=r"deploy-as-root\(\d+\) < (sudo\(\d+\) < )+login-shell\(\d+\) < ")
        if os.path.exists("/proc/self/loginuid"):
            self.assertEqual({record["REQUESTER_LOGINUID"] for record in records}, {"1234"})

    def test_requester_below_another_setuid_change_has_its_ancestors(self):
        unit = self.running()
        script = self.script("as-service", f"#!/bin/sh\nsystemctl stop {unit.service}\n:\n")
        records = self.stopped_by(unit, "runuser", "-u", "root", "--", script)
        self.assert_requested_by(records, unit.service, verb="stop",
                                 ancestry=r"as-service\(\d+\) < (runuser\(\d+\) < )?python3")

    def test_requester_of_a_maintainer_script_is_found(self):
        unit = self.running()
        script = self.script("gateway.prerm", "#!/bin/sh\nset -e\n"
                             f"if [ \"$1\" = remove ]; then deb-systemd-invoke stop {unit.service}; fi\n")
        records = self.stopped_by(unit, script, "remove")
        self.assert_requested_by(records, unit.service, verb="stop",
                                 ancestry=r"(deb-systemd-inv\(\d+\) < )?gateway\.prerm\(\d+\) < ")

    def test_requester_of_service_is_found(self):
        unit = self.running()
        records = self.stopped_by(unit, "service", unit.name, "stop")
        for record in records:
            self.assertIn(record["REQUESTER_COMM"], ("systemctl", "service"))
            self.assertIn(unit.name, record["REQUESTER_CMDLINE"])

    def test_requester_in_a_login_session_is_told_with_it(self):
        unit = self.running()
        records = self.stopped_by(unit, "systemd-run", "--quiet", "--scope", "--slice=user-1234.slice",
                                  "--unit=session-c4712.scope", "systemctl", "stop", unit.service)
        self.assert_requested_by(records, unit.service, unit="session-c4712.scope")

    def test_requester_in_another_unit_is_told_with_it(self):
        unit = self.running()
        records = self.stopped_by(unit, "systemd-run", "--quiet", "--wait", "--unit=gw-cron.service",
                                  "/bin/sh", "-c", f"systemctl stop {unit.service}; :")
        self.assert_requested_by(records, unit.service, unit="gw-cron.service", ancestry=r"sh\(\d+\)$")

    def test_requester_in_mode_comm_has_no_command_line(self):
        unit = self.running(options=["--cmdline=comm"])
        stopped, verdict = self.stopped_by(unit, "systemctl", "stop", unit.service)
        for record in (stopped, verdict):
            self.assertEqual((record["REQUESTER_COMM"], record["REQUESTER_CMDLINE"]), ("systemctl", None))


class Several(Requester):
    def test_requesters_at_once_are_told_as_far_as_they_have_come(self):
        unit = self.running()
        waiting = [subprocess.Popen(["systemctl", "stop", unit.service]) for _ in range(3)]
        for process in waiting:
            self.addCleanup(process.wait)
        unit.wait_ended()
        stopped, verdict = self.assert_stop(unit)
        self.assertIn(int(stopped["REQUESTER_PID"]), [process.pid for process in waiting])
        self.assert_requested_by((stopped, verdict), unit.service, verb="stop")

    def test_requesters_that_wait_already_are_all_told_and_the_oldest_is_named(self):
        """The unit's job is held back by another's, so that three wait for it before it runs."""
        unit = self.unit("--drain", "0.7")
        # Stopped before the gateway is, since it is ordered after it.
        unit.write_file("gw-last.service", "[Unit]\nDescription=Stops slowly\n"
                        f"After={unit.service}\nPartOf={unit.service}\n"
                        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
                        "ExecStop=/bin/sh -c 'read line </run/gatewatch-test/last.fifo'\n")
        fifo = "/run/gatewatch-test/last.fifo"
        os.mkfifo(fifo)
        self.addCleanup(os.unlink, fifo)
        unit.manager.reload()
        unit.start()
        unit.manager.systemctl("start", "gw-last.service")
        # Both ends, so that the other's reading waits for what is written and nothing else.
        with open(fifo, "r+b", buffering=0) as gate:
            waiting = [subprocess.Popen(["systemctl", "stop", unit.service]) for _ in range(3)]
            for process in waiting:
                self.addCleanup(process.wait)
            gate.write(b"go\n")
            unit.wait_ended()
        stopped, verdict = self.assert_stop(unit)
        pids = sorted(process.pid for process in waiting)
        self.assertEqual(stopped["REQUESTER_PID"], str(pids[0]))
        self.assert_requested_by((stopped, verdict), unit.service, verb="stop")
        self.assertEqual([requester["pid"] for requester in json.loads(verdict["REQUESTERS"])], pids)


class Nobody(Requester):
    def begin_stop_unseen(self, unit):
        """The stop waits for another unit's: by its signal whoever asked without waiting has long gone."""
        later = self.unit("--drain", "0.7", suffix="-later", unit={"After": unit.service}).start()
        run("systemctl", "stop", "--no-block", later.service, unit.service)

    def assert_nobody(self, unit):
        unit.wait_ended()
        stopped, verdict = self.assert_stop(unit)
        self.assert_requested_by_nobody((stopped, verdict))
        return stopped

    def test_requester_that_does_not_wait_is_nobody_and_that_is_said(self):
        unit = self.running()
        self.begin_stop_unseen(unit)
        unsaid = self.assert_nobody(unit)["CAUSE_DETAIL"]
        unit.start()
        unit.stop()
        said = self.assert_cause(unit, "stop", job_type="stop", count=2)[0]["CAUSE_DETAIL"]
        # Numbers differ anyway: what is left must too.
        self.assertNotEqual("".join(c for c in unsaid if not c.isdigit()),
                            "".join(c for c in said if not c.isdigit()))

    def test_requester_by_bus_alone_is_nobody(self):
        unit = self.running()
        run("busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager", "StopUnit", "ss", unit.service, "replace")
        unit.wait_ended()
        stopped, verdict = self.assert_stop(unit)
        for record in (stopped, verdict):
            # It may not have gone when one looked.
            self.assertIn(record["REQUESTER_COMM"], (None, "busctl"))

    def test_onlookers_are_no_requesters(self):
        unit = self.running()
        for words in (["journalctl", "-f", "-u", unit.service],
                      ["tail", "-f", "/dev/null", f"systemctl-stop-{unit.service}"],
                      ["sh", "-c", f"read line; systemctl stop {unit.service}"],
                      ["systemctl", "--host=nowhere.invalid", "stop", unit.service]):
            process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.stdin.close)
            self.addCleanup(process.kill)
        self.begin_stop_unseen(unit)
        self.assert_nobody(unit)

    def test_requester_of_another_unit_is_nobody(self):
        unit = self.running()
        other = self.unit("--drain", "1.5", suffix="-2").start()
        waiting = subprocess.Popen(["systemctl", "stop", other.service])
        self.addCleanup(waiting.wait)
        other.wait_seen("drain")
        unit.begin_stop()
        unit.wait_ended()
        stopped = self.assert_stopped(unit, cause="stop")
        self.assert_requested_by_passer_by((stopped, unit.wait_record("cause")), unit.service)


if __name__ == "__main__":
    unittest.main()
