"""What the site needs beyond its themes: pages for screen readers and phones, one script once, no foreign host, docstrings.

Each rule for screen readers names the finding of axe that it answers; tests/test_book.py fails when one comes back.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

_SECTION = re.compile(
    r"^\s*(Args|Arguments|Attributes|Example|Examples|Note|Notes|Raises|Returns|See Also|Yields):\s*$"
)
_CODE_OR_MARK = re.compile(r"(``[^`]+``|`[^`\n]+`|:[a-z]+:`[^`]+`|[*|]|(?<=\w)_(?=[\s.,;:)\]]|$))")

# What Sphinx writes for a signature of several lines, and what stands there instead.
_SIGNATURE = {
    "<dl>\n": '<span class="sig-lines">',
    "<dd>": '<span class="sig-line">',
    "</dd>\n": "</span>\n",
    "</dl>\n\n": "</span>\n\n",
}
# The sidebar's contents, by folder of the page and options of the theme; a build has a process of its own.
_CONTENTS: dict[tuple[Any, ...], str] = {}
_ROLES = {"thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "th": "columnheader", "td": "cell"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the hooks."""
    app.set_translator("html", Translator)
    app.connect("builder-inited", _look_once)
    app.connect("html-page-context", _share_contents, priority=100)
    app.connect("html-page-context", _mend_page, priority=900)
    app.connect("autodoc-process-docstring", _to_restructured_text, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Translator(HTML5Translator):
    """Write pages as Sphinx does, but for what it leaves wrong for a screen reader, and for tables on a phone."""

    # Names of the columns of the table that is being written, if it has a head.
    _columns: tuple[str, ...] = ()

    def starttag(self, node: Any, tagname: str, suffix: str = "\n", empty: bool = False, **attributes: Any) -> str:
        """Name each cell's column, so that a phone can show a row as a card; the roles keep the table a table there."""
        if isinstance(node, nodes.table) and tagname == "table":
            head = node.next_node(nodes.thead)
            self._columns = tuple(entry.astext().strip() for entry in head.findall(nodes.entry)) if head else ()
            if self._columns:
                attributes |= {"role": "table", "CLASS": f"{attributes['CLASS']} book-stacked"}
        elif self._columns and tagname in _ROLES:
            attributes["role"] = _ROLES[tagname]
            if tagname == "td":
                attributes["data-label"] = self._columns[node.parent.column - 1]
        return super().starttag(node, tagname, suffix, empty, **attributes)

    def visit_desc_parameterlist(self, node: Any) -> None:
        """Note where the parameters of a signature begin."""
        self.context.append(len(self.body))
        super().visit_desc_parameterlist(node)

    def depart_desc_parameterlist(self, node: Any) -> None:
        """definition-list: the parameters of a long signature are descriptions without terms; make them plain lines."""
        super().depart_desc_parameterlist(node)
        start = self.context.pop()
        self.body[start:] = [_SIGNATURE.get(part, part) for part in self.body[start:]]

    def visit_citation(self, node: Any) -> None:
        """aria-deprecated-role and aria-required-children: a list of references is a list."""
        super().visit_citation(node)
        self.body[-1] = self.body[-1].replace('role="doc-biblioentry"', 'role="listitem"')


def _look_once(app: Sphinx) -> None:
    """Do not look for the same files again for each page: templates that stay as they are, style sheets that no theme uses."""
    app.builder.templates.environment.auto_reload = False
    app.env.settings["stylesheet_path"] = ""


def _share_contents(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Make the sidebar's contents once for each folder of pages that they do not name: listings of source, and indices.

    On such pages they differ by nothing but the way back to the root; to make them is most of what a page of source costs.
    """
    if pagename in app.env.found_docs:
        return
    make, folder = context["toctree"], pagename.rpartition("/")[0]

    def toctree(**options: Any) -> str:
        key = (folder, *sorted(options.items()))
        if key not in _CONTENTS:
            _CONTENTS[key] = make(**options)
        return _CONTENTS[key]

    context["toctree"] = toctree


def _mend_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Name the sidebar's arrows, and drop the live-code scripts, which would ask another host, and what is there twice."""
    sidebar = context.get("generate_toctree_html")
    if sidebar is not None:
        context["generate_toctree_html"] = lambda *arguments, **options: _named(sidebar(*arguments, **options))
    kept, seen = [], set()
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        key = (getattr(script, "filename", str(script)), attributes.get("body"))
        text = f"{key[0]} {key[1]}".lower()
        if key in seen or "thebe" in text:
            continue
        seen.add(key)
        kept.append(script)
    context["script_files"] = kept
    context["css_files"] = [css for css in context.get("css_files", []) if "thebe" not in str(css)]


def _named(sidebar: Any) -> Any:
    """summary-name: the sidebar's arrows have no text."""
    for summary in sidebar.find_all("summary"):
        if not summary.get_text(strip=True):
            summary["aria-label"] = "Show or hide the pages of this section"
    return sidebar


def _to_restructured_text(app: Sphinx, what: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """Turn our docstrings into reStructuredText: `code` becomes a literal, an indented block after a colon stays as it is."""
    is_literal, literal_indent, mended = False, 0, []
    for row, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if is_literal and line.strip() and indent <= literal_indent:
            is_literal = False
        if is_literal or line.lstrip().startswith((">>>", "...")):
            mended.append(line)
            continue
        line = _escape(line)
        mended.append(line)
        if _opens_block(lines, row):
            is_literal, literal_indent = True, indent
            mended += [] if line.rstrip().endswith("::") else ["", " " * indent + "::"]
    lines[:] = mended


def _opens_block(lines: list[str], row: int) -> bool:
    """Whether a blank line and then a deeper block follow a line of text."""
    line = lines[row].rstrip()
    if not line or _SECTION.match(line) or row + 2 >= len(lines) or lines[row + 1].strip():
        return False
    following = next((later for later in lines[row + 1 :] if later.strip()), "")
    return len(following) - len(following.lstrip()) > len(line) - len(line.lstrip())


def _escape(line: str) -> str:
    def mend(match: re.Match[str]) -> str:
        text = match.group(0)
        if text.startswith(("``", ":")):
            return text
        if text.startswith("`"):
            # Markup must not touch a letter: the plural of a name needs a space that is not shown.
            is_plural = line[match.end() : match.end() + 1].isalnum()
            return f"``{text[1:-1]}``" + ("\\ " if is_plural else "")
        return "\\" + text

    return _CODE_OR_MARK.sub(mend, line)
