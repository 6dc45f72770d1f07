#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs unittest files and writes TAP: one line a test as it ends, details below a failure.

usage: runner.py [--tap FILE] [--match TEXT] [--label LABEL] DIRECTORY|FILE…
"""

import argparse
import pathlib
import sys
import time
import traceback
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


class TapResult(unittest.TestResult):
    def __init__(self, write):
        super().__init__()
        self.write = write
        self.count = 0
        self.n_failed = 0
        self.began = 0.0
        self.problems = []
        self.skip_reason = None

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.problems = []
        self.skip_reason = None

    def _problem(self, test, err):
        self.problems.append(shorten(err))
        for unit in getattr(test, "units", []) if len(self.problems) == 1 else []:
            try:
                self.problems.append("\n".join(unit.excerpt()))
            except Exception as error:  # the report of a failure must not hide it
                self.problems.append(f"no excerpt of {unit.name}: {error}")

    def addError(self, test, err):
        # setUpClass and setUpModule fail without a startTest().
        if not isinstance(test, unittest.TestCase):
            self.began = time.monotonic()
            self.problems = ["".join(traceback.format_exception(*err))]
            self.stopTest(test)
            return
        self._problem(test, err)

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._problem(test, err)
            self.problems.insert(0, f"in {subtest._subDescription()}")

    def addSkip(self, test, reason):
        self.skip_reason = reason

    def stopTest(self, test):
        self.count += 1
        took = time.monotonic() - self.began
        name = test.id() if hasattr(test, "id") else str(test)
        if self.problems:
            self.n_failed += 1
            self.write(f"not ok {self.count} - {name} ({took:.1f} s)")
            for problem in self.problems:
                for line in problem.rstrip().splitlines():
                    self.write("#   " + line)
        elif self.skip_reason is not None:
            self.write(f"ok {self.count} - {name} # SKIP {self.skip_reason}")
        else:
            self.write(f"ok {self.count} - {name} ({took:.1f} s)")


def shorten(err):
    """The assertion and the lines of the test files that led there."""
    kind, error, trace = err
    frames = [frame for frame in traceback.extract_tb(trace)
              if "/unittest/" not in frame.filename and not frame.filename.endswith("/harness.py")]
    lines = [f"{pathlib.Path(frame.filename).name}:{frame.lineno}: {frame.line}" for frame in frames]
    return "\n".join(lines + ["".join(traceback.format_exception_only(kind, error)).rstrip()])


def load(paths):
    suite = unittest.TestSuite()
    loader = unittest.TestLoader()
    for path in map(pathlib.Path, paths):
        files = sorted(path.glob("test_*.py")) if path.is_dir() else [path]
        for file in files:
            sys.path.insert(0, str(file.parent))
            suite.addTests(loader.loadTestsFromName(file.stem))
    return suite


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tap", metavar="FILE", help="writes the same there")
    parser.add_argument("--match", action="append", metavar="TEXT", help="only tests with TEXT in their name")
    parser.add_argument("paths", nargs="+")
    options = parser.parse_args()

    tap = open(options.tap, "w", buffering=1, encoding="utf-8") if options.tap else None

    def write(line):
        print(line, flush=True)
        if tap:
            print(line, file=tap, flush=True)

    tests = list(flatten(load(options.paths)))
    if options.match:
        tests = [test for test in tests if any(text in test.id() for text in options.match)]
    write(f"1..{len(tests)}")
    result = TapResult(write)
    unittest.TestSuite(tests).run(result)
    sys.exit(1 if result.n_failed else 0)


if __name__ == "__main__":
    main()
