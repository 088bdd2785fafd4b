"""What the engine gets of one region and currency: the right figures, in few queries, and no region it cannot price."""

from decimal import Decimal
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.catalog.loading import load_catalog
from assessments.catalog.models import Catalog
from assessments.catalog.selection import load_conversion, load_region, resolve_region
from assessments.engine import values as engine
from assessments.engine.costing import windows_license
from migrate_hub.errors import DomainError
from tests.assessments.catalog.catalogs import make_file, make_price, make_size, make_tables

BILLION = 1_000_000_000


@pytest.fixture
def bundled(catalog: None) -> Catalog:
    return Catalog.objects.get(as_of="2026-08-22")


def loaded(**changes: object) -> Catalog:
    """A small catalog of its own, in the database but never current."""
    return load_catalog(make_file(make_tables(**changes), name=f"Test {uuid4()}"))[0]


def at(selected: engine.Catalog, size: str) -> int:
    return selected.sizes.names.index(size)


def test_prices_of_the_bundled_catalog_reach_the_engine_exactly(bundled: Catalog) -> None:
    selected = load_region(bundled, "westeurope", "USD")
    size = at(selected, "Standard_D4s_v5")
    assert selected.prices.linux.number(size) == 230_000_000
    assert selected.prices.windows.number(size) == 414_000_000
    assert selected.prices.reservation_1y_term.number(size) == 1243 * BILLION
    assert selected.prices.savings_plan_3y.number(size) is None
    assert selected.sizes.series[size] == "dsv5"
    assert selected.sizes.memory_mb[size] == 16384 * 10_000


def test_a_region_is_read_in_few_queries_and_then_kept(catalog: None) -> None:
    own = loaded()
    with CaptureQueriesContext(
        connection,
    ) as first:
        selected = load_region(own, "westeurope", "EUR")
    assert len(first) == 7
    with CaptureQueriesContext(connection) as second:
        assert load_region(own, "West Europe", "eur") is selected
    assert len(second) == 0


@pytest.mark.parametrize(
    "name", ["westeurope", "West Europe", "EU West", "(Europe) West Europe", "west_europe", " WEU "]
)
def test_a_region_answers_to_all_its_names(bundled: Catalog, name: str) -> None:
    assert resolve_region(bundled, name) == "westeurope"


@pytest.mark.parametrize("name", ["atlantis", "", "Taiwan North", "(Europe)"])
def test_a_region_that_cannot_be_priced_is_refused(bundled: Catalog, name: str) -> None:
    with pytest.raises(DomainError) as refused:
        load_region(bundled, name, "USD")
    assert (refused.value.code, refused.value.status) == ("unknown_region", 400)


@pytest.mark.parametrize("currency", ["TRY", "XXX", ""])
def test_a_currency_without_a_rate_is_refused(bundled: Catalog, currency: str) -> None:
    with pytest.raises(DomainError) as refused:
        load_region(bundled, "westeurope", currency)
    assert (refused.value.code, refused.value.status) == ("unknown_currency", 400)


def test_other_currencies_are_conversions_that_name_rate_and_date(bundled: Catalog) -> None:
    conversion = load_conversion(bundled, "EUR")
    assert conversion is not None
    assert (str(conversion.units_per_usd)[:6], str(conversion.rate_date)) == ("0.8498", "2026-01-26")
    selected = load_region(bundled, "westeurope", "EUR")
    # 0.23 USD x 0.8498342823149486 = 0.19546188493..., to the billionth
    assert selected.prices.linux.number(at(selected, "Standard_D4s_v5")) == 195_461_885
    assert load_conversion(bundled, "USD") is None


def test_sizes_are_offered_where_listed_or_where_only_prices_tell(catalog: None) -> None:
    own = loaded(
        prices=[
            make_price(),
            make_price("Standard_D4s_v5", listed=False),
            make_price(region="jioindiawest", listed=None),
        ]
    )
    west, jio = load_region(own, "westeurope", "USD"), load_region(own, "jioindiawest", "USD")
    assert list(west.sizes.available) == [True, False]
    assert list(jio.sizes.available) == [True, False]
    assert west.prices.linux.number(1) == 115_000_000


