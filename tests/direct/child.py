# SPDX-License-Identifier: MIT
"""A gateway that does what a test tells it, while it runs.

usage: child.py FD [ANYTHING…]

FD is a SOCK_SEQPACKET socket to the test. The first packet is a greeting: how this process found itself
after exec. Then each packet from the test is Python to evaluate here, answered by a packet; each signal
that arrives is a packet of its own, told before anything else is done about it, so that an answer means
that all signals of before have been told.

All signals are blocked and read from a signalfd, which has what signal handlers in Python cannot have:
the sender and the value. What is done about a signal stands in `on`, by number, as Python.
"""

import array
import ctypes
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback

SIGINFO_BYTES = 128
GIVE_UP_SECONDS = 60  # so that a process that the program under test failed to end ends all the same

libc = ctypes.CDLL(None, use_errno=True)
on = {signal.SIGTERM: 'os._exit(0)'}
control = None
signals = -1


# ---- How it found itself ---------------------------------------------------------------------------

def fds():
    """What is open: {fd: what it is}."""
    found = {}
    for name in os.listdir('/proc/self/fd'):
        try:
            found[int(name)] = os.readlink('/proc/self/fd/' + name)
        except OSError:
            pass  # the directory itself
    return found


def status_fields(pid='self'):
    with open('/proc/%s/status' % pid, encoding='utf-8') as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def greeting():
    umask = os.umask(0)
    os.umask(umask)
    return {
        'hello': os.getpid(), 'ppid': os.getppid(), 'argv': sys.argv[1:], 'fds': fds(),
        'environment': dict(os.environ), 'cwd': os.getcwd(), 'umask': umask,
        'limits': {name: resource.getrlimit(getattr(resource, name))
                   for name in dir(resource) if name.startswith('RLIMIT_')},
        'nice': os.getpriority(os.PRIO_PROCESS, 0), 'pgrp': os.getpgrp(), 'session': os.getsid(0),
        'uids': os.getresuid(), 'groups': os.getgroups(),
    }


# ---- The loop --------------------------------------------------------------------------------------

def catch_signals():
    global signals
    mask = ctypes.create_string_buffer(SIGINFO_BYTES)
    libc.sigfillset(mask)
    libc.sigprocmask(signal.SIG_BLOCK, mask, None)
    signals = libc.signalfd(-1, mask, os.O_CLOEXEC | os.O_NONBLOCK)


def tell(**packet):
    control.send(json.dumps(packet).encode())


def take_signals():
    while True:
        try:
            info = os.read(signals, SIGINFO_BYTES)
        except BlockingIOError:
            return
        number, _, code, pid, uid = struct.unpack_from('=IiiII', info)
        value = struct.unpack_from('=i', info, 44)[0]
        tell(signal=number, code=code, sender=pid, uid=uid, value=value)
        if number in on:
            exec(on[number], globals())


def answer(code):
    try:
        try:
            compiled = compile(code, 'test', 'eval')
        except SyntaxError:
            compiled = compile(code, 'test', 'exec')
        tell(answer=eval(compiled, globals()))
    except Exception:
        tell(error=traceback.format_exc())


def serve():
    while True:
        ready = select.select([signals, control], [], [])[0]
        take_signals()
        if control in ready:
            code = control.recv(1 << 20)
            if not code:
                os._exit(0)  # the test is gone
            take_signals()
            answer(code.decode())


# ---- Company -----------------------------------------------------------------------------------------

def unblock(*numbers):
    for number in numbers:
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


def die_by(number):
    unblock(number)
    os.kill(os.getpid(), number)


def fork_to(fd):
    """A second process of this kind, with a control socket of its own. Returns its pid."""
    global control
    pid = os.fork()
    if pid > 0:
        return pid
    control.close()
    control = socket.socket(fileno=fd)
    on.clear()
    on[signal.SIGTERM] = 'os._exit(0)'
    tell(**greeting())
    serve()


def fork_off(code):
    """A child that runs this and exits. Returns its pid."""
    pid = os.fork()
    if pid > 0:
        return pid
    try:
        exec(code, globals())
    finally:
        os._exit(0)


def linger():
    time.sleep(GIVE_UP_SECONDS)  # a bound, not a wait: it is to be killed
    os._exit(111)


def ignore_everything():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    libc.sigprocmask(signal.SIG_SETMASK, ctypes.create_string_buffer(SIGINFO_BYTES), None)


def grandchildren(count, code):
    """Orphans in sessions of their own that run this with `ready` to call. Returns once all are ready."""
    read_fd, write_fd = os.pipe()
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            os.setsid()
            if os.fork() == 0:
                exec(code, globals() | {'ready': lambda: os.write(write_fd, b'x')})
            os._exit(0)
        os.waitpid(pid, 0)
    for _ in range(count):
        os.read(read_fd, 1)
    os.close(read_fd)
    os.close(write_fd)


def stubborn(count):
    grandchildren(count, 'ignore_everything(); ready(); linger()')


def obedient(count):
    """They die of SIGTERM."""
    grandchildren(count, 'unblock(*signal.valid_signals() - {9, 19}); ready(); linger()')


def orphans(count):
    """Grandchildren that have exited as orphans, when this returns."""
    read_fd, write_fd = os.pipe()
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            if os.fork() == 0:
                os._exit(3)
            os._exit(0)
        os.waitpid(pid, 0)
    os.close(write_fd)
    os.read(read_fd, 1)  # its end comes with the last of them
    os.close(read_fd)


def storm(chains, generations=300):
    """Processes that are never the same twice: each forks its successor and leaves. The last of a chain
    stays, so that a storm that was not ended is seen; that there is a last one keeps a machine that is
    shared from running out of processes."""
    for _ in range(chains):
        if os.fork() > 0:
            continue
        os.setsid()
        ignore_everything()
        for _ in range(generations):
            if os.fork() > 0:
                os._exit(0)
        linger()


# ---- Notify -----------------------------------------------------------------------------------------

def notify(text, passed=(), address=None):
    """Sends a datagram as it is, with fds."""
    address = address or os.environ['NOTIFY_SOCKET']
    data = text if isinstance(text, bytes) else text.encode('utf-8', 'surrogateescape')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        sender.connect('\0' + address[1:] if address.startswith('@') else address)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', passed))] if passed else []
        sender.sendmsg([data], ancillary)


def barrier(count=1, text='BARRIER=1'):
    """Waits until everybody has closed what was sent along."""
    read_fd, write_fd = os.pipe()
    notify(text, [write_fd] * count)
    os.close(write_fd)
    os.read(read_fd, 1)
    os.close(read_fd)


def memfd(content):
    fd = os.memfd_create('test')
    os.write(fd, content.encode())
    return fd


def send_memfds(text, *contents):
    passed = [memfd(content) for content in contents]
    notify(text, passed)
    for fd in passed:
        os.close(fd)


if __name__ == '__main__':
    found = greeting()
    control = socket.socket(fileno=int(sys.argv[1]))
    catch_signals()
    tell(**found)
    serve()
