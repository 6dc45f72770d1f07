# SPDX-License-Identifier: MIT
"""How the scripted gateway misbehaves: awkward company, no memory left for anybody, a loop that hangs,
spins or gets no CPU, and datagrams by the thousand."""

import os
import signal
import time

from gateway_base import UNCATCHABLE, monotonic_usec

BUSY_PROCESSES = 20
FLOOD_TURN_SEC = 0.005
FLOOD_BATCH_MAX = 500


def fork_orphans(count, log):
    """Grandchildren in sessions of their own that ignore every signal there is. Returns once each of
    them does."""
    if count == 0:
        return
    read_fd, write_fd = os.pipe()
    for _ in range(count):
        if os.fork() > 0:
            continue  # nobody waits for it: SIGCHLD is ignored, so it leaves no zombie
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
        become_stubborn()
        os.write(write_fd, b"x")
        while True:
            signal.pause()
    for _ in range(count):
        os.read(read_fd, 1)
    os.close(read_fd)
    os.close(write_fd)
    log.event("orphans", count=count)


def become_stubborn():
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - UNCATCHABLE:
        signal.signal(number, signal.SIG_IGN)


def fork_storm(chains):
    """Processes that are never the same twice: each forks its successor and leaves."""
    for _ in range(chains):
        if os.fork() > 0:
            continue
        os.setsid()
        become_stubborn()
        while True:
            time.sleep(0.002)
            if os.fork() > 0:
                os._exit(0)


def hog_memory(log):
    """Takes memory until it is killed for it."""
    log.event("hog")
    taken = []
    while True:
        taken.append(bytearray(b"x") * (1 << 20))


# ---- a loop that gets nowhere ----------------------------------------------------------------------


def block_loop(log, seconds):
    """As a library does that was not written for an event loop; inf: for as long as it lives."""
    log.event("block")
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 3600))
    log.event("unblocked")


def spin(log):
    log.event("spin")
    while True:
        pass


def starve(log):
    """Leaves the CPU to others: busy processes of its own, and only what they do not want for itself.
    They share its session, because the kernel may give each session an equal part."""
    for _ in range(BUSY_PROCESSES):
        if os.fork() == 0:
            os.execl("/bin/sh", "sh", "-c", "while :; do :; done")
    log.event("starve")
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


class Flood:
    """So many datagrams, each with another number of work in flight, the last one with N; so many a second,
    0: as fast as they are taken."""

    def __init__(self, gateway, count, rate):
        self.gateway = gateway
        self.count, self.rate = int(count), float(rate)
        self.sent = 0
        self.began_usec = monotonic_usec()
        self.send()

    def send(self):
        due = self.sent + FLOOD_BATCH_MAX
        if self.rate:
            due = int((monotonic_usec() - self.began_usec) / 1e6 * self.rate)
        while self.sent < min(due, self.count):
            self.sent += 1
            self.gateway.notifier.send(f"X_GATEWATCH_ACTIVE={self.sent}")
        if self.sent < self.count:
            self.gateway.after(FLOOD_TURN_SEC if self.rate else 0, self.send)
            return
        self.gateway.log.event("flooded", sent=self.sent, took_usec=monotonic_usec() - self.began_usec)
