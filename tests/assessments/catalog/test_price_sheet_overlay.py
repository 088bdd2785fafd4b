"""A tenant's prices in place of the published ones: the right ones, on the right day, for that tenant alone."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from assessments.catalog.loading import load_catalog
from assessments.catalog.models import Catalog, PriceSheet, PriceSheetRow
from assessments.catalog.price_sheet_store import delete_price_sheet, find_price_sheet
from assessments.catalog.selection import PinnedSheet, load_region
from assessments.engine import values as engine
from assessments.engine.costing import windows_license
from migrate_hub.errors import DomainError
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.assessments.catalog.catalogs import make_file, make_price, make_size, make_tables
from tests.estate import price_sheet

TODAY = date(2026, 6, 1)
SIZE = "Standard_D4s_v5"
BILLION = 1_000_000_000


@pytest.fixture(scope="module")
def cast(catalog: None) -> make.Cast:
    return make.cast()


@pytest.fixture
def bundled(catalog: None) -> Catalog:
    return Catalog.objects.get(as_of="2026-08-22")


def sheet(cast: make.Cast, *rows: str) -> UUID:
    """Rows as "size,scenario,os,price,unit[,valid_from[,currency]]" in West Europe."""
    lines = []
    for row in rows:
        size, scenario, system, price, unit, *rest = row.split(",")
        valid_from, currency = [*rest, *("2026-01-01", "USD")[len(rest) :]]
        lines.append(f"{size},westeurope,{scenario},{system},{price},{unit},{currency},{valid_from}")
    return UUID(price_sheet(cast.alice, *lines))


def priced(
    tenant: Tenant, catalog: Catalog, sheet_id: UUID, *, currency: str = "USD", on: date = TODAY
) -> engine.Catalog:
    with tenant_context(tenant.id):
        return load_region(catalog, "westeurope", currency, PinnedSheet(sheet_id, on))


def at(selected: engine.Catalog, size: str = SIZE) -> int:
    return selected.sizes.names.index(size)


def test_every_scenario_of_a_sheet_reaches_the_engine_exactly(cast: make.Cast, bundled: Catalog) -> None:
    own = sheet(
        cast,
        f"{SIZE},pay_as_you_go,linux,0.2,hour",
        f"{SIZE},pay_as_you_go,windows,0.35,hour",
        f"{SIZE},reservation_1y,,1000,term",
        f"{SIZE},reservation_3y,,60.5,month",
        f"{SIZE},savings_plan_1y,,0.15,hour",
        f"{SIZE},savings_plan_3y,,0.11,hour",
        f"{SIZE},dev_test,,0.19,hour",
        "P30,pay_as_you_go,,120.25,month",
    )
    selected = priced(cast.tenant, bundled, own)
    size, prices = at(selected), selected.prices
    assert (prices.linux.number(size), prices.windows.number(size)) == (200_000_000, 350_000_000)
    assert prices.reservation_1y_term.number(size) == 1000 * BILLION
    assert prices.reservation_3y_term.number(size) == 2178 * BILLION
    assert (prices.savings_plan_1y.number(size), prices.savings_plan_3y.number(size)) == (150_000_000, 110_000_000)
    assert prices.dev_test.number(size) == 190_000_000
    tier = selected.disk_tiers.names.index("P30")
    assert selected.disk_tiers.monthly_price.number(tier) == 120_250_000_000


def test_all_other_prices_are_the_catalogs(cast: make.Cast, bundled: Catalog) -> None:
    published = load_region(bundled, "westeurope", "USD")
    selected = priced(cast.tenant, bundled, sheet(cast, f"{SIZE},reservation_1y,,1000,term"))
    changed = selected.prices.reservation_1y_term.values != published.prices.reservation_1y_term.values
    assert np.flatnonzero(changed).tolist() == [at(published)]
    for name in ("linux", "windows", "windows_licence", "savings_plan_1y", "dev_test"):
        assert np.array_equal(getattr(selected.prices, name).values, getattr(published.prices, name).values), name
    assert selected.sizes is published.sizes
    assert np.array_equal(selected.disk_tiers.monthly_price.values, published.disk_tiers.monthly_price.values)


def test_the_published_catalog_stays_as_it_was(cast: make.Cast, bundled: Catalog) -> None:
    before = load_region(bundled, "westeurope", "USD").prices.linux.number(0)
    priced(
        cast.tenant,
        bundled,
        sheet(cast, f"{load_region(bundled, 'westeurope', 'USD').sizes.names[0]},pay_as_you_go,linux,0.01,hour"),
    )
    assert load_region(bundled, "westeurope", "USD").prices.linux.number(0) == before


def test_a_price_of_linux_alone_leaves_the_windows_license_what_it_is(cast: make.Cast, bundled: Catalog) -> None:
    selected = priced(cast.tenant, bundled, sheet(cast, f"{SIZE},pay_as_you_go,linux,0.2,hour"))
    # Published: Linux 0.23, Windows 0.414, so the license is 0.184.
    assert selected.prices.windows.number(at(selected)) == 384_000_000


def test_a_price_of_windows_alone_leaves_the_license_under_a_commitment_what_it_is(
    cast: make.Cast, bundled: Catalog
) -> None:
    """Windows at 0.3, a discount on the whole: less the published Linux it would leave 0.07 for the license."""
    selected = priced(cast.tenant, bundled, sheet(cast, f"{SIZE},pay_as_you_go,windows,0.3,hour"))
    size = at(selected)
    assert (selected.prices.linux.number(size), selected.prices.windows.number(size)) == (230_000_000, 300_000_000)
    assert windows_license(selected.prices).number(size) == 184_000_000


def test_prices_of_linux_and_windows_tell_the_license(cast: make.Cast, bundled: Catalog) -> None:
    own = sheet(cast, f"{SIZE},pay_as_you_go,linux,0.2,hour", f"{SIZE},pay_as_you_go,windows,0.25,hour")
    selected = priced(cast.tenant, bundled, own)
    assert windows_license(selected.prices).number(at(selected)) == 50_000_000


def test_a_price_of_linux_where_no_license_is_known_leaves_windows_without_a_price(
    cast: make.Cast, catalog: None
) -> None:
    prices = [make_price(linux_payg_hourly=None, linux_payg_source=None), make_price("Standard_D4s_v5")]
    tables = make_tables(sizes=[make_size(), make_size("Standard_D4s_v5")], prices=prices)
    own_catalog = load_catalog(make_file(tables, name=f"Test {uuid4()}"), may_be_current=False)[0]
    selected = priced(cast.tenant, own_catalog, sheet(cast, "Standard_D2s_v5,pay_as_you_go,linux,0.1,hour"))
    assert (selected.prices.linux.number(0), selected.prices.windows.number(0)) == (100_000_000, None)


def test_the_price_that_began_last_holds_and_none_that_begins_later(cast: make.Cast, bundled: Catalog) -> None:
    own = sheet(
        cast,
        *(
            f"{SIZE},dev_test,,{price},hour,{day}"
            for price, day in (("0.3", "2026-06-02"), ("0.1", "2026-01-01"), ("0.2", "2026-06-01"))
        ),
    )
    found = {
        day: priced(cast.tenant, bundled, own, on=day).prices.dev_test.number(
            at(load_region(bundled, "westeurope", "USD"))
        )
        for day in (date(2025, 12, 31), date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 2))
    }
    assert list(found.values()) == [None, 100_000_000, 200_000_000, 300_000_000]


def test_amounts_stay_exact_in_their_own_currency_and_are_converted_into_others(
    cast: make.Cast, bundled: Catalog
) -> None:
    own = sheet(cast, f"{SIZE},dev_test,,0.17,hour,2026-01-01,EUR")
    amounts = {
        currency: priced(cast.tenant, bundled, own, currency=currency).prices.dev_test.number(
            at(load_region(bundled, "westeurope", "USD"))
        )
        for currency in ("EUR", "USD")
    }
    rate = Decimal("0.8498342823149486")
    assert amounts == {"EUR": 170_000_000, "USD": round(Decimal("0.17") / rate * BILLION)}


def test_rows_of_other_regions_do_not_count(cast: make.Cast, bundled: Catalog) -> None:
    own = UUID(price_sheet(cast.alice, f"{SIZE},eastus,dev_test,,0.1,hour,USD,2026-01-01"))
    assert (
        priced(cast.tenant, bundled, own).prices.dev_test.number(at(load_region(bundled, "westeurope", "USD"))) is None
    )


def test_a_sheet_is_read_once_in_a_process(cast: make.Cast, bundled: Catalog) -> None:
    own = sheet(cast, f"{SIZE},dev_test,,0.1,hour")
    first = priced(cast.tenant, bundled, own)
    with tenant_context(cast.tenant.id), CaptureQueriesContext(connection) as queries:
        assert load_region(bundled, "West Europe", "usd", PinnedSheet(own, TODAY)) is first
    assert len(queries) == 0


def test_another_tenant_gets_no_price_of_a_sheet_that_is_already_in_memory(cast: make.Cast, bundled: Catalog) -> None:
    own = sheet(cast, f"{SIZE},dev_test,,0.1,hour")
    priced(cast.tenant, bundled, own)
    with pytest.raises(DomainError) as refused:
        priced(make.cast().tenant, bundled, own)
    assert refused.value.code == "unknown_price_sheet"


def test_without_a_tenant_there_are_no_price_sheet(cast: make.Cast, bundled: Catalog) -> None:
    own = sheet(cast, f"{SIZE},dev_test,,0.1,hour")
    priced(cast.tenant, bundled, own)
    with pytest.raises(Exception, match="tenant"):
        load_region(bundled, "westeurope", "USD", PinnedSheet(own, TODAY))


def test_a_deleted_sheet_serves_the_runs_that_pinned_it_and_no_new_ones(cast: make.Cast, bundled: Catalog) -> None:
    own = sheet(cast, f"{SIZE},dev_test,,0.1,hour")
    with tenant_context(cast.tenant.id):
        found = find_price_sheet(own)
        delete_price_sheet(found, found.created_at)
        with pytest.raises(DomainError, match="no such price sheet"):
            find_price_sheet(own)
    selected = priced(cast.tenant, bundled, own)
    assert selected.prices.dev_test.number(at(selected)) == 100_000_000


def test_an_amount_that_does_not_fit_the_assessments_currency_is_refused(cast: make.Cast, catalog: None) -> None:
    currencies = make_tables().currencies
    worthless = [type(currencies[0])(currency="XXD", units_per_usd=Decimal(10**6), rate_date=TODAY, source=1)]
    tables = make_tables(currencies=[*currencies, *worthless])
    own_catalog = load_catalog(make_file(tables, name=f"Test {uuid4()}"), may_be_current=False)[0]
    own = sheet(cast, "Standard_D2s_v5,reservation_3y,,90000000,term")
    with pytest.raises(DomainError) as refused:
        priced(cast.tenant, own_catalog, own, currency="XXD")
    assert refused.value.code == "price_out_of_range"


# --- the database -----------------------------------------------------------------------------------------------------


@pytest.fixture
def inside(cast: make.Cast) -> Iterator[PriceSheet]:
    """A sheet, within the tenant; everything is rolled back."""
    own = sheet(cast, f"{SIZE},dev_test,,0.1,hour")
    with tenant_context(cast.tenant.id):
        yield PriceSheet.objects.get(pk=own)


def row(inside: PriceSheet, **changes: object) -> PriceSheetRow:
    values = {
        "sheet": inside,
        "row": 9,
        "kind": "size",
        "sku": SIZE,
        "region": "westeurope",
        "scenario": "dev_test",
        "operating_system": "linux",
        "unit": "hour",
        "unit_price": Decimal(1),
        "valid_from": date(2026, 1, 2),
    }
    return PriceSheetRow.new(**{**values, **changes})


@pytest.mark.parametrize("changes", [{"unit_price": 0}, {"unit_price": -1}, {"valid_from": date(2026, 1, 1)}])
def test_the_database_refuses_prices_of_zero_and_the_same_price_twice(
    inside: PriceSheet, changes: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row(inside, **changes).save()


def test_the_database_shows_a_stranger_no_row_even_past_the_filter(cast: make.Cast, inside: PriceSheet) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(cast.tenant.id + 1_000_000)])
        for table in ("assessments_pricesheet", "assessments_pricesheetrow"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,)
    with pytest.raises((ProgrammingError, IntegrityError)), transaction.atomic():
        row(inside).save()
