"""The executor, the cache and the parts of the builder that need no browser, on tiny notebooks."""

import errno
import os
import re
import tomllib
from pathlib import Path

import nbformat
import pytest

import gdt_tutorial
from book import cache, generate, parameters, scan, staging
from book.chapters import BOOK, Chapter, Plan, read_plan
from book.execute import ChapterError, RunRecord, execute, read_record
from gdt_tutorial.files import WriteError
from gdt_tutorial.teaching.claim_plan import names_in_prose
from gdt_tutorial.teaching.claim_record import CLAIM_MIME

PARAMETERS = 'profile = "book"\nseed = 0'
CLAIM = f"""
import os
from IPython.display import display
payload = {{"claims": [{{"name": "half", "value": seed / 2}}], "shown": ["half"]}}
display({{"{CLAIM_MIME}": payload, "text/plain": "half"}}, raw=True)
"""


def write_notebook(path: Path, *cells: str, tag: str = "parameters") -> Path:
    first = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": [tag]})
    notebook = nbformat.v4.new_notebook(cells=[first, *(nbformat.v4.new_code_cell(cell) for cell in cells)])
    nbformat.write(notebook, path)
    return path


def record(**changes) -> RunRecord:
    fields = {
        "chapter": "00_first",
        "profile": "book",
        "seed": 3,
        "cpu_s": 4.2,
        "seconds": 5.1,
        "peak_mb": 321.0,
        "stderr": [],
        "claims": [{"name": "half", "value": 1.5}],
        "commit": "abc",
        "is_dirty": True,
        "versions": {"python": "3.12.1"},
        "data_source": "generator",
        "attribution": "",
        "budget_s": 60.0,
        "budget_mb": 1500.0,
    }
    return RunRecord(**{**fields, **changes})


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> tuple[RunRecord, Path]:
    folder = tmp_path_factory.mktemp("executed")
    path = write_notebook(
        folder / "00_first.ipynb",
        CLAIM,
        "print(profile, seed, os.environ['OMP_NUM_THREADS'], os.environ['GDT_STATIC'], os.environ.get('GDT_DATA'))",
        "block = bytearray(300_000_000); import sys; print('careful', file=sys.stderr)",
        "import time\nwhile time.process_time() < 1.5: pass",
        "time.sleep(0.5)",
    )
    out_path = folder / "out" / "copy.ipynb"
    return execute(path, profile="smoke", seed=7, out_path=out_path), out_path


def test_record_has_claims_stderr_time_and_memory(executed):
    run, _ = executed
    assert [(claim["name"], claim["value"]) for claim in run.claims] == [("half", 3.5)]
    assert run.stderr == ["careful\n"]
    assert 1.5 < run.cpu_s < run.seconds
    assert 300 < run.peak_mb < 1500
    assert run.versions["numpy"]
    assert (run.profile, run.seed, run.data_source, run.attribution) == ("smoke", 7, "generator", "")


