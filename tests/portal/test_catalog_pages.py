"""Catalogs and price sheets as pages: age, sizes, what is unknown, uploads with their wrong lines, what is replaced."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.catalog.loading import load_catalog
from assessments.catalog.models import Catalog
from migrate_hub.portal.catalogs import CatalogRow
from migrate_hub.portal.figures import number
from tests import make
from tests.assessments.catalog.catalogs import make_file, make_price, make_tables
from tests.estate import assessed, price_sheet
from tests.portal.browsing import Browser, sign_in, text_of
from tests.portal.conftest import Site
from tests.portal.test_sensitivity_pages import words

HEADER = "size_or_disk_tier,region,scenario,os,unit_price,unit,currency,valid_from"


def sent(browser: Browser, text: str, name: str = "") -> Any:
    file = SimpleUploadedFile("prices.csv", text.encode(), content_type="text/csv")
    return browser.client.post("/price-sheets/", {"file": file, "name": name or f"sheet {uuid4().hex[:6]}"})


# --- catalogs ---------------------------------------------------------------------------------------------------------


def test_the_list_names_the_current_catalog_its_size_and_how_many_runs_used_it(site: Site) -> None:
    seen = words(site.rita.get("portal:catalogs"))
    assert "Azure public prices, August 2026 current 2026-08-22" in seen
    assert "1,467" in seen


@pytest.mark.parametrize(("today", "old"), [(date(2026, 9, 22), False), (date(2026, 9, 23), True)])
def test_a_catalog_is_old_after_a_month(today: date, old: bool) -> None:
    catalog = Catalog(name="x", as_of=date(2026, 8, 22), manifest={})
    assert CatalogRow(catalog, catalog.age_days(today), 0).is_old == old


def test_sizes_are_found_by_name_series_region_and_price_as_over_the_api(site: Site) -> None:
    catalog = site.estate.ids["catalog"]
    query = "?region=westeurope&search=d4S&series=dsv5&max_hourly=1"
    page = site.rita.get("portal:catalog", catalog, query=query)
    shown = [row.sku.name for row in page.context["page"].rows]
    told = site.estate.cast.rita.ok(site.estate.cast.rita.get(f"catalogs/{catalog}/skus/{query}"))["results"]
    assert shown == [row["name"] for row in told] == ["Standard_D4s_v5"]
    hourly = told[0]["prices"]["linux_pay_as_you_go"]["amount"]
    assert words(number(hourly, 4)) in words(page)
    assert "16 GB" in words(page)


def test_what_a_catalog_does_not_know_is_unknown(site: Site) -> None:
    page = site.rita.get("portal:catalog", site.estate.ids["catalog"], query="?region=westeurope")
    unknown = [row for row in page.context["page"].rows if row.dev_test_hourly is None and row.sku.network_mbps is None]
    assert unknown
    assert "unknown" in text_of(page)


def test_long_lists_of_sizes_are_paged(site: Site) -> None:
    page = site.rita.get("portal:catalog", site.estate.ids["catalog"])
    first = [row.sku.name for row in page.context["page"].rows]
    following = site.rita.get("portal:catalog", site.estate.ids["catalog"], query=page.context["page"].next_link)
    second = [row.sku.name for row in following.context["page"].rows]
    assert len(first) == len(second) == 50
    assert first[-1] < second[0]


@pytest.mark.parametrize(
    "query", ["?region=atlantis", "?region=westeurope&max_hourly=-1", "?region=westeurope&max_hourly=x", "?search=%00"]
)
def test_what_cannot_be_looked_for_is_told_and_nothing_is_listed(site: Site, query: str) -> None:
    page = site.rita.get("portal:catalog", site.estate.ids["catalog"], query=query)
    assert page.status_code == 400
    assert page.context["form"].errors
    assert list(page.context["page"].rows) == []


def test_a_catalog_that_is_not_there_is_404(site: Site) -> None:
    for wrong in (str(uuid4()), "x"):
        assert site.rita.get("portal:catalog", wrong).status_code == 404
        assert site.rita.get("portal:price-changes", wrong).status_code == 404
        query = f"?since={wrong}"
        assert site.rita.get("portal:price-changes", site.estate.ids["catalog"], query=query).status_code == 404


def test_price_changes_of_the_sizes_in_use_are_listed_as_over_the_api(site: Site) -> None:
    """The small catalog has none of the sizes: each price in use is new since."""
    small = load_catalog(make_file(make_tables(prices=[make_price()])), may_be_current=False)[0]
    catalog = site.estate.ids["catalog"]
    page = site.rita.get("portal:price-changes", catalog, query=f"?since={small.pk}")
    api = site.estate.cast.rita
    told = api.ok(api.get(f"catalogs/{catalog}/price-changes/?since={small.pk}"))
    assert told["changes"]
    shown = [(row.size, row.operating_system, row.machines, row.after) for row in page.context["rows"]]
    assert shown == [
        (row["size"], row["operating_system"], row["machines"], Decimal(row["after"])) for row in told["changes"]
    ]
    assert api.get(f"catalogs/{catalog}/price-changes/?since={uuid4()}").status_code == 400
    nobody = make.stranger()
    assert nobody.ok(nobody.get(f"catalogs/{catalog}/price-changes/?since={small.pk}"))["changes"] == []


# --- price sheets -----------------------------------------------------------------------------------------------------


def test_the_template_can_be_sent_back_and_shows_what_it_replaces(site: Site) -> None:
    template = site.alice.get("portal:price-sheet-template")
    assert template["Content-Disposition"] == 'attachment; filename="price-sheet-template.csv"'
    made = sent(site.alice, template.content.decode())
    assert made.status_code == 302, text_of(made)
    page = site.rita.get(made.url)
    rows = page.context["rows"]
    assert [row.sku for row, _, _ in rows] == ["Standard_D4s_v5"] * 3 + ["P10"]
    api = site.estate.cast.rita
    query = f"catalogs/{site.estate.ids['catalog']}/skus/?region=westeurope&search=Standard_D4s_v5"
    (told,) = api.ok(api.get(query))["results"]
    names = ("linux_pay_as_you_go", "windows_pay_as_you_go", "reservation_1y")
    assert [each.published for _, _, each in rows[:3]] == [Decimal(told["prices"][name]["amount"]) for name in names]
    assert rows[0][2].change_percent == (Decimal("0.23") / rows[0][2].published - 1) * 100


def test_wrong_lines_are_told_beside_the_form_and_nothing_is_stored(site: Site) -> None:
    lines = [
        HEADER,
        "Standard_D4s_v5,westeurope,pay_as_you_go,linux,0.2,hour,USD,2026-01-01",
        "Standard_Nothing,westeurope,pay_as_you_go,linux,0.2,hour,USD,2026-01-01",
        "Standard_D4s_v5,westeurope,pay_as_you_go,linux,free,hour,USD,2026-01-02",
        "Standard_D4s_v5,atlantis,pay_as_you_go,linux,0.2,hour,USD,2026-01-01",
    ]
    name = f"wrong {uuid4().hex[:6]}"
    response = sent(site.alice, "\n".join(lines), name)
    assert response.status_code == 400
    told = [(line, column) for line, column, _ in response.context["form"].lines]
    assert told == [("3", "size_or_disk_tier"), ("4", "unit_price"), ("5", "region")]
    assert response.context["form"]["name"].value() == name
    assert name not in site.alice.see("portal:price-sheets").replace(f'value="{name}"', "")


@pytest.mark.parametrize("text", ["", "nonsense", HEADER, "\0", "a;b\n1;2"])
def test_a_file_that_is_no_price_sheet_is_refused_in_words(site: Site, text: str) -> None:
    response = sent(site.alice, text)
    assert response.status_code == 400
    assert response.context["form"].errors["file"]


def test_only_owners_send_and_delete_and_runs_keep_what_they_used(site: Site) -> None:
    cast = site.estate.cast
    name = f"kept {uuid4().hex[:6]}"
    sheet = price_sheet(cast.alice, name=name)
    project, group = site.ids("project", "group")
    made = assessed(cast.bob, project, group, price_sheet=sheet)
    assert made["name"] in site.rita.see("portal:price-sheet", sheet)
    assert f"{name} 1 USD 1" in words(site.rita.get("portal:price-sheets"))
    for person in (site.bob, site.rita):
        assert person.post("portal:delete-price-sheet", sheet).status_code == 403
        assert sent(person, HEADER).status_code == 403
        assert "Send a price sheet" not in person.see("portal:price-sheets")
    assert site.alice.post("portal:delete-price-sheet", sheet).status_code == 302
    assert site.alice.get("portal:price-sheet", sheet).status_code == 404
    assert name in site.rita.see("portal:run", project, made["id"], made["run"]["id"])


def test_another_tenants_sheet_is_not_there(site: Site) -> None:
    theirs = price_sheet(make.cast().alice)
    assert site.alice.get("portal:price-sheet", theirs).status_code == 404
    assert site.alice.post("portal:delete-price-sheet", theirs).status_code == 404


def test_a_sheet_that_could_start_a_formula_is_shown_as_text(site: Site) -> None:
    made = sent(site.alice, f"{HEADER}\nP10,westeurope,pay_as_you_go,,20,month,USD,2026-01-01", "<b>=1+1</b>")
    assert made.status_code == 302, text_of(made)
    assert "&lt;b&gt;=1+1&lt;/b&gt;" in site.rita.get(made.url).content.decode()


def test_pages_take_as_many_queries_for_many_rows_as_for_few(site: Site) -> None:
    cast = make.cast()
    rita = sign_in(cast, "rita")
    sheets = [
        price_sheet(cast.alice, *(f"P10,westeurope,pay_as_you_go,,2{day},month,USD,2026-01-{day:02}" for day in days))
        for days in (range(1, 4), range(1, 29))
    ]

    def counted(name: str, *ids: str, query: str = "") -> int:
        rita.get(name, *ids, query=query)
        with CaptureQueriesContext(connection) as captured:
            assert rita.get(name, *ids, query=query).status_code == 200
        return len(captured)

    few, many = (counted("portal:price-sheet", sheet) for sheet in sheets)
    assert few == many < 15
    before = counted("portal:price-sheets")
    for _ in range(5):
        price_sheet(cast.alice)
    assert counted("portal:price-sheets") == before < 15
    one = counted("portal:catalog", site.estate.ids["catalog"], query="?region=westeurope&search=D4s_v5")
    assert counted("portal:catalog", site.estate.ids["catalog"]) == one < 20
    assert counted("portal:catalogs") < 15
