"""Groups, assessments, results and reports as pages: from chosen machines to a downloaded workbook."""

import io
import re
import zipfile
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.series_statistics import NAMES
from migrate_hub.portal.wording import measured, series_name
from tests import make
from tests.assessments.varied import percentiles_there
from tests.conftest import wait_until
from tests.estate import enrolled, finished, group_of_all, machine, machine_ids
from tests.portal.browsing import Browser, sign_in, text_of
from tests.portal.conftest import Site

DEFAULTS = {
    "sizing_criterion": "performance_based", "performance_window": "1_day", "percentile": "95", "comfort_factor": "1.3",
    "target_region": "westeurope", "currency": "USD", "offer": "pay_as_you_go", "commitment": "none",
    "hybrid_benefit": "windows", "discount_percent": "0", "days_per_month": "31", "hours_per_day": "24",
    "sku_families": "", "disk_types": ["automatic"], "rule_set": "am-2025", "commitment_rule": "strict",
    "unknown_disk_limits": "refuse", "unknown_network_limits": "accept_with_issue",
}  # fmt: skip


def fields(**changes: Any) -> dict[str, Any]:
    return {"name": f"assessment {uuid4().hex[:6]}", **DEFAULTS, **changes}


@pytest.fixture(scope="module")
def place(catalog: None) -> tuple[make.Cast, Browser, str]:
    """bob's browser and a project of three machines, in which no worker is waited for."""
    cast = make.cast()
    listed = [machine("sql-01"), machine("sql-02"), machine("web-01", operating_system="Ubuntu Linux (64-bit)")]
    project, _ = enrolled(cast.bob, listed)
    return cast, sign_in(cast, "bob"), project


@pytest.fixture(scope="module")
def catalog() -> None:
    from django.core.management import call_command

    call_command("load_catalog", verbosity=0)


def new_group(bob: Browser, project: str, **fields: Any) -> Any:
    response = bob.post("portal:new-group", project, follow=True, name=f"group {uuid4().hex[:6]}", **fields)
    assert response.status_code == 200, text_of(response)
    return response.context["group"]


def test_ticked_machines_become_a_group_and_leave_it(place: Any) -> None:
    cast, bob, project = place
    ids = machine_ids(cast.bob, project)
    group = new_group(bob, project, chosen="selected", machine=[ids["sql-01"], ids["web-01"]])
    words = bob.see("portal:group", project, group.id)
    assert "2 machines, listed one by one" in words
    bob.post("portal:group", project, group.id, machine=[ids["web-01"]])
    assert "1 machine, listed one by one" in bob.see("portal:group", project, group.id)


def test_machines_are_added_to_a_group_that_exists(place: Any) -> None:
    cast, bob, project = place
    ids = machine_ids(cast.bob, project)
    group = new_group(bob, project, chosen="selected", machine=[ids["sql-01"]])
    bob.post("portal:new-group", project, chosen="matching", search="sql", group=str(group.id), name="")
    assert "2 machines" in bob.see("portal:group", project, group.id)


def test_a_group_by_filter_follows_its_filter(place: Any) -> None:
    _, bob, project = place
    group = new_group(bob, project, chosen="filter", search="sql")
    assert "2 machines whose name begins with “sql”" in bob.see("portal:group", project, group.id)
    bob.post("portal:group-settings", project, group.id, name="renamed", os="ubuntu")
    words = bob.see("portal:group", project, group.id)
    assert "renamed" in words
    assert "1 machine whose operating system contains “ubuntu”" in words


def test_another_tenants_machine_is_not_grouped(place: Any) -> None:
    _, bob, project = place
    other = make.cast().bob
    their_project, _ = enrolled(other, [machine("theirs")])
    theirs = machine_ids(other, their_project)["theirs"]
    name = f"stolen {uuid4().hex[:6]}"
    response = bob.post("portal:new-group", project, chosen="selected", machine=[theirs], name=name)
    assert response.status_code == 400
    assert "not in this project" in text_of(response)
    assert name not in bob.see("portal:groups", project)
    assert bob.post("portal:new-group", project, chosen="selected", machine=["x"], name=name).status_code == 404


def test_a_group_without_a_name_is_told_so(place: Any) -> None:
    _, bob, project = place
    response = bob.post("portal:new-group", project, chosen="matching", name="")
    assert response.status_code == 400
    assert "name" in response.context["form"].errors