def test_copy_carries_its_record_and_hides_the_injected_cell(executed):
    run, out_path = executed
    assert read_record(out_path) == run
    notebook = nbformat.read(out_path, as_version=4)
    injected = [cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", [])]
    assert [("remove-cell" in cell.metadata.tags) for cell in injected] == [True]
    assert "papermill" not in notebook.metadata


def test_kernel_has_one_thread_static_figures_and_no_data(executed):
    _, out_path = executed
    printed = "".join(output.get("text", "") for output in nbformat.read(out_path, as_version=4).cells[3].outputs)
    assert printed.split() == ["smoke", "7", "1", "1", "None"]


def test_cell_that_raises_fails_with_its_error(tmp_path):
    path = write_notebook(tmp_path / "00_first.ipynb", "raise KeyError('lost')")
    with pytest.raises(ChapterError, match="lost"):
        execute(path, profile="smoke", seed=0, out_path=tmp_path / "out.ipynb")


def test_a_full_disk_leaves_no_half_copy(tmp_path, monkeypatch):
    path = write_notebook(tmp_path / "00_first.ipynb", CLAIM)
    cost = {"cpu_s": 1.0, "seconds": 1.0, "peak_mb": 1.0}
    monkeypatch.setattr("book.execute._run_in_child", lambda *job: (nbformat.read(path, as_version=4), cost))
    run = {"profile": "smoke", "seed": 1, "out_path": tmp_path / "out" / "copy.ipynb", "cache": tmp_path / "cache"}

    def fsync(handle):
        os.ftruncate(handle, 10)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(WriteError, match=r"could not be written \(No space left on device\)"):
        cache.execute_cached(path, **run)
    assert not list((tmp_path / "cache").iterdir())


def test_unknown_profile_is_refused(tmp_path):
    path = write_notebook(tmp_path / "00_first.ipynb")
    with pytest.raises(ValueError, match="profile must be one of smoke, book, full, got 'quick'"):
        execute(path, profile="quick", seed=0, out_path=tmp_path / "out.ipynb")


def test_notebook_without_parameters_is_refused(tmp_path):
    path = write_notebook(tmp_path / "00_first.ipynb", tag="imports")
    with pytest.raises(ValueError, match="chapter_path must have a cell tagged `parameters`"):
        execute(path, profile="smoke", seed=0, out_path=tmp_path / "out.ipynb")


def test_second_execution_comes_from_the_cache(tmp_path):
    path = write_notebook(tmp_path / "00_first.ipynb", CLAIM)
    run = {"profile": "smoke", "seed": 1, "out_path": tmp_path / "out.ipynb", "cache": tmp_path / "cache"}
    first, second = cache.execute_cached(path, **run), cache.execute_cached(path, **run)
    assert (first.is_cached, second.is_cached) == (False, True)
    assert (first.claims, first.cpu_s) == (second.claims, second.cpu_s)


def test_key_depends_on_all_that_matters(tmp_path):
    path = write_notebook(tmp_path / "00_first.ipynb", "1")
    base = cache.key(path, profile="smoke", seed=0, data=None)
    logs = tmp_path / "logs.csv"
    logs.write_text("a")
    others = [
        cache.key(path, profile="book", seed=0, data=None),
        cache.key(path, profile="smoke", seed=1, data=None),
        cache.key(path, profile="smoke", seed=0, data=logs),
        cache.key(write_notebook(path, "2"), profile="smoke", seed=0, data=None),
    ]
    logs.write_text("b")
    others.append(cache.key(path, profile="smoke", seed=0, data=logs))
    assert len({base, *others[:3], *others[3:]}) == 6
    names = {file.name for file in cache.library_files()}
    assert {"units.py", "execute.py", "requirements.lock"} <= names


def test_plan_names_an_unknown_chapter():
    with pytest.raises(ValueError, match="number must be a chapter's number, got '77'; take one of 00, 01"):
        read_plan().chapter("77")


@pytest.fixture
def plan() -> Plan:
    half = {"text": "Half of it", "unit": "dB", "must": ["> 0"], "book_generator": [1.0, 2.0]}
    chapters = (Chapter(number="00", name="first", title="First", status="written"),)
    return Plan(chapters=chapters, claim_table={"00": {"half": half}})


def test_claims_page_has_value_range_and_run(plan):
    text = generate.claims_tables(plan, {"00": record()})
    for part in (
        "`half`",
        "Half of it",
        "1.5\u00a0dB",
        "&gt; 0 |",
        "1 to 2",
        "book, seed 3",
        "abc with local changes",
    ):
        assert part in text


def test_panel_says_what_made_the_page():
    text = generate.panel(record(data_source="logs", attribution="Logs by <somebody>"))
    for part in (
        "4.2 s of at most 60 s",
        "5.1 s, beside",
        "321 MB",
        "real watch logs",
        "Logs by &lt;somebody&gt;",
        "python 3.12.1",
    ):
        assert part in text


def test_panel_says_how_to_run_it_again_on_the_same_kind_of_data():
    command = "python -m papermill notebooks/00_first.ipynb out.ipynb -k python3 -p profile book -p seed 3"
    assert f"<code>{command}</code>" in generate.panel(record())
    assert f"<code>GDT_DATA=your_logs.csv {command}</code>" in generate.panel(record(data_source="logs"))


def test_every_statement_of_the_paper_has_a_verdict_with_known_claims():
    real = read_plan()
    known = {name for number, plans in real.claims.items() if real.chapter(number).is_written for name in plans}
    table = tomllib.loads((BOOK / "paper.toml").read_text(encoding="utf-8"))
    assert {name.partition(".")[2] for name in table["front"]} <= known
    for statement in table["statement"]:
        assert set(statement) <= {"says", "place", "chapters", "verdict", "found"}
        assert [real.chapter(number).number for number in statement["chapters"]] == statement["chapters"]
        assert statement["verdict"] in generate.VERDICTS
        named = names_in_prose(statement.get("found", ""))
        assert set(named) <= known
        is_tested = statement["verdict"] != "not tested yet"
        assert is_tested == bool(named), f"{statement['says']}: a verdict rests on numbers"
        assert is_tested <= any(real.chapter(number).is_written for number in statement["chapters"])


def test_the_papers_table_shows_verdict_and_numbers(plan, monkeypatch):
    found = {
        "says": "It gains.",
        "place": "Fig. 1",
        "chapters": ["00"],
        "verdict": "holds",
        "found": "By {claim}`half`.",
    }
    monkeypatch.setattr(generate, "_statements", lambda: {"statement": [found]})
    text = generate.paper_table(plan, {"00": record()})
    assert "It gains. (Fig. 1)" in text
    assert '<span class="book-holds">holds</span>' in text
    assert "1.5\u00a0dB</a>." in text


def test_contents_list_the_written_chapters_of_a_part_in_order(plan):
    parts = staging.contents(plan)["parts"]
    assert [part["caption"] for part in parts[:2]] == ["Overview", "Chapters"]
    assert parts[0]["chapters"][0] == {"file": "pages/install"}
    assert parts[1]["chapters"] == [{"file": "notebooks/00_first"}]


def test_page_that_names_an_unknown_part_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- book: nothing -->")
    with pytest.raises(ValueError, match="must name a generated part, got 'nothing'"):
        staging._filled(page, {"claims": ""})


def test_parameters_show_default_unit_bounds_and_source():
    from gdt_tutorial import learning

    text = parameters.parameter_tables([learning])
    assert "## FitConfig" in text
    assert "| `schedule` | `constant` |  |  |" in text
    assert "| `learning_rate` | `0.001` |  | above 0 | Step size of AdamW. | default of torch.optim.AdamW |" in text


def test_notation_page_is_the_package_docstring():
    page = (BOOK / "pages" / "notation.md").read_text(encoding="utf-8")
    vocabulary = gdt_tutorial.__doc__.split("Axis vocabulary")[1].split("A suffix says the unit")[0]
    rows = [re.split(r"\s{2,}", line.strip()) for line in vocabulary.splitlines() if line.startswith("    ")]
    axes = {name for row in rows for name in row[::2]}
    shown = set(_first_cells(page, "Names of axes"))
    assert shown == axes
    units = gdt_tutorial.__doc__.split("A suffix says the unit:")[1].split("`")[1].split()
    assert _first_cells(page, "Units in names") == units


def _first_cells(page: str, section: str) -> list[str]:
    body = page.split(f"## {section}")[1].split("\n## ")[0]
    return [line.split("`")[1] for line in body.splitlines() if line.startswith("| `")]


def test_scan_finds_tracebacks_and_foreign_hosts(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p>Traceback (most recent call last)</p><script src="https://cdn.example/x.js"></script><a href="https://ok.example">x</a>'
    )
    (tmp_path / "b.css").write_text("@font-face{src:url('//fonts.example/a.woff')}")
    faults = scan.scan(tmp_path)
    assert len(faults) == 3
    assert "cdn.example" in faults[1]


def test_scan_finds_names_of_claims_and_roles_that_nobody_resolved(tmp_path):
    code = '<code class="docutils literal notranslate"><span class="pre">{}</span></code>'
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "a.html").write_text(
        f"<p>{code.format('gain')} and {code.format('other')} and {{claim}}</p>"
    )
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "claims.html").write_text(code.format("gain"))
    assert scan.scan(tmp_path, {"gain"}) == [
        "notebooks/a.html: shows gain where a reader wants its number",
        "notebooks/a.html: shows {claim} where a reader wants its number",
    ]


def test_scan_lets_a_clean_site_pass(tmp_path):
    (tmp_path / "a.html").write_text('<img src="data:image/png;base64,x"><a href="https://ok.example">x</a>')
    assert scan.scan(tmp_path) == []


def test_an_accepted_range_is_written_with_readable_numbers():
    assert generate.range_words((-1.001e-9, 1.001e-9)) == "0"
    assert generate.range_words((-3.214, 1234567.0)) == "\N{MINUS SIGN}3.21 to 1,234,567"
