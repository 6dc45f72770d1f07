# SPDX-License-Identifier: MIT
"""What a gateway tells about its stop, phase by phase and step by step, and what becomes of a step that
runs over: it is named when that happens, and the drain does not wait for it."""

import json
import os
import pathlib
import re
import subprocess
import time
import unittest

from harness import DEADLINE_SEC, GATEWATCH, GATEWAY, QUICK, RUN_DIR, TIME_SCALE, Scenario, follow

SECOND = 1_000_000

# A drain that is far too long for a test: only something else than its end can end it in time.
LONG = ("--drain-timeout=60s", "--headroom=40s")

STALL_WORDS = ("traced", "frozen", "stopped", "starved", "blocked", "spinning", "working", "wedged", "exited",
               "unknown")


class ProgressScenario(Scenario):
    def steps(self, unit, name=None):
        """Records of steps, in their order."""
        return [record for record in unit.records("step") if name is None or record["STEP"] == name]

    def assert_ends(self, unit, name, *expected):
        """Each record of a step as (STEP_END, TIMED_OUT). Returns the records."""
        found = self.steps(unit, name)
        self.assertEqual([(record["STEP_END"], record["TIMED_OUT"]) for record in found], list(expected))
        return found

    def signal_times(self, unit):
        """When the gateway got each signal for the first time, in microseconds."""
        times = {}
        for event in unit.seen("signal"):
            times.setdefault(event["signal"], event["t"])
        return times

    def assert_moved_on(self, unit, by="step-timeout"):
        """The ladder's first phase ended before its deadline."""
        phase = [record for record in unit.records("phase") if record["PHASE_SOURCE"] == "ladder"][0]
        self.assertEqual(phase["ENDED_BY"], by)
        return phase

    def black_hole(self, kind=""):
        """A TCP peer that never answers, in another process. Returns HOST:PORT."""
        RUN_DIR.mkdir(exist_ok=True)
        log_path = RUN_DIR / f"black-hole-{time.monotonic_ns()}.log"
        log_path.write_text("")
        server = subprocess.Popen(["/usr/bin/python3", GATEWAY, "--log", log_path,
                                   f"--black-hole-server=127.0.0.7:0{kind}"], stdin=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        listening = follow(["tail", "--lines=+1", "--follow", log_path], json.loads, "the black hole")
        self.assertEqual(listening["event"], "listening")
        return f"127.0.0.7:{listening['port']}"


class Steps(ProgressScenario):
    def test_step_that_ends_in_time_is_recorded_done(self):
        unit = self.unit("--drain", "1", "--step", '"flush the queue:0.3:2000000"').start()
        unit.stop()
        record, = self.assert_ends(unit, "flush the queue", ("done", "no"))
        self.assertEqual(record["STEP_TIMEOUT_USEC"], "2000000")
        self.assertGreaterEqual(int(record["STEP_USEC"]), 250_000)
        self.assertGreaterEqual(int(record["ELAPSED_USEC"]), int(record["STEP_USEC"]))
        self.assertRegex(record.fields["MESSAGE"], r"flush the queue.* \+\d+\.\d\ds")
        self.assertEqual(record.fields["PRIORITY"], "6")
        stopped = self.assert_clean(unit, steps_count="1", slowest_step="flush the queue",
                                    slowest_step_usec=record["STEP_USEC"])
        step, = json.loads(stopped["STEPS"])
        self.assertEqual(step, {"name": "flush the queue", "usec": int(record["STEP_USEC"]),
                                "timeout_usec": 2_000_000, "end": "done"})

    def test_step_that_runs_over_is_recorded_at_once_and_ends_the_drain(self):
        unit = self.unit("--drain", "inf", "--step", "flush:inf:500000", "--leave-on", "INT",
                         options=LONG).start()
        unit.stop()
        overdue, end = self.assert_ends(unit, "flush", ("open", "yes"), ("abandoned", "yes"))
        self.assertEqual(overdue.fields["PRIORITY"], "4")
        self.assertIn(overdue["STALL"], STALL_WORDS)
        self.assertTrue(overdue["STALL_DETAIL"])
        self.assertRegex(overdue.fields["MESSAGE"], r"flush.*overdue \+\d+\.\d\ds")
        self.assertGreaterEqual(int(overdue["STEP_USEC"]), 500_000)
        self.assertGreaterEqual(end.monotonic_usec, overdue.monotonic_usec)
        self.assertEqual(unit.signals_seen(), ["SIGTERM", "SIGINT"])
        self.assert_moved_on(unit)
        self.assert_stopped(unit, slowest_step="flush", steps_count="1")

    def test_step_that_ends_late_is_recorded_as_such(self):
        unit = self.unit("--drain", "0.1", "--step", "flush:1:300000",
                         options=[*LONG, "--on-step-timeout=log"]).start()
        unit.stop()
        self.assert_ends(unit, "flush", ("open", "yes"), ("late", "yes"))
        stopped = self.assert_clean(unit)
        self.assertEqual([step["end"] for step in json.loads(stopped["STEPS"])], ["late"])

    def test_steps_that_hang_together_take_one_timeout(self):
        steps = [word for name in "abcd" for word in ("--step", f"{name}:inf:2000000")]
        unit = self.unit("--drain", "0", *steps, "--leave-on", "INT", options=LONG).start()
        unit.stop()
        for name in "abcd":
            self.assert_ends(unit, name, ("open", "yes"), ("abandoned", "yes"))
        times = self.signal_times(unit)
        self.assertLess(times["SIGINT"] - times["SIGTERM"], 6 * SECOND)
        self.assert_moved_on(unit)

    def test_step_that_is_not_overdue_yet_holds_the_ladder(self):
        unit = self.unit("--drain", "0", "--step", "quick:inf:200000", "--step", "slow:1.5:20000000",
                         "--leave-on", "INT", options=LONG).start()
        unit.stop()
        self.assert_ends(unit, "slow", ("done", "no"))
        slow_end, = [event["t"] for event in unit.seen("step-end")]
        self.assertGreaterEqual(self.signal_times(unit)["SIGINT"], slow_end)

    def test_step_that_hangs_waits_for_work_in_flight(self):
        unit = self.unit("--drain", "2", "--sessions", "2", "--active", "--step", "flush:inf:300000",
                         "--leave-on", "INT", options=LONG).start()
        unit.stop()
        self.assert_ends(unit, "flush", ("open", "yes"), ("abandoned", "yes"))
        last_session = unit.seen("session-end")[-1]
        self.assertEqual(last_session["left"], 0)
        self.assertGreaterEqual(self.signal_times(unit)["SIGINT"], last_session["t"])
        self.assert_moved_on(unit)

    def test_step_without_bound_is_never_overdue(self):
        unit = self.unit("--drain", "0", "--step", "zero:1.2:0", "--step", "endless:1.4:infinity",
                         options=[*LONG, "--step-timeout=300ms"]).start()
        unit.stop()
        for name in ("zero", "endless"):
            record, = self.assert_ends(unit, name, ("done", "no"))
            self.assertEqual(record["STEP_TIMEOUT_USEC"], "infinity")
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])
        self.assert_clean(unit)

    def test_step_timeout_of_the_run_bounds_steps_that_bring_none(self):
        unit = self.unit("--drain", "0", "--step", "flush:inf", "--leave-on", "INT",
                         options=[*LONG, "--step-timeout=400ms"]).start()
        unit.stop()
        overdue, _ = self.assert_ends(unit, "flush", ("open", "yes"), ("abandoned", "yes"))
        self.assertEqual(overdue["STEP_TIMEOUT_USEC"], "400000")

    def test_step_timeout_of_infinity_bounds_none(self):
        unit = self.unit("--drain", "0", "--step", "flush:1.5",
                         options=[*LONG, "--step-timeout=infinity"]).start()
        unit.stop()
        record, = self.assert_ends(unit, "flush", ("done", "no"))
        self.assertEqual(record["STEP_TIMEOUT_USEC"], "infinity")
        self.assert_clean(unit)

    def test_step_outside_of_a_stop_is_measured_and_not_escalated(self):
        unit = self.unit("--early-step", '"warm up:0.8:200000"', options=LONG).start()
        unit.wait_record("step", count=2)
        overdue, _ = self.assert_ends(unit, "warm up", ("open", "yes"), ("late", "yes"))
        self.assertGreaterEqual(int(overdue["ELAPSED_USEC"]), int(overdue["STEP_USEC"]))
        self.assertEqual(unit.signals_seen(), [])
        self.assertEqual(unit.show("ActiveState"), "active")
        unit.stop()
        self.assertEqual(json.loads(self.assert_clean(unit)["STEPS"] or "[]"), [])

    def test_step_from_before_the_stop_does_not_cut_the_drain(self):
        unit = self.unit("--early-step", "warm::200000", "--drain", "1.5", options=LONG).start()
        unit.wait_record("step")
        unit.stop()
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])
        self.assert_clean(unit)

    def test_on_step_timeout_log_lets_the_drain_go_on(self):
        unit = self.unit("--drain", "1.5", "--step", "flush::300000",
                         options=[*LONG, "--on-step-timeout=log"]).start()
        unit.stop()
        self.assert_ends(unit, "flush", ("open", "yes"), ("abandoned", "yes"))
        self.assertEqual(unit.signals_seen(), ["SIGTERM"])
        self.assert_clean(unit)

    def test_on_step_timeout_stop_ends_a_gateway_that_serves(self):
        unit = self.unit("--early-step", "warm::500000", "--drain", "0.2",
                         options=[*LONG, "--on-step-timeout=stop"]).start()
        unit.wait_ended()
        self.assert_stopped(unit, cause="step-timeout")
        self.assertEqual(unit.signals_seen()[0], "SIGTERM")


