"""Ids are text as it is written, and README's four columns are enough."""

import numpy as np
import pytest

from gdt_tutorial.physical.logs.log_rows import identifiers
from gdt_tutorial.physical.logs.watch_logs import find_watch_log, read_watch_log
from tests.physical.logs.log_files import write_csv

COLUMNS = ["user_id", "video_id", "play_time_ms", "duration_ms"]


def users_of(path):
    return len(np.unique(read_watch_log(path).user_id))


def write_users(path, ids):
    return write_csv(path, COLUMNS, [[user, 7, 4000, 9000] for user in ids])


@pytest.mark.parametrize(
    ("ids", "n_users"),
    [
        (["1_23", "12_3", "123", "1_2_3"], 4),
        (["007", "07", "7", "+7"], 4),
        (["-7", "7"], 2),
        (["100", "100.0", "100.00", " 100"], 1),
        (["100.5", "100"], 2),
        (["1e2", "100"], 2),
        (["007.0", "007", "7"], 3),
        ([str(2**63 - 1), str(2**63), str(2**64 + 5), "5", str(2**70)], 5),
        (["١٢٣", "123", "１２３"], 3),
        (["ann", "Ann", "ann "], 2),
        (["周", "用户", "周 "], 2),
    ],
)
def test_two_ids_are_the_same_where_their_texts_are(tmp_path, ids, n_users):
    path = write_users(tmp_path / "log.csv", ids)
    assert users_of(path) == n_users
    # The others are no different when they come in chunks of their own.
    assert users_of(write_users(path, [user for user in ids for _ in range(20_001)])) == n_users


def test_whole_numbers_stay_as_they_are():
    assert identifiers(["0", "12", str(2**63 - 1)]).tolist() == [0, 12, 2**63 - 1]
    assert identifiers(["12", "x"])[0] == 12
    assert (identifiers(["x", "012", "-1"]) < 0).all()


@pytest.mark.parametrize("text", ["", " ", "nan", "NULL", "None", "1\n2"])
def test_what_is_no_id_is_refused(text):
    with pytest.raises(ValueError):
        identifiers(["1", text])


def test_four_columns_are_enough_and_rows_stand_in_their_order(tmp_path, monkeypatch):
    rows = [[user, video, 1000 * video, 9000] for user in range(3) for video in range(8)]
    path = write_csv(tmp_path / "views.csv", COLUMNS, rows)
    for place in (path, tmp_path):
        monkeypatch.setenv("GDT_DATA", str(place))
        log = find_watch_log()
        assert log.n_views == len(rows)
        assert (np.diff(log.time_ms) > 0).all()
        assert log.report.n_repeated == 0


def test_a_column_of_types_is_read_where_there_is_one(tmp_path):
    rows = [[1, 1, 4000, 9000, "news"], [1, 2, 4000, 9000, "music"]]
    log = read_watch_log(write_csv(tmp_path / "views.csv", [*COLUMNS, "video_type"], rows))
    assert sorted(log.type_names) == ["music", "news"]


def test_columns_that_are_named_must_be_there(tmp_path):
    path = write_csv(tmp_path / "views.csv", COLUMNS, [[1, 1, 4000, 9000]])
    names = {"user_id": "user_id", "video_id": "video_id", "play_time_ms": "play_time", "duration_ms": "duration"}
    with pytest.raises(ValueError, match=r"without \['when'\]"):
        read_watch_log(path, columns={**names, "when": "time_ms"})


def test_forty_thousand_types_are_told_apart(tmp_path):
    rows = [[1, video, 4000, 9000, f"tag {video}"] for video in range(40_000)]
    path = write_csv(tmp_path / "views.csv", [*COLUMNS, "video_type"], rows)
    log = read_watch_log(path, n_types=39_999)
    assert len(log.type_names) == 40_000
    assert log.video_type.max() == 39_999


def test_what_looks_like_a_mistake_of_the_file_is_counted_and_said(tmp_path):
    header = [*COLUMNS, "time_ms", "title"]
    row = [1, 7, 4000, 9000, 5, "a title"]
    path = write_csv(tmp_path / "views.csv", header, [row] * 200 + [header] + [[2, 8, 1000, 9000, 6, "x\ny\nz"]])
    report = read_watch_log(path).report
    assert (report.n_rows, report.n_kept, report.n_repeated, report.n_multiline) == (202, 201, 199, 1)
    assert report.filtered == {"the header once more": 1}
    for words in ("199 rows that repeat an earlier one", "1 rows of several lines", "the header once more"):
        assert words in str(report)


def test_a_lone_quote_that_swallows_rows_is_said(tmp_path):
    path = tmp_path / "views.csv"
    good = "1,7,4000,9000,x\n"
    path.write_text(
        ",".join([*COLUMNS, "title"]) + "\n" + good + '1,8,4000,9000,"x\n' + 4 * good + '1,9,4000,9000,y"\n' + good
    )
    report = read_watch_log(path).report
    assert (report.n_rows, report.n_multiline) == (3, 1)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("user_id;video_id;play_time_ms;duration_ms", "separated by semicolons: save it with commas"),
        ("user_id\tvideo_id\tplay_time_ms\tduration_ms", "separated by tabs"),
        ("user_id,user_id,video_id,play_time_ms,duration_ms", r"with \['user_id'\] more than once"),
    ],
)
def test_a_header_of_another_kind_is_refused(tmp_path, header, message):
    path = tmp_path / "views.csv"
    path.write_text(header + "\n" + header.replace("user_id", "1") + "\n")
    with pytest.raises(ValueError, match=message):
        read_watch_log(path)
