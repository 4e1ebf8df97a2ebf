"""What our Sphinx extension does to the pages of a tiny site."""

import os
import re
import subprocess
import sys

import pytest

from book.chapters import BOOK

CONF = """
import sys
sys.path.insert(0, ".")
extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx_book_theme", "gdt_book"]
html_theme = "sphinx_book_theme"
maximum_signature_line_length = 20
"""
INDEX = """
Title
=====

.. toctree::

   part

=========  ======
a < **b**  c
=========  ======
1          2
=========  ======

=  =
3  4
=  =

.. py:function:: long_name(first_argument, second_argument=1)

.. py:function:: short(x)

See [A1]_.

.. [A1] A reference.
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with a section of two levels, and with the source of two modules."""
    source = tmp_path_factory.mktemp("site")
    (source / "conf.py").write_text(CONF)
    (source / "index.rst").write_text(INDEX)
    (source / "part.rst").write_text("Part\n====\n\n.. toctree::\n\n   leaf\n")
    (source / "leaf.rst").write_text(
        "Leaf\n====\n\n.. automodule:: tiny\n   :members:\n\n.. automodule:: small\n   :members:\n"
    )
    for name in ("tiny", "small"):
        (source / f"{name}.py").write_text(f'def {name}_part():\n    """Return nothing."""\n')
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(source), str(source / "out")]
    environment = {**os.environ, "PYTHONPATH": str(BOOK / "_ext")}
    run = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return source / "out"


@pytest.fixture(scope="module")
def page(site):
    """The first page."""
    return (site / "index.html").read_text()


def test_cells_of_a_table_carry_the_name_of_their_column(page):
    with_head, without = re.findall(r"<table.*?</table>", page, re.DOTALL)
    assert '<table class="table book-stacked" role="table">' in with_head
    assert '<td data-label="a &lt; b" role="cell"><p>1</p></td>' in with_head
    assert '<td data-label="c" role="cell"><p>2</p></td>' in with_head
    assert with_head.count('role="rowgroup"') == with_head.count('role="row"') == 2
    assert with_head.count('role="columnheader"') == 2
    assert "role" not in without
    assert "book-stacked" not in without


def test_parameters_of_a_long_signature_are_lines(page):
    long, short = re.findall(r'<dt class="sig.*?</dt>', page, re.DOTALL)
    assert "<dl>" not in long
    assert "<dd>" not in long
    assert long.count("<span") == long.count("</span>")
    assert re.search(
        r'<span class="sig-lines"><span class="sig-line">.*first_argument.*</span>\n</span>', long, re.DOTALL
    )
    assert long.count('class="sig-line"') == 2
    assert "sig-line" not in short


def test_a_list_of_references_is_a_list(page):
    assert 'role="list"' in page
    assert 'role="listitem"' in page
    assert "doc-biblioentry" not in page


def test_arrows_of_the_sidebar_have_a_name(page):
    summaries = re.findall(r"<summary.*?</summary>", page)
    assert any("toctree-toggle" in summary for summary in summaries)
    assert all('aria-label="Show or hide the pages' in summary for summary in summaries if "toctree-toggle" in summary)


@pytest.mark.parametrize(
    ("name", "root"), [("genindex", ""), ("search", ""), ("_modules/tiny", "../"), ("_modules/small", "../")]
)
def test_pages_outside_the_contents_lead_into_them_from_where_they_are(site, name, root):
    sidebar = re.search(r'<nav class="bd-links.*?</nav>', (site / f"{name}.html").read_text(), re.DOTALL).group()
    assert re.findall('href="(.*?)"', sidebar) == [f"{root}part.html", f"{root}leaf.html"]
    assert "current" not in sidebar


def test_a_page_of_the_contents_is_the_current_one_of_its_own_sidebar(site):
    sidebar = re.search(r'<nav class="bd-links.*?</nav>', (site / "leaf.html").read_text(), re.DOTALL).group()
    assert re.search('class="toctree-l2 current active"><a class="current reference internal" href="#"', sidebar)
