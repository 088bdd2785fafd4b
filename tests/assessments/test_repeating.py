"""A kept run is read and repeated over the API: to the cent, or at other prices, on the inputs that it stored."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from assessments.models import Assessment, AssessmentRun
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.conftest import wait_until
from tests.estate import (
    Appliance,
    assessed,
    enrolled,
    finished,
    group_of_all,
    last_full_hour,
    machine,
    points,
    price_sheet,
)

pytestmark = pytest.mark.usefixtures("catalog", "background")


@dataclass
class Scene:
    api: make.Api
    cast: make.Cast
    appliance: Appliance
    assessment: str
    path: str

    def machines(self, run: str | None = None) -> list[dict[str, Any]]:
        path = f"{self.path}machines/" + (f"?run={run}" if run else "")
        return list(self.api.ok(self.api.get(path))["results"])

    def runs(self) -> list[dict[str, Any]]:
        return list(self.api.ok(self.api.get(f"{self.path}runs/"))["results"])

    def repeated(self, run: str, **settings: Any) -> dict[str, Any]:
        body = {"settings": settings} if settings else {}
        row = self.api.ok(self.api.post(f"{self.path}runs/{run}/repeat/", body), 202)
        return dict(wait_until(lambda: self._ended(row["id"]), seconds=60, what="the repeated run"))

    def _ended(self, run: str) -> Any:
        row = self.api.ok(self.api.get(f"{self.path}runs/{run}/"))
        return row if row["status"] in ("completed", "failed") else None


@pytest.fixture
def scene() -> Scene:
    cast = make.cast()
    project, appliance = enrolled(cast.alice, [machine("sql-01"), machine("web-01", operating_system="Ubuntu 22.04")])
    start = last_full_hour() - timedelta(days=1)
    appliance.performance([points("sql-01", start), points("web-01", start)])
    assessment = assessed(cast.alice, project, group_of_all(cast.alice, project))
    path = f"projects/{project}/assessments/{assessment['id']}/"
    return Scene(cast.alice, cast, appliance, assessment["id"], path)


def without_ids(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def test_a_repeated_run_comes_to_the_same_cent_though_the_estate_moved_on(scene: Scene) -> None:
    first, rows = scene.runs()[0], scene.machines()
    scene.appliance.inventory([machine("sql-01", cores=64)])
    scene.appliance.performance([points("web-01", last_full_hour() - timedelta(days=1), cpu_percent=99.0)])

    again = scene.repeated(first["id"])

    assert again["status"] == "completed"
    assert (again["repeats"], again["monthly_cost"]) == (first["id"], first["monthly_cost"])
    assert without_ids(scene.machines(again["id"])) == without_ids(rows)


def test_a_repeated_run_is_kept_beside_the_published_one(scene: Scene) -> None:
    first, rows = scene.runs()[0], scene.machines()
    again = scene.repeated(first["id"], comfort_factor=2)

    assert scene.machines() == rows
    assert [(run["number"], run["published"]) for run in scene.runs()] == [(2, False), (1, True)]
    detail = scene.api.ok(scene.api.get(f"{scene.path}machines/{rows[0]['machine']}/?run={again['id']}"))
    assert detail["required"]["memory_mb"] > rows[0]["required"]["memory_mb"]


def test_other_prices_on_the_same_inputs_are_a_difference_by_price_alone(scene: Scene) -> None:
    first, rows = scene.runs()[0], scene.machines()
    sizes = {row["recommended_sku"] for row in rows}
    prices = (f"{size},westeurope,pay_as_you_go,linux,0.0001,hour,USD,2026-01-01" for size in sizes)
    sheet = price_sheet(scene.api, *prices)
    cheaper = scene.repeated(first["id"], price_sheet=sheet)

    compared = scene.api.ok(scene.api.get(f"{scene.path}compare/?run={first['id']}&with_run={cheaper['id']}"))
    assert Decimal(compared["difference"]) < 0
    assert compared["causes"]["price"] == compared["difference"]
    assert {compared["causes"][cause] for cause in ("membership", "inventory", "performance")} == {"0.00"}


def test_settings_that_would_read_other_values_are_refused_naming_them(scene: Scene) -> None:
    body = {"settings": {"percentile": 50, "performance_window": "1_week"}}
    answer = scene.api.post(f"{scene.path}runs/{scene.runs()[0]['id']}/repeat/", body)
    problem = scene.api.ok(answer, 400)
    assert problem["code"] == "needs_history"
    assert [error["field"] for error in problem["errors"]] == ["settings.performance_window", "settings.percentile"]


def test_readers_may_read_kept_runs_but_not_repeat_them(scene: Scene) -> None:
    run = scene.runs()[0]["id"]
    reader = scene.cast.rita
    reader.ok(reader.get(f"{scene.path}machines/?run={run}"))
    reader.ok(reader.post(f"{scene.path}runs/{run}/repeat/", {}), 403)


def test_a_run_of_another_assessment_is_not_there(scene: Scene) -> None:
    other = make.cast()
    project, _ = enrolled(other.alice, [machine("sql-01")])
    assessment = assessed(other.alice, project, group_of_all(other.alice, project), sizing_criterion="as_on_premises")
    path = f"projects/{project}/assessments/{assessment['id']}/runs/"
    run = other.alice.ok(other.alice.get(path))["results"][0]["id"]
    scene.api.ok(scene.api.get(f"{scene.path}machines/?run={run}"), 404)


def test_a_repeated_run_keeps_the_day_of_its_prices(scene: Scene) -> None:
    size = scene.machines()[0]["recommended_sku"]
    today = datetime.now(UTC).date()
    sheet = price_sheet(
        scene.api,
        f"{size},westeurope,pay_as_you_go,linux,0.0001,hour,USD,2026-01-01",
        f"{size},westeurope,pay_as_you_go,linux,0.0002,hour,USD,{today}",
    )
    priced = scene.repeated(scene.runs()[0]["id"], price_sheet=sheet)
    with tenant_context(scene.cast.tenant.id):  # as if it had been computed a day ago
        AssessmentRun.objects.filter(id=priced["id"]).update(prices_on=today - timedelta(days=1))
    of_yesterday = scene.repeated(priced["id"])
    again = scene.repeated(of_yesterday["id"])
    assert of_yesterday["monthly_cost"]["compute"] == again["monthly_cost"]["compute"]
    assert Decimal(priced["monthly_cost"]["compute"]) == 2 * Decimal(again["monthly_cost"]["compute"])


def test_rules_that_would_read_other_values_are_refused(scene: Scene) -> None:
    path = f"{scene.path}runs/{scene.runs()[0]['id']}/repeat/"
    problem = scene.api.ok(scene.api.post(path, {"settings": {"rule_set": "am-2020-09"}}), 400)
    assert [error["field"] for error in problem["errors"]] == ["settings.rule_set"]


def test_a_deleted_price_sheet_stays_with_the_assessment_that_has_it(scene: Scene) -> None:
    sheet = price_sheet(scene.api)
    scene.api.ok(scene.api.patch(scene.path, {"settings": {"price_sheet": sheet}}), 202)
    finished(scene.api, scene.path.split("/")[1], scene.assessment)
    scene.api.ok(scene.api.delete(f"price-sheets/{sheet}/"), 204)
    assert scene.repeated(scene.runs()[0]["id"], comfort_factor=1.5)["status"] == "completed"
    scene.api.ok(scene.api.patch(scene.path, {"settings": {"comfort_factor": 1.5}}), 202)
    problem = scene.api.ok(scene.api.patch(scene.path, {"settings": {"price_sheet": sheet}}), 400)
    assert problem["code"] == "unknown_price_sheet"


def test_the_sensitivity_of_a_repeated_run_is_that_of_the_run_it_repeats(scene: Scene) -> None:
    first = scene.runs()[0]["id"]
    again = scene.repeated(first)["id"]
    asked = f"{scene.path}sensitivity/?percentile=50&window=1_week&comfort_factor=1.1"
    wait_until(lambda: scene.api.get(asked).status_code == 200, what="the percentiles of the first run")
    with tenant_context(scene.cast.tenant.id):  # their points are not kept any more
        end_at = datetime.now(UTC) - timedelta(days=60)
        AssessmentRun.objects.filter(id=again).update(performance_end_at=end_at)
    scene.api.ok(scene.api.post(f"{scene.path}sensitivity/?run={again}"), 202)
    own, repeated = (scene.api.ok(scene.api.get(f"{asked}&run={run}")) for run in (first, again))
    assert {**own, "run": again} == repeated


def test_sensitivity_without_history_is_refused_and_not_guessed(scene: Scene) -> None:
    run = scene.repeated(scene.runs()[0]["id"], comfort_factor=1.5)["id"]
    with tenant_context(scene.cast.tenant.id):
        end_at = datetime.now(UTC) - timedelta(days=60)
        AssessmentRun.objects.filter(id=run).update(performance_end_at=end_at, repeats=None)
    assert scene.api.ok(scene.api.post(f"{scene.path}sensitivity/?run={run}"), 409)["code"] == "history_gone"


def test_a_window_whose_points_are_gone_is_not_recalculated(scene: Scene) -> None:
    start_at = last_full_hour() - timedelta(days=60)
    window = {"start": start_at.isoformat(), "end": (start_at + timedelta(days=1)).isoformat()}
    with tenant_context(scene.cast.tenant.id):
        assessment = Assessment.objects.get(id=scene.assessment)
        assessment.settings = {**assessment.settings, "performance_window": window}
        assessment.save(update_fields=["settings"])
    assert scene.api.ok(scene.api.post(f"{scene.path}recalculate/"), 400)["code"] == "window_too_old"