class Limits(ProgressScenario):
    def send(self, unit_option, *datagrams):
        """Words for the gateway that make it send these."""
        RUN_DIR.mkdir(exist_ok=True)
        path = RUN_DIR / f"{self.unit_name()}.datagrams"
        path.write_text("".join(json.dumps(datagram.decode("latin-1")) + "\n" for datagram in datagrams))
        self.addCleanup(path.unlink)
        return unit_option, path

    def test_300_open_steps_are_taken_to_the_limit(self):
        unit = self.unit("--drain", "1", "--steps", "300", options=[*LONG, "--step-timeout=30s"]).start()
        unit.stop()
        abandoned = self.steps(unit)
        # Each counts; records there are of as many as the last record can list.
        self.assertEqual([record["STEP"] for record in abandoned], [f"step {n}" for n in range(1, 65)])
        self.assertEqual({record["STEP_END"] for record in abandoned}, {"abandoned"})
        self.assertIn("step", [record["WHAT"] for record in unit.records("degraded")])
        self.assert_clean(unit, steps_count="256")

    def test_hostile_names_are_refused_and_the_rest_is_taken(self):
        begin, end, good = b"X_GATEWATCH_STEP_BEGIN=", b"X_GATEWATCH_STEP_END=", "ä=\"€;%s`" + "x" * 100
        datagrams = [begin + name for name in (
            b"", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"a\tb", b"\x1b[31m", b"\xc2\x85", b"\x7f",
            b"x" * 129)]
        datagrams += [
            end + b"never begun", b"X_GATEWATCH_ACTIVE=-1", b"X_GATEWATCH_ACTIVE=" + b"9" * 30,
            b"X_GATEWATCH_PHASE=" + b"y" * 129, begin + b"no bound\nX_GATEWATCH_STEP_TIMEOUT_USEC=abc",
            begin + good.encode(), begin + good.encode(), end + good.encode(), end + b"no bound"]
        unit = self.unit("--drain", "0.5", *self.send("--send-at-stop", *datagrams), options=LONG).start()
        unit.stop()
        self.assertLessEqual({record["STEP"] for record in self.steps(unit)}, {good, "no bound"})
        self.assert_ends(unit, good, ("done", "no"))
        self.assertLessEqual({record["WHAT"] for record in unit.records("degraded")}, {"step", "notify"})
        self.assertNotEqual(unit.records("degraded"), [])
        self.assertEqual([record for record in unit.records("phase")
                          if record["PHASE_SOURCE"] == "gateway"], [])
        self.assert_clean(unit)

    def test_flood_of_reports_loses_neither_readiness_nor_the_last_number(self):
        unit = self.unit("--notify-flood", "20000", "0", "--drain", "0.3").start()
        unit.wait_seen("flooded")
        unit.wait_record("ready")
        unit.stop()
        self.assert_clean(unit, active_at_start="20000", active_source="gateway")


