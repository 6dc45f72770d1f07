# SPDX-License-Identifier: MIT
"""How the scripted gateway stops: its sessions end one after the other while phases and steps pass, then
its black-holed adapters are disconnected, which nobody answers. It ends once nothing holds it: the
sessions, phases and steps of a given length, and adapters.
"""

import errno
import os
import selectors
import socket

from gateway_faults import block_loop, fork_storm

INFINITE = float("inf")
STEPS_IN_A_DATAGRAM = 20


class Drain:
    def __init__(self, gateway):
        self.gateway = gateway
        self.options = gateway.options
        self.is_begun = False
        self.held_by = set()

    def begin(self):
        if self.is_begun:
            return
        self.is_begun = True
        gateway, options = self.gateway, self.options
        if options.read_at_stop:
            gateway.log.event("file", content=content_of(options.read_at_stop))
        gateway.log.event("drain", sessions=gateway.sessions)
        if options.stopping:
            gateway.notifier.send("STOPPING=1")
        if options.extend is not None:
            gateway.notifier.send(f"EXTEND_TIMEOUT_USEC={options.extend}")
        self.held_by.add("sessions")
        self.begin_phase(0)
        if options.fork_storm_on_stop:
            fork_storm(options.fork_storm_on_stop)
        for text in options.step:
            begin_step(gateway, text, self)
        begin_steps(gateway, options.steps)
        gateway.send_raw(options.send_at_stop)
        if options.block_at_stop:
            block_loop(gateway.log, options.block_at_stop)
        self.end_sessions()

    def end_sessions(self):
        gateway, seconds = self.gateway, self.options.drain
        if seconds == INFINITE:
            return
        pause = seconds / max(1, gateway.sessions)
        for index in range(gateway.sessions):
            gateway.after(pause * (index + 1), self.end_session)
        gateway.after(seconds, self.drained)

    def end_session(self):
        gateway = self.gateway
        gateway.sessions -= 1
        gateway.log.event("session-end", left=gateway.sessions)
        gateway.tell(status=f"{gateway.sessions} left" if self.options.status_texts else None,
                     active=gateway.sessions if self.options.active else None)

    def drained(self):
        self.gateway.log.event("drained")
        for adapter in self.gateway.adapters:
            adapter.disconnect(self)
        self.release("sessions")

    def begin_phase(self, index):
        """One after the other; one of no given length stays to the end and holds nothing."""
        phases = self.options.phase
        if index >= len(phases):
            if phases:
                self.gateway.notifier.send("X_GATEWATCH_PHASE=")
            self.release("phases")
            return
        name, _, seconds = phases[index].partition(":")
        self.gateway.notifier.send(f"X_GATEWATCH_PHASE={name}")
        self.gateway.log.event("phase", name=name)
        if not seconds:
            self.release("phases")
            return
        self.held_by.add("phases")
        if float(seconds) != INFINITE:
            self.gateway.after(float(seconds), lambda: self.begin_phase(index + 1))

    def release(self, what):
        self.held_by.discard(what)
        if not self.held_by and not self.options.linger:
            self.gateway.finish()


def begin_step(gateway, text, drain=None):
    """text: NAME[:SECONDS[:BOUND_USEC]]. Without SECONDS it never ends, and holds nothing; inf: it never
    ends, and the drain waits for it."""
    name, _, rest = text.partition(":")
    seconds, _, bound_usec = rest.partition(":")
    lines = [f"X_GATEWATCH_STEP_BEGIN={name}"]
    if bound_usec:
        lines.append(f"X_GATEWATCH_STEP_TIMEOUT_USEC={bound_usec}")
    gateway.notifier.send("\n".join(lines))
    gateway.log.event("step", name=name)

    def end():
        gateway.notifier.send(f"X_GATEWATCH_STEP_END={name}")
        gateway.log.event("step-end", name=name)
        if drain:
            drain.release(f"step {name}")

    if seconds and drain:
        drain.held_by.add(f"step {name}")
    if seconds and float(seconds) != INFINITE:
        gateway.after(float(seconds), end)


def begin_steps(gateway, count):
    """Many at once that never end, several a datagram."""
    lines = [f"X_GATEWATCH_STEP_BEGIN=step {number}" for number in range(1, count + 1)]
    for start in range(0, count, STEPS_IN_A_DATAGRAM):
        gateway.notifier.send("\n".join(lines[start:start + STEPS_IN_A_DATAGRAM]))


class BlackHoledAdapter:
    """A connection whose peer takes everything and says nothing, or never even accepts. Its disconnect is
    a step that ends with the peer's answer."""

    def __init__(self, gateway, text):
        self.gateway = gateway
        self.host, self.port, self.name = split_address(text)
        self.socket = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        # A peer with a full backlog leaves the connection at its SYN.
        self.socket.setblocking(False)
        error = self.socket.connect_ex((self.host, self.port))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, os.strerror(error))
        gateway.log.event("adapter", name=self.name, fd=self.socket.fileno(),
                          local=self.socket.getsockname()[1])

    def disconnect(self, drain):
        step = f"disconnect {self.name}"
        drain.held_by.add(step)
        self.gateway.notifier.send(f"X_GATEWATCH_STEP_BEGIN={step}")
        self.gateway.log.event("disconnect", name=self.name)
        try:
            # More than the peer's buffers take, so that some of it stays unacknowledged.
            self.socket.send(b"bye\n" * (1 << 18))
        except BlockingIOError:
            pass  # it is not connected yet

        def answered():
            self.gateway.selector.unregister(self.socket)
            self.socket.close()
            self.gateway.notifier.send(f"X_GATEWATCH_STEP_END={step}")
            self.gateway.log.event("disconnected", name=self.name)
            drain.release(step)

        self.gateway.selector.register(self.socket, selectors.EVENT_READ, answered)


def split_address(text):
    """HOST:PORT or HOST:PORT:REST, HOST in brackets where it has colons itself."""
    host, rest = text[1:].split("]:", 1) if text.startswith("[") else text.split(":", 1)
    port, _, rest = rest.partition(":")
    return host, int(port), rest


def content_of(path):
    """None: there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def serve_black_hole(text, log):
    """HOST:PORT[:full], PORT 0 for any, which stands in the log. Takes connections and never reads; full:
    does not even take them, and its backlog is used up."""
    host, port, kind = split_address(text)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind((host, port))
    listener.listen(0 if kind == "full" else 128)
    kept = []
    if kind == "full":
        # A backlog of 0 has room for one; the others stay at their SYN.
        for _ in range(4):
            client = socket.socket(family)
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            kept.append(client)
    log.event("listening", port=listener.getsockname()[1])
    while True:
        if kind == "full":
            with selectors.DefaultSelector() as nothing:
                nothing.select()
        kept.append(listener.accept()[0])
