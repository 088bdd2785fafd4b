"""Two runs side by side: the difference by cause as a waterfall, the settings that differ, the machines that moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from assessments.comparison import CAUSES, ORDERS, Comparison, comparison_soon
from assessments.comparison_shown import compared_machines, comparison_summary
from assessments.models import AssessmentRun, RunStatus
from migrate_hub.errors import DomainError
from migrate_hub.portal.access import found
from migrate_hub.portal.assessments import OneAssessmentView
from migrate_hub.portal.htmx import is_htmx
from migrate_hub.portal.paging import ROWS_A_PAGE, Page
from migrate_hub.portal.runs import sheet_names
from migrate_hub.portal.wording import plain, settings_in_words
from reports.queueing import queue_report
from reports.report_templates.using import template_asked_for
from reports.workbook.currencies import minor_units

CAUSE_WORDS = {
    "membership": ("Machines added or removed", "machines that are in only one of the runs"),
    "inventory": ("Inventory", "cores, memory, disks, operating systems"),
    "performance": ("Utilization", "what the history says of the same machines"),
    "settings": ("Settings", "what was asked for, and the region"),
    "price": ("Prices", "the same sizes at another price"),
}
ORDER_WORDS = {"amount": "Biggest change first", "increase": "Dearer first", "decrease": "Cheaper first"}
CENT = Decimal("0.01")
MAX_RUNS_OFFERED = 200
MAX_PLACE_DIGITS = 9
# A difference that is smaller than this share of the cost would not be seen on an axis that starts at zero.
SMALL_SHARE = 0.25


@dataclass(frozen=True)
class Step:
    """One bar of the waterfall: its amount in cents, and from where to where it goes as shares of the axis."""

    code: str
    name: str
    what: str
    amount: Decimal
    start: float
    width: float
    fill: str

    @property
    def is_total(self) -> bool:
        return not self.code


@dataclass(frozen=True)
class Waterfall:
    """From the cost of one run to that of the other; `origin` is where the axis starts."""

    steps: tuple[Step, ...]
    origin: Decimal
    difference: Decimal


def cents_that_add_up(parts: Sequence[Decimal], total: Decimal, cent: Decimal = CENT) -> list[Decimal]:
    """The parts rounded to cents so that they come to `total`: the largest remainders are rounded up."""
    floors = [part.quantize(cent, rounding=ROUND_FLOOR) for part in parts]
    missing = int((total - sum(floors)) / cent)
    by_remainder = sorted(range(len(parts)), key=lambda place: floors[place] - parts[place])
    up = set(by_remainder[:missing])
    return [floor + cent if place in up else floor for place, floor in enumerate(floors)]


def waterfall_of(summary: Mapping[str, Any]) -> Waterfall:
    """The bars of a comparison: both totals stand on the axis, each cause floats where the one before it ended."""
    cent = Decimal(1).scaleb(-minor_units(summary["currency"]))
    before, after = (Decimal(summary[side]["monthly_cost"]).quantize(cent) for side in ("before", "after"))
    parts = cents_that_add_up([Decimal(summary["causes"][cause]) for cause in CAUSES], after - before, cent)
    levels = [before]
    for part in parts:
        levels.append(levels[-1] + part)
    lowest, highest = min(levels), max(levels)
    spread = highest - lowest
    origin = max(lowest - spread / 2, Decimal(0)) if spread < highest * Decimal(SMALL_SHARE) else Decimal(0)
    axis = float(highest - origin) or 1.0

    def share(level: Decimal) -> float:
        return float(level - origin) / axis

    causes = tuple(
        Step(
            code=cause,
            name=CAUSE_WORDS[cause][0],
            what=CAUSE_WORDS[cause][1],
            amount=part,
            start=min(share(level), share(level + part)),
            width=abs(float(part)) / axis,
            fill="not_ready" if part > 0 else "ready",
        )
        for cause, part, level in zip(CAUSES, parts, levels, strict=False)
    )
    ends = [
        Step("", f"{summary[side]['name']}, run {summary[side]['number']}", "", cost, 0.0, share(cost), "accent")
        for side, cost in (("before", before), ("after", after))
    ]
    return Waterfall((ends[0], *causes, ends[1]), origin, after - before)


@dataclass(frozen=True)
class MachineRow:
    """One machine of the list: both sides, and the causes that moved it, the largest first."""

    shown: Mapping[str, Any]

    @property
    def difference(self) -> Decimal:
        return Decimal(self.shown["difference"])

    @property
    def causes(self) -> list[tuple[str, Decimal]]:
        moved = [(CAUSE_WORDS[code][0], Decimal(part)) for code, part in self.shown["causes"].items() if Decimal(part)]
        return sorted(moved, key=lambda each: -abs(each[1]))

    @property
    def before_cost(self) -> Decimal | None:
        return _cost(self.shown.get("before"))

    @property
    def after_cost(self) -> Decimal | None:
        return _cost(self.shown.get("after"))


def _cost(side: Mapping[str, Any] | None) -> Decimal | None:
    parts = [side[name] for name in ("monthly_compute_cost", "monthly_storage_cost") if name in side] if side else []
    return sum((Decimal(part) for part in parts), Decimal(0)) if parts else None


def differing_settings(before: AssessmentRun, after: AssessmentRun) -> list[tuple[str, str, str]]:
    """Name and both values of everything two runs pinned that is not the same."""
    sheets = sheet_names([before, after])
    sides = [_pinned(run, sheets) for run in (before, after)]
    names = list(dict.fromkeys((*sides[0], *sides[1])))
    pairs = [(name, sides[0].get(name, "not asked"), sides[1].get(name, "not asked")) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _pinned(run: AssessmentRun, sheets: Mapping[str, str]) -> dict[str, str]:
    settings = run.settings
    sheet = settings.get("price_sheet")
    limits = settings["unknown_limits"]
    return {
        **dict(settings_in_words(settings)),
        "Commitment with discount": plain(settings["commitment_rule"]),
        "Unknown limits": f"disks: {plain(limits['disk']).lower()}, network: {plain(limits['network']).lower()}",
        "Catalog": f"{run.catalog.name}, of {run.catalog.as_of}",
        "Price sheet": sheets.get(sheet, "deleted") if sheet else "none",
        "History": f"{run.performance_start_at:%Y-%m-%d %H:%M} to {run.performance_end_at:%Y-%m-%d %H:%M} UTC",
    }


class ComparePart(OneAssessmentView):
    """Two completed runs of the project, named by `before` and `after`."""

    def completed(self) -> Any:
        """Every completed run of the project's assessments."""
        runs = AssessmentRun.objects.filter(
            assessment__project=self.project, assessment__deleted_at=None, status=RunStatus.COMPLETED
        )
        return runs.select_related("assessment", "catalog")

    @cached_property
    def before(self) -> AssessmentRun | None:
        """The run that is named; else the newest kept one, or for a run that repeats others the published one."""
        named = self.parameters.get("before")
        if named:
            run: AssessmentRun = found(self.completed(), named)
            return run
        return self._kept(repeats=None) or (self._published if self._kept() else None)

    @cached_property
    def after(self) -> AssessmentRun | None:
        """The run that is named; else the published one, unless that is the one before."""
        named = self.parameters.get("after")
        if named:
            run: AssessmentRun = found(self.completed(), named)
            return run
        published = self._published
        is_before = published is not None and self.before is not None and published.id == self.before.id
        return self._kept() if is_before else published

    @property
    def _published(self) -> AssessmentRun | None:
        run: AssessmentRun | None = self.completed().filter(id=self.assessment.current_run_id).first()
        return run

    def _kept(self, **of_what: None) -> AssessmentRun | None:
        """The newest run of the assessment that is not published."""
        runs = self.completed().filter(assessment=self.assessment, **of_what).exclude(id=self.assessment.current_run_id)
        newest: AssessmentRun | None = runs.order_by("-number").first()
        return newest

    @property
    def parameters(self) -> Any:
        return self.request.POST if self.request.method == "POST" else self.request.GET


