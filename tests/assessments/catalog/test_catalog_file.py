"""A catalog file says the same after it was written and read, and a broken one says what is wrong and where."""

import io
import zipfile
from collections.abc import Callable

import pytest

from assessments.catalog.catalog_file import CatalogError, read_snapshot
from tests.assessments.catalog.catalogs import make_file, make_tables


def with_member(content: bytes, name: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """The same file with one member changed, or left out when the change gives None."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for member in old.namelist():
            text = change(old.read(member)) if member == name else old.read(member)
            if text is not None:
                new.writestr(member, text)
    return result.getvalue()


def test_what_is_written_is_read() -> None:
    tables = make_tables()
    assert read_snapshot(make_file(tables)).tables == tables


def test_the_same_tables_give_the_same_bytes() -> None:
    assert make_file() == make_file()


def test_the_manifest_counts_the_rows() -> None:
    manifest = read_snapshot(make_file()).manifest
    assert manifest.tables["prices.csv"]["rows"] == 3


def test_something_else_than_a_catalog_is_refused() -> None:
    with pytest.raises(CatalogError, match="file: not a catalog file"):
        read_snapshot(b"size,region,price\n")


@pytest.mark.parametrize(
    ("member", "change", "message"),
    [
        ("prices.csv", lambda text: None, r"prices\.csv: missing from the file"),
        ("prices.csv", lambda text: text.replace(b"0.115", b"cheap", 1), r"prices\.csv, row 2: Invalid decimal"),
        (
            "prices.csv",
            lambda text: text.replace(b"size,", b"sku,", 1),
            r"prices\.csv, row 1: columns missing: \['size'",
        ),
        ("prices.csv", lambda text: text + b"Standard_D2s_v5\n", r"prices\.csv, row 5: 1 cells, the header has"),
        ("prices.csv", lambda text: text + b'"', r"prices\.csv: not CSV"),
        ("sizes.csv", lambda text: text.replace(b"dsv5", b"ds\xff", 1), r"sizes\.csv, row 2: not UTF-8"),
        ("sizes.csv", lambda text: text.replace(b"dsv5", b"ds\x00", 1), r"sizes\.csv, row 2: a NUL character"),
        ("sizes.csv", lambda text: text.replace(b"x64", b"mips", 1), r"sizes\.csv, row 2: Invalid enum value 'mips'"),
        ("manifest.json", lambda text: text.replace(b"catalog 1", b"catalog 9"), "format is 'migrate-hub catalog 9'"),
        ("manifest.json", lambda text: b"{}", r"manifest\.json: Object missing required field"),
    ],
)
def test_a_broken_file_is_refused_with_row_and_reason(
    member: str, change: Callable[[bytes], bytes | None], message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        read_snapshot(with_member(make_file(), member, change))


def test_a_damaged_file_is_refused() -> None:
    content = bytearray(make_file())
    middle = content.index(b"prices.csv") + 60
    content[middle : middle + 40] = bytes(40)
    with pytest.raises(CatalogError, match=r"prices\.csv: damaged"):
        read_snapshot(bytes(content))
