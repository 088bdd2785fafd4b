"""The same upload many times at once, and a day's uploads in any order: the same series, each point once."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.torture.hub import Hub, times
from tests.torture.proof import must_be_complete
from tests.torture.site import Site, Upload

pytestmark = pytest.mark.torture

AT_ONCE = 8


def at_once(site: Site, uploads: list[Upload]) -> list[tuple[int, object]]:
    """Status and body of uploads that are sent side by side."""
    with ThreadPoolExecutor(len(uploads)) as threads:
        answers = list(threads.map(site.send, uploads))
    return [(answer.status_code, answer.json()) for answer in answers]


MAKE: list[Callable[[Site], Upload]] = [Site.performance, lambda site: site.inventory(snapshot=True)]


def test_one_upload_eight_times_in_parallel_is_stored_once(hub: Hub) -> None:
    site = Site(hub, 1, machines=300)
    assert site.deliver(site.inventory(snapshot=True))
    for _ in range(times(3, 30)):
        for make in MAKE:
            upload = make(site)
            answers = at_once(site, [upload] * AT_ONCE)
            site.acknowledged[upload.key] = answers[0][1]
            assert answers == [(200, {"accepted": 300, "rejected": []})] * AT_ONCE
    must_be_complete(hub, [site])


@pytest.mark.parametrize("make", MAKE, ids=["performance", "inventory"])
def test_of_two_contents_under_one_key_in_parallel_one_is_stored(hub: Hub, make: Callable[[Site], Upload]) -> None:
    site = Site(hub, 1, machines=50)
    assert site.deliver(site.inventory(snapshot=True))
    upload = make(site)
    other = replace(upload, body=make(site).body)
    answers = at_once(site, [upload, other] * 4)
    assert sorted(status for status, _ in answers) == [200] * 4 + [409] * 4


def test_a_day_in_any_order_with_repeats_and_new_registrations_is_the_same_series(
    hub: Hub, dice: random.Random
) -> None:
    sites = [Site(hub, number, machines=20) for number in range(4)]
    for site in sites:
        assert site.deliver(site.inventory(snapshot=True))
    for _ in range(times(2, 6)):
        batches = [(site, site.performance(hours_ago)) for site in sites for hours_ago in range(1, 25)]
        batches += [(site, site.performance()) for site in sites for _ in range(6)]
        batches += dice.sample(batches, 20)
        dice.shuffle(batches)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            assert all(threads.map(lambda batch: batch[0].deliver(batch[1]), batches))
        for site in dice.sample(sites, 2):
            site.register_again()
    must_be_complete(hub, sites)
