"""The operators' guide names every setting that is read, with its default; the documents' links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT_DIR

GUIDE = (PROJECT_DIR / "docs" / "operators-guide.md").read_text()
SETTINGS = (PROJECT_DIR / "migrate_hub" / "settings.py").read_text()
DOCUMENTS = sorted([*PROJECT_DIR.glob("*.md"), *(PROJECT_DIR / "docs").rglob("*.md")])
# Read before there are settings, to find the embedded servers.
OUTSIDE_SETTINGS = {"MIGRATE_HUB_DATA_DIR"}


def documented() -> dict[str, str]:
    """Name and default of each row of the table."""
    return dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+?) \|", GUIDE, re.MULTILINE))


def test_every_setting_is_documented_and_nothing_else() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', SETTINGS))
    assert set(documented()) == read | OUTSIDE_SETTINGS


def test_documented_numbers_are_the_defaults() -> None:
    numbers = {name: text.strip("`") for name, text in documented().items() if text.strip("`").isdigit()}
    defaults = re.findall(r'env\.(?:int|float)\(\s*"(\w+)", default=([0-9_* ]+)\)', SETTINGS)
    assert numbers == {name: str(_product(text)) for name, text in defaults}


def _product(text: str) -> int:
    """The value of `10 * 1024**3`."""
    result = 1
    for factor in text.replace("_", "").replace("**", "^").split("*"):
        base, _, power = factor.strip().partition("^")
        result *= int(base) ** int(power or 1)
    return result


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT_DIR)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"", text):
        name, _, heading = (target[0] or target[1]).partition("#")
        if name.startswith("http"):
            continue
        there = document.parent / name if name else document
        assert there.exists(), f"{document}: {name}"
        if heading:
            assert heading in {_anchor(line) for line in there.read_text().splitlines()}, f"{document}: #{heading}"


def _anchor(line: str) -> str:
    """The anchor of a heading, as the usual renderers make it; '' for other lines."""
    if not line.startswith("#"):
        return ""
    return re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