def test_sizes_that_no_machine_can_move_to_are_not_considered(bundled: Catalog) -> None:
    selected = load_region(bundled, "westeurope", "USD")
    considered = dict(zip(selected.sizes.names, selected.sizes.considered, strict=True))
    assert considered["Standard_D4s_v5"]
    for size in (
        "Standard_D4ps_v5",
        "Standard_NC6s_v3",
        "Standard_HB120rs_v3",
        "Standard_DC4as_v5",
        "Standard_D2_v2_Promo",
    ):
        assert not considered[size], size


def test_burstable_sizes_carry_their_credits(bundled: Catalog) -> None:
    sizes = load_region(bundled, "westeurope", "USD").sizes
    size = sizes.names.index("Standard_B2ms")
    assert sizes.burstable[size]
    assert sizes.bursting.max_credits.number(size) == 864 * 10_000
    assert not sizes.burstable[sizes.names.index("Standard_D4s_v5")]


def test_an_unknown_limit_stays_unknown(catalog: None) -> None:
    own = loaded(
        sizes=[make_size(uncached_iops=None, uncached_mbps=None, network_mbps=None, ultra_ssd=None)],
        prices=[make_price()],
    )
    sizes = load_region(own, "westeurope", "USD").sizes
    assert not sizes.uncached_iops.known[0]
    assert not sizes.network_mbps.known[0]
    assert not sizes.ultra_storage[0]


@pytest.mark.parametrize(("highest", "expected"), [("0.092", 92_000_000), ("0.1", None)])
def test_a_windows_license_is_known_when_it_is_the_same_everywhere(
    catalog: None, highest: str, expected: int | None
) -> None:
    size = make_size(
        windows_license_hourly=Decimal("0.092"),
        windows_license_min_hourly=Decimal("0.092"),
        windows_license_max_hourly=Decimal(highest),
        windows_license_regions=45,
    )
    linux = make_price(windows_payg_hourly=None, windows_payg_source=None)
    selected = load_region(loaded(sizes=[size], prices=[linux]), "westeurope", "USD")
    assert selected.prices.windows_licence.number(0) == expected
    assert windows_license(selected.prices).number(0) == expected


def test_a_region_that_prices_windows_and_linux_tells_its_own_license(catalog: None) -> None:
    license = Decimal("0.5")
    size = make_size(
        windows_license_hourly=license,
        windows_license_min_hourly=license,
        windows_license_max_hourly=license,
        windows_license_regions=1,
    )
    prices = load_region(loaded(sizes=[size], prices=[make_price()]), "westeurope", "USD").prices
    own = prices.windows.values[0] - prices.linux.values[0]
    assert own != 500_000_000
    assert windows_license(prices).number(0) == own


def test_disks_of_the_region_are_priced_and_the_missing_are_not(bundled: Catalog) -> None:
    west, jio = load_region(bundled, "westeurope", "USD"), load_region(bundled, "jioindiawest", "USD")
    tiers = west.disk_tiers
    p30 = tiers.names.index("P30")
    assert (tiers.size_gib[p30], tiers.iops[p30]) == (1024 * 10_000, 5000 * 10_000)
    assert tiers.monthly_price.number(p30) == 148_680_000_000
    assert west.premium_v2 is not None
    assert (west.premium_v2.included_iops, west.premium_v2.iops_per_mbps, west.premium_v2.gib_hour) == (
        3000,
        4,
        130_000,
    )
    assert jio.disk_tiers.monthly_price.number(p30) is None
    assert jio.premium_v2 is None
    assert jio.ultra is None


def test_ultra_disks_are_offered_by_the_gibibyte_within_their_caps(bundled: Catalog) -> None:
    ultra = load_region(bundled, "westeurope", "USD").ultra
    assert ultra is not None
    assert (ultra.sizes_gib[0], ultra.sizes_gib[1], ultra.sizes_gib[-1]) == (4, 5, 65_536)
    assert (ultra.max_iops[0], ultra.max_iops[-1]) == (4000, 400_000)
    assert (ultra.max_mbps[0], ultra.max_mbps[-1]) == (1000, 10_000)
    assert np.all(np.diff(ultra.max_iops) >= 0)
