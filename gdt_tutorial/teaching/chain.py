"""The case study in one picture: from a walk to the quality of experience, with the boxes of the present chapter lit.

Three lanes of plain HTML: what the twin knows of the users in every slot, what earlier days tell of their swipes, and the
decision that both lead to. Boxes stand side by side on a wide page and one below the other on a phone. The build makes the
chapters' numbers into links where they are written (`book/heads.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from gdt_tutorial.configuration import require
from gdt_tutorial.teaching.page import inline, publish, style

__all__ = ["CHAIN", "ChainBox", "Lane", "case_study_chain", "chain_html"]


@dataclass(frozen=True, kw_only=True)
class ChainBox:
    """One step of the case study.

    Attributes:
        key: By what a chapter asks to light it.
        noun: What the box is called.
        passes: What goes on to the next box.
        chapter: The number of the chapter that explains it.
    """

    key: str
    noun: str
    passes: str
    chapter: str


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Steps that follow one another, and the line that leads to what comes after the lane ("" where nothing does)."""

    title: str
    boxes: tuple[ChainBox, ...]
    joins: str = ""


CHAIN = (
    Lane(
        title="In every slot of 2 s: where users are, and what they can receive",
        boxes=(
            ChainBox(key="walk", noun="Walk", passes="true positions, in every slot", chapter="16"),
            ChainBox(key="report", noun="Report", passes="position and SNR of each user, every 3 slots", chapter="16"),
            ChainBox(key="lstm", noun="LSTM", passes="the twin's positions in between", chapter="16"),
            ChainBox(key="channel", noun="Channel", passes="SNR at the emulated position", chapter="16"),
        ),
    ),
    Lane(
        title="Before the session: who shares a list, and how long they watch",
        boxes=(
            ChainBox(key="views", noun="Earlier views", passes="100 per user: video type, watched part", chapter="17"),
            ChainBox(
                key="groups",
                noun="Groups",
                passes="for lists by true favorite type, in Fig. 4 by swipes",
                chapter="17",
            ),
            ChainBox(key="curves", noun="Swipe curves", passes="chance to watch on, per group and type", chapter="17"),
        ),
        joins="SNR and swipe curves, with what users have on screen and in their buffers",
    ),
    Lane(
        title="In every slot: what is sent, and what users get",
        boxes=(
            ChainBox(key="list", noun="List", passes="segments to send, best first, per subgroup", chapter="18"),
            ChainBox(key="version", noun="Version", passes="one quality level per subgroup", chapter="18"),
            ChainBox(key="share", noun="Share", passes="part of band and computing per subgroup", chapter="18"),
            ChainBox(
                key="qoe", noun="QoE", passes="quality less changes and stalls, on the true network", chapter="19"
            ),
        ),
    ),
)
"""The boxes in the order of the picture. A subgroup (SMG) is a part of a group's users at one access point: those who lead in
their list, or those who lag."""

NOTE = (
    "Sessions decide on emulated status. The version networks and the DRL scheme's actor learned on the true status, on which "
    "fallbacks were chosen too."
)
"""What the case study's own sessions decide on; a chapter with other sessions says so instead."""


def case_study_chain(lit: Iterable[str] = (), *, caption: str = "", note: str = NOTE) -> None:
    """Show the picture of the case study.

    Args:
        lit: Keys of the boxes that the chapter is about.
        caption: A sentence under the picture, after the one that names the lit boxes; `code` and $math$ are allowed.
        note: Which status the chapter's sessions decide on, as the last sentence under the picture.

    Raises:
        ValueError: A box that does not exist; the error lists those that do.
    """
    lit = tuple(lit)
    steps = " > ".join(box.noun for box in _boxes())
    publish(chain_html(lit, caption=caption, note=note), f"[The case study: {steps}. {_lit_sentence(lit)}]")


def chain_html(lit: Iterable[str] = (), *, caption: str = "", note: str = NOTE) -> str:
    """Return the picture as HTML; arguments as for `case_study_chain`."""
    lit = tuple(lit)
    known = [box.key for box in _boxes()]
    unknown = [key for key in lit if key not in known]
    require(not unknown, "lit", "hold boxes of the case study", unknown, f"take some of {', '.join(known)}")
    label = escape(f"The case study in {len(known)} steps. {_lit_sentence(lit)}")
    below = " ".join(text for text in (_lit_sentence(lit), caption, note) if text)
    return (
        f'<figure class="gdt gdt-chain" role="group" aria-label="{label}">{style("chain")}'
        f"{''.join(_lane(lane, lit) for lane in CHAIN)}<figcaption>{inline(below)}</figcaption></figure>"
    )


def _boxes() -> list[ChainBox]:
    return [box for lane in CHAIN for box in lane.boxes]


def _lit_sentence(lit: tuple[str, ...]) -> str:
    nouns = [box.noun for box in _boxes() if box.key in lit]
    return f"This chapter: {', '.join(nouns)}." if nouns else ""


def _lane(lane: Lane, lit: tuple[str, ...]) -> str:
    boxes = "".join(
        f'<li class="gdt-box{" is-lit" if box.key in lit else ""}"><strong>{escape(box.noun)}</strong>'
        f'<span class="gdt-passes">{escape(box.passes)}</span>'
        f'<span class="gdt-where">chapter <span class="gdt-chapter">{box.chapter}</span></span></li>'
        for box in lane.boxes
    )
    joins = f'<p class="gdt-joins">{escape(lane.joins)}</p>' if lane.joins else ""
    return f'<div class="gdt-lane"><p class="gdt-title">{escape(lane.title)}</p><ol>{boxes}</ol></div>{joins}'
