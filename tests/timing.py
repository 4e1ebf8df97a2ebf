"""Where the time of a test run goes: a table by part at its end, by the clock and of the processor, over all workers.

A part is a folder of tests, the chapters, what is marked `browser`, or `project` for the rest of the top folder. The time of
the processor includes that of finished children (kernels, builds), but not that of Chromium, whose processes have no parent
here: see the clock for them.
"""

import os
import time
from collections import defaultdict

import pytest

_COLUMNS = "{:<14} {:>6} {:>9} {:>9}"


def cpu_s() -> float:
    """Return the seconds of the processor that this process and its finished children used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def part_of(report: pytest.TestReport) -> str:
    """Name the part of a test, from its path and its markers."""
    folder, _, name = report.location[0].removeprefix("tests/").rpartition("/")
    if "browser" in report.keywords:
        return "browser"
    return folder.partition("/")[0] or ("chapters" if name == "test_chapters.py" else "project")


class Timing:
    """Writes its cost into the report of each phase of a test, where the test runs; adds them up, where reports arrive."""

    def __init__(self) -> None:
        self.start_s, self.last_cpu_s = time.perf_counter(), cpu_s()
        self.n_tests: dict[str, int] = defaultdict(int)
        self.clock_s: dict[str, float] = defaultdict(float)
        self.cpu_s: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):
        report = yield
        now = cpu_s()
        report.cpu_s, self.last_cpu_s = now - self.last_cpu_s, now
        return report

    def pytest_collection_finish(self):
        self.last_cpu_s = cpu_s()

    def pytest_runtest_logreport(self, report):
        part = part_of(report)
        self.n_tests[part] += report.when == "call"
        self.clock_s[part] += report.duration
        self.cpu_s[part] += getattr(report, "cpu_s", 0.0)  # a worker that died has not said it

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("seconds by part")
        say = terminalreporter.write_line
        say(_COLUMNS.format("part", "tests", "clock", "processor"))
        for part in sorted(self.cpu_s, key=self.cpu_s.__getitem__, reverse=True):
            say(_COLUMNS.format(part, self.n_tests[part], f"{self.clock_s[part]:.1f}", f"{self.cpu_s[part]:.1f}"))
        # Workers have ended by now, so that their start and their collection are the rest.
        say(_COLUMNS.format("start, collect", "", "", f"{cpu_s() - sum(self.cpu_s.values()):.1f}"))
        total_s = time.perf_counter() - self.start_s
        say(_COLUMNS.format("all", sum(self.n_tests.values()), f"{total_s:.1f}", f"{cpu_s():.1f}"))


def pytest_configure(config):
    config.pluginmanager.register(Timing(), "timing by part")
