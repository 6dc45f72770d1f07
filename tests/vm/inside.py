# SPDX-License-Identifier: MIT
"""What runs in the virtual machine; gatewatch.phase= on the kernel's command line says which boot it
is. The first one ends with a reboot under a gateway that drains for longer than its TimeoutStopSec=,
the second looks at what the journal kept."""

import pathlib
import subprocess
import sys

sys.path.insert(0, "/srv/tests/system/lib")

from harness import Unit, run  # noqa: E402

RUNNER = ["/usr/bin/python3", "-B", "/srv/tests/system/lib/runner.py"]


def reboot_under_a_draining_gateway():
    gateway = Unit("gw-reboot", log_path="/var/lib/gw-reboot.log")
    gateway.write(["--drain", "12"], options=[
        "--drain-timeout=60s", "--headroom=20s", "--stop-schedule=drain:TERM@main,kill:KILL@all/5s"],
        service={"TimeoutStopSec": "5s"})
    gateway.start()
    run("systemctl", "reboot", "--no-block")


def main():
    cmdline = pathlib.Path("/proc/cmdline").read_text(encoding="utf-8")
    if "gatewatch.phase=vm-reboot" in cmdline:
        subprocess.run([*RUNNER, "/srv/tests/vm/after_reboot.py"], check=False)
    else:
        subprocess.run([*RUNNER, "/srv/tests/vm", "/srv/tests/system/test_template.py"], check=False)
        try:
            reboot_under_a_draining_gateway()
            return
        except AssertionError as error:
            # The second boot finds nothing and fails.
            print(f"# no reboot: {error}", flush=True)
    run("systemctl", "poweroff", "--force", "--force", check=False)


main()
