"""Report templates over the API: what they choose, whose they are, and that a report keeps what they said."""

import io
import json
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.utils import timezone
from PIL import Image

from assessments.models import Assessment
from migrate_hub.files.models import StoredFile
from migrate_hub.tenants.row_level_security import tenant_context
from reports.models import Report, ReportTemplate
from reports.report_templates.changing import MAX_TEMPLATES
from reports.report_templates.using import copy_of, look_of
from reports.workbook import LAYOUTS
from tests import make
from tests.conftest import wait_until
from tests.estate import DONE, assessed, enrolled, group_of_all, machine, png, report_template, reported, send_file
from tests.portal.second_steps import at_once
from tests.reports.test_reports import content_of, path_of

pytestmark = pytest.mark.usefixtures("catalog", "background")
Place = tuple[make.Cast, str, dict[str, Any]]


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> Place:
    """A cast, a project, and a finished assessment."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("sql-01"), machine("web-01")])
    group = group_of_all(cast.bob, project)
    return cast, project, assessed(cast.bob, project, group, sizing_criterion="as_on_premises")


def template(api: make.Api, **said: Any) -> dict[str, Any]:
    """A new template."""
    made: dict[str, Any] = api.ok(api.post("report-templates/", {"name": f"t {uuid4().hex}", **said}), 201)
    return made


def file_of(place: Place, **body: Any) -> bytes:
    """The content of a finished report."""
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"], **body)
    assert report["status"] == "completed", report
    return content_of(make.Api(None).get(path_of(report["download_url"])))


def workbook_of(place: Place, **body: Any) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(file_of(place, **body)))


def test_templates_made_at_once_do_not_step_over_the_limit() -> None:
    owner = make.cast()
    with tenant_context(owner.tenant.id):
        ReportTemplate.objects.bulk_create([ReportTemplate.new(name=f"t {n}") for n in range(MAX_TEMPLATES - 1)])
    statuses = at_once(6, lambda n: int(owner.alice.post("report-templates/", {"name": f"racing {n}"}).status_code))
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]


def headings(sheet: Any) -> list[Any]:
    return [cell.value for cell in sheet[1]]


def pairs_of(sheet: Any) -> dict[Any, Any]:
    return {row[0]: row[1] for row in sheet.iter_rows(values_only=True) if row[0]}


def test_a_report_shows_the_chosen_sheets_and_columns_and_says_what_it_left_out(place: Place) -> None:
    chosen = {"All_Assessed_Machines": ["recommended_sku", "machine_name"]}
    sheets = ["All_Assessed_Machines", "Assessment_Properties", "Savings"]
    made = template(place[0].bob, sheets=sheets, columns=chosen)
    book = workbook_of(place, template=made["id"])
    assert book.sheetnames == [
        "Assessment_Summary", "All_Assessed_Machines", "Assessment_Properties", "Savings", "Read_me",
    ]  # fmt: skip
    assert headings(book["All_Assessed_Machines"]) == ["Machine", "Recommended size"]
    told = pairs_of(book["Read_me"])
    assert told["Template"] == made["name"]
    assert "Price_Lines" in told["Sheets left out"]
    assert told["Columns of All_Assessed_Machines"].startswith("2 of 36; left out: VM host")


def test_all_columns_are_exactly_those_of_the_layout(place: Place) -> None:
    keys = [column.key for column in LAYOUTS["2024"].machines]
    made = template(place[0].bob, columns={"All_Assessed_Machines": list(reversed(keys))}, layout="2020")
    assert made["columns"] == {}
    sheet = workbook_of(place, template=made["id"])["All_Assessed_Machines"]
    assert headings(sheet) == [column.heading.replace("{currency}", "USD") for column in LAYOUTS["2020"].machines]


def test_totals_stay_right_where_the_columns_behind_them_were_left_out(place: Place) -> None:
    made = template(place[0].bob, sheets=["Scenarios"], columns={"Scenarios": ["machine_name"]})
    data = io.BytesIO(file_of(place, template=made["id"]))
    summary = pairs_of(openpyxl.load_workbook(data, data_only=True)["Assessment_Summary"])
    cost = Decimal(place[2]["summary"]["monthly_cost"]["compute"])
    assert abs(Decimal(str(summary["Compute monthly cost USD"])) - cost) < Decimal("0.005")


def test_csv_and_json_lines_take_the_same_choice(place: Place) -> None:
    made = template(place[0].bob, sheets=["Savings"], format="csv", columns={"Savings": ["machine_name", "saved"]})
    with zipfile.ZipFile(io.BytesIO(file_of(place, template=made["id"], format="csv"))) as archive:
        assert sorted(archive.namelist()) == ["Assessment_Summary.csv", "Savings.csv"]
        assert archive.read("Savings.csv").decode("utf-8-sig").splitlines()[0] == (
            "Machine,Saved by the chosen scenario USD"
        )
    lines = [json.loads(line) for line in file_of(place, template=made["id"], format="jsonl").splitlines()]
    assert {line["table"] for line in lines} == {"report", "Savings"}
    assert lines[0]["choice"]["Template"] == made["name"]


def test_what_a_request_does_not_say_is_as_the_template_says(place: Place) -> None:
    cast, project, assessment = place
    made = template(cast.bob, format="csv", layout="2020", refused_shown=7)
    path = f"projects/{project}/assessments/{assessment['id']}/reports/"
    report = cast.bob.ok(cast.bob.post(path, {"template": made["id"]}), 202)
    assert (report["format"], report["layout"], report["refused_shown"]) == ("csv", "2020", 7)
    assert report["template"] == {"id": made["id"], "name": made["name"]}


def test_name_logo_and_colors_are_on_the_first_sheet(place: Place) -> None:
    made = report_template(place[0].bob, display_name="Contoso Ltd", primary_color="#7A1F5C", secondary_color="#C08BB0")
    data = file_of(place, template=made, format="xlsx")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert any(name.startswith("xl/media/") for name in names)
        charts = "".join(archive.read(name).decode() for name in names if name.startswith("xl/charts/chart"))
    assert "7A1F5C" in charts
    assert "C08BB0" in charts
    assert "1E4E79" not in charts
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Assessment_Summary"]
    assert sheet["D2"].value == "Contoso Ltd"
    assert sheet["A1"].font.color.rgb == "FF7A1F5C"


def test_the_summary_takes_them_too(place: Place) -> None:
    plain = file_of(place, format="pdf", template=None)
    made = report_template(place[0].bob, display_name="Contoso Ltd", primary_color="#7A1F5C")
    assert b"/Subtype /Image" not in plain
    assert b"/Subtype /Image" in file_of(place, format="pdf", template=made)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("primary_color", "#FFDD00", "contrast"),
        ("primary_color", "red", "#RRGGBB"),
        ("highlight_color", "#FFFFFF", "contrast"),
        ("sheets", ["Sheet1"], "not a valid choice"),
        ("columns", {"Savings": ["nothing"]}, "no column nothing"),
        ("columns", {"Savings": []}, "Choose a column"),
        ("columns", {"Assessment_Properties": ["a"]}, "no columns to choose"),
        ("layout", "1999", "not a valid choice"),
        ("extra", 1, "not known"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(place: Place, field: str, value: Any, says: str) -> None:
    answer = place[0].bob.post("report-templates/", {"name": f"x {uuid4().hex}", field: value})
    body = place[0].bob.ok(answer, 400)
    assert body["errors"][0]["field"].split(".")[0] == field
    assert says in body["errors"][0]["message"]


def test_a_dark_enough_shade_is_offered_and_taken(place: Place) -> None:
    body = place[0].bob.post("report-templates/", {"name": f"x {uuid4().hex}", "primary_color": "#FF8800"}).json()
    shade = next(word for word in body["errors"][0]["message"].split() if word.startswith("#"))
    assert template(place[0].bob, primary_color=shade)["primary_color"] == shade


def test_a_report_keeps_what_its_template_said_when_it_was_asked_for(place: Place) -> None:
    cast, project, assessment = place
    made = report_template(cast.bob, display_name="Before", sheets=["Savings"])
    path = f"projects/{project}/assessments/{assessment['id']}/reports/"
    asked = cast.bob.ok(cast.bob.post(path, {"template": made}), 202)
    cast.bob.ok(cast.bob.patch(f"report-templates/{made}/", {"display_name": "After", "sheets": None}))
    with tenant_context(cast.tenant.id):
        kept = Report.objects.get(id=asked["id"]).choice
    assert (kept["display_name"], kept["sheets"]) == ("Before", ["Savings"])


def test_a_template_deleted_while_a_report_waits_costs_the_report_nothing(place: Place) -> None:
    cast, project, assessment = place
    made = report_template(cast.bob, display_name="Gone soon")
    with tenant_context(cast.tenant.id):
        waiting = waiting_report(project, assessment, made)
    assert cast.bob.delete(f"report-templates/{made}/").status_code == 204
    with tenant_context(cast.tenant.id):
        assert StoredFile.objects.get(id=waiting.choice["logo"]).expires_at == waiting.expires_at
        assert look_of(waiting.choice).logo


def waiting_report(project: str, assessment: dict[str, Any], made: str) -> Report:
    """A report that no worker has: its row alone. Needs the tenant's context."""
    found = Assessment.objects.get(id=assessment["id"])
    report: Report = Report.objects.create(
        project_id=project,
        assessment=found,
        run=found.current_run,
        layout="2024",
        choice=copy_of(ReportTemplate.objects.get(id=made), format="xlsx"),
        expires_at=timezone.now() + timedelta(days=1),
    )
    return report


