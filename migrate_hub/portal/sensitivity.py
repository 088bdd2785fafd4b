"""The sliders of a run: what it would cost at another percentile, comfort factor and window, and the curves of all."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from assessments import sensitivity_jobs as jobs
from assessments.models import UNFINISHED, AssessmentRun, RunShard, RunStatus, ShardArrays
from assessments.percentile_grid import WINDOW_NAMES, Reading, reading_of
from assessments.sensitivity import COMFORT_FACTORS, PERCENTILE_NAMES, Position, position_of, totals_by, workbench_soon
from assessments.settings import PERCENTILES
from migrate_hub.errors import DomainError
from migrate_hub.portal.assessments import OneAssessmentView
from migrate_hub.portal.htmx import is_htmx
from migrate_hub.portal.wording import READINESS, WINDOWS

# Where the sliders of a run start whose own window is not on the menu.
FIRST_WINDOW = "1_week"
PERCENTILE_WORDS = tuple("maximum" if name == "maximum" else f"{name}th" for name in PERCENTILE_NAMES)
WINDOW_WORDS = tuple(WINDOWS[name].removeprefix("the ") for name in WINDOW_NAMES)


class PositionForm(forms.Form):
    """Where the sliders are. Those without a scale of numbers send which of their steps it is."""

    percentile_step = forms.IntegerField(label="Percentile", min_value=0, max_value=len(PERCENTILE_NAMES) - 1)
    comfort_factor = forms.DecimalField(
        label="Comfort factor", min_value=Decimal(1), max_value=Decimal(2), max_digits=6, decimal_places=4
    )
    window_step = forms.IntegerField(label="History", min_value=0, max_value=len(WINDOW_NAMES) - 1)

    def position(self) -> Position:
        asked = self.cleaned_data
        return Position(Reading(asked["percentile_step"], asked["window_step"]), asked["comfort_factor"])


def steps_of(position: Position) -> dict[str, Any]:
    """A position as the form sends it."""
    return {
        "percentile_step": position.reading.percentile,
        "comfort_factor": position.comfort_factor,
        "window_step": position.reading.window,
    }


@dataclass(frozen=True)
class Totals:
    """A run at one position, as the page shows it. `settings` fill in the form of settings, where that is possible."""

    percentile: str
    comfort_factor: Decimal
    window: str
    machines: int
    cost: Mapping[str, Any]
    difference: Decimal
    changed_sizes: int
    readiness: tuple[tuple[str, str, int, int], ...]
    settings: str
    own_priced: int
    is_comparable: bool


def totals_of(found: Mapping[str, Any], run: AssessmentRun) -> Totals:
    """The answer of the API for a position; readiness beside that of the run."""
    own, own_cost, cost = (run.summary or {})["readiness"], (run.summary or {})["monthly_cost"], found["monthly_cost"]
    asked = {"percentile": found["percentile"], "comfort_factor": found["comfort_factor"]}
    can_be_set = found["percentile"] in {str(each) for each in PERCENTILES}
    return Totals(
        percentile=PERCENTILE_WORDS[PERCENTILE_NAMES.index(found["percentile"])],
        comfort_factor=Decimal(str(found["comfort_factor"])),
        window=WINDOWS[found["window"]],
        machines=found["machines"],
        cost=cost,
        difference=Decimal(found["difference"]),
        changed_sizes=found["changed_sizes"],
        readiness=tuple((code, name, found["readiness"][code], own[code]) for code, name in READINESS.items()),
        settings=urlencode({**asked, "performance_window": found["window"]}) if can_be_set else "",
        own_priced=own_cost["priced_machines"],
        is_comparable=all(cost[name] == own_cost[name] for name in ("priced_machines", "storage_priced_machines")),
    )


def own_totals(run: AssessmentRun, position: Position) -> dict[str, Any]:
    """What a run came to, in the shape of a position: nothing needs to be computed for it."""
    summary = run.summary or {}
    figures = {"machines": summary["machines"], "monthly_cost": summary["monthly_cost"]}
    same = {"difference": "0.00", "changed_sizes": 0, "readiness": summary["readiness"]}
    return {**position.shown(), **figures, **same}


class SensitivityPart(OneAssessmentView):
    """Something of the published run, or of the one that `?run=` names."""

    def context(self) -> dict[str, Any]:
        run = self.published_run
        return {
            "run": run,
            "kept_run": self.kept_run,
            "run_query": f"run={run.id}" if self.kept_run else "",
            "currency": run.settings["currency"],
            "percentile_words": PERCENTILE_WORDS,
            "window_words": WINDOW_WORDS,
        }

    def first_position(self) -> Position:
        run = self.published_run
        return position_of(run) if reading_of(run) is not None else position_of(run, window=FIRST_WINDOW)

    def totals(self, position: Position) -> Totals | None:
        """What the run comes to at a position; None while its arrays are read behind the answer."""
        run = self.published_run
        if position.reading == reading_of(run) and position == position_of(run):
            workbench_soon(run, patience_seconds=0)  # so that the first move is answered at once
            return totals_of(own_totals(run, position), run)
        bench = workbench_soon(run)
        return None if bench is None else totals_of(totals_by(bench, position), run)

    def position_context(self, position: Position) -> dict[str, Any]:
        """The totals in words, and with what to ask for them again while they are not there."""
        steps = steps_of(position)
        return {
            "at": self.totals(position),
            "percentile": PERCENTILE_WORDS[position.reading.percentile],
            "window": WINDOWS[WINDOW_NAMES[position.reading.window]],
            "steps": steps,
            "again": urlencode({**steps, **self.run_asked()}),
        }

    def run_asked(self) -> dict[str, str]:
        return {"run": str(self.kept_run.id)} if self.kept_run else {}


class SensitivityView(SensitivityPart):
    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        run = self.published_run
        why_not = why_no_sliders(run)
        if why_not:
            return self.page("portal/sensitivity.html", {**self.context(), "why_not": why_not})
        progress = jobs.progress_of(run)
        context = {**self.context(), **grid_context(run, progress)}
        if progress.percentiles_status != RunStatus.COMPLETED:
            return self.page("portal/sensitivity.html", context)
        form = PositionForm(request.GET or None)
        asked = form.is_bound and any(name in request.GET for name in form.fields)
        position = form.position() if asked and form.is_valid() else self.first_position()
        context |= {"form": form if asked else PositionForm(), "position": position, **self.position_context(position)}
        return self.page("portal/sensitivity.html", context, status=400 if asked and not form.is_valid() else 200)


class PositionView(SensitivityPart):
    """The totals at a position: the part of the page that moves with the sliders."""

    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        jobs.refuse_unless_ready(self.published_run)
        form = PositionForm(request.GET) if request.GET else None
        if form is not None and not form.is_valid():
            raise DomainError(code="invalid", detail="The sliders do not go that far.")
        position = self.first_position() if form is None else form.position()
        context = {**self.context(), **self.position_context(position)}
        response = self.page("portal/parts/sensitivity_position.html", context)
        page = reverse("portal:sensitivity", args=[self.project.id, self.assessment.id])
        response["HX-Replace-Url"] = f"{page}?{request.GET.urlencode()}"
        return response


class GridView(SensitivityPart):
    """The curves: asked for, watched while they are computed, shown."""

    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        progress = jobs.progress_of(self.published_run)
        context = {**self.context(), **grid_context(self.published_run, progress)}
        response = self.page("portal/parts/sensitivity_grid.html", context)
        if is_htmx(request) and "waiting" in request.GET and not context["is_waiting"]:
            response["HX-Refresh"] = "true"  # the sliders are there now
        return response

    def post(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        return self._told(jobs.request_grid)

    def _told(self, act: Any) -> HttpResponse:
        try:
            act(self.published_run)
        except DomainError as error:
            messages.error(self.request, error.detail)
        page = reverse("portal:sensitivity", args=[self.project.id, self.assessment.id])
        form = PositionForm(self.request.POST)
        steps = steps_of(form.position()) if form.is_valid() else {}
        query = urlencode({**steps, **self.run_asked()})
        return redirect(f"{page}{'?' if query else ''}{query}#grid")


class CancelGridView(GridView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        return self._told(jobs.cancel_grid)


class CurvesView(SensitivityPart):
    """Total cost over the comfort factor for each window and percentile, for the chart; empty until all are there."""

    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        run = self.published_run
        complete = jobs.progress_of(run).grid_status == RunStatus.COMPLETED
        cells = grid_cells(jobs.grid_of(run), run) if complete else []
        answer = {
            "currency": run.settings["currency"],
            "comfort_factors": [float(factor) for factor in COMFORT_FACTORS],
            "percentiles": PERCENTILE_WORDS,
            "windows": [[pieces_of(curve) for curve in window] for window in cells],
        }
        return JsonResponse(answer)


def why_no_sliders(run: AssessmentRun) -> str:
    """Why a run has no sliders at all: its code; empty where it has."""
    if run.settings["sizing_criterion"] != "performance_based":
        return "as_on_premises"
    kept = ShardArrays.objects.filter(run=run).count() == RunShard.objects.filter(run=run).count()
    return "" if kept else "run_without_inputs"


def grid_context(run: AssessmentRun, progress: jobs.Progress) -> dict[str, Any]:
    """How far percentiles and grid are; the grid itself once it is complete."""
    complete = progress.grid_status == RunStatus.COMPLETED
    waiting = progress.percentiles_status != RunStatus.COMPLETED
    cells = grid_cells(jobs.grid_of(run), run) if complete else []
    return {
        "progress": progress,
        "grid_positions": jobs.GRID_POSITIONS,
        "is_waiting": waiting,
        "is_reading": waiting and progress.percentiles_status in UNFINISHED,
        "is_moving": progress.grid_status in UNFINISHED,
        "tables": tables_of(cells),
        "has_breaks": any(not cell.is_comparable for window in cells for curve in window for cell in curve),
    }


@dataclass(frozen=True)
class Cell:
    """The cost at one position, and for how many machines it stands. `is_comparable`: for as many as the run's own."""

    total: str
    machines: int
    storage_machines: int
    is_comparable: bool


