"""docs/imports.md says what the code does: every name that is understood and every answer that is given."""

import ast
import re
from pathlib import Path

import pytest

from ingest.imports import performance_names
from ingest.imports.performance_names import COLUMNS, OPERATION_UNITS, PERCENT_UNITS, QUANTITIES, WITH_UNIT, unit_of
from tests.ingest.hostile_files import AS_CSV, AS_WORKBOOK

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
TEXT = (PROJECT_DIR / "docs" / "imports.md").read_text()
NAMED = set(re.findall(r"`([^`\n]+)`", TEXT))
MODULES = (
    "judging",
    "child",
    "text_pieces",
    "instants",
    "performance_rows",
    "performance_judging",
    "performance_csv",
    "points",
)


def codes(module: str) -> set[str]:
    """The first argument of every UnreadableFileError and the second of every Problem of a module."""
    tree = ast.parse((PROJECT_DIR / "ingest" / "imports" / f"{module}.py").read_text())
    places = {"UnreadableFileError": 0, "Problem": 1, "_drop": 2}
    found = set()
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            arguments = call.args[places[name] :] if name in places else []
            if arguments and isinstance(arguments[0], ast.Constant) and isinstance(arguments[0].value, str):
                found.add(arguments[0].value)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_answer_is_documented(module: str) -> None:
    assert codes(module) - NAMED == set()


def test_the_codes_are_found_at_all() -> None:
    assert len(set().union(*map(codes, MODULES))) > 30
    assert {code for _, code, _ in [*AS_CSV.values(), *AS_WORKBOOK.values()]} <= NAMED


def test_every_name_is_documented() -> None:
    names = {name for names in [*COLUMNS.values(), *QUANTITIES.values()] for name in names}
    assert (names | WITH_UNIT.keys() | PERCENT_UNITS.keys() | OPERATION_UNITS) - NAMED == set()


@pytest.mark.parametrize(
    "unit", sorted(name for name in NAMED if re.fullmatch(r"(?i)[kmg]?(b|bytes?|bits?)(/s|ps|/sec)", name))
)
def test_every_documented_unit_is_understood(unit: str) -> None:
    assert unit_of(unit) is not None
    assert performance_names.known_metric("network_in", unit) is not None
