"""Campus and topology: facts, tables of a reader's own, and bad input."""

import io

import numpy as np
import pytest

from gdt_tutorial.physical.topology import AccessPoint, Backhaul, Campus, CloudServer, EdgeServer, Topology

TABLE = "code,name,x_m,y_m\nA,Hall,0,0\nB,Library,100,40\n"


def test_waterloo_has_39_buildings_and_the_chosen_box():
    campus = Campus.waterloo()
    codes = [building.code for building in campus.buildings]
    assert len(codes) == len(set(codes)) == 39
    assert campus.buildings[0] == ("MC", "Mathematics & Computer", -76.5, 97.3)
    np.testing.assert_array_equal(campus.size_m, [660, 600])
    in_core = {b.code for b in campus.buildings if campus.contains(np.array([b.x_m, b.y_m]))}
    assert {"MC", "DC", "QNC", "SLC", "LIB", "E7"} <= in_core
    assert not {"V1C", "HH"} & in_core


def test_contains_includes_borders_and_excludes_nan():
    points_m = np.array([[[-300.0, 300.0], [360.1, 0.0]], [[np.nan, 0.0], [0.0, 0.0]]])
    np.testing.assert_array_equal(Campus.waterloo().contains(points_m), [[True, False], [False, True]])


def test_a_table_in_meters_becomes_a_campus_with_a_margin():
    campus = Campus.from_csv(io.StringIO(TABLE), margin_m=10.0)
    np.testing.assert_array_equal(campus.box_m, [[-10, -10], [110, 50]])
    assert campus.buildings[1] == ("B", "Library", 100.0, 40.0)


def test_a_table_in_degrees_gives_the_same_distances(tmp_path):
    # MC and DC; east and north differences worked out with 111.13 km and 80.8 km a degree.
    path = tmp_path / "campus.csv"
    path.write_text("code,name,lat,lon\nMC,Math,43.47207511,-80.54394739\nDC,Davis,43.472761,-80.542164\n", "utf-8-sig")
    (first, second) = Campus.from_csv(path).buildings
    np.testing.assert_allclose([second.x_m - first.x_m, second.y_m - first.y_m], [144.0, 76.2], atol=0.2)


def test_waterloo_topology_is_the_default_network():
    topology = Topology.waterloo()
    assert topology.n_aps == 2
    np.testing.assert_allclose(np.linalg.norm(np.diff(topology.ap_position_m, axis=0)), 351, atol=0.5)
    np.testing.assert_array_equal(topology.bandwidth_hz, [5e6, 5e6])
    np.testing.assert_array_equal(topology.ap_height_m, [10, 10])
    np.testing.assert_array_equal(topology.tx_power_dbm, [27, 27])
    np.testing.assert_array_equal(topology.cache_byte, [200e6, 200e6])


def test_changes_reach_every_access_point_or_replace_a_part():
    topology = Topology.waterloo(computing_cycles_per_s=8e9, bandwidth_hz=1e7, backhaul=Backhaul(rate_bps=1e6))
    np.testing.assert_array_equal(topology.computing_cycles_per_s, [8e9, 8e9])
    np.testing.assert_array_equal(topology.bandwidth_hz, [1e7, 1e7])
    assert topology.backhaul.rate_bps == 1e6
    lone = Topology.waterloo(access_points=(AccessPoint(position_m=(0.0, 0.0)),))
    assert lone.n_aps == len(lone.edge_servers) == 1


def test_arrays_of_a_topology_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        Topology.waterloo().bandwidth_hz[0] = 1.0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "campus table must have the columns code, name and either x_m, y_m or lat, lon, got \\[\\]"),
        ("code,x_m,y_m\nA,0,0\n", "campus table must have the columns .* add or rename"),
        ("code,name,x_m,lat\nA,Hall,0,0\n", "campus table must have the columns"),
        ("code,name,x_m,y_m\n", "campus table must have at least one building, got 0"),
        (TABLE + "C,Gym,east,3\n", r"campus table, line 4, x_m and y_m must be numbers, got \['east', '3'\]"),
        (TABLE + "C,Gym,1\n", r"campus table, line 4, x_m and y_m must be numbers"),
        (TABLE + "C,Gym,nan,3\n", r"campus table, line 4, x_m and y_m must be numbers"),
        (TABLE + TABLE, r"campus table, line 4, x_m and y_m must be numbers, got \['x_m', 'y_m'\]; mend the row"),
        (
            TABLE + "C,Gym, old,1,3\n",
            r"campus table, line 4 must have as many cells as columns, got \['3'\]; put a name",
        ),
        (
            TABLE + "C,Gym,1,38000000\n",
            r"campus table must span at most 50 km, got '38,000 km, with C \(Gym\) farthest out'; mend its row, or see",
        ),
        (
            "code,name,lat,lon\nA,Hall,43.471,-80.543\nB,Lab,43.472,-80.544\nC,Gym,-80.545,43.473\n",
            r"campus table must span at most 50 km, got '13,\d{3} km, with C \(Gym\) farthest out'",
        ),
        (
            "code,name,lat,lon\nA,Hall,-76.5,97.3\nB,Lab,67.5,173.5\n",
            "campus table must span at most 50 km, got '16,003 km",
        ),
        (
            "code,name,x_m,y_m,x_m\nA,Hall,0,0,5\n",
            r"campus table must have each column once, got .*; rename or drop the other one",
        ),
        ("code,name,lat,lon\nA,Hall,-80.5,443.4\n", "line 2, lat and lon must be degrees"),
    ],
)
def test_a_bad_table_says_where_and_what(table, message):
    with pytest.raises(ValueError, match=message):
        Campus.from_csv(io.StringIO(table))


