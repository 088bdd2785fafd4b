"""Report templates of the tenant: listed, made, changed, with a logo and a workbook of one's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.files.models import StoredFile
from migrate_hub.files.storage import file_response
from migrate_hub.portal.access import PortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants.models import Role
from reports.models import ReportFormat, ReportTemplate
from reports.report_templates import changing
from reports.report_templates.choosing import COLUMNS, SHEETS
from reports.report_templates.serializers import ReportTemplateIn
from reports.workbook import LAYOUTS, NEWEST_LAYOUT, REFUSED_SHOWN
from reports.workbook.look import Look

FORMATS = {
    ReportFormat.XLSX: "Workbook (.xlsx)",
    ReportFormat.PDF: "Summary (PDF)",
    ReportFormat.CSV: "CSV files",
    ReportFormat.JSONL: "JSON lines",
}
COLORS = ("primary_color", "secondary_color", "highlight_color")
PLAIN = ("name", "is_default", "format", "layout", "refused_shown", "display_name", *COLORS)
COLUMN_FIELD = "columns."


@dataclass(frozen=True)
class ColumnChoice:
    key: str
    heading: str
    is_chosen: bool


@dataclass(frozen=True)
class SheetChoice:
    """A sheet to tick, and its columns."""

    name: str
    is_chosen: bool
    columns: list[ColumnChoice]

    @property
    def chosen_columns(self) -> int:
        return sum(column.is_chosen for column in self.columns)


def _color(label: str, default: str, help_text: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"placeholder": default, "spellcheck": "false", "autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=7, help_text=help_text, widget=widget)


class ReportTemplateForm(DomainForm):
    """The fields of a template. Sheets and columns are ticked one by one, which no field of a form does."""

    serializer = ReportTemplateIn
    name = forms.CharField(max_length=100)
    is_default = forms.BooleanField(
        label="Take it for every report that names no other", required=False, help_text="One template of a tenant can."
    )
    format = forms.CharField(label="Usual form", widget=forms.Select(choices=list(FORMATS.items())))
    layout = forms.CharField(
        label="Layout of the standard sheets",
        widget=forms.Select(choices=[(name, f"Azure Migrate {name}") for name in LAYOUTS]),
    )
    refused_shown = forms.IntegerField(
        label="Refused sizes shown", help_text="Of each machine and disk, in Decision_Trace: 1 to 20."
    )
    display_name = forms.CharField(
        label="Name to show", required=False, max_length=100, help_text="On the first sheet and on each page."
    )
    primary_color = _color("First color", Look().primary, "Behind white headings, and of titles.")
    secondary_color = _color("Second color", Look().secondary, "Parts of a whole in charts.")
    highlight_color = _color("Third color", Look().highlight, "What is saved, in charts.")

    def __init__(self, data: Any = None, *, stored: ReportTemplate | None = None) -> None:
        first = {"format": ReportFormat.XLSX, "layout": NEWEST_LAYOUT, "refused_shown": REFUSED_SHOWN}
        super().__init__(data, initial={name: getattr(stored, name) for name in PLAIN} if stored else first)
        self.stored = stored

    def field_of(self, path: str) -> str | None:
        return None if path.startswith(("columns", "sheets")) else super().field_of(path)

    def body(self) -> dict[str, Any]:
        body = {name: value for name, value in self.cleaned_data.items() if value is not None}
        if "choice" in self.data:
            ticked = [name for name in SHEETS if name in self.ticked("sheets")]
            body["sheets"] = None if len(ticked) == len(SHEETS) else ticked
            body["columns"] = {name: self.ticked(COLUMN_FIELD + name) for name in ticked if name in COLUMNS}
        return body

    def ticked(self, name: str) -> list[str]:
        """The values of all boxes of this name that were sent."""
        return cast("QueryDict", self.data).getlist(name)

    @property
    def sheet_choices(self) -> list[SheetChoice]:
        return [
            SheetChoice(
                name,
                self._has_sheet(name),
                [
                    ColumnChoice(column.key, column.heading.replace(" {currency}", ""), self._has(name, column.key))
                    for column in COLUMNS.get(name, ())
                ],
            )
            for name in SHEETS
        ]

    def _has_sheet(self, name: str) -> bool:
        if "choice" in self.data:
            return name in self.ticked("sheets")
        return self.stored is None or self.stored.sheets is None or name in self.stored.sheets

    def _has(self, sheet: str, key: str) -> bool:
        if "choice" in self.data:
            return key in self.ticked(COLUMN_FIELD + sheet)
        return self.stored is None or sheet not in self.stored.columns or key in self.stored.columns[sheet]


class FileForm(forms.Form):
    file = forms.FileField()

    def __init__(self, data: Any = None, files: Any = None, *, label: str, help_text: str, accept: str) -> None:
        super().__init__(data, files, auto_id=f"id_{label.rsplit(maxsplit=1)[-1].lower()}_%s")
        self.fields["file"].label, self.fields["file"].help_text = label, help_text
        self.fields["file"].widget.attrs["accept"] = accept


def logo_form(data: Any = None, files: Any = None) -> FileForm:
    words = "PNG or JPEG, up to 2 MiB. It is drawn anew, at most 800 x 400 pixels."
    return FileForm(data, files, label="Logo", help_text=words, accept="image/png,image/jpeg")


def workbook_form(data: Any = None, files: Any = None) -> FileForm:
    words = "An .xlsx without macros and links to elsewhere, up to 10 MiB."
    return FileForm(data, files, label="Your own workbook", help_text=words, accept=".xlsx")


class TemplatesPage(PortalView):
    section = "report-templates"


class ReportTemplatesView(TemplatesPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        templates = ReportTemplate.objects.select_related("logo", "workbook")
        page = page_of(templates, request, order_by="name")
        rows = [(template, FORMATS[ReportFormat(template.format)]) for template in page.rows]
        return self.page("portal/report_templates.html", {"page": page, "rows": rows})


class NewReportTemplateView(TemplatesPage):
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(ReportTemplateForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ReportTemplateForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                made = changing.create_template(now=timezone.now(), **form.cleaned_data)
                messages.success(request, "The template was made. It can have a logo and a workbook of your own now.")
                return redirect("portal:report-template", made.id)
        return self._page(form, status=400)

    def _page(self, form: ReportTemplateForm, *, status: int = 200) -> HttpResponse:
        return self.page("portal/report_template.html", {"form": form}, status=status)


class OneTemplate(TemplatesPage):
    template: ReportTemplate

    def enter(self, **kwargs: str) -> None:
        templates = ReportTemplate.objects.select_related("logo", "workbook")
        self.template = found(templates, kwargs["report_template"])

    def shown(self, *, status: int = 200, **instead: forms.Form) -> HttpResponse:
        context: dict[str, Any] = {
            "template": self.template,
            "form": ReportTemplateForm(stored=self.template),
            "logo_form": logo_form(),
            "workbook_form": workbook_form(),
            "found": self.template.workbook_found if self.template.workbook else None,
            "format": FORMATS[ReportFormat(self.template.format)],
            **instead,
        }
        return self.page("portal/report_template.html", context, status=status)

    def again(self, words: str, part: str = "") -> HttpResponse:
        messages.success(self.request, words)
        response = redirect("portal:report-template", self.template.id)
        response["Location"] += part
        return response


class ReportTemplateView(OneTemplate):
    def get(self, request: HttpRequest, report_template: str) -> HttpResponse:
        return self.shown()

    def post(self, request: HttpRequest, report_template: str) -> HttpResponse:
        form = ReportTemplateForm(request.POST, stored=self.template)
        if form.is_valid():
            with refusals_in(form):
                changing.change_template(self.template, timezone.now(), **form.cleaned_data)
                return self.again("The template was saved. Reports that were asked for before stay as they are.")
        return self.shown(form=form, status=400)


class TemplateFileView(OneTemplate):
    """One of the files of a template: read, sent, taken away."""

    which = ""
    form: Callable[..., FileForm]

    def take(self, file: Any) -> None:
        """What the domain does with a file, or with None."""
        raise NotImplementedError

    def get(self, request: HttpRequest, report_template: str) -> HttpResponseBase:
        file: StoredFile | None = getattr(self.template, self.which)
        if file is None:
            raise Http404
        return file_response(request, file)

    def post(self, request: HttpRequest, report_template: str) -> HttpResponse:
        if request.POST.get("do") == "remove":
            self.take(None)
            return self.again("It was taken away.", f"#{self.which}")
        form = type(self).form(request.POST, request.FILES)
        if form.is_valid():
            try:
                self.take(form.cleaned_data["file"])
            except DomainError as error:
                form.add_error("file", error.detail)
            else:
                return self.again("The file was taken.", f"#{self.which}")
        return self._refused(form)

    def _refused(self, form: FileForm) -> HttpResponse:
        instead: Mapping[str, Any] = {f"{self.which}_form": form}
        return self.shown(status=400, **instead)


class TemplateLogoView(TemplateFileView):
    which = "logo"
    form = staticmethod(logo_form)

    def take(self, file: Any) -> None:
        changing.set_logo(self.template, None if file is None else file.read(), timezone.now())


class TemplateWorkbookView(TemplateFileView):
    which = "workbook"
    form = staticmethod(workbook_form)

    def take(self, file: Any) -> None:
        content, name = (None, "") if file is None else (file.read(), file.name or "")
        changing.set_workbook(self.template, content, timezone.now(), file_name=name)


class DeleteReportTemplateView(OneTemplate):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, report_template: str) -> HttpResponse:
        changing.delete_template(self.template)
        messages.success(request, f"The template {self.template.name} was deleted. Reports made with it stay.")
        return redirect("portal:report-templates")
