"""Offers are compared only where they price the same machines, not merely as many."""

from copy import deepcopy
from typing import Any

import pytest

from assessments.models import AssessedMachine, AssessmentRun
from assessments.results import summarize
from assessments.targets import rankings_of
from migrate_hub.portal.summary import scenario_rows
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine
from tests.portal.browsing import sign_in

pytestmark = pytest.mark.usefixtures("catalog", "background")
CHOSEN, OTHER = "pay_as_you_go", "reservation_1y"
UNPRICED = {"unpriced": "no_price_in_catalog"}
NOT_COMPARED = "other machines: not compared"


@pytest.fixture(scope="module")
def scene(catalog: None, background: None) -> tuple[make.Cast, str, dict[str, Any]]:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("sql-01"), machine("web-01")])
    return cast, project, assessed(cast.bob, project, group_of_all(cast.bob, project))


def unprice(cast: make.Cast, assessment: str, missing: dict[str, str]) -> dict[str, Any]:
    """Takes the prices of machines in scenarios away, and the summary of the run that has such rows."""
    with tenant_context(cast.tenant.id):
        run = AssessmentRun.objects.select_related("catalog").get(assessment=assessment)
        before = {row.name: deepcopy(row.scenarios) for row in AssessedMachine.objects.filter(run=run)}
        for row in AssessedMachine.objects.filter(run=run):
            row.scenarios |= {scenario: UNPRICED for name, scenario in missing.items() if name == row.name}
            row.save(update_fields=["scenarios"])
        summary = summarize(run, rankings_of(run))
        AssessmentRun.objects.filter(id=run.id).update(summary={**(run.summary or {}), **summary})
        for row in AssessedMachine.objects.filter(run=run):
            row.scenarios = before[row.name]
            row.save(update_fields=["scenarios"])
    return summary


def test_two_sets_of_the_same_size_are_not_compared(scene: tuple[make.Cast, str, dict[str, Any]]) -> None:
    cast, project, assessment = scene
    bob = sign_in(cast, "bob")
    assert NOT_COMPARED not in bob.see("portal:assessment", project, assessment["id"])
    totals = unprice(cast, assessment["id"], {"sql-01": CHOSEN, "web-01": OTHER})["scenarios"]
    assert totals[CHOSEN]["priced_machines"] == totals[OTHER]["priced_machines"] == 1
    assert totals[CHOSEN]["priced_set"] != totals[OTHER]["priced_set"]
    assert NOT_COMPARED in bob.see("portal:assessment", project, assessment["id"])
    told = cast.rita.ok(cast.rita.get(f"projects/{project}/assessments/{assessment['id']}/"))["summary"]
    assert told["scenarios"][OTHER]["priced_set"] == totals[OTHER]["priced_set"]


def test_the_same_part_of_the_machines_is_compared(scene: tuple[make.Cast, str, dict[str, Any]]) -> None:
    cast, _, assessment = scene
    with tenant_context(cast.tenant.id):
        run = AssessmentRun.objects.get(assessment=assessment["id"])
        AssessedMachine.objects.filter(run=run, name="sql-01").update(scenarios={CHOSEN: UNPRICED, OTHER: UNPRICED})
    totals = unprice(cast, assessment["id"], {})["scenarios"]
    assert totals[CHOSEN]["priced_set"] == totals[OTHER]["priced_set"]


def test_runs_from_before_fingerprints_are_compared_only_where_all_machines_are_priced() -> None:
    def compared(priced: int) -> list[bool]:
        one = {"priced_machines": priced, "machines": 2, "without_price": 0, "monthly_compute_cost": "1.00"}
        return [row.is_compared for row in scenario_rows({CHOSEN: one, OTHER: one}, CHOSEN)]

    assert compared(2) == [True, True]
    assert compared(1) == [True, False]
