# SPDX-License-Identifier: MIT
"""The gateway's voice towards systemd, end to end: barriers, kept fds, sockets, a new main process,
and what is held back."""

import socket
import unittest

from harness import DEADLINE_SEC, QUICK, RUN_DIR, Scenario


class Barrier(Scenario):
    def test_barrier_of_the_gateway_returns(self):
        unit = self.unit("--barrier-at-start").start()
        self.assertTrue(unit.wait_seen("barrier")["done"])

    def test_barrier_returns_after_what_was_sent_before_it(self):
        # systemd-notify itself waits at a barrier: what it sent before must have reached systemd.
        result = RUN_DIR / "barrier-order"
        script = RUN_DIR / "barrier-order.sh"
        unit = self.unit(command=["/bin/sh", script], service={"NotifyAccess": "all"})
        script.write_text("\n".join([
            "set -e",
            "systemd-notify --ready",
            "n=0",
            "while [ $n -lt 20 ]; do",
            "        n=$((n + 1))",
            "        systemd-notify --status=step-$n || echo failed >>RESULT",
            "        echo $(systemctl show --property=StatusText --value UNIT) >>RESULT",
            "done",
            "echo end >>RESULT",
            "exit 0"]).replace("RESULT", str(result)).replace("UNIT", unit.service) + "\n")
        result.unlink(missing_ok=True)
        unit.start()
        unit.wait_ended()
        self.assertEqual(result.read_text().split(), [f"step-{n}" for n in range(1, 21)] + ["end"])


class FdStore(Scenario):
    def test_fd_store_survives_a_restart(self):
        unit = self.unit("--fdstore", "state", "--barrier-at-start",
                         service={"FileDescriptorStoreMax": "4"}).start()
        stored = unit.wait_seen("fd-stored")
        unit.wait_seen("barrier")
        self.assertEqual(unit.show("NFileDescriptorStore"), "1")
        unit.systemctl("restart")
        self.assertEqual(unit.wait_seen("fd-restored")["content"], stored["content"])

    def test_fd_store_with_delegate_survives_a_restart(self):
        unit = self.unit("--fdstore", "state", "--barrier-at-start",
                         service={"FileDescriptorStoreMax": "4", "Delegate": "yes"}).start()
        stored = unit.wait_seen("fd-stored")
        unit.wait_seen("barrier")
        unit.systemctl("restart")
        self.assertEqual(unit.wait_seen("fd-restored")["content"], stored["content"])


class SocketActivation(Scenario):
    def activated(self, **service):
        unit = self.unit("--listen", "--drain", "0.2", service=service)
        path = RUN_DIR / f"{unit.name}.sock"
        unit.write_file(f"{unit.name}.socket", f"[Socket]\nListenStream={path}\n")
        unit.manager.reload()
        unit.manager.systemctl("start", f"{unit.name}.socket")
        self.addCleanup(unit.manager.systemctl, "stop", f"{unit.name}.socket", check=False)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE_SEC)
            client.connect(str(path))
            answer = client.makefile().readline().split()
        gateway = unit.wait_seen("listen")
        self.assertTrue(gateway["is_ours"])
        self.assertEqual(gateway["fds"], 1)
        self.assertEqual(gateway["names"], f"{unit.name}.socket")
        self.assertEqual(answer, [f"pid={gateway['pid']}", f"listen_pid={gateway['pid']}"])
        unit.stop()
        self.assert_clean(unit)

    def test_socket_of_systemd_is_the_gateways(self):
        self.activated()

    def test_socket_of_systemd_is_the_gateways_with_delegate(self):
        self.activated(Delegate="yes")


class NotifyAccess(Scenario):
    def test_notify_access_none_stops_clean(self):
        unit = self.unit("--drain", "0.3", service={"Type": "exec", "NotifyAccess": "none"}).start()
        unit.wait_seen("ready")
        unit.stop()
        self.assert_clean(unit)

    def test_notify_access_none_falls_back_to_clamp(self):
        unit = self.unit("--drain", "inf", options=[
            "--drain-timeout=10s", "--headroom=4s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
            service={"Type": "exec", "NotifyAccess": "none", "TimeoutStopSec": "6s"}).start()
        unit.wait_seen("ready")
        unit.stop()
        self.assert_stopped(unit, outcome="killed", exit_status="SIGKILL")
        self.assertEqual(unit.show("Result"), "signal")
        self.assertEqual(unit.wait_record("short-timeout")["ACTION"], "clamp")


class Held(Scenario):
    def test_stopping_of_the_gateway_begins_the_ladder(self):
        unit = self.unit("--self-stop-after", "0.3", "--drain", "1").start()
        unit.wait_ended()
        self.assert_clean(unit, cause="self-stop")

    def test_stopping_in_a_stop_changes_nothing(self):
        unit = self.unit("--stopping", "--drain", "1").start()
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])

    def test_stopping_with_a_drain_longer_than_the_timeout_is_extended(self):
        unit = self.unit("--self-stop-after", "0.3", "--drain", "4",
                         options=["--drain-timeout=8s", "--headroom=5s",
                                  "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
                         service={"TimeoutStopSec": "2s"}).start()
        unit.wait_ended()
        self.assert_clean(unit, cause="self-stop")

    def test_main_pid_is_adopted_and_stays_the_supervisors_for_systemd(self):
        unit = self.unit("--mainpid-handover", "--drain", "0.5").start()
        new = unit.wait_seen("took-over")["pid"]
        unit.wait_seen("ready")
        supervisor = unit.main_pid
        self.assertNotIn(supervisor, (new, unit.seen("start")[0]["pid"]))
        self.assertEqual(unit.show("SubState"), "running")
        unit.stop()
        self.assert_clean(unit)
        self.assertEqual(unit.signals_seen(new), ["SIGTERM"])

    def test_watchdog_usec_of_the_gateway_is_not_passed_on(self):
        unit = self.unit("--status-texts", "--barrier-at-start",
                         service={"WatchdogSec": "30s"}).start()
        unit.wait_seen("barrier")
        self.assertEqual(unit.show("WatchdogUSec"), "30s")

    def test_extension_asked_by_the_gateway_stays_within_the_budget(self):
        unit = self.unit("--drain", "inf", "--extend", "600000000", options=QUICK,
                         service={"TimeoutStopSec": "30s"}).start()
        unit.stop()
        self.assert_stopped(unit, outcome="killed", exit_status="SIGKILL")


if __name__ == "__main__":
    unittest.main()