class Phases(ProgressScenario):
    def test_phases_of_the_gateway_are_recorded_with_their_times(self):
        unit = self.unit("--drain", "1", "--active", "--phase", "drain:0.6", "--phase", "close:0.6",
                         options=LONG).start()
        unit.stop()
        phases = [record for record in unit.records("phase") if record["PHASE_SOURCE"] == "gateway"]
        self.assertEqual([(record["PHASE"], record["TIMED_OUT"]) for record in phases],
                         [("drain", "no"), ("close", "no")])
        for record in phases:
            self.assertGreaterEqual(int(record["PHASE_USEC"]), 500_000)
            self.assertRegex(record.fields["MESSAGE"], r"\+\d+\.\d\ds")
        self.assertEqual(phases[0]["ACTIVE_AT_START"], "3")
        self.assertEqual(phases[1]["ACTIVE_NOW"], "0")
        stopped = self.assert_clean(unit, active_at_start="3", active_now="0", active_source="gateway")
        self.assertEqual([(phase["name"], phase["timed_out"]) for phase in
                          json.loads(stopped["GATEWAY_PHASES"])], [("drain", False), ("close", False)])
        self.assertRegex(stopped["TIMELINE"], r"\+\d+\.\d\ds drain .*\+\d+\.\d\ds close ")

    def test_phase_of_the_ladder_tells_what_was_in_flight(self):
        unit = self.unit("--drain", "0.5", "--active", options=LONG).start()
        unit.stop()
        phase, = [record for record in unit.records("phase") if record["PHASE_SOURCE"] == "ladder"]
        self.assertEqual([phase[name] for name in ("ACTIVE_AT_START", "ACTIVE_NOW", "ACTIVE_SOURCE")],
                         ["3", "0", "gateway"])
        self.assertEqual(phase["ENDED_BY"], "targets")
        self.assertRegex(phase.fields["MESSAGE"], r"drain.* \+\d+\.\d\ds \(active 3 -> 0\)")

    def test_phase_that_outlives_the_drain_is_timed_out(self):
        unit = self.unit("--drain", "inf", "--active", "--phase", "drain:inf", "--ignore", "INT",
                         options=QUICK).start()
        unit.stop()
        ladder = self.assert_moved_on(unit, by="deadline")
        self.assertEqual(ladder["TIMED_OUT"], "yes")
        self.assertIn(ladder["STALL"], STALL_WORDS)
        gateway, = [record for record in unit.records("phase") if record["PHASE_SOURCE"] == "gateway"]
        self.assertEqual((gateway["PHASE"], gateway["TIMED_OUT"]), ("drain", "yes"))
        stuck = unit.wait_record("stuck")
        self.assertEqual((stuck["MISSED"], stuck["PHASE"]), ("phase", "drain"))
        self.assert_stopped(unit, outcome="killed", active_now="3")

    def test_status_line_shows_what_is_in_flight_and_open(self):
        unit = self.unit("--drain", "4", "--sessions", "1", "--active", "--step",
                         '"disconnect telegram:inf:500000"', "--leave-on", "INT", options=LONG).start()
        unit.begin_stop()
        unit.wait_record("step")
        self.assert_status(unit, r"^Drain.* 1 active.*disconnect telegram")
        unit.wait_ended()

    def assert_status(self, unit, pattern):
        """The line is written at most once a second, and nothing tells when: so it is asked for."""
        deadline = time.monotonic() + DEADLINE_SEC
        while time.monotonic() < deadline:
            text = unit.show("StatusText")
            if re.search(pattern, text) or unit.show("ActiveState") not in ("active", "deactivating"):
                break
        self.assertRegex(text, pattern)


