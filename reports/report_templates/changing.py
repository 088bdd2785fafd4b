"""Making, changing and deleting templates; their logos and workbooks are judged by a child before they are stored."""

import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from assessments.models import UNFINISHED
from ingest.imports.child import ChildCrashedError, Limits, parsed_chunks, scratch_folder
from ingest.imports.parsed import Options, UnreadableFileError
from ingest.imports.queueing import safe_name
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.files.models import StoredFile
from migrate_hub.files.storage import store_file
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor, current_tenant_id
from migrate_hub.tenants.people import name_taken
from migrate_hub.tenants.quotas import count_alone
from reports.models import Report, ReportTemplate
from reports.own_workbook.filling import read_workbook
from reports.own_workbook.findings import Found
from reports.report_templates import logos
from reports.report_templates.choosing import in_order

MIB = 1024 * 1024
MAX_TEMPLATES = 100
MAX_WORKBOOK_BYTES = 10 * MIB
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DRAWING = Limits(memory_bytes=512 * MIB, processor_seconds=10, clock_seconds=30, spill_bytes=8 * MIB)
DRAWERS = {"image": "reports.report_templates.logos"}


def create_template(*, now: datetime, **fields: Any) -> ReportTemplate:
    """A new template. Raises DomainError name_taken, limit_reached."""
    count_alone("report_templates", current_tenant_id())
    if ReportTemplate.objects.count() >= MAX_TEMPLATES:
        raise DomainError(
            code="limit_reached", status=409, detail=f"A tenant has at most {MAX_TEMPLATES} templates. Delete some."
        )
    template: ReportTemplate = ReportTemplate.new(created_by=current_actor.get().user_id, created_at=now)
    _save(template, fields, now, force_insert=True)
    audit.record("report_template.create", template, name=template.name)
    return template


def change_template(template: ReportTemplate, now: datetime, **fields: Any) -> ReportTemplate:
    """Changes what is named; reports that were asked for before keep what it said then. Raises name_taken."""
    locked = _locked(template)
    _save(locked, fields, now)
    audit.record("report_template.change", locked, fields=sorted(fields))
    return locked


def _save(template: ReportTemplate, fields: Mapping[str, Any], now: datetime, *, force_insert: bool = False) -> None:
    for name, value in fields.items():
        setattr(template, name, in_order(value) if name == "columns" else value)
    template.updated_at = now
    if template.is_default:
        ReportTemplate.objects.filter(is_default=True).exclude(id=template.id).update(is_default=False)
    try:
        with transaction.atomic():
            template.save(force_insert=force_insert)
    except IntegrityError:
        raise name_taken("report template", template.name) from None


def delete_template(template: ReportTemplate) -> None:
    """Reports that are queued with it are made all the same; its files go when the last of them is made."""
    locked = _locked(template)
    files = [file for file in (locked.logo_id, locked.workbook_id) if file]
    audit.record("report_template.delete", locked, name=locked.name)
    locked.delete()
    for file in files:
        _let_go(file)


def set_logo(template: ReportTemplate, content: bytes | None, now: datetime) -> ReportTemplate:
    """Takes a PNG or JPEG, drawn anew; None takes the logo away. Raises DomainError 400 with what is wrong with it."""
    drawn = None if content is None else _judged("logo", _drawn, content, most=logos.MAX_BYTES)
    stored = None
    if drawn is not None:
        stored = store_file(io.BytesIO(drawn), name="logo.png", content_type="image/png", expires_at=None)
    return _with_file(template, "logo", stored, now)


def set_workbook(
    template: ReportTemplate, content: bytes | None, now: datetime, *, file_name: str = ""
) -> ReportTemplate:
    """Takes a workbook to be filled; None takes it away. Raises DomainError 400 with what is wrong with it."""
    found, stored = Found(), None
    if content is not None:
        found = _judged("workbook", _read, content, most=MAX_WORKBOOK_BYTES)
        stored = store_file(io.BytesIO(content), name=safe_name(file_name), content_type=XLSX, expires_at=None)
    return _with_file(
        template,
        "workbook",
        stored,
        now,
        workbook_name="" if stored is None else stored.name,
        workbook_found={} if stored is None else msgspec.to_builtins(found),
    )


def _with_file(
    template: ReportTemplate, what: str, stored: StoredFile | None, now: datetime, **fields: Any
) -> ReportTemplate:
    locked = _locked(template)
    before: UUID | None = getattr(locked, f"{what}_id")
    for name, value in {**fields, what: stored, "updated_at": now}.items():
        setattr(locked, name, value)
    locked.save()
    if before is not None:
        _let_go(before)
    audit.record(f"report_template.{what}", locked, sha256=None if stored is None else bytes(stored.sha256).hex())
    return locked


def _judged(part: str, read: Any, content: bytes, *, most: int) -> Any:
    """What reading a file from outside gives; its refusals are told beside the part of the form."""
    try:
        if len(content) > most:
            raise UnreadableFileError(
                "file_too_large", f"The file is larger than {most // MIB} MiB. Send a smaller one."
            )
        with scratch_folder() as folder:
            path = folder / "file"
            path.write_bytes(content)
            return read(path)
    except ChildCrashedError as error:
        raise DomainError(
            code=f"unusable_{part}",
            detail="The file could not be read. Save it anew in another program and send that.",
        ) from error
    except UnreadableFileError as error:
        problem = FieldProblem("file", error.code, error.detail)
        raise DomainError(code=f"unusable_{part}", detail=error.detail, errors=[problem]) from error


def _drawn(path: Path) -> bytes:
    options = Options(now=datetime.fromtimestamp(0).astimezone())
    for _ in parsed_chunks("image", path, options, limits=DRAWING, parsers=DRAWERS):
        pass
    return (path.parent / logos.DRAWN).read_bytes()


def _read(path: Path) -> Found:
    return read_workbook(path)


def _locked(template: ReportTemplate) -> ReportTemplate:
    """Whoever asks for a report with it waits, and the other way round: no file goes while a report takes it."""
    locked: ReportTemplate = ReportTemplate.objects.select_for_update().get(id=template.id)
    return locked


def _let_go(file_id: UUID) -> None:
    """Deletes a file that no template has any more: at once, or with the last report that still waits for it."""
    waiting = Report.objects.filter(status__in=UNFINISHED, revoked_at=None).filter(
        Q(choice__logo=str(file_id)) | Q(choice__workbook=str(file_id))
    )
    last = waiting.aggregate(last=Max("expires_at"))["last"]
    files = StoredFile.objects.filter(id=file_id)
    if last is None:
        files.delete()
    else:
        files.update(expires_at=last)
