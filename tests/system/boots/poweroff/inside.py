# SPDX-License-Identifier: MIT
"""Powers the machine off under a gateway that drains for longer than its TimeoutStopSec=."""

import sys

sys.path.insert(0, "/srv/tests/system/lib")

from harness import Unit, run  # noqa: E402

gateway = Unit("gw-poweroff", log_path="/srv/results/gateway.log")
gateway.write(["--drain", "6"], options=[
    "--drain-timeout=10s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
    service={"TimeoutStopSec": "2s"})
gateway.start()
run("systemctl", "poweroff", "--no-block")
