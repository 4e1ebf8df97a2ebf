"""Which worker runs which test, and when: the long tests first, one by one; then file after file.

By itself, pytest-xdist hands out long runs of neighboring tests. All chapters and all pages in the browser are neighbors, so
that one worker can get them all, and be busy with them while the other one has nothing left to do. A file that is not split
keeps what its tests share on one worker.
"""

import pytest
from xdist.scheduler import LoadFileScheduling

LONG = ("tests/test_chapters.py", "tests/test_book.py")


def file_of(nodeid: str) -> str:
    """Name the file of a test, from its name."""
    return nodeid.partition("::")[0]


class LongFirst(LoadFileScheduling):
    """Hands out the tests of long files one by one, and other files whole, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if file_of(nodeid) in LONG else file_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LongFirst | None:
    """Take this order where nobody asked for another one with --dist."""
    if config.option.dist != "load":
        return None
    config.option.loadscopereorder = False
    return LongFirst(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let a worker see the long files first; a run without workers keeps its order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: file_of(item.nodeid) not in LONG)
