# SPDX-License-Identifier: MIT
"""What runs in the virtual machine; gatewatch.phase= on the kernel's command line says which boot it is.
The first ends with a reboot under a gateway that drains for longer than its TimeoutStopSec=; the second
looks at what the journal kept of it, and has its power cut under a draining gateway; the third looks at
what is left of that."""

import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, "/srv/tests/system/lib")

from harness import Unit, run  # noqa: E402

RUNNER = ["/usr/bin/python3", "-B", "/srv/tests/system/lib/runner.py"]


def test(*words):
    subprocess.run([*RUNNER, *words], check=False)


def parameter(name):
    """Of the kernel's command line; None: not there."""
    for word in pathlib.Path("/proc/cmdline").read_text(encoding="utf-8").split():
        if word.startswith(f"gatewatch.{name}="):
            return word.partition("=")[2]
    return None


def reboot_under_a_draining_gateway():
    gateway = Unit("gw-reboot", log_path="/var/lib/gw-reboot.log")
    gateway.write(["--drain", "12"], options=[
        "--drain-timeout=60s", "--headroom=20s", "--stop-schedule=drain:TERM@main,kill:KILL@all/5s"],
        service={"TimeoutStopSec": "5s"})
    gateway.start()
    run("systemctl", "reboot", "--no-block")


def lose_power_under_a_draining_gateway():
    gateway = Unit("gw-cut", log_path="/var/lib/gw-cut.log")
    gateway.write(["--drain", "inf"])
    gateway.start()
    gateway.begin_stop()
    # The collector has synced what the start of the stop wrote before it began to collect.
    gateway.wait_record("diagnostic")
    run("journalctl", "--sync")
    print("# cut the power", flush=True)
    signal.pause()


def main():
    phase, match = parameter("phase"), parameter("match")
    try:
        if match is not None:
            test("--match", match, "/srv/tests/vm", "/srv/tests/system/test_template.py")
        elif phase == "vm-cut":
            test("/srv/tests/vm/after_cut.py")
        elif phase == "vm-reboot":
            test("/srv/tests/vm/after_reboot.py")
            lose_power_under_a_draining_gateway()
        else:
            test("/srv/tests/vm", "/srv/tests/system/test_template.py")
            reboot_under_a_draining_gateway()
            return
    except AssertionError as error:
        # The next boot finds nothing and fails.
        print(f"# {error}", flush=True)
    run("systemctl", "poweroff", "--force", "--force", check=False)


main()