def test_the_form_of_an_assessment_starts_with_the_defaults(place: Any) -> None:
    _, bob, project = place
    form = bob.get("portal:new-assessment", project).context["form"]
    assert {name: form[name].value() for name in DEFAULTS if name != "percentile"} == {
        name: value for name, value in DEFAULTS.items() if name != "percentile"
    } | {"days_per_month": 31, "hours_per_day": 24}
    assert form["percentile"].value() == 95


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"comfort_factor": "0.5"}, {"comfort_factor"}),
        ({"percentile": "42"}, {"percentile"}),
        ({"hours_per_day": "25"}, {"hours_per_day"}),
        ({"sku_families": "no-such-series"}, {"sku_families"}),
        ({"commitment": "reservation_1y", "discount_percent": "10"}, {"commitment", "discount_percent"}),
        ({"commitment": "reservation_1y", "days_per_month": "20"}, {"commitment", "days_per_month"}),
        ({"unknown_disk_limits": "guess"}, {"unknown_disk_limits"}),
        ({"target_region": "atlantis"}, {"target_region"}),
        ({"currency": "XXX"}, {"currency"}),
    ],
)
def test_a_wrong_setting_is_told_beside_its_field_and_what_was_typed_stays(
    place: Any, changes: dict[str, str], wrong: set[str]
) -> None:
    cast, bob, project = place
    group = group_of_all(cast.bob, project, f"group {uuid4().hex[:6]}")
    response = bob.post("portal:new-assessment", project, **fields(group=group, name="typed name", **changes))
    assert response.status_code == 400
    form = response.context["form"]
    assert set(form.errors) == wrong
    assert form["name"].value() == "typed name"
    assert "typed name" not in bob.see("portal:assessments", project)


def test_an_empty_group_cannot_be_assessed(place: Any) -> None:
    cast, bob, project = place
    body = {"name": f"empty {uuid4().hex[:6]}"}
    group = cast.bob.ok(cast.bob.post(f"projects/{project}/groups/", body), 201)["id"]
    response = bob.post("portal:new-assessment", project, **fields(group=group))
    assert response.status_code == 400
    assert "The group has no machines" in text_of(response)


def test_an_unknown_group_is_not_there(place: Any) -> None:
    _, bob, project = place
    assert bob.post("portal:new-assessment", project, **fields(group=str(uuid4()))).status_code == 404


def test_from_the_form_to_results_and_workbook(site: Site) -> None:
    project, group = site.ids("project", "group")
    made = site.bob.post("portal:new-assessment", project, **fields(group=group, name=f"whole {uuid4().hex[:6]}"))
    assert made.status_code == 302
    assessment = made.url.rstrip("/").rpartition("/")[2]
    finished(site.estate.cast.bob, project, assessment)
    words = site.bob.see("portal:assessment", project, assessment).replace("\u202f", " ")
    for expected in ("100 % ready", "Pay as you go, own licenses chosen", "2 of 2 machines", "Monthly cost by part"):
        assert expected in words
    assert site.bob.post("portal:reports", project, assessment).status_code == 302
    path = wait_until(lambda: download_path(site.bob, project, assessment), what="the workbook")
    response = site.rita.get(path)
    workbook = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert "xl/workbook.xml" in workbook.namelist()
    assert "attachment" in response["Content-Disposition"]


def download_path(browser: Browser, project: str, assessment: str) -> str | None:
    """The link of the newest report, once it is made."""
    html = browser.get("portal:reports", project, assessment).content.decode()
    found = re.search(r'href="([^"]+/download/)"', html)
    return found.group(1) if found else None


def test_progress_is_a_fragment_that_asks_for_more_until_the_run_has_ended(place: Any, site: Site) -> None:
    project, assessment = site.ids("project", "assessment")
    ended = site.rita.get("portal:assessment-state", project, assessment).content.decode()
    assert ended.startswith("<section")
    assert "hx-trigger" not in ended


def test_a_run_that_waits_shows_its_progress_and_can_be_cancelled_and_run_again(place: Any) -> None:
    cast, bob, project = place
    group = group_of_all(cast.bob, project, f"group {uuid4().hex[:6]}")
    made = bob.post("portal:new-assessment", project, **fields(group=group))
    assessment = made.url.rstrip("/").rpartition("/")[2]
    state = bob.get("portal:assessment-state", project, assessment)
    if b"hx-trigger" in state.content:
        assert "of 3 machines" in text_of(state)
        bob.post("portal:cancel", project, assessment)
    response = bob.post("portal:recalculate", project, assessment, follow=True)
    assert "A new run was queued" in text_of(response)
    response = bob.post("portal:recalculate", project, assessment, follow=True)
    assert "not finished" in text_of(response) or "A new run was queued" in text_of(response)


