"""A tenant's own prices: sent as a CSV, read beside the published ones, deleted by an owner."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from assessments.catalog.models import Catalog, PriceSheet, PriceSheetRow
from assessments.catalog.price_sheet import MAX_BYTES
from assessments.catalog.price_sheet_store import delete_price_sheet, store_price_sheet
from assessments.catalog.published_prices import replaced_by
from assessments.catalog.serializers import PriceSheetFileIn
from assessments.models import Assessment
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.portal.access import PortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.paging import page_of
from migrate_hub.portal.wording import TERMS
from migrate_hub.tenants.models import Role

TEMPLATE_COLUMNS = ("size_or_disk_tier", "region", "scenario", "os", "unit_price", "unit", "currency", "valid_from")
MAX_ASSESSMENTS_SHOWN = 50
MAX_NAME = 200


class PriceSheetForm(DomainForm):
    serializer = PriceSheetFileIn
    file = forms.FileField(
        label="CSV file",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=f"UTF-8, up to {MAX_BYTES // 2**20} MiB and 50,000 prices. It is stored whole, or not at all.",
    )
    name = forms.CharField(required=False, max_length=MAX_NAME, help_text="Empty: the name of the file.")
    problems: tuple[FieldProblem, ...] = ()

    def show_refusal(self, error: DomainError) -> None:
        """What is wrong with rows stands in a table beside the form, line by line."""
        if error.code == "invalid_price_sheet":
            self.problems = error.errors
            self.add_error("file", "Nothing was stored: see the lines that are wrong.")
        else:
            super().show_refusal(error)

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """Line, column and what is wrong; without a line where it is the whole file."""
        split = [(problem.field.split("."), problem.message) for problem in self.problems]
        return [
            (path[1] if len(path) > 1 else "", path[2] if len(path) > 2 else "", message) for path, message in split
        ]


def living() -> "QuerySet[PriceSheet]":
    sheets: QuerySet[PriceSheet] = PriceSheet.objects.filter(deleted_at=None)
    return sheets


def uses_of(sheets: Iterable[PriceSheet]) -> dict[str, int]:
    """How many assessments each sheet is set in, by its id."""
    ids = [str(sheet.id) for sheet in sheets]
    rows = Assessment.objects.filter(deleted_at=None, settings__price_sheet__in=ids).order_by()
    counted = rows.values("settings__price_sheet").annotate(count=Count("id"))
    return {row["settings__price_sheet"]: row["count"] for row in counted}


class PriceSheetsView(PortalView):
    section = "price-sheets"
    writes_need = Role.OWNER

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(PriceSheetForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PriceSheetForm(request.POST, request.FILES)
        if form.is_valid():
            with refusals_in(form):
                file = form.cleaned_data["file"]
                name = form.cleaned_data.get("name") or str(file.name)[:MAX_NAME]
                sheet = store_price_sheet(name=name, content=file.read())
                messages.success(request, "The price sheet was stored. Assessments can be set to use it.")
                return redirect("portal:price-sheet", sheet.id)
        return self._page(form, status=400)

    def _page(self, form: PriceSheetForm, *, status: int = 200) -> HttpResponse:
        page = page_of(living(), self.request, order_by="name")
        uses = uses_of(page.rows)
        rows = [(sheet, uses.get(str(sheet.id), 0)) for sheet in page.rows]
        return self.page("portal/price_sheets.html", {"form": form, "page": page, "rows": rows}, status=status)


class OnePriceSheetView(PortalView):
    section = "price-sheets"
    writes_need = Role.OWNER
    sheet: PriceSheet

    def enter(self, **kwargs: str) -> None:
        self.sheet = found(living(), kwargs["price_sheet"])


class PriceSheetView(OnePriceSheetView):
    def get(self, request: HttpRequest, price_sheet: str) -> HttpResponse:
        page = page_of(PriceSheetRow.objects.filter(sheet=self.sheet), request, order_by="row")
        catalog = Catalog.objects.current()
        replaced = replaced_by(page.rows, catalog, self.sheet.currency) if catalog else {}
        users = Assessment.objects.filter(deleted_at=None, settings__price_sheet=str(self.sheet.id))
        context = {
            "sheet": self.sheet,
            "page": page,
            "rows": [(row, TERMS[row.scenario], replaced.get(row.id)) for row in page.rows],
            "catalog": catalog,
            "used_by": list(users.select_related("project").order_by("name", "id")[:MAX_ASSESSMENTS_SHOWN]),
        }
        return self.page("portal/price_sheet.html", context)


class DeletePriceSheetView(OnePriceSheetView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, price_sheet: str) -> HttpResponse:
        delete_price_sheet(self.sheet, timezone.now())
        messages.success(request, "The price sheet was deleted. Runs that used it stay as they are.")
        return redirect("portal:price-sheets")


class PriceSheetTemplateView(PortalView):
    """A CSV with the columns and a few prices of the current catalog, to be filled in."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(TEMPLATE_COLUMNS)
        writer.writerows(template_rows())
        answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="price-sheet-template.csv"'
        return answer


def template_rows() -> list[tuple[Any, ...]]:
    """A size on Linux and on Windows, a reservation and a disk, in the order of TEMPLATE_COLUMNS."""
    since = timezone.now().date().replace(day=1).isoformat()
    size, region = "Standard_D4s_v5", "westeurope"
    return [
        (size, region, "pay_as_you_go", "linux", "0.23", "hour", "USD", since),
        (size, region, "pay_as_you_go", "windows", "0.41", "hour", "USD", since),
        (size, region, "reservation_1y", "", "1190", "term", "USD", since),
        ("P10", region, "pay_as_you_go", "", "19.5", "month", "USD", since),
    ]
