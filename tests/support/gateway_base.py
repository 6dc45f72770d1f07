# SPDX-License-Identifier: MIT
"""What the scripted gateway stands on: its log, its voice in the notify protocol, names of signals."""

import array
import json
import os
import selectors
import signal
import socket
import time

UNCATCHABLE = {signal.SIGKILL, signal.SIGSTOP}


def monotonic_usec():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def signal_number(name):
    name = name.upper()
    return signal.Signals[name if name.startswith("SIG") else "SIG" + name]


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal#{number}"


class Log:
    """Appends events, each in one write(2), so that several processes can share the file."""

    def __init__(self, path):
        self.fd = -1
        if path:
            self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)

    def event(self, what, **fields):
        line = json.dumps({"t": monotonic_usec(), "pid": os.getpid(), "event": what, **fields})
        if self.fd >= 0:
            os.write(self.fd, line.encode() + b"\n")


class Notifier:
    """sd_notify(3), sd_pid_notify_with_fds(3) and sd_notify_barrier(3)."""

    def __init__(self, address):
        self.socket = None
        if address:
            if address.startswith("@"):
                address = "\0" + address[1:]
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self.socket.connect(address)

    def send(self, text, fds=()):
        """text: or bytes, which are sent as they are."""
        if self.socket is None:
            return False
        ancillary = []
        if fds:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        self.socket.sendmsg([text if isinstance(text, bytes) else text.encode()], ancillary)
        return True

    def barrier(self, timeout_sec):
        """Returns whether everything sent before was processed within the time."""
        if self.socket is None:
            return False
        read_fd, write_fd = os.pipe()
        try:
            self.send("BARRIER=1", [write_fd])
        finally:
            os.close(write_fd)
        with selectors.DefaultSelector() as selector:
            selector.register(read_fd, selectors.EVENT_READ)
            is_done = bool(selector.select(timeout_sec))
        os.close(read_fd)
        return is_done
