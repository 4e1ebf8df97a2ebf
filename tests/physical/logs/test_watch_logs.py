"""Watch logs: what is read, what is refused, what is counted, and how much memory and time it takes."""

import functools
import hashlib
import http.server
import io
import os
import tarfile
import threading
import time
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from gdt_tutorial.files import WriteError
from gdt_tutorial.physical.logs import kuairand
from gdt_tutorial.physical.logs.kuairand import KUAIRAND_ATTRIBUTION
from gdt_tutorial.physical.logs.log_tables import view_types
from gdt_tutorial.physical.logs.watch_logs import (
    data_source,
    fetch_kuairand,
    find_watch_log,
    read_kuairand,
    read_watch_log,
)
from gdt_tutorial.physical.swipe_fit import curve_distance
from gdt_tutorial.physical.swipes import LoggedSwipes
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.seeding import stream
from tests.physical.logs.log_files import KUAIRAND_HEADER, kuairand_row, log_of, write_csv, write_kuairand

HEADER = ["user_id", "video_id", "time_ms", "play_time_ms", "duration_ms", "liked"]
GOOD = [[1, 10, 100, 5000, 10000, 1], [1, 11, 200, 30000, 20000, 0], [2, 10, 300, 0, 10000, 1]]


@pytest.fixture
def write(tmp_path):
    return lambda rows, header=HEADER: write_csv(tmp_path / "log.csv", header, rows)


def test_good_rows_become_views(write):
    log = read_watch_log(write([*GOOD, [2, 12, 400, 1000, 90000, 1]]))
    np.testing.assert_array_equal(log.user_id, [1, 1, 2])
    np.testing.assert_array_equal(log.video_id, [10, 11, 10])
    np.testing.assert_array_equal(log.time_ms, [100, 200, 300])
    np.testing.assert_allclose(log.play_time_s, [5, 30, 0])
    np.testing.assert_allclose(log.duration_s, [10, 20, 10])
    np.testing.assert_array_equal(log.watched_fraction, np.array([0.5, 1, 0], dtype=np.float32))
    assert log.video_type is None
    assert (log.n_views, log.report.n_rows, log.report.n_kept, log.report.n_replayed) == (3, 4, 3, 1)
    assert log.report.filtered == {"duration outside 5-60 s": 1}
    assert log.report.dropped == {}
    assert log.attribution == "Watch log log.csv, provided by the reader."


BAD = {
    "not a number": ([1, 10, 100, "soon", 10000, 1], "play_time_ms must be a number, got 'soon' in row 4 of log.csv"),
    "empty": ([1, 10, 100, "", 10000, 1], "play_time_ms must be a number, got '' in row 4"),
    "NaN": ([1, 10, 100, 5000, "nan", 1], "duration_ms must be finite, got 'nan' in row 4"),
    "infinite": ([1, 10, 100, "inf", 10000, 1], "play_time_ms must be finite, got 'inf' in row 4"),
    "negative play time": ([1, 10, 100, -1, 10000, 1], "play_time_ms must not be negative, got '-1' in row 4"),
    "negative duration": ([1, 10, 100, 1, -10000, 1], "duration_ms must not be negative, got '-10000' in row 4"),
    "short row": ([1, 10, 100], "row must have the header's 6 fields, got 3 in row 4"),
    "long row": ([1, 10, 100, 1, 10000, 1, 1], "row must have the header's 6 fields, got 7 in row 4"),
    "no user": (["", 10, 100, 1, 10000, 1], "user_id must be an id, got '' in row 4"),
    "two lines": (["1\n2", 10, 100, 1, 10000, 1], r"user_id must be an id, got '1\\n2' in row 4"),
    "underscore": ([1, 10, 100, "1_5", 10000, 1], "play_time_ms must be a number, got '1_5' in row 4"),
    "other digits": ([1, 10, 100, 1, "١٢٠٠٠", 1], "duration_ms must be a number, got '١٢٠٠٠' in row 4"),
    "long text": ([1, 10, "x" * 500, 1, 10000, 1], r"time_ms must be a number, got 'x{60}\.\.\.' in row 4"),
    "NaN video": ([1, "NaN", 100, 1, 10000, 1], "video_id must be an id, got 'NaN' in row 4"),
    "no time": ([1, 10, "noon", 1, 10000, 1], "time_ms must be a number, got 'noon' in row 4"),
    "endless time": ([1, 10, "1e400", 1, 10000, 1], "time_ms must be a number, got '1e400' in row 4"),
}


