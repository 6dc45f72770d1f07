# SPDX-License-Identifier: MIT
"""Reboots the machine under a gateway."""

import sys

sys.path.insert(0, "/srv/tests/system/lib")

from harness import Unit, run  # noqa: E402

gateway = Unit("gw-reboot", log_path="/srv/results/gateway.log")
gateway.write(["--drain", "1.5"])
gateway.start()
run("systemctl", "reboot", "--no-block")
