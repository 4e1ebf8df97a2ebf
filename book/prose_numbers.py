"""Numbers in the prose of built pages: each {claim}`name` of a text becomes the value that the chapter's run gave it.

In a notebook the role stays a readable name. On a page it is the number with its unit, two significant digits and its interval,
linked to the page of claims: {claim}`name.value` is the bare number, {claim}`name.size` the number without its sign.
"""

import re
from html import escape

from book.chapters import Plan
from book.execute import RunRecord
from gdt_tutorial.configuration import require
from gdt_tutorial.teaching.claim_plan import ROLE, ClaimPlan
from gdt_tutorial.teaching.claim_record import Claim, words

__all__ = ["Numbers", "claim_anchor"]


class Numbers:
    """The claims of some executed chapters, as sentences need them."""

    def __init__(self, plan: Plan, records: dict[str, RunRecord]) -> None:
        self._found: dict[str, tuple[ClaimPlan, Claim]] = {}
        for number, record in records.items():
            for entry in record.claims:
                name = entry["name"]
                known = plan.claims.get(number, {}).get(name, ClaimPlan(name=name, chapter=number))
                self._found[name] = (known, Claim(**entry))

    def fill(self, text: str, *, root: str = "../") -> str:
        """Put the numbers into a text.

        Args:
            text: Markdown with roles.
            root: The way from the page to the site's root.

        Raises:
            ValueError: If a role names a claim that no chapter made.
        """

        def number(match: re.Match[str]) -> str:
            name, form = match.group(1), match.group(2) or ""
            require(
                name in self._found, "role claim", "name a claim that a written chapter makes", name, "see its cell"
            )
            return self._html(name, form, root)

        return ROLE.sub(number, text)

    def words(self, name: str, form: str = "") -> str:
        """Return a claim as plain words; "" where no chapter made it."""
        return words(self._found[name][1], self._found[name][0], form) if name in self._found else ""

    def _html(self, name: str, form: str, root: str) -> str:
        plan, claim = self._found[name]
        said = f"{plan.text}. " if plan.text else ""
        kind = (
            f"Read from the stored runs of {plan.stored}."
            if plan.stored
            else "Computed in the run that made this page."
        )
        href = f"{root}pages/claims.html#{claim_anchor(plan.chapter, name)}"
        look = "gdt-number is-stored" if plan.stored else "gdt-number"
        return f'<a class="{look}" href="{href}" title="{escape(said + kind)}">{escape(words(claim, plan, form))}</a>'


def claim_anchor(number: str, name: str) -> str:
    """Name the place of a claim on the page of claims."""
    return f"claim-{number}-{name.replace('_', '-')}"
