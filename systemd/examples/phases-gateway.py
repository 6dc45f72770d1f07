#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A chat gateway, as far as its stop goes: sessions with a tool running in each, and adapters to chat
services. It tells its supervisor what it does, phase by phase and step by step, over the notify protocol:

    notify_active_sessions   each session hears that the gateway leaves
    drain                    sessions finish; X_GATEWATCH_ACTIVE= counts them down
    post_interrupt_kill      only when the drain was interrupted: the tools that were cut short
    disconnect_adapters      one step "disconnect NAME" each, all at the same time
    final_kill               whatever tool is left
    close_database           one step "close database"

It bounds nothing itself. When the drain takes too long, or every open step is overdue, the supervisor
sends SIGINT, the second phase of its schedule: that abandons what the gateway waits for, and the stop goes
on with the next phase. So an adapter whose peer never answers does not cost the database its orderly end.

To copy: Notifier, step(), and the order of things in stop().
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket


class Notifier:
    """sd_notify(3). Says nothing where nobody listens."""

    def __init__(self):
        address = os.environ.get("NOTIFY_SOCKET")
        self.socket = None
        if address:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self.socket.connect("\0" + address[1:] if address[0] == "@" else address)

    def tell(self, **fields):
        if self.socket:
            self.socket.send("\n".join(f"{key}={value}" for key, value in fields.items()).encode())


class Gateway:
    def __init__(self, options):
        self.options = options
        self.notifier = Notifier()
        self.is_leaving = asyncio.Event()
        self.is_interrupted = asyncio.Event()
        self.sessions = set()
        self.tools = set()

    # ---- what it says ------------------------------------------------------------------------------

    def phase(self, name, **more):
        """Ends the phase before; an empty name only ends it."""
        self.notifier.tell(**more, X_GATEWATCH_PHASE=name)

    @contextlib.contextmanager
    def step(self, name, timeout=None):
        """timeout: seconds; None: the supervisor's own bound of a step; 0: no bound."""
        bound = {} if timeout is None else {"X_GATEWATCH_STEP_TIMEOUT_USEC": round(timeout * 1e6)}
        self.notifier.tell(X_GATEWATCH_STEP_BEGIN=name, **bound)
        try:
            yield
        finally:
            self.notifier.tell(X_GATEWATCH_STEP_END=name)

    def tell_active(self):
        self.notifier.tell(X_GATEWATCH_ACTIVE=len(self.sessions))

    async def beat(self):
        """In the loop that does the work, so that a loop that hangs is missed. Twice as often as it must."""
        interval = int(os.environ["WATCHDOG_USEC"]) / 2e6
        while True:
            self.notifier.tell(WATCHDOG=1)
            await asyncio.sleep(interval)

    # ---- what it does ------------------------------------------------------------------------------

    async def session(self, seconds):
        """Has a tool running, and so many seconds of work left once it hears that the gateway leaves."""
        tool = await asyncio.create_subprocess_exec("sleep", "infinity", stdin=asyncio.subprocess.DEVNULL)
        self.tools.add(tool)
        await self.is_leaving.wait()
        await asyncio.sleep(seconds)
        tool.terminate()
        await tool.wait()
        self.tools.discard(tool)

    def open_session(self, seconds):
        task = asyncio.create_task(self.session(seconds))
        self.sessions.add(task)

        def ended(task):
            self.sessions.discard(task)
            self.tell_active()

        task.add_done_callback(ended)

    async def disconnect(self, adapter):
        with self.step(f"disconnect {adapter}", self.options.step_timeout):
            await asyncio.sleep(float("inf") if adapter in self.options.hang else self.options.disconnect)

    async def kill_tools(self):
        for tool in list(self.tools):
            if tool.returncode is None:
                tool.kill()
            await tool.wait()
            self.tools.discard(tool)

    # ---- how it stops ------------------------------------------------------------------------------

    async def all_or_interrupted(self, tasks):
        """Returns whether all ended; those that an interrupt cut short are cancelled."""
        if not tasks:
            return True
        interrupt = asyncio.create_task(self.is_interrupted.wait())
        everything = asyncio.ensure_future(asyncio.gather(*tasks, return_exceptions=True))
        await asyncio.wait({everything, interrupt}, return_when=asyncio.FIRST_COMPLETED)
        interrupt.cancel()
        self.is_interrupted.clear()
        if everything.done():
            return True
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return False

    async def stop(self):
        options = self.options
        self.phase("notify_active_sessions", STOPPING=1, X_GATEWATCH_ACTIVE=len(self.sessions))
        self.is_leaving.set()

        self.phase("drain")
        if not await self.all_or_interrupted(set(self.sessions)):
            self.phase("post_interrupt_kill")
            await self.kill_tools()

        self.phase("disconnect_adapters")
        await self.all_or_interrupted(
            {asyncio.create_task(self.disconnect(adapter)) for adapter in options.adapters})

        self.phase("final_kill")
        await self.kill_tools()

        self.phase("close_database")
        with self.step("close database"):
            await asyncio.sleep(options.close)
        self.phase("")

    async def run(self):
        loop = asyncio.get_running_loop()
        stop_signal = asyncio.Event()

        def interrupt():
            # As the first signal (Ctrl-C) it is a stop like any other.
            (self.is_interrupted if stop_signal.is_set() else stop_signal).set()

        loop.add_signal_handler(signal.SIGTERM, stop_signal.set)
        loop.add_signal_handler(signal.SIGINT, interrupt)
        count = self.options.sessions
        for number in range(1, count + 1):
            self.open_session(self.options.drain * number / count)
        heartbeat = asyncio.create_task(self.beat()) if "WATCHDOG_USEC" in os.environ else None
        self.notifier.tell(READY=1, X_GATEWATCH_ACTIVE=count)
        await stop_signal.wait()
        await self.stop()
        if heartbeat:
            heartbeat.cancel()


def parse_options():
    parser = argparse.ArgumentParser(description="A chat gateway that tells what it does when it stops.")
    add = parser.add_argument
    add("--sessions", type=int, default=3, metavar="N")
    add("--drain", type=float, default=1.0, metavar="SECONDS", help="until the last session ends; inf")
    add("--adapters", type=lambda text: text.split(","), default=["telegram", "slack"], metavar="NAME,…")
    add("--disconnect", type=float, default=0.2, metavar="SECONDS", help="how long one takes")
    add("--hang", type=lambda text: text.split(","), default=[], metavar="NAME,…",
        help="adapters whose peers never answer")
    add("--step-timeout", type=float, metavar="SECONDS", help="the bound of a disconnect; 0: none")
    add("--close", type=float, default=0.1, metavar="SECONDS", help="how long the database takes")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(Gateway(parse_options()).run())