@pytest.mark.parametrize(("row", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_row_raises_with_its_number_or_is_counted(write, row, message):
    path = write([*GOOD, row, [2, 13, 500, 2500, 10000, 1]])
    with pytest.raises(ValueError, match=rf"{message}.*; correct the row, or in Python pass on_bad_row='drop'"):
        read_watch_log(path)
    log = read_watch_log(path, on_bad_row="drop")
    np.testing.assert_array_equal(log.video_id, [10, 11, 10, 13])
    rule = message.split(", got")[0]
    assert log.report.dropped == {rule: 1}
    assert f"kept 4 of 5 rows; dropped 1 of 5 rows: {rule}" in str(log.report)


def test_report_counts_every_row_once(write):
    rows = [*GOOD, *(row for row, _ in BAD.values()), [3, 14, 1, 1, 1000, 0]]
    report = read_watch_log(write(rows), on_bad_row="drop").report
    assert report.n_rows == len(rows)
    assert report.n_kept == len(GOOD)
    assert report.n_multiline == 1
    assert sum(report.dropped.values()) == len(BAD)
    assert report.n_rows == report.n_kept + sum(report.dropped.values()) + sum(report.filtered.values())


def test_row_numbers_go_on_across_chunks(write):
    rows = [[1, 10, 100, 5000, 10000, 1]] * 45_000
    rows[43_210] = [1, 10, 100, -7, 10000, 1]
    path = write(rows)
    with pytest.raises(ValueError, match=r"got '-7' in row 43211 of log.csv"):
        read_watch_log(path)
    chunks = []
    assert read_watch_log(path, on_bad_row="drop", on_chunk=chunks.append).n_views == 44_999
    assert sum(chunks) == 45_000


def test_missing_column_is_refused(write):
    path = write([row[:3] + row[4:] for row in GOOD], HEADER[:3] + HEADER[4:])
    for on_bad_row in ("raise", "drop"):
        with pytest.raises(
            ValueError, match=r"path must have the columns .* without \['play_time_ms'\] .*; rename them in its header"
        ):
            read_watch_log(path, on_bad_row=on_bad_row)


def test_empty_file_and_empty_table_are_refused(write, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(ValueError, match=r"path must hold a header line and rows, got the empty file empty.csv; give"):
        read_watch_log(empty)
    with pytest.raises(ValueError, match=r"path must hold rows below its header, got none in log.csv; give"):
        read_watch_log(write([]))


def test_a_log_of_which_nothing_is_left_is_refused(write):
    path = write([[1, 10, 100, -5, 10000, 1], [1, 10, 100, 5, 10, 1]])
    with pytest.raises(
        ValueError, match=r"path must hold at least one usable row, got log.csv: kept 0 of 2 rows; dropped 1"
    ):
        read_watch_log(path, on_bad_row="drop")


def test_no_file_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"path must be a csv file or a folder of them, got .*nowhere.csv', where nothing is"
    ):
        read_watch_log(tmp_path / "nowhere.csv")


def test_unclosed_quote_is_refused(tmp_path):
    path = tmp_path / "quote.csv"
    path.write_text(",".join(HEADER) + '\n1,10,"' + "x\n" * 100_000)
    with pytest.raises(ValueError, match=r"path must be a csv file, got quote.csv: .*; look for an unclosed quote"):
        read_watch_log(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_bad_row": "ignore"}, "on_bad_row must be 'raise' or 'drop', got 'ignore'"),
        ({"unit_s": 0.0}, "unit_s must be above 0, got 0.0"),
        ({"min_duration_s": 0.0}, "min_duration_s must be above 0 and at most max_duration_s, got 0.0 and 60.0"),
        ({"n_types": 0, "columns": {"liked": "video_type"}}, "n_types must be at least 1, got 0"),
        ({"columns": {"user_id": "user_id"}}, r"columns must map .* \(missing \['video_id', 'play_time', 'duration'\]"),
        ({"columns": {"liked": "mood"}}, r"columns must map .* unknown \['mood'\]\)"),
    ],
)
def test_bad_options_are_refused(write, options, message):
    sound = {"user_id": "user_id", "video_id": "video_id", "play_time_ms": "play_time", "duration_ms": "duration"}
    if len(options.get("columns", {})) == 1 and "user_id" not in options["columns"]:
        options = options | {"columns": sound | options["columns"]}
    with pytest.raises(ValueError, match=message):
        read_watch_log(write(GOOD), **options)


def test_a_log_of_ones_own_with_other_names_units_and_topics(tmp_path):
    rows = [["ann", "x1", 4.0, 8, "news"]] * 6 + [["bob", "x2", 12.0, 12, "music"]] * 5 + [["bob", "x3", 6, 12, ""]]
    path = write_csv(tmp_path / "my_views.csv", ["viewer", "clip", "seen", "length", "topic"], rows)
    columns = {
        "viewer": "user_id",
        "clip": "video_id",
        "seen": "play_time",
        "length": "duration",
        "topic": "video_type",
    }
    log = read_watch_log(path, columns=columns, unit_s=1.0)
    assert len(np.unique(log.user_id)) == 2
    np.testing.assert_allclose(log.watched_fraction, [0.5] * 6 + [1.0] * 5 + [0.5])
    assert log.type_names == ("news", "music", "no type")
    np.testing.assert_array_equal(log.video_type, [0] * 6 + [1] * 5 + [2])
    np.testing.assert_array_equal(log.time_ms, np.arange(12))
    merged = read_watch_log(path, columns=columns, unit_s=1.0, n_types=1)
    assert merged.type_names == ("news", "other")
    swipes = LoggedSwipes.from_watch_log(log, min_views=6)
    assert swipes.n_users == 2


def test_a_log_without_types_gets_stand_ins_that_say_so():
    log = log_of([1] * 9, [0.5] * 9, duration_s=[5, 6, 7, 20, 21, 22, 50, 51, 52])
    video_type, names = view_types(log)
    np.testing.assert_array_equal(video_type, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    assert all("no type in log" in name for name in names)
    catalog = VideoCatalog.from_watch_log(log)
    assert catalog.type_names == names


def test_catalog_of_a_log_takes_its_durations_and_view_counts():
    log = log_of(
        [1] * 6, [0.5] * 6, [0, 0, 0, 1, 1, 0], ["a", "b"], [10, 10, 10, 20, 20, 30], video_id=[4, 4, 4, 9, 9, 2]
    )
    catalog = VideoCatalog.from_watch_log(log, n_videos=2)
    np.testing.assert_allclose(catalog.duration_s, [10, 20])
    np.testing.assert_array_equal(catalog.video_type, [0, 1])
    np.testing.assert_allclose(catalog.popularity, [0.6, 0.4])
    assert (catalog.source, catalog.attribution) == ("watch log", "made by a test")
    assert VideoCatalog.from_watch_log(log).n_videos == 3


def test_official_files_give_views_and_first_tags(tmp_path):
    log = read_kuairand(write_kuairand(tmp_path / "KuaiRand-1K" / "data"))
    assert log.report.n_rows == 9
    assert log.report.filtered == {"duration outside 5-60 s": 1}
    names = [log.type_names[code] for code in log.video_type]
    by_video = dict(zip(log.video_id.tolist(), names, strict=True))
    assert by_video == {10: "tag 39", 11: "tag 20", 12: "no tag", 13: "no tag"}
    assert log.attribution == KUAIRAND_ATTRIBUTION
    few = read_kuairand(tmp_path / "KuaiRand-1K", n_types=1)
    assert few.type_names[1] == "other"


def test_official_files_must_be_there_and_whole(tmp_path):
    with pytest.raises(ValueError, match=r"folder must hold log_\*.csv, got .*; fetch_kuairand"):
        read_kuairand(tmp_path)
    folder = write_kuairand(tmp_path)
    features = folder / "video_features_basic_1k.csv"
    whole = features.read_text()
    features.write_text(whole + "x,1\n")
    with pytest.raises(ValueError, match=r"video_id must be an id and tag present in each row, got a malformed row"):
        read_kuairand(folder)
    features.write_text(whole.replace("tag", "label"))
    with pytest.raises(ValueError, match=r"folder must hold video features with the columns video_id and tag"):
        read_kuairand(folder)
    features.unlink()
    with pytest.raises(ValueError, match=r"folder must hold video_features_basic_\*.csv"):
        read_kuairand(folder)


def test_a_large_log_is_read_in_bounded_memory(tmp_path, record_property):
    n_rows, rng = 200_000, stream(0, "large log")
    folder = write_kuairand(tmp_path)
    columns = rng.integers([1000, 4_000_000, 60_000, 5000], size=(n_rows, 4)).tolist()
    rows = (kuairand_row(user, video, play, 5000 + length) for user, video, play, length in columns)
    path = write_csv(folder / "log_standard_4_08_to_4_21_1k.csv", KUAIRAND_HEADER, rows)
    del columns
    start = time.process_time()
    read_kuairand(folder)
    rows_per_s = n_rows / (time.process_time() - start)
    record_property("rows_per_s", rows_per_s)
    tracemalloc.start()
    log = read_kuairand(folder)
    peak_byte = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    record_property("peak_byte", peak_byte)
    assert log.n_views == n_rows + 3
    # A chunk of 20,000 rows of text takes 25 MB whatever the size of the file; arrays add some 100 bytes a view.
    assert peak_byte < 30e6 + 120 * n_rows, f"{peak_byte / 1e6:.0f} MB for a file of {path.stat().st_size / 1e6:.0f} MB"
    assert rows_per_s > 20_000, f"{rows_per_s:,.0f} rows per second of the processor"


@pytest.fixture
def archive_server(tmp_path):
    """Serve a folder over HTTP on this machine; yields (folder, address)."""
    folder = tmp_path / "server"
    folder.mkdir()
    handler = functools.partial(_QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Keep the tests' output clean."""


def pack(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_fetching_unpacks_the_wanted_files_only_once(tmp_path, archive_server):
    folder, address = archive_server
    data = write_kuairand(tmp_path / "data")
    members = {f"KuaiRand-1K/data/{path.name}": path.read_bytes() for path in data.iterdir()}
    members |= {"KuaiRand-1K/data/video_features_statistic_1k.csv": b"large", "KuaiRand-1K/load_data_1k.py": b"code"}
    archive = pack(folder / "KuaiRand-1K.tar.gz", members)
    known_hash = "md5:" + hashlib.md5(archive.read_bytes()).hexdigest()
    url, target = f"{address}/{archive.name}", tmp_path / "target"
    assert fetch_kuairand(target, url=url, known_hash=known_hash, progressbar=False) == target
    assert {path.name for path in target.glob("*.csv")} == {path.name for path in data.iterdir()}
    assert not list(target.glob("*.py"))
    assert read_kuairand(target).n_views == 8
    archive.unlink()
    assert read_kuairand(fetch_kuairand(target, url=url, known_hash=known_hash, progressbar=False)).n_views == 8


def test_a_full_disk_leaves_no_half_file(tmp_path, archive_server, monkeypatch):
    folder, address = archive_server
    archive = pack(folder / "KuaiRand-1K.tar.gz", {"KuaiRand-1K/data/log_standard_1k.csv": b"a,b\n" * 1000})

    def full(source, file):
        file.write(source.read(100))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kuairand, "shutil", SimpleNamespace(copyfileobj=full))
    with pytest.raises(
        WriteError, match=r"log_standard_1k.csv could not be written \(No space left on device\); make room"
    ):
        fetch_kuairand(tmp_path / "target", url=f"{address}/{archive.name}", progressbar=False)
    assert list((tmp_path / "target").glob("log_*")) == []


def test_fetching_shows_progress(tmp_path, archive_server, capfd):
    folder, address = archive_server
    archive = pack(folder / "KuaiRand-1K.tar.gz", {"KuaiRand-1K/data/log_standard_1k.csv": b"a,b\n1,2\n"})
    fetch_kuairand(tmp_path / "target", url=f"{address}/{archive.name}")
    assert "100%" in capfd.readouterr().err


def test_a_download_with_another_hash_is_refused(tmp_path, archive_server):
    folder, address = archive_server
    archive = pack(folder / "KuaiRand-1K.tar.gz", {"KuaiRand-1K/data/log_standard_1k.csv": b"a,b\n"})
    with pytest.raises(ValueError, match="hash"):
        fetch_kuairand(tmp_path, url=f"{address}/{archive.name}", known_hash="md5:" + "0" * 32, progressbar=False)


@pytest.mark.parametrize(
    "name", ["../log_standard_1k.csv", "data/../../log_standard_1k.csv", "/tmp/log_standard_1k.csv"]
)
def test_an_archive_that_points_outside_is_refused(tmp_path, archive_server, name):
    folder, address = archive_server
    archive = pack(folder / "bad.tar.gz", {name: b"a,b\n"})
    target = tmp_path / "deep" / "target"
    with pytest.raises(ValueError, match=r"url must be an archive with paths inside itself, got the member"):
        fetch_kuairand(target, url=f"{address}/{archive.name}", progressbar=False)
    assert not list(tmp_path.rglob("log_standard_1k.csv"))


def test_an_archive_without_logs_and_with_links_is_refused(tmp_path, archive_server):
    folder, address = archive_server
    with tarfile.open(folder / "links.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("data/log_standard_1k.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(
        ValueError, match=r"url must be a KuaiRand archive with log_\*.csv, got links.tar.gz without any"
    ):
        fetch_kuairand(tmp_path, url=f"{address}/links.tar.gz", progressbar=False)


def test_place_of_the_log_comes_from_argument_or_environment(write, tmp_path, monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    assert find_watch_log() is None
    assert data_source() == "generator"
    path = write(GOOD)
    write_csv(tmp_path / "buildings.csv", ["code", "name"], [["MC", "Mathematics"]])
    for place in (path, tmp_path):
        monkeypatch.setenv("GDT_DATA", str(place))
        assert data_source() == "logs"
        assert find_watch_log().n_views == 3
    official = write_kuairand(tmp_path / "official")
    assert find_watch_log(official).n_views == 8
    monkeypatch.setenv("GDT_DATA", str(tmp_path / "absent"))
    with pytest.raises(
        ValueError, match=r"GDT_DATA must be a csv file or a folder of them, got .*absent', where nothing is"
    ):
        find_watch_log()


def test_a_folder_must_hold_exactly_one_log(write, tmp_path):
    with pytest.raises(ValueError, match=r"path must be a folder with one csv file .* with \[\]; point at the file"):
        find_watch_log(tmp_path)
    write(GOOD)
    write_csv(tmp_path / "second.csv", HEADER, GOOD)
    with pytest.raises(ValueError, match=r"with \['log.csv', 'second.csv'\]; point at the file"):
        find_watch_log(tmp_path)


def test_attribution_comes_from_beside_the_file(write):
    path = write(GOOD)
    path.with_name("ATTRIBUTION.md").write_text(
        "other.csv\n- Not this.\nlog.csv\n- Adapted from: A.\n  B.\n- By C.\nlast.csv\n- D.\n"
    )
    assert read_watch_log(path).attribution == "log.csv: Adapted from: A. B. By C."
    assert read_watch_log(path, attribution="Mine.").attribution == "Mine."
    assert read_watch_log(path.rename(path.with_name("kuairand_part.csv"))).attribution == KUAIRAND_ATTRIBUTION


needs_sample = pytest.mark.skipif(
    not os.environ.get("GDT_DATA", "").strip(), reason="GDT_DATA is not set: it points at a real watch log"
)


@needs_sample
def test_generator_fits_the_real_sample():
    log = find_watch_log()
    assert 0.4 < np.mean(log.watched_fraction == 1) < 0.6
    assert "CC BY-SA 4.0" in log.attribution
    # 60 users whose views depend on each other: resampling users gives 0.02 to 0.08.
    assert curve_distance(log) < 0.08


@needs_sample
def test_real_users_keep_their_own_habits():
    swipes = LoggedSwipes.from_watch_log(find_watch_log())
    user = np.repeat(np.arange(swipes.n_users)[:, None], 3000, axis=1)
    video_type = np.arange(3000)[None] % 3 + np.zeros_like(user)
    drawn = swipes.sample_fraction(user, video_type, rng=stream(0, "swipes")).mean(axis=1)
    own = [
        swipes.fraction[start:end].mean() for start, end in zip(swipes.offset[:, 0], swipes.offset[:, -1], strict=True)
    ]
    assert np.corrcoef(drawn, own)[0, 1] > 0.8
