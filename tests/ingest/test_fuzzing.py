"""Whatever stands in an upload, the answer is one that an appliance can act upon."""

import copy
import itertools
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.text import shown
from tests.ingest import estates

INSTANTS = ("9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z")
NUMBERS = (0, -1, 2**31, 2**63, 10**30, 1.5, -0.0, 1e308, 5e-324)
TEXTS = ("", "x" * 300, "\0", "\u202e", "\U000e0001", "\\", '"', "{}")
ODD: st.SearchStrategy[Any] = st.sampled_from([None, True, *NUMBERS, *TEXTS, *INSTANTS, [], {}, [[[]]], [None]])
JSON = st.recursive(
    ODD | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
SEQUENCES = itertools.count(1)
ACCEPTABLE = {200, 400, 409, 413}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*path, key) for key, _ in items] + [place for key, item in items for place in _places(item, (*path, key))]


def _mutated(body: Any, data: Any) -> Any:
    body = copy.deepcopy(body)
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(_places(body) or [("new",)]))
        inside = body
        for key in path:
            inside = inside[key]
        inside[last] = data.draw(JSON)
    return body


def _sendable(body: Any) -> bytes:
    return json.dumps(body).encode("utf-8", "surrogatepass")


DISK, NIC = {"read_iops": [1.0, 2.0]}, {"received_mbps": [1.0, None]}
POINTS = estates.points("vm-1", cpu_percent=[1.0, 2.0], disks={"a": DISK}, nics={"n": NIC})


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_performance_upload_is_answered_by_an_error_of_ours(data: Any) -> None:
    site = _site()
    body = _mutated(
        {"sequence": next(SEQUENCES), "interval_seconds": 600, "sent_at": "2026-01-01T00:00:00Z", "machines": [POINTS]},
        data,
    )
    response = site.upload(estates.PERFORMANCE, _sendable(body))
    assert response.status_code in ACCEPTABLE, response.content


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_inventory_upload_is_answered_by_an_error_of_ours(data: Any) -> None:
    site = _site()
    machines = [estates.machine("vm-1"), estates.machine("vm-2")]
    body = {"sequence": next(SEQUENCES), "snapshot": True, "collected_at": "2026-01-01T00:00:00Z", "machines": machines}
    response = site.upload(estates.INVENTORY, _sendable(_mutated(body | {"removed": ["vm-3"]}, data)))
    assert response.status_code in ACCEPTABLE, response.content
    listed = site.people.get(f"projects/{site.project}/machines/?removed=all")
    assert listed.status_code == 200


_sites: list[estates.ApplianceApi] = []


def _site() -> estates.ApplianceApi:
    if not _sites:
        _sites.append(estates.appliance())
    return _sites[0]


@given(text=st.text())
def test_a_text_that_is_shown_can_be_stored(text: str) -> None:
    assert "\0" not in shown(text)
    shown(text).encode()
