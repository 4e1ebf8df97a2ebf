"""The page about the project, from CITATION.cff and the runs: authors, version, citation, licenses, discussion, computing."""

import importlib
from typing import Any, cast

import yaml

from book.chapters import ROOT, project
from book.execute import RunRecord
from book.generate import table
from gdt_tutorial.reproduce import FIGURES, FigureModule

# What trains the shipped networks, where its docstring stands, and what that says of the time on one processor core.
TRAININGS = (
    ("LSTM that emulates positions", "gdt_tutorial/twin/pretrained.py", "a minute"),
    ("encoder of users' windows", "gdt_tutorial/twin/pretrained.py", "a minute"),
    ("transformer that reads intents", "gdt_tutorial/twin/pretrained.py", "some three minutes"),
    ("generator of scenes", "gdt_tutorial/twin/pretrained.py", "two minutes"),
    ("imitators of the campus", "gdt_tutorial/twin/pretrained.py", "half a minute"),
    ("encoder of contexts, and two diffusion models of bitmaps", "gdt_tutorial/twin/pretrained.py", "a minute"),
    ("network that allocates", "gdt_tutorial/twin/pretrained.py", "some ten minutes"),
    ("the same by the policy gradient", "gdt_tutorial/twin/pretrained.py", "some three minutes"),
    ("autoencoder and DDQN of the grouping", "gdt_tutorial/case_study/groups/trained_grouping.py", "some minutes"),
    ("five version networks and five actors", "gdt_tutorial/case_study/learning/trained_networks.py", "about an hour"),
)


def fragments(records: dict[str, RunRecord]) -> dict[str, str]:
    """Return every generated part of the page by the name under which it asks for it."""
    return {
        "authors": authors(),
        "version": version(),
        "cite": cite(),
        "licenses": licenses(),
        "discuss": discuss(),
        "computing": computing(records),
    }


def citation() -> dict[str, Any]:
    """Read CITATION.cff."""
    return dict(yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")))


def authors() -> str:
    """Return the authors of the tutorial, and those of the paper."""
    cff = citation()
    of_paper = ", ".join(_name(author, "{given-names} {family-names}") for author in cff["references"][0]["authors"])
    written = ", ".join(_name(author, "{given-names} {family-names}") for author in cff["authors"])
    return (
        f"{written}. The architecture and the case study are those of {of_paper}: {{cite}}`huang2025gdt`. "
        "The tutorial is not by the authors of the paper."
    )


def _name(author: dict[str, str], form: str) -> str:
    """Write an author: a person in the given form, a group by its name."""
    if "name" in author:
        return author["name"]
    return form.replace("{given-names}", author["given-names"]).replace("{family-names}", author["family-names"])


def version() -> str:
    """Return version, date and repository."""
    cff = citation()
    return f"Version {cff['version']}, released {cff['date-released']}: [{cff['repository-code']}]({cff['repository-code']})."


def bibtex() -> str:
    """Return the BibTeX entries of the tutorial and of the paper."""
    cff = citation()
    paper = cff["references"][0]
    software = {
        "author": _bibtex_authors(cff["authors"]),
        "title": f"{{{cff['title']}}}",
        "version": f"{{{cff['version']}}}",
        "url": f"{{{cff['repository-code']}}}",
    }
    article = {
        "author": _bibtex_authors(paper["authors"]),
        "title": f"{{{paper['title']}}}",
        "journal": f"{{{paper['journal']}}}",
        "year": f"{{{paper['year']}}}",
        "doi": f"{{{paper['doi']}}}",
    }
    return f"{_entry('software', 'gdt_tutorial', software)}\n{_entry('article', 'huang2025gdt', article)}"


def _bibtex_authors(people: list[dict[str, str]]) -> str:
    names = (
        f"{{{person['name']}}}" if "name" in person else _name(person, "{family-names}, {given-names}")
        for person in people
    )
    return f"{{{' and '.join(names)}}}"


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    width = max(len(name) for name in fields)
    rows = ",\n".join(f"  {name:<{width}} = {value}" for name, value in fields.items())
    return f"@{kind}{{{key},\n{rows}\n}}"


def cite() -> str:
    """Return the citation as a block to copy."""
    return f"```bibtex\n{bibtex()}\n```"


def licenses() -> str:
    """Return the licenses of code and text, with their files."""
    code, text = citation()["license"]
    files = f"{project()['repository']}/blob/{project()['release']}"
    return (
        f"- **Code**, that of the chapters too: [{code}]({files}/LICENSE).\n"
        f"- **Text and figures**: [{_plain(text)}]({files}/LICENSE-TEXT). Share and adapt them, also commercially, with "
        "credit, a link to the license, and a word on what you changed.\n"
        "- **Watch logs** are not part of the project and have [licenses of their own](data.md)."
    )


def _plain(license_id: str) -> str:
    """Write an identifier of SPDX as its license is called: CC-BY-4.0 is CC BY 4.0."""
    return license_id.replace("-", " ")


def footer() -> str:
    """Return the line at the foot of every page."""
    code, text = citation()["license"]
    return f"<p>Code: {code}. Text: {_plain(text)}. How to cite: page <em>About and cite</em>.</p>"


def discuss() -> str:
    """Return where to ask, and where to report an error."""
    return f"Questions, errors and ideas: the [issues of the repository]({citation()['repository-code']}/issues)."


def computing(records: dict[str, RunRecord]) -> str:
    """Return what was computed for these pages: chapters, networks, sweeps."""
    rows = [[f"training: {what}", time, "once; shipped with its hash"] for what, _, time in TRAININGS]
    for name, figure in FIGURES.items():
        sweep = cast(FigureModule, importlib.import_module(figure.module))
        spent_s = sum(map(figure.seconds, sweep.tasks(figure.n_seeds)))
        rows.append([f"`reproduce {name}`, {figure.n_seeds} seeds", _about(spent_s), "once; stored with its command"])
    if records:
        cpu_s = sum(record.cpu_s for record in records.values())
        rows.append([f"running the {len(records)} chapters", _about(cpu_s), "for every build"])
    return table(["what", "time of one processor core", "how often"], rows)


def _about(seconds: float) -> str:
    return f"about {seconds / 60:.0f} min" if seconds >= 90 else f"about {seconds:.0f} s"