def test_the_default_counts_unless_another_one_or_none_is_named(place: Place) -> None:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("only")])
    assessment = assessed(cast.bob, project, group_of_all(cast.bob, project), sizing_criterion="as_on_premises")
    first = template(cast.bob, is_default=True)
    second = template(cast.bob, is_default=True)
    assert not cast.bob.ok(cast.bob.get(f"report-templates/{first['id']}/"))["is_default"]
    path = f"projects/{project}/assessments/{assessment['id']}/reports/"
    used = [cast.bob.ok(cast.bob.post(path, body), 202)["template"] for body in ({}, {"template": first["id"]},
                                                                                 {"template": None})]  # fmt: skip
    assert [one and one["id"] for one in used] == [second["id"], first["id"], None]


def test_another_tenants_template_is_as_unknown_as_none(place: Place) -> None:
    cast, project, assessment = place
    theirs = template(make.stranger())["id"]
    path = f"projects/{project}/assessments/{assessment['id']}/reports/"
    answers = [cast.bob.ok(cast.bob.post(path, {"template": id}), 400) for id in (theirs, str(uuid4()))]
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "unknown_template"
    assert cast.bob.get(f"report-templates/{theirs}/").status_code == 404


def test_a_reader_looks_a_contributor_changes(place: Place) -> None:
    cast = place[0]
    made = report_template(cast.bob)
    assert cast.rita.get(f"report-templates/{made}/").status_code == 200
    assert cast.rita.get(f"report-templates/{made}/logo/").status_code == 200
    assert cast.rita.post("report-templates/", {"name": "mine"}).status_code == 403
    assert cast.rita.patch(f"report-templates/{made}/", {"name": "mine"}).status_code == 403
    assert send_file(cast.rita, f"report-templates/{made}/logo/", png()).status_code == 403
    assert cast.rita.delete(f"report-templates/{made}/").status_code == 403
    events = cast.alice.ok(cast.alice.get("audit/"))["results"]
    assert {event["action"] for event in events} >= {"report_template.create", "report_template.logo"}


