"""What exercise 11.3 says of isolation is what is played."""

from gdt_tutorial.loops.recipes.slicing_study import study
from gdt_tutorial.physical.services import ServicesConfig
from gdt_tutorial.teaching.checks.chapter_11 import ex11_3


def test_the_prediction_is_what_is_played():
    names = ("equal", "contracts", "strict priority", "contracts + lending", "last value, 5", "follows demand")
    services = ServicesConfig(minute_slots=20, n_minutes=70)
    played = study([0, 1], names, ("none", "best effort"), services=services)
    unchanged = {name for name in names if played.change("qoe", name, "best effort") == (0, 0)}
    assert ex11_3.judge(unchanged).state == "right"
