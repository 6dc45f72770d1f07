# SPDX-License-Identifier: MIT
"""Powers the machine off under a gateway that drains for longer than its TimeoutStopSec=, and under one of
a user."""

import sys

sys.path.insert(0, "/srv/tests/system/lib")

from harness import Unit, run, start_user_manager  # noqa: E402

gateway = Unit("gw-poweroff", log_path="/srv/results/gateway.log")
gateway.write(["--drain", "6"], options=[
    "--drain-timeout=10s", "--headroom=5s", "--stop-schedule=drain:TERM@main,kill:KILL@all/1s"],
    service={"TimeoutStopSec": "2s"})
gateway.start()
run("useradd", "--create-home", "gwuser")
users = Unit("gw-poweroff-user", start_user_manager("gwuser"), log_path="/srv/results/user-gateway.log")
users.write(["--drain", "2"])
users.start()
run("systemctl", "poweroff", "--no-block")