class CompareView(ComparePart):
    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        before, after = self.before, self.after
        context: dict[str, Any] = {"before": before, "after": after, "offered": self._offered()}
        status = 200
        if before is not None and after is not None:
            try:
                comparison = comparison_soon(before, after)
            except DomainError as error:
                context["refusal"], status = error.detail, 409 if error.code != "same_run" else 400
            else:
                context["comparing"] = comparison is None
                context |= {} if comparison is None else self._compared(comparison, before, after)
        response = self.page("portal/compare.html", context, status=status)
        if is_htmx(request) and not context.get("comparing"):
            response["HX-Refresh"] = "true"  # what was waited for is there
        return response

    def _offered(self) -> dict[str, list[AssessmentRun]]:
        """The runs to choose from by the name of their assessment: this one's, and what the others published."""
        own = self.completed().filter(assessment=self.assessment).order_by("-number")[:MAX_RUNS_OFFERED]
        others = self.completed().filter(id=F("assessment__current_run_id")).exclude(assessment=self.assessment)
        by_name = others.order_by("assessment__name", "id")[:MAX_RUNS_OFFERED]
        return {self.assessment.name: list(own), "Other assessments": list(by_name)}

    def _compared(self, comparison: Comparison, before: AssessmentRun, after: AssessmentRun) -> dict[str, Any]:
        cause = self.request.GET.get("cause", "")
        order = self.request.GET.get("order", "")
        cause, order = cause if cause in CAUSES else "", order if order in ORDERS else ORDERS[0]
        summary = comparison_summary(comparison, before, after)
        places = comparison.places(order, cause or None)
        start = self._start(len(places))
        rows = compared_machines(comparison, before, after, places[start : start + ROWS_A_PAGE])
        return {
            "summary": summary,
            "waterfall": waterfall_of(summary),
            "settings": differing_settings(before, after),
            "apart": Decimal(summary["without_cost_in_one"]["difference"]),
            "cause": cause,
            "order": order,
            "causes": [(code, CAUSE_WORDS[code][0]) for code in CAUSES],
            "orders": ORDER_WORDS,
            "query": urlencode({"before": str(before.id), "after": str(after.id)}),
            "listed": len(places),
            "page": self._page_of([MachineRow(row) for row in rows], start, len(places), before, after),
        }

    def _start(self, count: int) -> int:
        """Runs do not change, so a place in their order stays what it is; one beyond the end is the first page."""
        text = self.request.GET.get("place", "0")
        place = int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_PLACE_DIGITS else 0
        return place if place < count else 0

    def _page_of(
        self, rows: list[MachineRow], start: int, count: int, before: AssessmentRun, after: AssessmentRun
    ) -> Page[MachineRow]:
        kept = {name: self.request.GET[name] for name in ("cause", "order") if self.request.GET.get(name)}
        named = {"before": str(before.id), "after": str(after.id), **kept}

        def link(place: int) -> str:
            return "?" + urlencode({**named, "place": str(place)}) + "#machines"

        following = start + ROWS_A_PAGE
        return Page(
            rows=rows,
            previous_link=link(max(0, start - ROWS_A_PAGE)) if start else "",
            next_link=link(following) if following < count else "",
        )


class CompareReportView(ComparePart):
    """Asks for the difference as a workbook; it stands among the reports of the later run's assessment."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        before, after = self.before, self.after
        if before is None or after is None:
            raise DomainError(code="no_results_yet", status=409, detail="Choose two runs that have completed.")
        later = after.assessment
        try:
            template = template_asked_for({})
            queue_report(later, now=timezone.now(), run=after.id, before_run=before.id, template=template)
        except DomainError as error:
            messages.error(request, error.detail)
            query = urlencode({"before": str(before.id), "after": str(after.id)})
            return redirect(f"{reverse('portal:compare', args=[self.project.id, self.assessment.id])}?{query}")
        messages.success(request, "The difference is being made as a workbook.")
        return redirect(f"{reverse('portal:assessment', args=[self.project.id, later.id])}#reports")
