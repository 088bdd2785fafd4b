"""File imports: sent, tried first if one likes, watched while they run, confirmed, cancelled, undone."""

from typing import IO, Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from ingest.imports import queueing
from ingest.imports.judging import HEAD_BYTES, judge_head
from ingest.imports.models import FileImport, ImportFormat, ImportStatus
from ingest.imports.parsed import UnreadableFileError
from ingest.imports.problems import first_problems, problems_csv
from ingest.imports.serializers import ImportIn
from migrate_hub.bodies import MAX_WIRE_BYTES
from migrate_hub.errors import DomainError
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.paging import page_of

FORMATS = {
    ImportFormat.RVTOOLS: "RVTools workbook (.xlsx)",
    ImportFormat.AZURE_MIGRATE_CSV: "Azure Migrate import template (.csv)",
    ImportFormat.PERFORMANCE_CSV: "Performance points (.csv, .csv.gz)",
}
MOVING = (*queueing.UNFINISHED, ImportStatus.UNDOING)


class ImportForm(DomainForm):
    serializer = ImportIn
    file = forms.FileField(help_text="Up to 16 MiB here; larger files go over the API.")
    format = forms.CharField(label="What it is", widget=forms.Select(choices=list(FORMATS.items())))
    timezone = forms.CharField(
        label="Time zone of the points",
        required=False,
        max_length=64,
        help_text="Such as Europe/Berlin, when the timestamps name none.",
    )
    shift_to_now = forms.BooleanField(
        label="Shift the points so that the last one ends now",
        required=False,
        help_text="For history that is too old to be kept.",
    )
    dry_run = forms.BooleanField(
        label="Only try it first",
        required=False,
        initial=True,
        help_text="Shows what would change, and changes nothing.",
    )

    # What a body may have, but for the fields around the file.
    max_bytes = MAX_WIRE_BYTES - 16 * 1024

    def clean(self) -> dict[str, Any]:
        """What the first bytes of the file give away is said at once; the rest is judged in the background."""
        asked = super().clean()
        if not self.errors:
            try:
                judge_head(_head_of(asked["file"]), asked["format"])
            except UnreadableFileError as refusal:
                self.add_error("file", refusal.detail)
        return asked


def _head_of(file: IO[bytes]) -> bytes:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head


class ImportsView(ProjectPortalView):
    section = "imports"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self._page(ImportForm())

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        form = ImportForm(request.POST, request.FILES)
        if form.is_valid():
            with refusals_in(form):
                return redirect("portal:import", self.project.id, self._receive(form.cleaned_data).id)
        return self._page(form, status=400)

    def _receive(self, asked: dict[str, Any]) -> FileImport:
        file = asked["file"]
        return queueing.receive_import(
            project=self.project,
            file=file,
            file_name=file.name or "",
            file_format=asked["format"],
            dry_run=asked["dry_run"],
            shift_to_now=asked["shift_to_now"],
            zone=asked["timezone"],
            key=None,
            now=timezone.now(),
        )

    def _page(self, form: ImportForm, *, status: int = 200) -> HttpResponse:
        page = page_of(
            FileImport.objects.filter(project=self.project), self.request, order_by="created_at", descending=True
        )
        rows = [(row, FORMATS[ImportFormat(row.format)]) for row in page.rows]
        context = {
            "page": page,
            "rows": rows,
            "form": form,
            "is_moving": any(row.status in MOVING for row in page.rows),
        }
        return self.page("portal/imports.html", context, status=status)


class OneImportView(ProjectPortalView):
    """A page of one import; one that is not yours or not there is 404."""

    section = "imports"
    file_import: FileImport

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        imports = FileImport.objects.filter(project=self.project).select_related("project")
        self.file_import = found(imports, kwargs["file_import"])

    def context(self) -> dict[str, Any]:
        row, now = self.file_import, timezone.now()
        return {
            "file_import": row,
            "format": FORMATS[ImportFormat(row.format)],
            "is_moving": row.status in MOVING,
            "is_unfinished": row.status in queueing.UNFINISHED,
            "can_confirm": row.dry_run and row.status == ImportStatus.COMPLETED and row.file_id is not None,
            "can_undo": queueing.can_undo(row),
            "is_kept": now < row.kept_until,
            "shows_machines": queueing.can_undo(row),
            "percent_done": 100 * row.progress_done // row.progress_total if row.progress_total else 0,
            "skipped": sorted(row.counts.get("skipped", {}).items()),
            "problems": first_problems(row, now),
        }


class ImportView(OneImportView):
    def get(self, request: HttpRequest, project: str, file_import: str) -> HttpResponse:
        return self.page("portal/import.html", self.context())


class ImportStateView(OneImportView):
    """The part of the page that is asked for again while the import moves."""

    def get(self, request: HttpRequest, project: str, file_import: str) -> HttpResponse:
        return self.page("portal/parts/import_state.html", self.context())


class ConfirmImportView(OneImportView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, file_import: str) -> HttpResponse:
        try:
            made = queueing.confirm_import(self.file_import, timezone.now())
        except DomainError as error:
            messages.error(request, error.detail)
            made = self.file_import
        return redirect("portal:import", self.project.id, made.id)


class CancelImportView(OneImportView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, file_import: str) -> HttpResponse:
        queueing.cancel_import(self.file_import, timezone.now())
        return redirect("portal:import", self.project.id, self.file_import.id)


class UndoImportView(OneImportView):
    """Undoes what changed something; forgets a dry run or a failed import."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, file_import: str) -> HttpResponse:
        name = self.file_import.file_name
        try:
            if queueing.take_back(self.file_import, timezone.now()):
                messages.success(request, f"{name} was deleted. It had changed nothing.")
                return redirect("portal:imports", self.project.id)
        except DomainError as error:
            messages.error(request, error.detail)
        return redirect("portal:import", self.project.id, self.file_import.id)


class ImportErrorsView(OneImportView):
    """All problems as CSV."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, project: str, file_import: str) -> HttpResponseBase:
        return problems_csv(request, self.file_import, timezone.now())