class BlackHole(ProgressScenario):
    # Less than the 5 s that are allowed after the drain.
    OPTIONS = (*LONG, "--step-timeout=3s")

    def assert_ended_soon(self, unit):
        """Within 5 s of the drain's end."""
        took = unit.seen("end")[0]["t"] - unit.seen("drained")[0]["t"]
        self.assertLess(took, 5 * SECOND * TIME_SCALE)

    def assert_names(self, unit, step, address):
        """The records say which adapter and which connection it was."""
        overdue, _ = self.assert_ends(unit, step, ("open", "yes"), ("abandoned", "yes"))
        stuck = unit.wait_record("stuck")
        self.assertEqual(stuck["MISSED"], "step")
        self.assertIn(step, stuck["STEPS_OPEN"])
        sockets = [socket for process in json.loads(stuck["STUCK"])["processes"]
                   for socket in process.get("sockets", [])]
        self.assertIn(address, [socket.get("peer") for socket in sockets])
        self.assertIn(address, stuck.fields["MESSAGE"])
        return [socket for socket in sockets if socket.get("peer") == address][0]

    def test_black_holed_adapter_takes_one_step_timeout_and_is_named(self):
        address = self.black_hole()
        unit = self.unit("--drain", "0.5", "--active", "--black-hole", f"{address}:telegram",
                         "--leave-on", "INT", options=self.OPTIONS).start()
        unit.stop()
        found = self.assert_names(unit, "disconnect telegram", address)
        self.assertGreater(found["send_queue"], 0)
        self.assert_ended_soon(unit)
        self.assert_moved_on(unit)
        self.assert_stopped(unit, slowest_step="disconnect telegram")

    def test_black_holed_adapter_that_never_connected_is_named(self):
        address = self.black_hole(":full")
        unit = self.unit("--drain", "0.2", "--black-hole", f"{address}:slack", "--leave-on", "INT",
                         options=self.OPTIONS).start()
        unit.stop()
        self.assert_names(unit, "disconnect slack", address)
        self.assert_ended_soon(unit)

    def test_four_black_holed_adapters_take_one_step_timeout(self):
        address = self.black_hole()
        names = ("telegram", "slack", "matrix", "irc")
        words = [word for name in names for word in ("--black-hole", f"{address}:{name}")]
        unit = self.unit("--drain", "0.2", *words, "--leave-on", "INT", options=self.OPTIONS).start()
        unit.stop()
        for name in names:
            self.assert_ends(unit, f"disconnect {name}", ("open", "yes"), ("abandoned", "yes"))
        self.assert_ended_soon(unit)

    def test_black_holed_adapter_that_hears_nothing_is_killed(self):
        address = self.black_hole()
        unit = self.unit("--drain", "0.2", "--black-hole", f"{address}:telegram", options=[
            "--drain-timeout=60s", "--headroom=6s", "--step-timeout=1s",
            "--stop-schedule=drain:TERM@main,kill:KILL@all/2s"]).start()
        unit.stop()
        self.assert_names(unit, "disconnect telegram", address)
        self.assert_stopped(unit, outcome="killed", exit_status="SIGKILL")


