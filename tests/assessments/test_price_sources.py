"""Every price line of the decision trace says who says the price, and the lines add up to what the machine costs."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from assessments.catalog.loading import load_catalog
from tests import make
from tests.assessments.catalog.catalogs import make_file, make_price, make_tables
from tests.estate import assessed, enrolled, group_of_all, machine, machine_ids, price_sheet

pytestmark = pytest.mark.usefixtures("catalog", "background")
Json = dict[str, Any]
LINE = {
    "kind",
    "unit",
    "unit_price",
    "quantity",
    "hours",
    "months",
    "discount_percent",
    "amount",
    "arithmetic",
    "sources",
}
SIZE = "Standard_D2s_v5"


def told(api: make.Api, *, currency: str = "USD", **settings: Any) -> tuple[Json, Json]:
    """The row and the trace of one Windows machine assessed as on-premises."""
    project, _ = enrolled(api, [machine("sql-01", cores=2, memory_mb=8192)], currency=currency)
    settings = {"sizing_criterion": "as_on_premises", "comfort_factor": 1.0, "sku_families": ["dsv5"], **settings}
    assessment = assessed(api, project, group_of_all(api, project), **settings)
    path = f"projects/{project}/assessments/{assessment['id']}/machines/{machine_ids(api, project)['sql-01']}/"
    row = api.ok(api.get(path))
    return row, row["trace"]


def lines_of(trace: Json, scenario: str) -> list[Json]:
    return next(list(one["price_lines"]) for one in trace["scenarios"] if one["name"] == scenario)


def summed(lines: list[Json]) -> Decimal:
    return sum((Decimal(line["amount"]) for line in lines), Decimal(0))


@pytest.fixture
def api() -> make.Api:
    return make.cast().alice


def test_the_lines_of_size_and_disks_add_up_and_name_catalog_and_source(api: make.Api) -> None:
    row, trace = told(api, hybrid_benefit="none", discount_percent=10)
    compute = lines_of(trace, trace["headline"])
    disks = [line for disk in trace["disks"] for line in disk["price_lines"]]
    assert summed(compute) == Decimal(row["monthly_compute_cost"])
    assert summed(disks) == Decimal(row["monthly_storage_cost"])
    assert all(set(line) == LINE for line in (*compute, *disks))
    assert [line["kind"] for line in compute] == ["windows", "discount"]
    assert (compute[1]["discount_percent"], compute[1]["sources"]) == ("10", [])
    for line in (compute[0], *disks):
        (source,) = line["sources"]
        assert source["from"] == "catalog"
        assert source["title"]
        assert source["dated"]
    assert trace["catalog"].keys() == {"id", "name", "as_of"}


def test_a_licence_names_both_prices_it_is_made_of(api: make.Api) -> None:
    _, trace = told(api, hybrid_benefit="none", commitment="reservation_3y")
    term, licence = lines_of(trace, "reservation_3y")
    assert (term["kind"], term["unit"], term["months"]) == ("reservation_3y_term", "term", 36)
    assert [source["price"] for source in term["sources"]] == ["reservation_3y_term"]
    assert licence["kind"] == "windows_licence"
    assert [source["price"] for source in licence["sources"]] == ["windows", "linux"]


def test_the_day_of_the_meter_is_told_where_the_catalog_has_it(api: make.Api) -> None:
    """A synchronized catalog has it; `reservation_3y` has a price here and no day."""
    row = make_price(
        "Standard_D2s_v5", linux_payg_since=date(2026, 7, 1), reservation_3y_total=Decimal(900), reservation_3y_source=1
    )
    file = make_file(make_tables(prices=[row]), name=f"Test {uuid4()}")
    catalog = load_catalog(file, may_be_current=False)[0]
    _, trace = told(api, catalog=str(catalog.pk), hybrid_benefit="windows", comfort_factor=1.0, sku_families=[])
    days = {
        name: [source.get("effective_from") for line in lines_of(trace, name) for source in line["sources"]]
        for name in ("pay_as_you_go_hybrid_benefit", "reservation_3y_hybrid_benefit")
    }
    assert days == {"pay_as_you_go_hybrid_benefit": ["2026-07-01"], "reservation_3y_hybrid_benefit": [None]}


def test_another_currency_says_rate_and_day(api: make.Api) -> None:
    _, trace = told(api, currency="EUR")
    assert Decimal(trace["catalog"]["units_per_usd"]) < 1
    assert trace["catalog"]["rate_date"]


def test_own_prices_name_the_row_of_the_sheet_and_since_when_it_holds(api: make.Api) -> None:
    sheet = price_sheet(
        api,
        f"{SIZE},westeurope,pay_as_you_go,linux,0.2,hour,USD,2026-01-01",
        f"{SIZE},westeurope,reservation_3y,linux,900,term,USD,2026-02-01",
        "P10,westeurope,pay_as_you_go,,7,month,USD,2026-03-01",
        name="our prices",
    )
    _, trace = told(api, hybrid_benefit="none", price_sheet=sheet)
    (windows,) = lines_of(trace, "pay_as_you_go")
    linux_own, *published = windows["sources"]
    assert linux_own == {
        "price": "linux",
        "from": "price_sheet",
        "title": "our prices",
        "dated": linux_own["dated"],
        "effective_from": "2026-01-01",
        "price_sheet_row": 2,
    }
    assert [(source["price"], source["from"]) for source in published] == [("windows", "catalog"), ("linux", "catalog")]
    term, licence = lines_of(trace, "reservation_3y")
    assert [(source["effective_from"], source["price_sheet_row"]) for source in term["sources"]] == [("2026-02-01", 3)]
    assert {source["from"] for source in licence["sources"]} == {"catalog"}
    own_disk = next(disk for disk in trace["disks"] if disk["tier"] == "P10")
    assert own_disk["price_lines"][0]["amount"] == "7"
    assert own_disk["price_lines"][0]["sources"][0]["price_sheet_row"] == 4
