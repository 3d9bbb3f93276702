"""The rooms of the website's chat have one direction: a file of widget/src knows those of its own room and of lower layers."""

import posixpath
import re
from collections import Counter
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "widget" / "src"
FILES = {path.relative_to(SOURCE).with_suffix("").as_posix(): path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.ts")}

# Layers from above to below; a layer has one or more rooms, which do not know each other.
LAYERS = (
    ("main",),
    ("widget",),
    ("views/*", "connection diagnosis memory protocol text_packets", "styles theme typing viewport"),
    ("chat",),
    ("conversation linkify settings transcript words",),
    ("nouns",),
)


def place(file):
    """(layer, room) of a file's name; asks for one where the list has none."""
    found = [
        (layer, room) for layer, rooms in enumerate(LAYERS) for room in rooms if any(fnmatch(file, each) for each in room.split())
    ]
    assert len(found) == 1, f"Name widget/src/{file}.ts once in LAYERS (tests/test_widget_rooms.py)."
    return found[0]


def arrows(files):
    """(file, file it imports), types included, for {name: TypeScript}; packages and JSON are left out."""
    for name, text in files.items():
        for target in re.findall(r"""\b(?:from|import)\s*\(?\s*["'](\.[^"']*)["']""", text):
            if not target.endswith(".json"):
                yield name, posixpath.normpath(posixpath.join(posixpath.dirname(name), target)).removesuffix(".ts")


def runs_back(arrow):
    """Whether an arrow leads to an upper layer, or to another room of its own layer."""
    (layer, room), (other_layer, other_room) = map(place, arrow)
    return other_layer < layer or (other_layer == layer and other_room != room)


def circle(files):
    """The files of the first circle of imports that is found, in its order; none when there is no circle."""
    known = {name: set() for name in files}
    for start, to in arrows(files):
        known[start].add(to)
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def declared(text):
    """The types that a file declares."""
    return re.findall(r"^(?:export )?(?:declare )?(?:type|interface|enum) (\w+)", text, re.M)


def test_every_arrow_leads_down():
    assert [f"{start} -> {to}" for start, to in arrows(FILES) if runs_back((start, to))] == []


def test_no_circle():
    assert circle(FILES) == []


def test_every_file_has_a_room():
    for file in FILES:
        place(file)


def test_every_name_of_the_list_is_a_file():
    names = [name for rooms in LAYERS for room in rooms for name in room.split()]
    assert [name for name in names if not any(fnmatch(file, name) for file in FILES)] == []


@pytest.mark.parametrize(
    "start, line, to",
    [
        ("views/panel", 'import type { InfusionGuide } from "../widget";', "widget"),
        ("views/panel", 'let chat: import("../widget").InfusionGuide;', "widget"),
        ("views/header", "import {\n  Memory,\n} from '../memory';", "memory"),
        ("connection", 'export { headerView } from "./views/header";', "views/header"),
        ("words", 'import "./main";', "main"),
        ("nouns", 'import type { Chat } from "./chat.ts";', "chat"),
    ],
)
def test_an_arrow_that_runs_back_is_seen(start, line, to):
    assert list(arrows({start: line})) == [(start, to)] and runs_back((start, to))


def test_a_circle_within_a_room_is_seen():
    files = {"views/panel": 'import "./header";', "views/header": 'import "./notice";', "views/notice": 'import "./header";'}
    assert set(circle(files)) == {"views/header", "views/notice"}


def test_each_type_is_declared_once():
    times = Counter(name for text in FILES.values() for name in declared(text))
    assert [name for name, count in times.items() if count > 1] == []
    assert {"Message", "Turn", "Reply", "Source", "QuickReply", "Rating"} <= set(declared(FILES["nouns"]))


def test_nothing_is_of_type_any():
    code = {name: re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", text, flags=re.S) for name, text in FILES.items()}
    assert [name for name, text in code.items() if re.search(r"(?:[:<|&,(=]|\bas)\s*any\b", text)] == []
