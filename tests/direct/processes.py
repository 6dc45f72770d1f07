# SPDX-License-Identifier: MIT
"""Processes as /proc and a few calls of libc have them."""

import ctypes
import os
import signal

libc = ctypes.CDLL(None, use_errno=True)


def call(result):
    """Raises what a libc function that was called through ctypes failed with."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def become_subreaper():
    call(libc.prctl(36, 1, 0, 0, 0))  # PR_SET_CHILD_SUBREAPER


def stat_fields(pid):
    """What follows comm in /proc/PID/stat; None: no such process."""
    try:
        with open('/proc/%d/stat' % pid, encoding='utf-8', errors='replace') as file:
            return file.read().rpartition(')')[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children_of(pid):
    """Zombies too."""
    found = []
    for name in os.listdir('/proc'):
        fields = stat_fields(int(name)) if name.isdigit() else None
        if fields and int(fields[1]) == pid:
            found.append(int(name))
    return found


def end_children(but=()):
    """Kills and reaps all children, and what becomes one by that, until there is none."""
    for _ in range(2000):
        pids = [pid for pid in children_of(os.getpid()) if pid not in but]
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
    raise RuntimeError('children that cannot be ended')


class Sigval(ctypes.Union):
    _fields_ = [('integer', ctypes.c_int), ('pointer', ctypes.c_void_p)]


libc.sigqueue.argtypes = [ctypes.c_int, ctypes.c_int, Sigval]


def sigqueue(pid, number, value):
    call(libc.sigqueue(pid, number, Sigval(integer=value)))
