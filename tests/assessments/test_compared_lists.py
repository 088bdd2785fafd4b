"""The machines of a comparison over the API: in other orders, and those of one cause alone."""

from decimal import Decimal
from typing import Any

import pytest

from tests.assessments.compared import Scene, make_scene, whole

pytestmark = pytest.mark.usefixtures("catalog", "background")


@pytest.fixture(scope="module")
def scene(catalog: None, background: None) -> Scene:
    made = make_scene(seed=12)
    made.run_again(comfort_factor=1.9, commitment="reservation_1y", hybrid_benefit="none")
    return made


def listed(scene: Scene, query: str) -> list[dict[str, Any]]:
    first = scene.assessment["run"]["id"]
    rows: list[dict[str, Any]] = whole(scene.api, f"{scene.path}compare/?run={first}&{query}", page_size=3)["results"]
    return rows


@pytest.mark.parametrize(("order", "descending"), [("increase", True), ("decrease", False)])
def test_machines_are_listed_from_the_dearer_or_from_the_cheaper_end(
    scene: Scene, order: str, descending: bool
) -> None:
    moved = [Decimal(row["difference"]) for row in listed(scene, f"order={order}")]
    assert len(moved) == 8
    assert moved == sorted(moved, reverse=descending)
    assert len(set(moved)) > 1


def test_machines_of_one_cause_are_those_that_it_moved_by_what_it_moved_them_by(scene: Scene) -> None:
    everything = listed(scene, "")
    rows = listed(scene, "cause=settings")
    moved = [abs(Decimal(row["causes"]["settings"])) for row in rows]
    assert moved == sorted(moved, reverse=True)
    assert {row["name"] for row in rows} == {
        row["name"] for row in everything if Decimal(row["causes"]["settings"]) != 0
    }
    assert listed(scene, "cause=membership") == []


@pytest.mark.parametrize("query", ["order=size", "cause=weather"])
def test_an_order_or_a_cause_that_is_none_is_400(scene: Scene, query: str) -> None:
    assert scene.api.get(f"{scene.path}compare/?run={scene.assessment['run']['id']}&{query}").status_code == 400
