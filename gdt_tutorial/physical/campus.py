"""The campus that users walk on: a box, and the buildings that stand in it.

Paper: the case study walks users over the campus of the University of Waterloo. Positions are east and north meters
from a point of that campus, (43.4712 N, 80.5430 W).
"""

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require

__all__ = ["Building", "Campus"]

# Meters in one degree of latitude, and in one degree of longitude at the equator.
_M_PER_DEGREE_LAT = 111_132.0
_M_PER_DEGREE_LON = 111_320.0
# Chosen: beyond it a table has mixed up its columns, or positions around their mean would be off by much.
_LARGEST_M = 50_000.0

# Building centers: building list of the University of Waterloo, by way of the public StudyWhere project.
_WATERLOO = """\
MC,Mathematics & Computer,-76.5,97.3
DC,William G. Davis Computer Research Centre,67.5,173.5
QNC,Lazaridis Quantum-Nano Centre,-96.3,5.4
SLC,Student Life Centre,-198.3,44.6
PAC,Physical Activities Complex,-253.1,136.0
M3,Mathematics 3,-84.8,222.7
BMH,B.C. Matthews Hall,-175.8,296.3
CSB,Central Services Building,-63.7,284.8
GSC,General Services Complex,-6.8,246.9
C2,Chemistry 2,7.7,96.7
ESC,Earth Sciences & Chemistry,24.0,16.6
EIT,Centre for Environmental & Information Technology,75.6,32.8
PHY,Physics,118.1,-39.1
STC,Science Teaching Complex,-30.7,-62.2
B1,Biology 1,1.2,-51.6
B2,Biology 2,-58.9,-42.5
LIB,Dana Porter Library,46.1,-150.7
NH,Needles Hall,-51.0,-174.9
ML,Modern Languages,9.7,-233.7
AL,Arts Lecture Hall,91.2,-251.0
TC,Tatham Centre,138.7,-239.2
GH,Graduate House,168.2,-163.0
RCH,J.R. Coutts Engineering Lecture Hall,174.4,-98.7
E2,Engineering 2,209.1,-17.4
E3,Engineering 3,172.7,60.5
CPH,Carl A. Pollock Hall,295.7,-27.8
DWE,Douglas Wright Engineering,266.1,-125.5
SCH,South Campus Hall,225.1,-220.2
E5,Engineering 5,235.5,194.8
E6,Engineering 6,348.9,195.4
E7,Engineering 7,276.3,192.3
ECH,East Campus Hall,351.6,273.8
HH,Hagey Hall,108.5,-363.5
EV1,Environment 1,30.5,-311.6
PAS,Psychology Anthropology Sociology,43.5,-437.5
HS,Health Services,-251.4,-68.2
STJ,St. Jerome's University,-233.0,-214.7
REN,Renison University College,-373.4,-264.9
V1C,Student Village 1,-562.3,44.5
"""


class Building(NamedTuple):
    """One building of the campus: its code, its name and the position of its center."""

    code: str
    name: str
    x_m: float
    y_m: float


@dataclass(frozen=True, eq=False)
class Campus:
    """The box that users walk in, and the buildings drawn under them (some may lie outside the box).

    Attributes:
        box_m: Lower and upper corner.
        buildings: For the eye; the channel law of TR 38.901 is statistical and does not use them.
    """

    box_m: Float[np.ndarray, "2 xy"]
    buildings: tuple[Building, ...] = ()

    def __post_init__(self) -> None:
        box_m = np.array(self.box_m, dtype=float)
        is_box = box_m.shape == (2, 2) and np.isfinite(box_m).all() and (box_m[0] < box_m[1]).all()
        require(
            is_box, "box_m", "hold a lower and an upper corner", box_m.tolist(), "pass [[x0, y0], [x1, y1]], x0 < x1"
        )
        box_m.setflags(write=False)
        object.__setattr__(self, "box_m", box_m)

    @property
    def size_m(self) -> Float[np.ndarray, " xy"]:
        """Width and height of the box."""
        return self.box_m[1] - self.box_m[0]

    def contains(self, position_m: Float[np.ndarray, "*shape xy"]) -> Bool[np.ndarray, "*shape"]:
        """Tell which positions lie in the box, borders included; NaN lies outside."""
        # A reflection may round a position onto the far side of a wall by less than a micrometer.
        inside = (position_m >= self.box_m[0] - 1e-6) & (position_m <= self.box_m[1] + 1e-6)
        return np.asarray(inside.all(axis=-1))

    def check_inside(self, position_m: Float[np.ndarray, "*shape xy"], argument: str = "position_m") -> None:
        """Raise a ValueError that shows the first position outside the box, if there is one."""
        inside = self.contains(position_m)
        if not inside.all():
            rule = f"be finite and lie in the campus box {self.box_m.tolist()}"
            require(
                False, argument, rule, position_m[~inside][0].tolist(), "move the user inside or enlarge Campus.box_m"
            )

    @classmethod
    def waterloo(cls) -> "Campus":
        """Build the core campus of the University of Waterloo: 39 buildings, and a box of 660 m x 600 m (chosen)."""
        rows = [line.rsplit(",", 2) for line in _WATERLOO.splitlines()]
        buildings = tuple(Building(*title.partition(",")[::2], float(x), float(y)) for title, x, y in rows)
        return cls(np.array([[-300.0, -300.0], [360.0, 300.0]]), buildings)

    @classmethod
    def from_csv(cls, source: str | Path | Iterable[str], *, margin_m: float = 50.0) -> "Campus":
        """Read a campus from a table with the columns code, name and either x_m, y_m or lat, lon.

        Latitude and longitude become meters around their mean (equirectangular; fine for a campus, not for a country).

        Args:
            source: Path of a CSV file, or its lines (an open text file is one).
            margin_m: The box is the smallest one around all centers, widened by this much on each side.

        Raises:
            ValueError: If the table is empty, is no text in UTF-8, misses a column or has one twice, has a row that is not a
                position, or spans more than 50 km.
        """
        require(margin_m > 0, "margin_m", "be above 0", margin_m, "leave users some meters around the outer buildings")
        try:
            buildings = _read_buildings(csv.DictReader(_lines(source)))
        except UnicodeDecodeError as error:
            where = f"{source}: " if isinstance(source, (str, Path)) else ""
            raise ValueError(
                f"campus table must be text in UTF-8, got {where}{error}; save it as UTF-8 CSV."
            ) from error
        except csv.Error as error:
            raise ValueError(f"campus table must be lines of CSV, got {error}; open it as text.") from error
        center_m = np.array([[building.x_m, building.y_m] for building in buildings])
        _check_extent(buildings, center_m)
        return cls(np.stack([center_m.min(axis=0) - margin_m, center_m.max(axis=0) + margin_m]), buildings)


