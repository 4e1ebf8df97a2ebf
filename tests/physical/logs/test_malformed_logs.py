"""Whatever a file holds, the loader gives a log with exactly its users, or one sentence."""

import csv
import io
import re
from collections import Counter

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gdt_tutorial.physical.logs.watch_logs import read_watch_log

N_LOGS = 2_000
HEADER = "user_id,video_id,play_time_ms,duration_ms"

# An oracle of its own: what the documentation says of ids, without the loader's fast path and hashes.
NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")
NO_ID = ("", "nan", "null", "none")


def id_of(text):
    text = text.strip()
    return re.sub(r"^(0|-?[1-9][0-9]*)\.0+$", r"\1", text)


def seconds_of(text):
    value = float(text) / 1e3 if NUMBER.fullmatch(text) else np.nan
    return value if 0 <= value < np.inf else None


def expected(text):
    """Return (users of the kept views, malformed rows), or None where the file as a whole is refused."""
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    users, n_malformed = [], 0
    for row in rows[1:]:
        if [cell.strip() for cell in row] == HEADER.split(","):
            continue
        is_row = len(row) == 4
        ids = [id_of(cell) for cell in row[:2]]
        is_id = all(one.lower() not in NO_ID and not {"\n", "\r"} & set(one) for one in ids)
        seconds = [seconds_of(cell) for cell in row[2:]] if is_row else [None]
        if not is_row or not is_id or None in seconds:
            n_malformed += 1
        elif 5 <= seconds[1] <= 60:
            users.append(ids[0])
    return users, n_malformed


ids = st.one_of(
    st.sampled_from(
        [
            "1",
            "01",
            "1.0",
            "1_0",
            "10",
            "+1",
            "-1",
            "١",
            "１",
            "1e1",
            " 1",
            "nan",
            "",
            "ann",
            str(2**63),
            str(2**64 + 1),
        ]
    ),
    st.integers(-5, 2**66).map(str),
    st.text(st.characters(codec="utf-8", exclude_characters='\0"'), max_size=4),
)
times = st.one_of(
    st.sampled_from(["9000", "9000.0", "9e3", "1_5", "-1", "nan", "inf", "1e999", "", "x", "٩٠٠٠", "60001", " 9000"]),
    st.integers(0, 70_000).map(str),
)
cells = st.one_of(ids, times)
rows = st.one_of(
    st.tuples(ids, ids, times, times).map(list),
    st.tuples(st.integers(0, 9).map(str), st.just("7"), st.just("4000"), st.just("9000")).map(list),
    st.lists(cells, max_size=6),
    st.just(HEADER.split(",")),
)
signs = st.sampled_from([",", ",", ",", ",", ",", ";", '"', '"x"', "\n", "\r\n"])


@st.composite
def logs(draw):
    lines = [draw(st.sampled_from([HEADER] * 9 + ["user_id,video_id", "", HEADER.replace(",", ";")]))]
    for row in draw(st.lists(rows, max_size=8)):
        lines.append(
            "".join(part for cell in row for part in (cell, draw(signs)))[: None if draw(st.booleans()) else -1]
        )
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@settings(
    max_examples=N_LOGS, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=logs())
@example(text=f"{HEADER}\n1_23,1,4000,9000\n123,1,4000,9000\n12_3,1,4000,9000")
@example(text=f'{HEADER}\n1,1,4000,"9000\n1,1,4000,9000\n')
@example(text=f"{HEADER}\n")
def test_a_log_or_one_sentence_and_the_users_of_the_file(tmp_path, text):
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8", newline="")
    answers = {}
    for on_bad_row in ("raise", "drop"):
        try:
            answers[on_bad_row] = read_watch_log(path, on_bad_row=on_bad_row)
        except ValueError as error:
            answers[on_bad_row] = str(error)
            assert "must" in answers[on_bad_row]
            assert "; " in answers[on_bad_row], "no remedy"
            assert len(answers[on_bad_row].splitlines()) == 1
    strict, lenient = answers["raise"], answers["drop"]
    header = next(iter(csv.reader(io.StringIO(text, newline=""))), [])
    if header != HEADER.split(","):
        assert isinstance(strict, str)
        assert isinstance(lenient, str)
        return
    users, n_malformed = expected(text)
    if n_malformed:
        assert re.search(r"in row \d+ of log.csv", strict)
    elif users:
        assert strict.user_id.tolist() == lenient.user_id.tolist()
    else:
        assert "must hold" in strict
    if users:
        found = Counter(lenient.user_id.tolist())
        assert sorted(found.values()) == sorted(Counter(users).values())
        assert sum(lenient.report.dropped.values()) == n_malformed
    else:
        assert "must hold" in lenient
