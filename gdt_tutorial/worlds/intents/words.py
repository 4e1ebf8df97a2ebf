"""The phrases of the language: what can be said for each value, and in which orders the parts of a clause may stand.

The same word serves several ends, so that no word alone says what a sentence means: "around" leads to a place or to an hour,
"five" is an hour or a building, "keep" and "give" begin several actions, and "the library" may be meant or excepted.
"""

__all__ = [
    "ACTIONS",
    "BUT",
    "CONNECTORS",
    "EVERYWHERE",
    "HALVES",
    "HOURS",
    "NAMES",
    "NEW_ORDERS",
    "NUMBERS",
    "PLACES",
    "PREPOSITIONS",
    "RELATIONS",
    "SERVICES",
    "TRAINED_ORDERS",
    "VERBS",
    "WHERE_ALL",
]

ACTIONS: dict[str, tuple[str, ...]] = {
    "fluent": ("keep {service} fluent", "keep {service} smooth", "avoid stalls of {service}"),
    "sharp": ("keep {service} sharp", "show {service} sharp", "raise the quality of {service}"),
    "first": ("put {service} first", "give {service} priority", "prefer {service}"),
    "spare": ("put {service} last", "give {service} less", "throttle {service}"),
    "stop": ("stop {service}", "give {service} nothing", "block {service}"),
}
VERBS = tuple(dict.fromkeys(phrase.split()[0] for phrases in ACTIONS.values() for phrase in phrases))

# Videos of all types, or of one: the types are those of the book's generator.
SERVICES: dict[str, tuple[str, ...]] = {
    "video": ("video", "videos", "streams"),
    "study": ("lectures", "study videos"),
    "entertainment": ("shows", "entertainment"),
    "life": ("vlogs", "life videos"),
    "game": ("games", "game videos"),
}

EVERYWHERE = "campus"
WHERE_ALL = ("everywhere", "across the campus")
PREPOSITIONS = ("around", "near", "at", "in")
BUT = ("except", "but not")

# Codes as in `Campus.waterloo`; the names are ours where the official one is long.
NAMES: dict[str, tuple[str, ...]] = {
    "LIB": ("the library", "the porter library"),
    "SLC": ("the student center",),
    "MC": ("the mathematics building",),
    "M3": ("mathematics three",),
    "DC": ("the computer center", "the davis center"),
    "QNC": ("the quantum center", "the nano center"),
    "PAC": ("the gym",),
    "PHY": ("the physics building",),
    "STC": ("the science complex",),
    "B1": ("biology one",),
    "B2": ("biology two",),
    "C2": ("chemistry two",),
    "NH": ("needles hall",),
    "ML": ("modern languages",),
    "AL": ("the arts hall",),
    "TC": ("the tatham center",),
    "GH": ("the graduate house",),
    "RCH": ("the lecture hall",),
    "E2": ("engineering two",),
    "E3": ("engineering three",),
    "E5": ("engineering five",),
    "E7": ("engineering seven",),
    "CPH": ("pollock hall",),
    "SCH": ("south campus hall",),
    "HS": ("health services",),
}
PLACES = tuple(NAMES)

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
# What may follow a number, and what it adds to it: without a word an hour is one after noon.
HALVES: dict[str, int] = {"": 12, "in the evening": 12, "in the morning": 0}
HOURS = tuple(range(1, 24))  # 12 is noon
RELATIONS: dict[str, tuple[str, ...]] = {
    "after": ("after {hour}", "from {hour} on"),
    "before": ("before {hour}", "until {hour}"),
    "around": ("around {hour}", "about {hour}"),
}

CONNECTORS = ("and", "also", "then")

# Orders of the parts of a clause; a part that a clause lacks is left out.
TRAINED_ORDERS = (
    ("action", "place", "exception", "time"),
    ("time", "action", "place", "exception"),
    ("place", "exception", "action", "time"),
    ("action", "time", "place", "exception"),
)
NEW_ORDERS = (
    ("place", "exception", "time", "action"),
    ("time", "place", "exception", "action"),
    ("action", "place", "time", "exception"),
)
