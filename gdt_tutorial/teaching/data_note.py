"""What a chapter says in a notebook of the reader's own watch log; on a built page the build says it."""

from html import escape

from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.teaching.page import is_static, publish

__all__ = ["data_note"]


def data_note(log: WatchLog | None) -> None:
    """Show, with a live kernel, what was read of a log; nothing where the viewers come from the generator."""
    if log is None or is_static():
        return
    text = (
        f"{log.attribution.partition('(')[0].strip(' .')}: {log.report}. The text of this chapter was written for other "
        "viewers: where it disagrees with a number, believe the number."
    )
    publish(f'<p class="gdt gdt-note">{escape(text)}</p>', text)
