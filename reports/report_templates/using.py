"""What a report takes from a template: a copy when it is asked for, the values of it when it is made."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.files.models import FileChunk
from reports.models import ReportTemplate
from reports.report_templates.choosing import as_choice
from reports.workbook import Choice, Look

KEPT = ("name", "sheets", "columns", "display_name", "primary_color", "secondary_color", "highlight_color")


def template_asked_for(asked: Mapping[str, Any]) -> ReportTemplate | None:
    """The template that a request names, none where it names null, else the tenant's default. 400 unknown_template.

    It is locked until the transaction ends, so that its files stay until the report has taken note of them.
    """
    templates = ReportTemplate.objects.select_for_update()
    if "template" not in asked:
        return templates.filter(is_default=True).first()
    if asked["template"] is None:
        return None
    found: ReportTemplate | None = templates.filter(id=asked["template"]).first()
    if found is None:
        detail = "template names no report template of this tenant. GET report-templates/ lists them."
        raise DomainError(
            code="unknown_template",
            detail=detail,
            errors=[FieldProblem("template", "unknown_template", detail)],
        )
    return found


def templates_offered() -> "QuerySet[ReportTemplate]":
    """All templates of the tenant by name, for a form to choose from; a tenant has a hundred at most."""
    rows: QuerySet[ReportTemplate] = ReportTemplate.objects.only("id", "name", "is_default")
    return rows.order_by("name", "id")


def copy_of(template: ReportTemplate | None, *, format: str, currency: str | None = None) -> dict[str, Any]:
    """What a report keeps of its template. 409 when the template's own workbook names another currency."""
    if template is None:
        return {}
    copy = {name: getattr(template, name) for name in KEPT}
    copy |= {"template": str(template.id), "logo": _text(template.logo_id)}
    if template.workbook_id and format == "xlsx":
        _refuse_currency(template, currency)
        copy["workbook"] = _text(template.workbook_id)
    return copy


def _text(file: UUID | None) -> str | None:
    return None if file is None else str(file)


def _refuse_currency(template: ReportTemplate, currency: str | None) -> None:
    named = set(template.workbook_found.get("currencies", ())) - {currency}
    if currency is not None and named:
        raise DomainError(
            code="currencies_differ",
            status=409,
            detail=f"Headings of the template's workbook say {', '.join(sorted(named))}, the assessment is in "
            f"{currency}. Leave the currency out of those headings, or use a template for {currency}.",
        )


def choice_of(copy: Mapping[str, Any]) -> Choice:
    """Sheets and columns that a report shows."""
    return as_choice(copy["name"], copy["sheets"], copy["columns"]) if copy else Choice()


def look_of(copy: Mapping[str, Any]) -> Look:
    """Name, logo and colors of a report; needs the tenant's context."""
    if not copy:
        return Look()
    colors = {name: copy[f"{name}_color"] for name in ("primary", "secondary", "highlight") if copy[f"{name}_color"]}
    logo = file_content(UUID(copy["logo"])) if copy.get("logo") else None
    return Look(display_name=copy["display_name"], logo=logo or None, **colors)


def file_content(file: UUID) -> bytes:
    """A small stored file whole; empty when it is not there any more."""
    chunks = FileChunk.objects.filter(file_id=file).order_by("number").values_list("data", flat=True)
    return b"".join(bytes(chunk) for chunk in chunks)
