"""Pages fetched politely from a real server: paging, throttling, failures, links to elsewhere, resuming."""

import gzip
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from assessments.catalog.sync_pages import (
    FetchError,
    PageCount,
    Pages,
    Patience,
    Spool,
    following,
    open_spool,
    origin,
    retry_after_seconds,
)
from assessments.catalog.sync_reading import Question
from tests.assessments.catalog.azure_api import AzureApi, Fault, azure_api, machine

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUICK = Patience(timeout_seconds=0.3, first_pause_seconds=0.01, attempts=4)
SEVEN = [machine(f"D{number}s v5", number / 10) for number in range(1, 8)]


@pytest.fixture
def api() -> Iterator[AzureApi]:
    """Seven prices of machines on three pages."""
    with azure_api(items=SEVEN) as running:
        yield running


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, NOW)


def start(api: AzureApi) -> httpx.URL:
    return Question(prices_url=api.prices_url, skus=None, regions=()).price_urls["machines"]


def fetch(api: AzureApi, spool: Spool, patience: Patience = QUICK) -> tuple[list[str], PageCount]:
    """The names of the items on all pages, and how many pages came from where."""
    count = PageCount()
    with httpx.Client(timeout=patience.timeout_seconds) as client:
        bodies = list(Pages(client, spool, patience, count).of("machines", start(api)))
    return [item["meterName"] for body in bodies for item in json.loads(body)["Items"]], count


ALL = [f"D{number}s v5" for number in range(1, 8)]


def test_all_pages_are_followed_to_the_null_link_one_at_a_time(api: AzureApi, spool: Spool) -> None:
    assert fetch(api, spool) == (ALL, PageCount(fetched=3))
    assert api.asked == [("machines", 0), ("machines", 3), ("machines", 6)]
    assert api.most_in_flight == 1


def test_an_answer_without_items_is_one_empty_page(spool: Spool) -> None:
    with azure_api(items=[]) as api:
        assert fetch(api, spool) == ([], PageCount(fetched=1))


def test_the_api_version_goes_along_although_links_leave_it_out(api: AzureApi, spool: Spool) -> None:
    api.items = [{**item, "savingsPlan": []} for item in SEVEN]
    fetch(api, spool)
    kept = [json.loads(spool.read("machines", number) or b"")["Items"] for number in (1, 2, 3)]
    assert all("savingsPlan" in item for page in kept for item in page)


def test_a_throttled_page_is_asked_again_after_the_time_the_server_wants(api: AzureApi, spool: Spool) -> None:
    api.fail("machines", 3, Fault(status=429, retry_after="1"))
    assert fetch(api, spool)[0] == ALL
    throttled = api.asked.index(("machines", 3))
    assert api.asked_at[throttled + 1] - api.asked_at[throttled] >= 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(api: AzureApi, spool: Spool, status: int) -> None:
    api.fail("machines", 3, Fault(status=status), Fault(status=status))
    assert fetch(api, spool)[0] == ALL
    assert api.asked.count(("machines", 3)) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault(seconds=0.6),
        Fault(breaks_off=True),
        Fault(body=b'{"Items": [{"type": "Consum'),
        Fault(body=b"<html>gateway</html>"),
        Fault(body=b"{}"),
        Fault(body=b'{"Items": [{"meterName": "\xff"}]}'),
    ],
    ids=["timeout", "connection lost", "truncated", "html", "no items", "not UTF-8"],
)
def test_a_page_that_does_not_arrive_whole_is_asked_again(api: AzureApi, spool: Spool, fault: Fault) -> None:
    api.fail("machines", 3, fault)
    assert fetch(api, spool)[0] == ALL
    assert api.asked.count(("machines", 3)) == 2


def test_pauses_double_with_each_attempt(api: AzureApi, spool: Spool) -> None:
    api.fail("machines", 0, *[Fault(status=503)] * 3)
    fetch(api, spool, Patience(first_pause_seconds=0.1, attempts=4))
    pauses = [later - earlier for earlier, later in zip(api.asked_at, api.asked_at[1:4], strict=False)]
    assert [pause >= least for pause, least in zip(pauses, (0.1, 0.2, 0.4), strict=True)] == [True] * 3


def test_patience_ends_and_the_pages_before_are_kept(api: AzureApi, spool: Spool) -> None:
    api.fail("machines", 3, *[Fault(status=500)] * 4)
    with pytest.raises(FetchError, match=r"failed 4 times, at last: status 500"):
        fetch(api, spool)
    assert fetch(api, spool) == (ALL, PageCount(fetched=2, kept=1))
    assert api.asked.count(("machines", 0)) == 1


def test_a_wait_that_is_too_long_is_told_and_not_slept(api: AzureApi, spool: Spool) -> None:
    api.fail("machines", 0, Fault(status=429, retry_after="86400"))
    with pytest.raises(FetchError, match="asks to wait 86400 seconds"):
        fetch(api, spool)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_a_refusal_is_not_asked_again(api: AzureApi, spool: Spool, status: int) -> None:
    api.fail("machines", 3, Fault(status=status))
    with pytest.raises(FetchError, match=f"answered with status {status}"):
        fetch(api, spool)
    assert api.asked.count(("machines", 3)) == 1


