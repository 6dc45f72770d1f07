# SPDX-License-Identifier: MIT
"""A fleet of three hosts, set up by the commands of fleet.md, and what `gatewatch report` says of it on the collector.

A host is a systemd-journald of its own, with a hostname, a machine id and an address of its own, and a gateway that
logs to it. Its journal goes over TLS to a systemd-journal-remote by systemd-journal-upload: that of the first host by
the service, those of the others by the program, twice, which must send nothing twice. Time, manager and boot are the
same for all."""

import collections
import os
import pathlib
import re
import shutil
import signal
import tempfile
import time
import unittest

from harness import DEADLINE_SEC, QUICK, SYSTEM, follow, run
from lint import ask
from reports import Namespace, NamespacedUnit, rows, table

REMOTE = "/var/log/journal/remote"
WHERE = f"--directory={REMOTE}"
HOSTS = ("alpha", "beta", "gamma")
REMOTE_PROGRAM = "/lib/systemd/systemd-journal-remote"
UPLOAD = "/lib/systemd/systemd-journal-upload"
DOCUMENT = ("fleet.md", ("/usr/share/doc/gatewatch", "/usr/local/share/doc/gatewatch"))
# What happened, in this order: host, unit, what was done; what its row must say.
STORY = (
    ("alpha", "hermes", "stop", ("stop", "clean")),
    ("beta", "hermes", "stop", ("stop", "clean")),
    ("gamma", "hermes", "die", ("crash", "crashed")),
    ("beta", "apollo", "stop", ("stop", "clean")),
    ("gamma", "hermes", "stop", ("stop", "clean")),
    ("alpha", "hermes", "die", ("crash", "crashed")),
    ("beta", "hermes", "stop", ("stop", "clean")),
)