def test_results_are_filtered_by_readiness_and_name_with_a_fixed_number_of_queries(site: Site) -> None:
    project, assessment = site.ids("project", "assessment")
    site.rita.get("portal:results", project, assessment)
    with CaptureQueriesContext(connection) as queries:
        response = site.rita.get("portal:results", project, assessment)
    assert [row.machine.name for row in response.context["rows"]] == ["sql-01", "web-01"]
    assert len(queries) <= 14, [each["sql"][:120] for each in queries]
    words = site.rita.see("portal:results", project, assessment, query="?search=sql")
    assert "sql-01" in words
    assert "web-01" not in words
    assert "No machine here" in site.rita.see("portal:results", project, assessment, query="?readiness=not_ready")


def test_a_machines_result_tells_the_whole_way_to_its_size(site: Site) -> None:
    project, assessment, one = site.ids("project", "assessment", "machine")
    words = site.rita.see("portal:result", project, assessment, one).replace("\u202f", " ")
    row = site.rita.get("portal:result", project, assessment, one).context["machine"]
    for expected in (
        "4 cores, 16 GB of memory, 2 disks, 1 network adapter",
        "The 95th percentile from",
        "CPU 20 %",
        "4 cores \u00d7 20 % \u00d7 1.3",
        f"{row.recommended_sku} costs the least of all allowed sizes in westeurope",
        "needed,",
        "an hour \u00d7 744 hours",
        "Reserved for 3 years, own licenses",
    ):
        assert expected in words, expected


def test_a_machines_result_tells_the_percentiles_of_each_series(site: Site) -> None:
    project, assessment, one = site.ids("project", "assessment", "machine")
    api = site.estate.cast.bob
    percentiles_there(api, project, assessment)
    series = api.ok(api.get(f"projects/{project}/assessments/{assessment}/machines/{one}/"))["trace"]["series"]
    words = " ".join(site.rita.see("portal:result", project, assessment, one).split())
    assert {each["part"] for each in series} == {"machine", "disk", "nic"}
    for each in series:
        figures = [" ".join(measured(each["metric"], each[name])[1].split()) for name in NAMES]
        assert f"{series_name(each)} {each['points']:,} {' '.join(figures)}" in words


def test_changed_settings_queue_a_new_run(site: Site) -> None:
    cast = site.estate.cast
    project, group = site.ids("project", "group")
    made = site.bob.post("portal:new-assessment", project, **fields(group=group))
    assessment = made.url.rstrip("/").rpartition("/")[2]
    finished(cast.bob, project, assessment)
    form = site.bob.get("portal:assessment-settings", project, assessment).context["form"]
    assert form["comfort_factor"].value() == "1.3"
    response = site.bob.post(
        "portal:assessment-settings", project, assessment, **fields(name="stricter", comfort_factor="1.5")
    )
    assert response.status_code == 302
    assert finished(cast.bob, project, assessment)["settings"]["comfort_factor"] == 1.5
    assert "stricter" in site.bob.see("portal:assessments", project)
    site.bob.post("portal:delete-assessment", project, assessment)
    assert site.bob.get("portal:assessment", project, assessment).status_code == 404


def test_a_report_can_be_deleted_and_then_is_not_there(site: Site) -> None:
    project, assessment = site.ids("project", "assessment")
    api = site.estate.cast.bob
    made = api.ok(api.post(f"projects/{project}/assessments/{assessment}/reports/", {"format": "xlsx"}), 202)
    assert site.bob.post("portal:delete-report", project, made["id"]).status_code == 302
    assert site.bob.get("portal:download-report", project, made["id"]).status_code == 404


def test_without_results_the_result_pages_say_so(place: Any) -> None:
    cast, bob, project = place
    group = group_of_all(cast.bob, project, f"group {uuid4().hex[:6]}")
    made = cast.bob.post(f"projects/{project}/groups/{group}/assessments/", {"name": f"new {uuid4().hex[:6]}"})
    assessment = made.json()["id"]
    cast.bob.post(f"projects/{project}/assessments/{assessment}/cancel/")
    response = bob.get("portal:results", project, assessment)
    if response.status_code != 200:  # a worker of another test may have been quicker than the cancelling
        assert response.status_code == 409
        assert "No run of this assessment has completed yet" in text_of(response)
