"""Amounts have the decimals that their currency has, on every page that tells of money; the API's stay exact."""

import re
from decimal import Decimal

import pytest

from migrate_hub.portal.figures import ABSENT, money, round_money
from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine
from tests.portal.browsing import Browser, sign_in

pytestmark = pytest.mark.usefixtures("catalog", "background")
PAGES = ("portal:assessment", "portal:results", "portal:runs", "portal:compare")


@pytest.mark.parametrize(
    ("currency", "told"),
    [("USD", "1,234.50"), ("KRW", "1,234"), ("JPY", "1,234"), ("KWD", "1,234.500"), ("CLF", "1,234.5000")],
)
def test_decimals_are_those_of_the_currency(currency: str, told: str) -> None:
    assert money("1234.5", currency) == f"{told}\u202f{currency}"
    assert money(None, currency) == ABSENT


def test_small_headlines_have_no_cents_where_there_are_none() -> None:
    assert (round_money("12.5", "USD"), round_money("12.6", "KRW")) == ("12.50\u202fUSD", "13\u202fKRW")


def bodies(browser: Browser, project: str, run: dict[str, str]) -> str:
    """What the pages of an assessment say between their tags, without the catalog's sizes and days."""
    pages = [browser.get(name, project, run["id"]).content.decode() for name in PAGES]
    return re.sub(r"<[^>]+>", " ", " ".join(pages))


def test_pages_of_a_currency_without_cents_show_none() -> None:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("sql-01"), machine("web-01")], currency="KRW")
    run = assessed(cast.bob, project, group_of_all(cast.bob, project), sizing_criterion="as_on_premises")
    cast.bob.ok(cast.bob.post(f"projects/{project}/assessments/{run['id']}/recalculate/", {}), 202)
    total = Decimal(run["summary"]["monthly_cost"]["total"])
    seen = bodies(sign_in(cast, "bob"), project, run)
    assert f"{total:,.0f}\u202fKRW" in seen
    assert re.findall(r"[\d,]+\.\d{2}\b", seen) == []
    assert run["summary"]["currency"] == "KRW"
    assert total != round(total)
