"""The inventory: a table of machines that stays quick at any size, as a page, as CSV, and as each person wants it."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from groups.filters import matching_machines
from ingest.history_known import with_known_history
from ingest.machine_columns import machines_csv
from ingest.models import Machine
from ingest.sorting import SORTS, machine_order
from ingest.tables import PAGE_SIZES, keep_table, table_of
from migrate_hub.portal.access import ProjectPortalView
from migrate_hub.portal.htmx import is_htmx
from migrate_hub.portal.machine_filters import (
    FilterForm,
    InventoryForm,
    appliance_names,
    chips_of,
    filter_form,
    query_without,
)
from migrate_hub.portal.machine_table import column_choices, headings_of, rows_of, sort_choices
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants.models import Project, Role

USUAL_SORT = "name"
MAX_DIGITS = 5
MORE_CONDITIONS = ("cluster", "host", "discovered_by", "appliance", "history", "duplicates", "removed")


def machines_of(project: Project) -> "QuerySet[Machine]":
    """The machines that are there now."""
    rows: QuerySet[Machine] = Machine.objects.filter(project=project, removed_at=None)
    return rows


def listed_machines(project: Project, conditions: dict[str, Any]) -> "QuerySet[Machine]":
    """The machines that a filter of the inventory leaves; those that vanished only when asked for."""
    rows: QuerySet[Machine] = Machine.objects.filter(project=project)
    plain = {name: text for name, text in conditions.items() if name != "history"}
    rows = matching_machines(rows, {"removed": "false"} | plain)
    return with_known_history(rows, project, conditions["history"]) if "history" in conditions else rows


def asked_sort(request: HttpRequest) -> str:
    """The order that the query names; the usual one for what is none."""
    sort = request.GET.get("sort", "")
    return sort if sort in SORTS else USUAL_SORT


class MachinesView(ProjectPortalView):
    section = "machines"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        appliances = appliance_names(self.project)
        form = filter_form(request.GET, appliances, InventoryForm)
        status = 200 if form.is_valid() or is_htmx(request) else 400
        return self.page("portal/machines.html", self._context(form, appliances), status=status)

    def _context(self, form: FilterForm, appliances: dict[str, str]) -> dict[str, Any]:
        request, conditions = self.request, form.conditions
        machines, table, sort = listed_machines(self.project, conditions), table_of(self.user.id), asked_sort(request)
        order = machine_order(sort)[0]
        page = page_of(
            machines.select_related("appliance") if "appliance" in table.columns else machines,
            request,
            order_by=order.removeprefix("-"),
            descending=order.startswith("-"),
            size=table.page_size,
        )
        return {
            "form": form,
            "more": [form[name] for name in MORE_CONDITIONS],
            "filtered": bool(conditions),
            "chips": chips_of(request.GET, conditions, appliances),
            "page": page,
            "rows": rows_of(page.rows, table.columns),
            "headings": headings_of(table.columns, request.GET, sort),
            "sort": sort,
            "sorts": sort_choices(),
            "table": table,
            "column_choices": column_choices(table.columns),
            "page_sizes": PAGE_SIZES,
            "query": query_without(request.GET),
            "only_twice": conditions.get("duplicates") == "only",
            "can_group": conditions.get("duplicates") != "only" and conditions.get("removed", "false") != "true",
            **machines.aggregate(
                count=Count("id", filter=Q(duplicate_of=None)),
                seen_twice=Count("id", filter=Q(duplicate_of__isnull=False)),
            ),
        }


class InventoryTableView(ProjectPortalView):
    """Keeps which columns and how many rows a person wants to see: nobody else's matter, so readers may."""

    section = "machines"
    writes_need = Role.READER
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        size = request.POST.get("page_size", "")
        keep_table(
            self.user.id,
            columns=request.POST.getlist("columns"),
            page_size=int(size) if size.isascii() and size.isdigit() and len(size) < MAX_DIGITS else 0,
        )
        query = request.POST.get("query", "")
        return redirect(reverse("portal:machines", args=[self.project.id]) + (query if query.startswith("?") else ""))


class MachinesExportView(ProjectPortalView):
    """What the table shows, all of its rows, with its columns."""

    section = "machines"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, project: str) -> HttpResponseBase:
        form = filter_form(request.GET, appliance_names(self.project), InventoryForm)
        if not form.is_valid():  # the page says beside the field what is wrong
            return redirect(f"{reverse('portal:machines', args=[self.project.id])}?{request.GET.urlencode()}")
        return machines_csv(
            request,
            listed_machines(self.project, form.conditions),
            columns=("name", *table_of(self.user.id).columns),
            order=machine_order(asked_sort(request)),
        )
