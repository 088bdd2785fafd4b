"""The savings that the demo prints compare one machine with itself, and only where both have a price."""

from decimal import Decimal
from typing import Any

from migrate_hub.local.demo.summary import largest_savings


def row(machine: str, sku: str, compute: str | None, storage: str | None = "1.00") -> dict[str, Any]:
    costs = {"monthly_compute_cost": compute, "monthly_storage_cost": storage}
    return {"machine": machine, "name": f"name-{machine}", "recommended_sku": sku} | {
        name: cost for name, cost in costs.items() if cost is not None
    }


def test_the_largest_saving_comes_first() -> None:
    before = [row("a", "D4", "100"), row("b", "D8", "300"), row("c", "D2", "50")]
    after = [row("a", "D2", "60"), row("b", "D2", "90.5"), row("c", "D2", "50")]
    found = largest_savings(before, after)
    assert [(saving.name, saving.amount) for saving in found] == [("name-b", Decimal("209.5")), ("name-a", Decimal(40))]
    assert (found[0].sku_as_is, found[0].sku) == ("D8", "D2")


def test_storage_counts() -> None:
    found = largest_savings([row("a", "D4", "100", "80")], [row("a", "D4", "100", "20")])
    assert [saving.amount for saving in found] == [Decimal(60)]


def test_machines_without_a_price_do_not_take_part() -> None:
    before = [row("a", "D4", None), row("b", "D8", "300"), row("c", "D8", "300", None)]
    after = [row("a", "D2", "60"), row("b", "D2", None), row("c", "D2", "10")]
    assert largest_savings(before, after) == []


def test_a_machine_that_becomes_dearer_is_no_saving() -> None:
    assert largest_savings([row("a", "D2", "50")], [row("a", "D4", "100")]) == []


def test_only_so_many_are_listed() -> None:
    before = [row(str(number), "D8", "300") for number in range(9)]
    after = [row(str(number), "D2", "30") for number in range(9)]
    assert len(largest_savings(before, after)) == 5
