"""The pages of report templates: what is ticked is what reports have, files are judged, a reader only looks."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from reports.report_templates.choosing import COLUMNS, SHEETS
from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine, png
from tests.portal.browsing import Browser, sign_in, text_of
from tests.reports.own_workbooks import own_workbook

FIELDS = {"format": "xlsx", "layout": "2024", "refused_shown": "3", "choice": "1"}


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


def everything() -> dict[str, Any]:
    """All sheets and columns ticked."""
    ticked = {f"columns.{name}": [column.key for column in columns] for name, columns in COLUMNS.items()}
    return {"sheets": list(SHEETS), **ticked}


def made(cast: make.Cast, bob: Browser, **fields: Any) -> dict[str, Any]:
    """The template that the form makes, as the API tells it."""
    name = f"t {uuid4().hex}"
    response = bob.post("portal:new-report-template", name=name, **{**FIELDS, **everything(), **fields})
    assert response.status_code == 302, text_of(response)
    found: dict[str, Any] = cast.bob.ok(cast.bob.get(f"report-templates/{response.url.split('/')[-2]}/"))
    assert found["name"] == name
    return found


def test_what_is_ticked_is_what_the_template_has(cast: make.Cast, bob: Browser) -> None:
    whole = made(cast, bob)
    assert (whole["sheets"], whole["columns"]) == (None, {})
    part = made(cast, bob, **{"sheets": ["Savings", "Scenarios"], "columns.Savings": ["saved", "machine_name"]})
    assert part["sheets"] == ["Scenarios", "Savings"]
    assert part["columns"] == {"Savings": ["machine_name", "saved"]}
    page = bob.get("portal:report-template", part["id"]).content.decode()
    assert "2 of 11 columns" in page
    assert 'name="sheets" value="Savings" checked' in page
    assert 'name="sheets" value="Price_Lines" checked' not in page


def test_what_was_typed_and_ticked_stays_when_a_color_is_refused(cast: make.Cast, bob: Browser) -> None:
    fields = {**FIELDS, **everything(), "name": "kept name", "sheets": ["Savings"], "primary_color": "#FFEE00"}
    response = bob.post("portal:new-report-template", **fields)
    page = response.content.decode()
    assert response.status_code == 400
    assert "cannot be read well" in page
    assert "kept name" in page
    assert 'value="Savings" checked' in page
    assert 'value="Scenarios" checked' not in page


def test_a_sheet_without_a_column_is_refused_in_words(bob: Browser) -> None:
    fields = {**FIELDS, **everything(), "name": uuid4().hex, "columns.Savings": []}
    assert "Choose a column of Savings" in text_of(bob.post("portal:new-report-template", **fields))


def test_a_logo_is_shown_and_taken_away(cast: make.Cast, bob: Browser) -> None:
    template = made(cast, bob)
    logo = SimpleUploadedFile("logo.png", png(40, 20))
    assert bob.post("portal:report-template-logo", template["id"], file=logo).status_code == 302
    assert "The logo of this template" in bob.get("portal:report-template", template["id"]).content.decode()
    assert bob.get("portal:report-template-logo", template["id"])["Content-Type"] == "image/png"
    bob.post("portal:report-template-logo", template["id"], do="remove")
    assert bob.get("portal:report-template-logo", template["id"]).status_code == 404


def test_known_and_unknown_names_of_a_workbook_stand_beside_one_another(cast: make.Cast, bob: Browser) -> None:
    template = made(cast, bob)
    file = SimpleUploadedFile("our report.xlsx", own_workbook())
    assert bob.post("portal:report-template-workbook", template["id"], file=file).status_code == 302
    words = bob.see("portal:report-template", template["id"])
    assert "mh_total_monthly Dash board!B4: Total monthly cost" in words
    assert "Did you mean mh_total_monthly" in words
    assert "Recomended type: left empty ; did you mean Recommended size?" in words.replace("empty;", "empty ;")


def test_a_refused_file_is_told_beside_its_field(cast: make.Cast, bob: Browser) -> None:
    template = made(cast, bob)
    file = SimpleUploadedFile("report.xlsx", b"a,b\n1,2\n")
    response = bob.post("portal:report-template-workbook", template["id"], file=file)
    assert response.status_code == 400
    assert "not an Excel workbook" in text_of(response)


def test_a_reader_sees_what_a_template_says_and_no_form(cast: make.Cast, bob: Browser) -> None:
    template = made(cast, bob, display_name="Contoso")
    rita = sign_in(cast, "rita")
    page = rita.get("portal:report-template", template["id"]).content.decode()
    assert "Contoso" in page
    assert page.count('method="post"') == 1  # signing out
    assert rita.get("portal:new-report-template").status_code == 403


def test_a_deleted_template_is_gone(cast: make.Cast, bob: Browser) -> None:
    template = made(cast, bob)
    assert bob.post("portal:delete-report-template", template["id"]).status_code == 302
    assert bob.get("portal:report-template", template["id"]).status_code == 404


def test_the_list_asks_the_database_as_often_with_many_as_with_few(
    cast: make.Cast, bob: Browser, django_assert_max_num_queries: Any
) -> None:
    cast = make.cast()
    bob = sign_in(cast, "bob")

    def queries() -> int:
        with django_assert_max_num_queries(100) as counted:
            bob.see("portal:report-templates")
        return len(counted)

    for _ in range(3):
        cast.bob.ok(cast.bob.post("report-templates/", {"name": uuid4().hex}), 201)
    few = queries()
    for _ in range(57):
        cast.bob.ok(cast.bob.post("report-templates/", {"name": uuid4().hex}), 201)
    assert queries() == few


@pytest.mark.usefixtures("catalog", "background")
def test_the_form_for_a_report_offers_templates_and_takes_the_one_chosen(cast: make.Cast, bob: Browser) -> None:
    default = made(cast, bob, is_default="on", layout="2020")
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    assessment = assessed(cast.bob, project, group_of_all(cast.bob, project), sizing_criterion="as_on_premises")
    page = bob.get("portal:new-report", project).content.decode()
    assert f'<option value="{default["id"]}" selected>' in page
    fields = {"assessment": assessment["id"], "format": "csv", "layout": "2024", "refused_shown": "3"}
    for template, layout in ((default["id"], "2020"), ("", "2024")):
        asked = bob.post("portal:new-report", project, template=template, **fields)
        assert asked.status_code == 302, text_of(asked)
        report = cast.bob.ok(cast.bob.get(f"projects/{project}/reports/{asked.url.split('/')[-2]}/"))
        assert (report["template"] or {"id": ""})["id"] == template
        assert report["layout"] == layout