def grid_cells(positions: list[dict[str, Any]], run: AssessmentRun) -> list[list[list[Cell]]]:
    """The grid by window, percentile and comfort factor, which is its order."""
    own = (run.summary or {})["monthly_cost"]
    wanted = own["priced_machines"], own["storage_priced_machines"]
    cells = [_cell(position["monthly_cost"], wanted) for position in positions]
    width, height = len(COMFORT_FACTORS), len(PERCENTILE_NAMES)
    curves = [cells[start : start + width] for start in range(0, len(cells), width)]
    return [curves[start : start + height] for start in range(0, len(curves), height)]


def _cell(cost: Mapping[str, Any], wanted: tuple[int, int]) -> Cell:
    priced = cost["priced_machines"], cost["storage_priced_machines"]
    return Cell(str(cost["total"]), *priced, is_comparable=priced == wanted)


def pieces_of(curve: list[Cell]) -> list[dict[str, Any]]:
    """A curve in pieces that each stand for as many machines: totals of other machines are not joined by a line."""
    sets = dict.fromkeys((cell.machines, cell.storage_machines) for cell in curve)
    return [
        {
            "machines": machines,
            "totals": [
                float(c.total) if (c.machines, c.storage_machines) == (machines, storage) else None for c in curve
            ],
        }
        for machines, storage in sets
    ]


def tables_of(cells: list[list[list[Cell]]]) -> list[tuple[str, list[tuple[Decimal, list[Cell]]]]]:
    """For each window a table: a row a comfort factor, with the cost at each percentile."""
    return [
        (WINDOW_WORDS[number], list(zip(COMFORT_FACTORS, map(list, zip(*window, strict=True)), strict=True)))
        for number, window in enumerate(cells)
    ]