def commands(role):
    """The blocks of shell commands of fleet.md for a role, one by one."""
    name, places = DOCUMENT
    path = next(path for path in (pathlib.Path(place) / name for place in places) if path.exists())
    return re.findall(rf"^```sh {role}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def type_in(block, directory):
    run("/bin/sh", "-euc", f"cd {directory}\n{block}")


class Host:
    def __init__(self, name, directory):
        self.name = name
        # What is sent to a local address comes from the same one, but for those in 127/8.
        self.address = f"10.9.0.{1 + HOSTS.index(name)}"
        run("ip", "address", "add", f"{self.address}/32", "dev", "lo")
        machine_id = run("systemd-id128", "new").stdout.strip()
        id_file = directory / f"{name}.machine-id"
        id_file.write_text(machine_id + "\n")
        self.journal = f"/var/log/journal/{machine_id}.{name}"
        self.state = directory / f"{name}.state"
        # LogsDirectory= would make a folder for the machine id of the manager.
        self.namespace = Namespace(name, drop_in=(
            "[Service]\nExecStart=\nExecStart=/usr/bin/unshare --uts /bin/sh -c "
            f"'hostname {name}; exec /lib/systemd/systemd-journald {name}'\n"
            f"BindReadOnlyPaths={id_file}:/etc/machine-id\n"
            "RestrictNamespaces=no\nSystemCallFilter=\nLogsDirectory=\n"))

    def find_collector(self):
        """From now on whoever looks for the collector finds it, and comes, by the host's own address."""
        lines = [f"10.9.0.{1 + i} {name}\n" for i, name in enumerate(HOSTS)]
        pathlib.Path("/etc/hosts").write_text("".join(lines) + f"{self.address} collector.example\n")

    def upload(self):
        self.find_collector()
        run("journalctl", f"--namespace={self.name}", "--sync")
        run(UPLOAD, f"--save-state={self.state}", f"--directory={self.journal}", "--follow=no")

    def remove(self):
        self.namespace.remove()
        run("ip", "address", "delete", f"{self.address}/32", "dev", "lo")
        shutil.rmtree(self.journal, ignore_errors=True)


class Fleet(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(UPLOAD):
            raise AssertionError("systemd-journal-remote is not installed (tests/support/install system)")
        # The journals' managers look into it from a mount namespace of their own.
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="gw-fleet.", dir="/run"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.hosts = {name: Host(name, cls.directory) for name in HOSTS}
        cls.run_ids = []
        for host in cls.hosts.values():
            cls.addClassCleanup(host.remove)
        cls.set_up_collector()
        middle = len(STORY) // 2
        cls.tell(STORY[:middle])
        cls.upload()
        cls.set_up_first_host()
        cls.tell(STORY[middle:])
        cls.upload()
        cls.wait_collected(len(STORY))

    @classmethod
    def set_up_collector(cls):
        cls.addClassCleanup(pathlib.Path("/etc/hosts").write_text, pathlib.Path("/etc/hosts").read_text())
        for user in ("alice", "prometheus"):
            if run("id", user, check=False).returncode != 0:
                run("useradd", "--no-create-home", user)
        cls.addClassCleanup(shutil.rmtree, REMOTE, ignore_errors=True)
        cls.addClassCleanup(run, "systemctl", "disable", "--now", "systemd-journal-remote.socket",
                            "systemd-journal-remote.service", check=False)
        for block in commands("ca") + commands("collector")[:1]:
            type_in(block, cls.directory)

    @classmethod
    def set_up_first_host(cls):
        drop_in = SYSTEM.unit_dir / "systemd-journal-upload.service.d/50-test.conf"
        drop_in.parent.mkdir(exist_ok=True)
        drop_in.write_text(f"[Service]\nExecStart=\nExecStart={UPLOAD} --save-state "
                           f"--directory={cls.hosts['alpha'].journal}\n")
        cls.addClassCleanup(drop_in.unlink)
        cls.addClassCleanup(run, "systemctl", "disable", "--now", "systemd-journal-upload.service", check=False)
        run("systemctl", "daemon-reload")
        cls.hosts["alpha"].find_collector()
        for block in commands("host"):
            type_in(block, cls.directory)
        # It has resolved the collector's name.
        cls.wait_collected(sum(host == "alpha" for host, _, _, _ in STORY[:len(STORY) // 2]), "alpha")

    @classmethod
    def tell(cls, story):
        for host, name, act, _ in story:
            unit = NamespacedUnit(name)
            try:
                unit.write(["--drain", "0.1"], options=QUICK, service={"LogNamespace": host})
                unit.start()
                run_id = unit.show("InvocationID")
                if act == "die":
                    os.kill(unit.seen("start")[0]["pid"], signal.SIGKILL)
                else:
                    unit.stop()
                cls.hosts[host].namespace.wait_stopped(run_id, cls.hosts[host].journal)
            finally:
                unit.remove()
            cls.run_ids.append(run_id)

    @classmethod
    def upload(cls):
        """Of all hosts but the first, whose service does it by itself."""
        for block in commands("host"):
            # The program reads the same settings as the service.
            type_in(re.sub("(?m)^systemctl .*\n", "", block), cls.directory)
        for name in HOSTS[1:]:
            cls.hosts[name].upload()

    @classmethod
    def wait_collected(cls, n, *hosts):
        deadline = time.monotonic() + DEADLINE_SEC
        while sum(row["host"] in (hosts or HOSTS) for row in rows(WHERE)) < n:
            if time.monotonic() > deadline:
                raise AssertionError(f"collected is only: {table(WHERE)}")

    # ---- what the collector says --------------------------------------------------------------------

    def test_rows_of_all_hosts_are_in_order_and_each_is_there_once(self):
        found = rows(WHERE, "--merge")
        self.assertEqual([row["run_id"] for row in found], self.run_ids)
        self.assertEqual([(row["host"], row["name"], (row["cause"], row["outcome"])) for row in found],
                         [(host, name, end) for host, name, _, end in STORY])
        self.assertEqual({row["trust"] for row in found}, {"believed"})
        self.assertEqual({path.name for path in pathlib.Path(REMOTE).iterdir()},
                         {f"remote-{host.address}.journal" for host in self.hosts.values()})
        self.assertEqual(len({row["machine_id"] for row in found}), len(HOSTS))

    def test_table_has_a_column_of_hosts(self):
        for options in ([WHERE], [WHERE, "--merge"]):
            with self.subTest(options=options):
                lines = ask("report", *options, status=0).stdout.splitlines()
                column = lines[0].index("HOST")
                self.assertEqual([line[column:].split()[0] for line in lines[1:1 + len(STORY)]],
                                 [host for host, _, _, _ in STORY])

    def test_hosts_in_one_file_are_told_apart(self):
        """As behind one address, or piped: entries are in the order in which they came, host by host."""
        file = self.directory / "one.journal"
        program = "for host; do journalctl --directory=$host --output=export --quiet; done"
        run("/bin/sh", "-euc", f"({program}) | {REMOTE_PROGRAM} --split-mode=none --output={file} -", "sh",
            *(host.journal for host in self.hosts.values()))
        found = rows(f"--file={file}")
        self.assertEqual([(row["host"], row["run_id"]) for row in found],
                         [(host, run_id) for name in HOSTS
                          for (host, *_), run_id in zip(STORY, self.run_ids) if host == name])
        self.assertEqual({group["key"]: group["stops"] for group in rows(f"--file={file}", "--by=host")},
                         collections.Counter(host for host, _, _, _ in STORY))

    def test_newest_stop_of_a_unit_is_that_of_any_host(self):
        row, = rows(WHERE, "-n1", "hermes")
        self.assertEqual((row["run_id"], row["host"]), (self.run_ids[-1], "beta"))
        row, = rows(WHERE, "-n1", "apollo.service")
        self.assertEqual((row["host"], row["unit"]), ("beta", "apollo.service"))

    def test_groups_are_counted_by_host_unit_and_cause(self):
        for by, keys in (("host", [host for host, _, _, _ in STORY]),
                         ("cause", [end[0] for _, _, _, end in STORY]),
                         ("unit", [(host, f"{name}.service") for host, name, _, _ in STORY])):
            with self.subTest(by=by):
                groups = rows(WHERE, f"--by={by}")
                found = {(group["host"], group["unit"]) if by == "unit" else group["key"]: group["stops"]
                         for group in groups}
                self.assertEqual(found, collections.Counter(keys))
                lines = table(WHERE, f"--by={by}")
                self.assertEqual(len(lines), len(found))

    def test_unit_of_one_name_has_a_page_a_host(self):
        groups = {group["host"]: group for group in rows(WHERE, "--stats", "hermes")}
        expected = {host: collections.Counter(end[1] for name, unit, _, end in STORY if name == host and unit == "hermes")
                    for host in HOSTS}
        self.assertEqual({host: group["outcomes"] for host, group in groups.items()}, expected)
        text = ask("report", WHERE, "--stats", status=0).stdout
        for host in HOSTS:
            self.assertEqual(len(re.findall(rf"(?m)^hermes\.service \({host}\) ", text)), 1)

    def test_metrics_have_the_hosts_label(self):
        counts = collections.Counter((host, f"{name}.service", end[1]) for host, name, _, end in STORY)
        text = ask("report", WHERE, "--output=openmetrics", status=0).stdout
        self.assert_counts(text, counts)

    def assert_counts(self, text, counts):
        found = re.findall(r'(?m)^gatewatch_stops_total\{unit="([^"]+)",manager="system",host="([^"]+)",'
                           r'outcome="([^"]+)"\} ([1-9]\d*)$', text)
        self.assertEqual({(host, unit, outcome): int(n) for unit, host, outcome, n in found}, counts)

    def test_pictures_are_those_of_one_host(self):
        gamma = self.run_ids[2]
        text = ask("report", WHERE, gamma, status=0).stdout
        self.assertRegex(text, r"\Ahermes\.service on gamma, ")
        self.assertIn(gamma, text)
        for run_id in self.run_ids:
            self.assertEqual(run_id in text, run_id == gamma)

    def test_commands_of_the_document_work_as_they_stand(self):
        folder = pathlib.Path("/var/lib/prometheus/node-exporter")
        folder.mkdir(parents=True, exist_ok=True)
        run("chown", "prometheus", folder)
        self.addCleanup(run, "systemctl", "disable", "--now", "gatewatch-metrics.timer", check=False)
        blocks = commands("collector")[1:]
        self.assertGreaterEqual(len(blocks), 4)
        for block in blocks:
            with self.subTest(block):
                type_in(block, self.directory)
        self.assertIn("gamma", (self.directory / "incident.html").read_text() +
                      ask("report", WHERE, status=0).stdout)
        written = (folder / "gatewatch.prom").read_text()
        self.assertEqual(written.splitlines()[-1], "# EOF")
        self.assertEqual((folder / "gatewatch.prom").stat().st_mode & 0o777, 0o644)
        self.assert_counts(written, collections.Counter(
            (host, f"{name}.service", end[1]) for host, name, _, end in STORY))
        self.assertIn("systemd-journal-remote", run("id", "--name", "--groups", "alice").stdout.split())

    def test_following_shows_what_there_is(self):
        block, = commands("follow")
        self.assertIn(self.run_of(-1), follow(block.split(), self.last_row, "the newest row"))

    def run_of(self, index):
        return STORY[index][1]

    def last_row(self, line):
        self.lines = getattr(self, "lines", []) + [line.decode()]
        found = [text for text in self.lines if ".service" in text]
        return found[-1] if len(found) == len(STORY) else None

    def test_reader_needs_the_collectors_group(self):
        member = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=systemd-journal-remote", "--"]
        self.assertEqual(len(rows(WHERE, prefix=member)), len(STORY))
        stranger = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        done = ask("report", WHERE, prefix=stranger, status=69)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"\A[^\n]+ may not be read; [^\n]+ group systemd-journal-remote [^\n]+\n\Z")


if __name__ == "__main__":
    unittest.main()