class DemoGateways(ProgressScenario):
    """The examples that are shipped, as they are shipped."""

    PHASES = ["notify_active_sessions", "drain", "disconnect_adapters", "final_kill", "close_database"]
    STEPS = ["disconnect telegram", "disconnect slack", "close database"]

    def demo(self, kind, *arguments, options=LONG):
        places = [os.environ.get("GATEWATCH_EXAMPLES", ""), "/usr/share/doc/gatewatch/examples",
                  "/usr/local/share/doc/gatewatch/examples"]
        found = [path for path in (pathlib.Path(place) / f"phases-gateway.{kind}" for place in places if place)
                 if path.exists()]
        self.assertNotEqual(found, [], "the examples are not installed")
        program = {"py": "/usr/bin/python3", "sh": "/bin/sh"}[kind]
        return self.unit(command=[program, found[0], *arguments], options=options,
                         service={"Environment": f"GATEWATCH={GATEWATCH}"}).start()

    def assert_story(self, unit, phases, steps):
        """The phases in their order, the steps in whatever order they ended, in every place alike."""
        stopped = self.assert_stopped(unit, exit_code="exited", exit_status="0")
        records = [record for record in unit.records("phase") if record["PHASE_SOURCE"] == "gateway"]
        self.assertEqual([record["PHASE"] for record in records], phases)
        self.assertEqual([phase["name"] for phase in json.loads(stopped["GATEWAY_PHASES"])], phases)
        told = json.loads(stopped["STEPS"])
        self.assertEqual(sorted(step["name"] for step in told), sorted(steps))
        self.assertEqual(stopped["STEPS_COUNT"], str(len(steps)))
        self.assertEqual(stopped["SLOWEST_STEP"], max(told, key=lambda step: step["usec"])["name"])
        for record in records + self.steps(unit):
            self.assertRegex(record.fields["MESSAGE"], r"\+\d+\.\d\ds")
        return stopped

    def assert_drains(self, unit):
        unit.stop()
        stopped = self.assert_story(unit, self.PHASES, self.STEPS)
        drain = json.loads(stopped["GATEWAY_PHASES"])[1]
        self.assertEqual((drain["active_at_start"], drain["active_now"], drain["timed_out"]), (3, 0, False))
        self.assert_clean(unit)

    def test_python_demo_tells_its_phases_and_steps(self):
        self.assert_drains(self.demo("py", "--drain", "0.5"))

    def test_shell_demo_tells_its_phases_and_steps(self):
        self.assert_drains(self.demo("sh", "--drain=0.5"))

    def assert_interrupted(self, unit):
        unit.stop()
        phases = [*self.PHASES[:2], "post_interrupt_kill", *self.PHASES[2:]]
        stopped = self.assert_story(unit, phases, self.STEPS)
        self.assertTrue(json.loads(stopped["GATEWAY_PHASES"])[1]["timed_out"])

    def test_python_demo_whose_drain_is_interrupted_goes_on_with_its_stop(self):
        self.assert_interrupted(self.demo("py", "--drain", "inf",
                                          options=["--drain-timeout=1s", "--headroom=30s"]))

    def test_shell_demo_whose_drain_is_interrupted_goes_on_with_its_stop(self):
        self.assert_interrupted(self.demo("sh", "--drain=infinity",
                                          options=["--drain-timeout=1s", "--headroom=30s"]))

    def assert_hangs(self, unit):
        unit.stop()
        self.assert_story(unit, self.PHASES, self.STEPS)
        self.assert_ends(unit, "disconnect slack", ("open", "yes"), ("late", "yes"))
        self.assert_ends(unit, "close database", ("done", "no"))

    def test_python_demo_with_an_adapter_that_hangs_closes_its_database(self):
        self.assert_hangs(self.demo("py", "--drain", "0.2", "--hang", "slack", "--step-timeout", "1"))

    def test_shell_demo_with_an_adapter_that_hangs_closes_its_database(self):
        self.assert_hangs(self.demo("sh", "--drain=0.2", "--hang=slack", "--step-timeout=1s"))


if __name__ == "__main__":
    unittest.main()