def test_a_table_that_is_no_text_says_so(tmp_path):
    path = tmp_path / "campus.xlsx"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(ValueError, match=rf"campus table must be text in UTF-8, got {path}: .*; save it as UTF-8 CSV"):
        Campus.from_csv(path)
    latin = io.TextIOWrapper(io.BytesIO(TABLE.replace("Hall", "Hôtel").encode("latin-1")), encoding="utf-8")
    with pytest.raises(
        ValueError, match="campus table must be text in UTF-8, got 'utf-8' codec can't decode byte 0xf4"
    ):
        Campus.from_csv(latin)
    with pytest.raises(ValueError, match="campus table must be lines of CSV, got .* bytes .*; open it as text"):
        Campus.from_csv(io.BytesIO(TABLE.encode()))


def test_a_large_campus_is_still_one():
    assert Campus.from_csv(io.StringIO(TABLE + "C,Gym,49000,3\n")).size_m[0] == 49_100


def test_margin_must_be_positive():
    with pytest.raises(ValueError, match=r"margin_m must be above 0, got 0\.0"):
        Campus.from_csv(io.StringIO(TABLE), margin_m=0.0)


@pytest.mark.parametrize("box_m", [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [np.nan, 1.0]]])
def test_a_box_needs_two_ordered_corners(box_m):
    with pytest.raises(ValueError, match="box_m must hold a lower and an upper corner"):
        Campus(np.array(box_m))


@pytest.mark.parametrize("x_m", [361.0, np.nan])
def test_a_user_outside_is_shown(x_m):
    with pytest.raises(
        ValueError, match=r"position_m must be finite and lie in the campus box .* got \[.*, 0.0\]; move"
    ):
        Campus.waterloo().check_inside(np.array([[0.0, 0.0], [x_m, 0.0]]))


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        (AccessPoint, "bandwidth_hz", -5e6),
        (AccessPoint, "bandwidth_hz", float("nan")),
        (EdgeServer, "computing_cycles_per_s", 0.0),
        (EdgeServer, "cache_byte", -1.0),
        (CloudServer, "computing_cycles_per_s", float("inf")),
        (CloudServer, "cache_byte", 0.0),
        (Backhaul, "rate_bps", -1.0),
    ],
)
def test_capacities_must_be_positive(part, name, value):
    place = {"position_m": (0.0, 0.0)} if part is AccessPoint else {}
    with pytest.raises(ValueError, match=f"{name} must be above 0 and finite, got {value}; "):
        part(**place, **{name: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"position_m": (0.0, float("nan"))}, "position_m must be finite"),
        ({"height_m": 1.0}, "height_m must be above 1, got 1.0"),
        ({"tx_power_dbm": float("inf")}, "tx_power_dbm must be finite"),
    ],
)
def test_a_mast_must_be_possible(changes, message):
    with pytest.raises(ValueError, match=message):
        AccessPoint(**{"position_m": (0.0, 0.0), **changes})


def test_a_topology_must_fit_together():
    campus, mast = Campus.waterloo(), AccessPoint(position_m=(0.0, 0.0))
    with pytest.raises(ValueError, match="access_points must hold at least one"):
        Topology(campus=campus, access_points=(), edge_servers=())
    with pytest.raises(ValueError, match=r"edge_servers must hold one server per access point \(1\), got 2"):
        Topology(campus=campus, access_points=(mast,), edge_servers=(EdgeServer(), EdgeServer()))
    with pytest.raises(ValueError, match=r"access_points\.position_m must be finite and lie in the campus box"):
        far = AccessPoint(position_m=(0.0, 900.0))
        Topology(campus=campus, access_points=(far,), edge_servers=(EdgeServer(),))


def test_an_unknown_change_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"changes must be among \['campus'.*'cache_byte'\], got \['bandwith_hz'\]"):
        Topology.waterloo(bandwith_hz=1e6)
