#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A gateway with sessions, as they are written with asyncio: SIGTERM closes the listener and waits for
the open sessions; a second SIGTERM abandons them and the exit status says so. Reports over the notify
protocol and on stdout.

A session is one connection. Its client sends lines; "end" is answered with how many came before it.

usage: asyncio_gateway.py [--stray]      --stray: leaves a process behind that has its own session
"""

import asyncio
import os
import signal
import socket
import sys

EXIT_DRAINED = 0
EXIT_ABANDONED = 3


def notify(text):
    address = os.environ.get('NOTIFY_SOCKET', '')
    if not address:
        return
    if address.startswith('@'):
        address = '\0' + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(text.encode(), address)


def say(text):
    # One write(2): print() makes two, between which another process may write.
    os.write(sys.stdout.fileno(), (text + '\n').encode())


class Gateway:
    def __init__(self):
        self.sessions = set()
        self.stop = asyncio.Event()
        self.n_stop_signals = 0
        self.n_finished = 0

    def on_stop_signal(self):
        self.n_stop_signals += 1
        say('stop signal %d' % self.n_stop_signals)
        self.stop.set()
        if self.n_stop_signals > 1:
            for task in self.sessions:
                task.cancel()

    async def serve_session(self, reader, writer):
        task = asyncio.current_task()
        self.sessions.add(task)
        notify('X_GATEWATCH_ACTIVE=%d' % len(self.sessions))
        try:
            n_lines = 0
            while line := await reader.readline():
                if line == b'end\n':
                    writer.write(b'%d lines\n' % n_lines)
                    await writer.drain()
                    self.n_finished += 1
                    break
                n_lines += 1
                writer.write(b'ok\n')
                await writer.drain()
        finally:
            self.sessions.discard(task)
            notify('X_GATEWATCH_ACTIVE=%d' % len(self.sessions))
            writer.close()

    async def run(self):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.on_stop_signal)
        server = await asyncio.start_server(self.serve_session, '127.0.0.1', 0)
        say('listening on %d' % server.sockets[0].getsockname()[1])
        notify('READY=1\nSTATUS=Serving')
        await self.stop.wait()
        server.close()
        n_open = len(self.sessions)
        say('draining %d sessions' % n_open)
        notify('STOPPING=1\nSTATUS=Draining %d sessions' % n_open)
        await asyncio.gather(*self.sessions, return_exceptions=True)
        say('drained, %d finished, %d stop signals' % (self.n_finished, self.n_stop_signals))
        return EXIT_DRAINED if self.n_stop_signals == 1 else EXIT_ABANDONED


def leave_stray():
    """A process in a session of its own that has nothing to do but hold stdout open."""
    if os.fork() == 0:
        os.setsid()
        say('stray %d' % os.getpid())
        while True:
            signal.pause()


if __name__ == '__main__':
    if '--stray' in sys.argv[1:]:
        leave_stray()
    sys.exit(asyncio.run(Gateway().run()))
