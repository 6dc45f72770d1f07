# SPDX-License-Identifier: MIT
"""A headless Chromium, driven over a pipe by its DevTools protocol: no port, no network, no other program.

    with Browser() as browser:
        page = browser.open(path, width=400, is_dark=True)
        page.evaluate("document.title")

A page keeps what went wrong in it (console, policy, exceptions) in page.complaints and what it asked for beyond its
own file in page.requests.
Source: chromedevtools.github.io/devtools-protocol (Page, Runtime, Log, Network, Emulation)."""

import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

DEADLINE_SECONDS = 60


class BrowserError(Exception):
    pass


class Browser:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="gatewatch-browser-")
        self.process = None
        self.fds = []
        self.received = b""
        self.events = []
        self.n_commands = 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        # The browser reads commands from fd 3 and answers on fd 4.
        command_read, self.command_fd = os.pipe()
        self.answer_fd, answer_write = os.pipe()
        self.fds = [self.command_fd, self.answer_fd]
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (command_read, answer_write)]
        os.close(command_read)
        os.close(answer_write)

        def take_fds():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        try:
            self.process = subprocess.Popen(
                ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--disable-extensions", "--disable-background-networking", "--disable-component-update",
                 "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND",
                 "--user-data-dir=" + self.home, "about:blank"],
                preexec_fn=take_fds, pass_fds=(3, 4), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env={**os.environ, "HOME": self.home, "TZ": "UTC"})
        finally:
            for fd in high:
                os.close(fd)

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for fd in self.fds:
            os.close(fd)
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- Messages: JSON, each ended by a NUL

    def receive(self):
        end = time.monotonic() + DEADLINE_SECONDS
        while b"\0" not in self.received:
            if not select.select([self.answer_fd], [], [], max(end - time.monotonic(), 0))[0]:
                raise BrowserError("no answer in time")
            data = os.read(self.answer_fd, 1 << 20)
            if not data:
                raise BrowserError("the browser is gone")
            self.received += data
        message, _, self.received = self.received.partition(b"\0")
        return json.loads(message)

    def call(self, method, session=None, **parameters):
        self.n_commands += 1
        command = {"id": self.n_commands, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.command_fd, data):]
        while True:
            message = self.receive()
            if message.get("id") != self.n_commands:
                self.events.append(message)
            elif "error" in message:
                raise BrowserError("%s: %s" % (method, message["error"]))
            else:
                return message["result"]

    def wait_event(self, method, session):
        """Returns its parameters; takes it and leaves the others."""
        while True:
            for at, event in enumerate(self.events):
                if event.get("method") == method and event.get("sessionId") == session:
                    return self.events.pop(at)["params"]
            self.events.append(self.receive())

    def open(self, path, width=1280, height=900, is_dark=False, media=""):
        return Page(self, pathlib.Path(path).absolute().as_uri(), width, height, is_dark, media)


class Page:
    def __init__(self, browser, address, width, height, is_dark, media):
        self.browser = browser
        self.address = address
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}])
        answer = self.call("Page.navigate", url=address)
        if "errorText" in answer:
            raise BrowserError(answer["errorText"])
        browser.wait_event("Page.loadEventFired", self.session)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def own_events(self, *methods):
        # What was told before this answer was sent has arrived with it.
        self.call("Runtime.evaluate", expression="0")
        return [event["params"] for event in self.browser.events
                if event.get("sessionId") == self.session and event["method"] in methods]

    @property
    def complaints(self):
        return self.own_events("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")

    @property
    def requests(self):
        addresses = [event["request"]["url"] for event in self.own_events("Network.requestWillBeSent")]
        return [address for address in addresses if address != self.address]

    def evaluate(self, expression):
        """The value of a JavaScript expression; the page's policy does not hold for it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def screenshot(self, path):
        """The whole page as PNG."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(answer["data"]))
