"""Jobs: found among a million, tried again, cancelled."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone

from migrate_hub.jobs.handlers import known_tasks
from migrate_hub.jobs.models import OPEN_STATES, Job
from migrate_hub.jobs.operating import can_try_again, cancel_job, try_again
from migrate_hub.portal.operators.site import (
    Bounded,
    ReadOnly,
    may_operate,
    operating_in,
    refusals_told,
    refuse_others,
)
from migrate_hub.tenants import audit
from migrate_hub.tenants.models import Tenant

TENANTS_SEARCHED = 20
PERIODS = {"1": "the last day", "7": "the last 7 days", "30": "the last 30 days"}


def first_id_at(instant: datetime) -> UUID:
    """The lowest UUIDv7 of an instant: ids are in order of time, so the primary key finds a period."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)


class MadeIn(admin.SimpleListFilter):
    title = "made in"
    parameter_name = "made"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(PERIODS.items())

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Job]") -> "QuerySet[Job]":
        days = self.value()
        if days not in PERIODS:
            return queryset
        return queryset.filter(id__gte=first_id_at(timezone.now() - timedelta(days=int(days))))


class OfTask(admin.SimpleListFilter):
    """The known tasks: finding them in the table would read all of it."""

    title = parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(task, task) for task in known_tasks()]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Job]") -> "QuerySet[Job]":
        return queryset.filter(task=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(ReadOnly, Bounded):
    """Job hints: ids, states and leases, nothing of what the work is about."""

    list_display = ["id", "tenant", "task", "part", "state", "attempt", "failure", "created_at", "finished_at"]
    list_filter = ["state", OfTask, MadeIn]
    list_select_related = ["tenant"]
    ordering = ["-id"]
    search_fields = ["id"]
    search_help_text = "The id of a job, or of what it works on, or the beginning of a tenant's name."
    change_form_template = "admin/operators/job.html"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term.strip():
            return queryset, False
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            named = Tenant.objects.filter(name__istartswith=search_term.strip())[:TENANTS_SEARCHED]
            return queryset.filter(tenant__in=list(named)), False
        found = queryset.filter(id=wanted)
        return (found if found.exists() else queryset.filter(object_id=wanted)), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:job_id>/again/", view(self.again), name="job-again"),
            path("<uuid:job_id>/cancel/", view(self.cancel), name="job-cancel"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        job = self.get_object(request, object_id)
        if job is None or not may_operate(request, self.opts):
            offered = {"can_cancel": False, "can_try": False}
        else:
            offered = {"can_cancel": job.state in OPEN_STATES, "can_try": can_try_again(job)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **offered})

    def again(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Has failed work done again."""
        return self._operate(request, job_id, try_again, "job.again", "It is queued again.")

    def cancel(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Ends work that has not ended, with all its other jobs."""
        return self._operate(request, job_id, cancel_job, "job.cancel", "It was cancelled.")

    def _operate(self, request: HttpRequest, job_id: UUID, work: Any, action: str, done: str) -> HttpResponse:
        refuse_others(request, self.opts)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = get_object_or_404(Job, pk=job_id)
        with refusals_told(request), operating_in(request, job.tenant_id):
            work(job, timezone.now())
            audit.record(action, job, task=job.task, object=str(job.object_id))
            self.log_change(request, job, action)
            messages.success(request, done)
        return redirect("admin:jobs_job_change", job.pk)
