"""The order in which workers get the tests."""

from types import SimpleNamespace

import pytest

from book.chapters import ROOT
from tests import scheduling
from tests.scheduling import LONG, LongFirst


def test_long_files_are_there_and_end_in_tests_that_are_handed_out_alone():
    scheduler = LongFirst.__new__(LongFirst)
    for path in LONG:
        assert (ROOT / path).is_file()
        assert scheduler._split_scope(f"{path}::test[00::x]") == f"{path}::test[00::x]"
    assert scheduler._split_scope("tests/gai/test_gan.py::TestLoss::test_sign[a::b]") == "tests/gai/test_gan.py"


@pytest.mark.parametrize("is_worker", [True, False])
def test_a_worker_sees_long_files_first_and_keeps_the_order_otherwise(is_worker):
    names = ["tests/gai/test_gan.py::a", f"{LONG[1]}::b", "tests/gai/test_vae.py::c", f"{LONG[0]}::d", f"{LONG[1]}::e"]
    items = [SimpleNamespace(nodeid=name) for name in names]
    config = SimpleNamespace(**({"workerinput": {}} if is_worker else {}))
    scheduling.pytest_collection_modifyitems(config, items)
    order = "".join(item.nodeid[-1] for item in items)
    assert order == ("bdeac" if is_worker else "abcde")


def test_who_asks_for_another_order_gets_it():
    config = SimpleNamespace(option=SimpleNamespace(dist="worksteal"))
    assert scheduling.pytest_xdist_make_scheduler(config, None) is None
