"""The book's plan: which chapters there are, what each may cost, and where the project lives.

`notebooks/chapters.toml` says the chapters and their budgets, `pyproject.toml` the address and the release.
"""

import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdt_tutorial.teaching.claim_plan import ClaimPlan

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
BUILD = BOOK / "_build"
NOTEBOOKS = ROOT / "notebooks"
PROFILES = ("smoke", "book", "full")


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One chapter of `chapters.toml`."""

    number: str
    name: str
    title: str
    paper: str = ""
    question: str = ""
    status: str = "planned"
    part: str = ""
    prerequisites: tuple[str, ...] = ()
    learn: tuple[str, ...] = ()
    # What a watch log must hold at least, as arguments of `CrowdNeeds`.
    needs: dict[str, int] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The notebook's file name without its suffix."""
        return f"{self.number}_{self.name}"

    @property
    def path(self) -> Path:
        """The tracked notebook."""
        return NOTEBOOKS / f"{self.stem}.ipynb"

    @property
    def docname(self) -> str:
        """The page of the site, without its suffix."""
        return f"notebooks/{self.stem}"

    @property
    def is_written(self) -> bool:
        """Whether the notebook exists and says that it is ready."""
        return self.status == "written"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All chapters with their budgets and the ranges of their claims."""

    chapters: tuple[Chapter, ...]
    smoke_s: float = 20.0
    book_s: float = 60.0
    memory_mb: float = 1500.0
    claim_table: dict[str, Any] = field(default_factory=dict)  # as it stands in the file
    logs: str = ""  # fingerprint of the watch log behind the ranges `book_logs`

    @cached_property
    def claims(self) -> dict[str, dict[str, "ClaimPlan"]]:
        """What the plan says of each claim, by chapter and name."""
        # Imported late: who only runs chapters needs no figures.
        from gdt_tutorial.teaching.claim_plan import plans_of

        return plans_of({"claims": self.claim_table})

    @property
    def written(self) -> tuple[Chapter, ...]:
        """The chapters that can be executed."""
        return tuple(chapter for chapter in self.chapters if chapter.is_written)

    def budget_s(self, profile: str) -> float | None:
        """Seconds of the processor that a chapter may take; `full` takes as long as it takes."""
        return {"smoke": self.smoke_s, "book": self.book_s, "full": None}[profile]

    def chapter(self, number: str) -> Chapter:
        """Find a chapter by its number.

        Raises:
            ValueError: If no chapter has this number.
        """
        for chapter in self.chapters:
            if chapter.number == number:
                return chapter
        known = ", ".join(chapter.number for chapter in self.chapters)
        raise ValueError(f"number must be a chapter's number, got {number!r}; take one of {known}.")


def read_plan(path: Path | None = None) -> Plan:
    """Read `chapters.toml`; keys that the book does not use are left to those who do."""
    table = tomllib.loads((path or NOTEBOOKS / "chapters.toml").read_text(encoding="utf-8"))
    names = Chapter.__dataclass_fields__
    chapters = []
    for row in table.get("chapter", []):
        known: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in row.items() if key in names
        }
        chapters.append(Chapter(**known))
    budget = {key: float(value) for key, value in table.get("budget", {}).items() if key in Plan.__dataclass_fields__}
    return Plan(
        chapters=tuple(chapters),
        claim_table=table.get("claims", {}),
        logs=table.get("ranges", {}).get("logs", ""),
        **budget,
    )


def project() -> dict[str, str]:
    """Return `[tool.gdt]` of pyproject.toml: the repository's address, the release tag, the paper's DOI."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["gdt"]
