"""manage.py load_catalog: loads a file once, whole or not at all, as the owner and never as the runtime role."""

import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from assessments.catalog.models import Catalog, CatalogRegion, CatalogSource, Sku, SkuPrice
from tests.assessments.catalog.catalogs import make_file, make_price, make_tables


@pytest.fixture(autouse=True)
def bundled_stays_current(catalog: None) -> Iterator[None]:
    """Other tests assess with the bundled catalog: it is the current one again when a test here ends."""
    before = Catalog.objects.get(is_current=True)
    yield
    Catalog.objects.using("owner").filter(is_current=True).update(is_current=False)
    Catalog.objects.using("owner").filter(pk=before.pk).update(is_current=True)


def load(path: Path, content: bytes, capsys: pytest.CaptureFixture[str] | None = None) -> str:
    """What the command prints."""
    file = path / f"{uuid4()}.zip"
    file.write_bytes(content)
    call_command("load_catalog", str(file))
    return capsys.readouterr().out if capsys else ""


def test_the_bundled_catalog_is_current_and_complete() -> None:
    catalog = Catalog.objects.get(is_current=True)
    assert str(catalog.as_of) == "2026-08-22"
    assert Sku.objects.filter(catalog=catalog).count() == 1467
    assert SkuPrice.objects.filter(catalog=catalog).count() == 63073


def test_figures_arrive_exactly_with_their_source() -> None:
    row = SkuPrice.objects.get(catalog__is_current=True, region="westeurope", sku__name="Standard_D4s_v5")
    assert row.linux_payg_hourly == Decimal("0.23")
    assert row.reservation_1y_total == Decimal(1243)
    source = CatalogSource.objects.get(catalog=row.catalog, number=row.linux_payg_source or 0)
    assert (source.mark, source.dated) == ("P1", "2026-08-22")


def test_aliases_of_a_region_arrive_as_a_list() -> None:
    row = CatalogRegion.objects.get(catalog__is_current=True, region="westeurope")
    assert row.display_name == "West Europe"
    assert {"eu west", "west europe", "weu"} <= set(row.aliases)


def test_the_same_file_again_changes_nothing_and_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(Catalog.objects.order_by("id").values_list("id", flat=True))
    started = time.monotonic()
    call_command("load_catalog")
    assert time.monotonic() - started < 1
    assert "already loaded, current" in capsys.readouterr().out
    assert list(Catalog.objects.order_by("id").values_list("id", flat=True)) == before


def test_a_newer_catalog_becomes_the_current_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = load(tmp_path, make_file(name=f"Newer {uuid4()}", as_of=date(2030, 1, 1)), capsys)
    assert "loaded, current" in output
    assert Catalog.objects.get(is_current=True).as_of == date(2030, 1, 1)


def test_an_older_catalog_is_loaded_beside_the_current_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = load(tmp_path, make_file(name=f"Older {uuid4()}", as_of=date(2020, 1, 1)), capsys)
    assert "not current: a catalog of a later date is" in output
    assert str(Catalog.objects.get(is_current=True).as_of) == "2026-08-22"


def test_a_bad_file_is_refused_with_row_and_reason_and_changes_nothing(tmp_path: Path) -> None:
    tables = make_tables(prices=[make_price(), make_price("Standard_D4s_v5", linux_payg_hourly=Decimal(0))])
    before = Catalog.objects.count(), SkuPrice.objects.count()
    with pytest.raises(CommandError, match=r"refused, nothing was changed: prices\.csv, row 3: linux_payg_hourly is 0"):
        load(tmp_path, make_file(tables, as_of=date(2030, 1, 1)))
    assert (Catalog.objects.count(), SkuPrice.objects.count()) == before


def test_a_file_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not a catalog file"):
        load(tmp_path, b"PK but not really")


def test_the_embedded_installation_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_catalog", "--data-dir", str(tmp_path))
    assert "already loaded" in capsys.readouterr().out


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.zip: No such file"):
        call_command("load_catalog", str(tmp_path / "nowhere.zip"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE assessments_skuprice SET linux_payg_hourly = 1",
        "DELETE FROM assessments_catalog",
        "INSERT INTO assessments_catalogsource SELECT * FROM assessments_catalogsource",
        "TRUNCATE assessments_sku CASCADE",
    ],
)
def test_the_runtime_role_cannot_change_a_catalog(statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)