@pytest.mark.parametrize(
    "link",
    [
        "http://prices.example.com/api/retail/prices?$skip=3",
        "https://127.0.0.1/api/retail/prices?$skip=3",
        "ftp://127.0.0.1/api/retail/prices",
        "http://127.0.0.1:1/api/retail/prices?$skip=3",
        "http://user@prices.example.com/",
        "/api/retail/prices?$skip=3",
        "http://[",
    ],
)
def test_links_that_lead_elsewhere_are_not_followed(api: AzureApi, spool: Spool, link: str) -> None:
    api.fail("machines", 0, Fault(next_link=link))
    with pytest.raises(FetchError, match="page 1 of machines links to"):
        fetch(api, spool)
    assert api.asked == [("machines", 0)]


def test_a_link_back_is_no_endless_loop(api: AzureApi, spool: Spool) -> None:
    api.fail("machines", 3, Fault(next_link=str(start(api))))
    with pytest.raises(FetchError, match="page 2 of machines links back"):
        fetch(api, spool)


def test_the_default_port_may_be_named() -> None:
    first = httpx.URL("https://prices.azure.com/api/retail/prices")
    page = {"Items": [], "NextPageLink": "https://prices.azure.com:443/api/retail/prices?$skip=1000"}
    assert following(first, json.dumps(page).encode(), "page 1") == httpx.URL(page["NextPageLink"])  # type: ignore[arg-type]
    assert origin(first) != origin(httpx.URL("https://prices.azure.com:8443/"))
    assert origin(first) != origin(httpx.URL("http://prices.azure.com/"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0), ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0), ("soon", None)],
)
def test_a_wait_is_told_as_seconds_or_as_an_instant(header: str, seconds: float | None) -> None:
    response = httpx.Response(429, headers={"Retry-After": header})
    assert retry_after_seconds(response, NOW) == seconds


# --- the spool --------------------------------------------------------------------------------------------------------


def test_a_damaged_page_is_fetched_again_and_the_others_are_not(api: AzureApi, spool: Spool) -> None:
    fetch(api, spool)
    damaged = spool.folder / "machines-000002.json.gz"
    damaged.write_bytes(damaged.read_bytes()[:50])
    assert fetch(api, spool) == (ALL, PageCount(fetched=1, kept=2))


def test_a_page_of_the_spool_that_is_no_page_is_fetched_again(api: AzureApi, spool: Spool) -> None:
    fetch(api, spool)
    (spool.folder / "machines-000003.json.gz").write_bytes(gzip.compress(b"{}"))
    assert fetch(api, spool) == (ALL, PageCount(fetched=1, kept=2))


def test_the_spool_of_the_same_question_is_opened_again_for_a_day(tmp_path: Path) -> None:
    with open_spool(tmp_path, ["a"], now=NOW, fresh=False) as first:
        first.write("machines", 1, b'{"Items": []}')
    with open_spool(tmp_path, ["a"], now=NOW + timedelta(hours=23), fresh=False) as again:
        assert (again.read("machines", 1), again.started_at) == (b'{"Items": []}', NOW)
    with open_spool(tmp_path, ["b"], now=NOW, fresh=False) as other:
        assert other.read("machines", 1) is None
    with open_spool(tmp_path, ["a"], now=NOW + timedelta(hours=24), fresh=False) as late:
        assert (late.read("machines", 1), late.started_at) == (None, NOW + timedelta(hours=24))


def test_the_spool_can_be_forgotten(tmp_path: Path) -> None:
    with open_spool(tmp_path, ["a"], now=NOW, fresh=False) as first:
        first.write("machines", 1, b'{"Items": []}')
    with open_spool(tmp_path, ["a"], now=NOW, fresh=True) as fresh:
        assert fresh.read("machines", 1) is None


def test_two_syncs_of_the_same_prices_do_not_meet(tmp_path: Path) -> None:
    with open_spool(tmp_path, ["a"], now=NOW, fresh=False):
        refused: list[str] = []

        def second() -> None:
            try:
                with open_spool(tmp_path, ["a"], now=NOW, fresh=False):
                    pass
            except FetchError as error:
                refused.append(str(error))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert "another sync of the same prices is running" in refused[0]


def test_a_spool_in_a_place_of_somebody_else_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "spool").symlink_to(elsewhere)
    with (
        pytest.raises(FetchError, match="belongs to somebody else"),
        open_spool(tmp_path / "spool", ["a"], now=NOW, fresh=False),
    ):
        pass


def test_the_spool_is_readable_by_its_user_alone(tmp_path: Path) -> None:
    with open_spool(tmp_path / "spool", ["a"], now=NOW, fresh=False) as spool:
        assert [os.stat(folder).st_mode & 0o077 for folder in (tmp_path / "spool", spool.folder)] == [0, 0]
