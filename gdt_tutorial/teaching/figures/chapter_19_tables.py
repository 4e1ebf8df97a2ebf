"""The tables of chapter 19: the numbers behind Fig. 5 at every capacity."""

from collections.abc import Iterable, Sequence

from gdt_tutorial.case_study.figures.scheme_table import SchemeTable
from gdt_tutorial.studies.intervals import Estimate
from gdt_tutorial.teaching.markdown_table import table

__all__ = ["tables_of_capacities", "with_verdict"]

_NUMBERS = {  # heading: schemes whose QoE the table of all capacities has
    "proposed": "proposed",
    "heuristic": "greedy_cost_rule",
    "DRL": "drl_rule",
    "equal split": "equal_sequential",
    "unicast": "unicast",
    "bound": "bound",
}
_GAPS = {  # heading: scheme minus other scheme
    "proposed − heuristic": ("proposed", "greedy_cost_rule"),
    "proposed − gain per cost, same BDQ": ("proposed", "greedy_cost_learned"),
    "proposed − DRL": ("proposed", "drl_rule"),
    "proposed − equal split": ("proposed", "equal_sequential"),
    "bound − proposed": ("bound", "proposed"),
}
_ORDERS = {  # the same for the readings of the heuristic, minus DRL with the same versions
    "gain per cost, rule": ("greedy_cost_rule", "drl_rule"),
    "gain, rule": ("greedy_gain_rule", "drl_rule"),
    "gain per cost, same BDQ": ("greedy_cost_learned", "drl_learned"),
    "gain, same BDQ": ("greedy_gain_learned", "drl_learned"),
}


def tables_of_capacities(runs: SchemeTable) -> None:
    """Display the numbers behind Fig. 5 at every capacity: means, paired differences, and the heuristic against DRL."""
    means = {heading: runs.mean(name) for heading, name in _NUMBERS.items()}
    said = [[f"{mean:.2f}".replace("-", "−") for mean in each.mean] for each in means.values()]
    _by_capacity(
        runs,
        means,
        said,
        "QoE per second. Heuristic and DRL have versions by rule, the heuristic is greedy by gain per cost; equal split and "
        "DRL have sequential lists.",
    )
    below = "Paired differences of QoE with 95 % intervals; in parentheses what an interval cannot tell from zero."
    _by_capacity(runs, _GAPS, [with_verdict(runs.difference(*pair)) for pair in _GAPS.values()], below)
    below = "Four readings of the heuristic, each minus DRL with the same versions."
    _by_capacity(runs, _ORDERS, [with_verdict(runs.difference(*pair)) for pair in _ORDERS.values()], below)


def _by_capacity(runs: SchemeTable, headings: Iterable[str], columns: Sequence[Sequence[str]], below: str) -> None:
    capacities = [f"{capacity / 1e9:.0f}" for capacity in runs.capacity_cycles_per_s]
    table(("Gcycle/s", *headings), list(zip(capacities, *columns, strict=True)), below=below)


def with_verdict(gap: Estimate) -> list[str]:
    """Write differences with their intervals; one whose interval holds zero stands in parentheses."""
    said = [f"{mean:+.3f} ± {half:.3f}".replace("-", "−") for mean, half in zip(gap.mean, gap.half, strict=True)]
    is_clear = (gap.low > 0) | (gap.high < 0)
    return [text if clear else f"({text})" for text, clear in zip(said, is_clear, strict=True)]