def _lines(source: str | Path | Iterable[str]) -> Iterator[str]:
    """Return the lines of a file that is open or is opened here (UTF-8, with or without a byte order mark)."""
    if not isinstance(source, (str, Path)):
        return iter(source)
    return iter(Path(source).read_text(encoding="utf-8-sig").splitlines())


def _read_buildings(table: csv.DictReader) -> tuple[Building, ...]:
    header = table.fieldnames or []
    pair = ("x_m", "y_m") if {"x_m", "y_m"} <= set(header) else ("lat", "lon")
    has_columns = {"code", "name", *pair} <= set(header)
    rule = "have the columns code, name and either x_m, y_m or lat, lon"
    require(has_columns, "campus table", rule, list(header), "add or rename the missing columns")
    is_once = all(list(header).count(name) == 1 for name in ("code", "name", *pair))
    require(is_once, "campus table", "have each column once", list(header), "rename or drop the other one")
    rows = [(row["code"], row["name"], *_read_pair(row, pair, table.line_num)) for row in table]
    require(rows, "campus table", "have at least one building", 0, "add a row below the header")
    if pair[0] == "x_m":
        return tuple(Building(*row) for row in rows)
    lat, lon = np.mean([row[2:] for row in rows], axis=0)
    m_per_degree_lon = _M_PER_DEGREE_LON * math.cos(math.radians(lat))
    return tuple(Building(c, n, (y - lon) * m_per_degree_lon, (x - lat) * _M_PER_DEGREE_LAT) for c, n, x, y in rows)


def _read_pair(row: dict[str, str], pair: tuple[str, str], line: int) -> tuple[float, float]:
    texts = [row[name] for name in pair]
    rest, where = row.get(None), f"campus table, line {line}"  # type: ignore[call-overload]
    require(rest is None, where, "have as many cells as columns", rest, "put a name with a comma into quotes")
    try:
        first, second = map(float, texts)
    except (TypeError, ValueError):
        first = second = math.nan
    is_read = math.isfinite(first) and math.isfinite(second)
    require(is_read, f"campus table, line {line}, {pair[0]} and {pair[1]}", "be numbers", texts, "mend the row")
    is_on_earth = pair[0] == "x_m" or (abs(first) <= 90 and abs(second) <= 180)
    require(is_on_earth, f"campus table, line {line}, lat and lon", "be degrees", texts, "is the order lat, lon")
    return first, second


def _check_extent(buildings: tuple[Building, ...], center_m: Float[np.ndarray, "*shape xy"]) -> None:
    extent_m = float(np.ptp(center_m, axis=0).max())
    farthest = buildings[int(np.linalg.norm(center_m - np.median(center_m, axis=0), axis=1).argmax())]
    require(
        extent_m <= _LARGEST_M,
        "campus table",
        f"span at most {_LARGEST_M / 1000:g} km",
        f"{extent_m / 1000:,.0f} km, with {farthest.code} ({farthest.name}) farthest out",
        "mend its row, or see that lat, lon and meters are not mixed up",
    )