def test_a_name_is_given_once(place: Place) -> None:
    made = template(place[0].bob)
    answer = place[0].bob.post("report-templates/", {"name": made["name"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def logo_answer(place: Place, content: bytes) -> Any:
    made = template(place[0].bob)
    return made, send_file(place[0].bob, f"report-templates/{made['id']}/logo/", content)


def test_a_logo_is_drawn_anew_smaller_and_without_what_hid_in_it(place: Place) -> None:
    polyglot = png(2000, 1000) + b"PK\x03\x04<script>alert(1)</script>"
    made, answer = logo_answer(place, polyglot)
    assert answer.status_code == 200
    kept = content_of(place[0].rita.get(f"report-templates/{made['id']}/logo/"))
    assert b"script" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert (image.format, image.size) == ("PNG", (800, 400))


def huge_png() -> bytes:
    """A header that promises 60,000 x 60,000 pixels."""
    small = png()
    return small[:16] + (60_000).to_bytes(4, "big") * 2 + small[24:]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "other_kind"),
        (b"GIF89a" + b"\0" * 20, "other_kind"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "damaged_image"),
        (b"PK\x03\x04" + png(), "other_kind"),
        (png(9000, 10), "image_too_large"),
        (huge_png(), "damaged_image"),
        (png() + b"\0" * (2 * 1024 * 1024), "file_too_large"),
        (b"", "empty"),
    ],
    ids=["svg", "gif", "damaged", "zip", "wide", "promises_more", "heavy", "nothing"],
)
def test_what_is_no_harmless_picture_is_refused(place: Place, content: bytes, code: str) -> None:
    _, answer = logo_answer(place, content)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


def test_a_deleted_template_leaves_no_file(place: Place) -> None:
    cast = make.cast()
    made = report_template(cast.bob)
    send_file(cast.bob, f"report-templates/{made}/logo/", png(6, 6))
    with tenant_context(cast.tenant.id):
        assert StoredFile.objects.count() == 1
    assert cast.bob.delete(f"report-templates/{made}/").status_code == 204
    with tenant_context(cast.tenant.id):
        assert StoredFile.objects.count() == 0


@pytest.mark.parametrize("kind", ["difference", "project"])
def test_reports_that_are_not_of_one_run_take_the_look(place: Place, kind: str) -> None:
    cast, project, assessment = place
    made = report_template(cast.bob, display_name="Contoso Ltd", primary_color="#7A1F5C")
    path = f"projects/{project}/reports/"
    if kind == "difference":
        other = assessed(cast.bob, project, assessment["group"], sizing_criterion="as_on_premises", comfort_factor=2)
        body = {"template": made, "before_run": assessment["run"]["id"]}
        asked = cast.bob.ok(cast.bob.post(f"projects/{project}/assessments/{other['id']}/reports/", body), 202)
    else:
        asked = cast.bob.ok(cast.bob.post(path, {"template": made}), 202)
    assert asked["template"]["id"] == made

    def ended() -> Any:
        report = cast.bob.ok(cast.bob.get(f"{path}{asked['id']}/"))
        return report if report["status"] in DONE else None

    report = wait_until(ended, what="the report")
    assert report["status"] == "completed", report
    with zipfile.ZipFile(io.BytesIO(content_of(make.Api(None).get(path_of(report["download_url"]))))) as archive:
        assert b"7A1F5C" in archive.read("xl/styles.xml")
        assert any(name.startswith("xl/media/") for name in archive.namelist())
        assert b"Contoso Ltd" in archive.read("xl/worksheets/sheet1.xml")
