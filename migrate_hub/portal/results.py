"""What a run decided: one row a machine, and one machine with the whole way to its size in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse

from assessments.engine.issues import READINESS
from assessments.filters import by_name
from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun
from assessments.presentation import confidence, decision_trace, disk_row, machine_row, nic_row
from assessments.series_statistics import NAMES as STATISTICS
from assessments.views import disks_of
from ingest.models import Machine
from migrate_hub.errors import not_found
from migrate_hub.portal import wording
from migrate_hub.portal.assessments import OneAssessmentView
from migrate_hub.portal.figures import money
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants.api import as_uuid

MAX_REFUSED_SHOWN = 15


@dataclass(frozen=True)
class ResultRow:
    """One machine of the result table."""

    machine: AssessedMachine
    shown: Mapping[str, Any]

    @property
    def monthly_cost(self) -> Decimal | None:
        """Compute and storage; None where neither is known."""
        parts = [self.machine.monthly_compute_cost, self.machine.monthly_storage_cost]
        known = [part for part in parts if part is not None]
        return sum(known, Decimal(0)) if known else None

    @property
    def first_issue(self) -> str:
        issues = self.shown["issues"]
        return issues[0]["message"] if issues else ""

    @property
    def other_issues(self) -> int:
        return max(0, len(self.shown["issues"]) - 1)


class ResultsView(OneAssessmentView):
    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        readiness = request.GET.get("readiness", "")
        search = request.GET.get("search", "").replace("\0", "")[:255]
        page = page_of(self._rows(readiness, search), request, order_by="name")
        disks = disks_of(self.published_run, [row.machine_id for row in page.rows])
        currency = self.published_run.settings["currency"]
        context = {
            "run": self.published_run,
            "kept_run": self.kept_run,
            "page": page,
            "rows": [ResultRow(row, machine_row(row, disks.get(row.machine_id, []), currency)) for row in page.rows],
            "readiness": readiness if readiness in READINESS else "",
            "search": search,
            "counts": self._counts(),
            "currency": currency,
            "by_performance": self.published_run.settings["sizing_criterion"] == "performance_based",
        }
        return self.page("portal/results.html", context)

    def _rows(self, readiness: str, search: str) -> Any:
        rows = AssessedMachine.objects.filter(run=self.published_run)
        if readiness in READINESS:
            rows = rows.filter(readiness=readiness)
        return by_name(rows, search) if search else rows

    def _counts(self) -> list[tuple[str, str, int]]:
        """Code, words and number of machines of each readiness, from the run's summary."""
        counts = (self.published_run.summary or {}).get("readiness", {})
        return [(code, name, counts.get(code, 0)) for code, name in wording.READINESS.items()]


class ResultView(OneAssessmentView):
    """One machine of the published run."""

    machine: AssessedMachine

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        rows = AssessedMachine.objects.filter(run=self.published_run)
        machine = rows.filter(machine_id=as_uuid(kwargs["machine"])).first()
        if machine is None:
            raise not_found()
        self.machine = machine

    def get(self, request: HttpRequest, project: str, assessment: str, machine: str) -> HttpResponse:
        run = self.published_run
        disks = disks_of(run, [self.machine.machine_id]).get(self.machine.machine_id, [])
        trace = decision_trace(run, self.machine, disks)
        context = {
            "run": run,
            "kept_run": self.kept_run,
            "currency": run.settings["currency"],
            "row": ResultRow(self.machine, machine_row(self.machine, disks, run.settings["currency"])),
            "machine": self.machine,
            "is_there": Machine.objects.filter(id=self.machine.machine_id, project=self.project).exists(),
            "confidence": confidence(self.machine),
            "disks": disk_pairs(disks, trace),
            "nics": [(nic_row(nic), measured_list(nic_row(nic)["observed"])) for nic in self.machine.inputs["nics"]],
            "trace": trace,
            "steps": Steps(trace, run),
        }
        return self.page("portal/result.html", context)


def measured_list(observed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and figures of some metrics."""
    return [wording.measured(metric, value) for metric, value in observed.items()]


def disk_pairs(disks: list[AssessedDisk], trace: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each disk as shown, with its observed figures and the cheaper disks that were refused."""
    return [
        {
            "shown": disk_row(disk),
            "observed": measured_list(disk_row(disk)["observed"]),
            "type": wording.DISK_TYPES.get(disk.recommended_type or "", disk.recommended_type),
            "refused": refused_list(traced["refused"]),
            "runner_up": traced["runner_up"],
        }
        for disk, traced in zip(disks, trace["disks"], strict=False)
    ]


def refused_list(refused: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Refused offers with their reasons in words, the dearest first: those were nearest to fitting."""
    nearest = list(reversed(refused))[:MAX_REFUSED_SHOWN]
    return [{**offer, "reasons": [wording.refusal_in_words(each) for each in offer["refusals"]]} for offer in nearest]


class Steps:
    """The decision trace as a page tells it: what was seen, what that asks for, what was chosen, what it costs."""

    def __init__(self, trace: Mapping[str, Any], run: AssessmentRun) -> None:
        self.trace = trace
        self.run = run
        self.chosen: Mapping[str, Any] = next(each for each in trace["scenarios"] if each["name"] == trace["headline"])

    @property
    def by_performance(self) -> bool:
        return bool(self.trace["sizing_criterion"] == "performance_based")

    @property
    def boots_with(self) -> str:
        return {"bios": "boots with BIOS", "uefi": "boots with UEFI"}.get(self.trace["boot_type"], "boot type unknown")

    @property
    def observed(self) -> list[dict[str, Any]]:
        """The machine's percentiles or stated values, and what stands behind each."""
        return [
            {"name": name, "figure": figure, "behind": self._behind(each)}
            for each in self.trace["observed"]
            for name, figure in [wording.measured(each["metric"], each["value"])]
        ]

    def _behind(self, each: Mapping[str, Any]) -> str:
        """A value without points is a single one that a file stated."""
        if not each["points"] and each["value"] is not None:
            return "stated by the imported file"
        if not each["points"] and self.trace["discovered_by"] == "import":
            return "not in the imported file"
        return f"{each['points']:,} of {each['expected_points']:,} points"

    @property
    def series(self) -> list[dict[str, Any]]:
        """Each series with its points and the percentiles of the menu; nothing while they are not known."""
        return [
            {
                "name": wording.series_name(each),
                "points": each["points"],
                "figures": [wording.measured(each["metric"], each[name])[1] for name in STATISTICS],
            }
            for each in self.trace.get("series", [])
        ]

    @property
    def is_stated(self) -> bool:
        """Whether all that is known was stated by a file, so that no percentile was taken."""
        known = [each for each in self.trace["observed"] if each["value"] is not None]
        return bool(known) and not any(each["points"] for each in known)

    @property
    def next_best(self) -> str:
        """The size that came second, and how much dearer it is; one that costs the same says so."""
        second = self.chosen["runner_up"]
        if not second:
            return ""
        gap = money(second["price_gap"], self.trace["currency"])
        costs = "costs the same" if gap == money(0, self.trace["currency"]) else f"costs {gap} a month more"
        return f"The next, {second['name']}, {costs}."

    @property
    def required(self) -> list[tuple[str, str, str]]:
        """Name, figure and arithmetic of each demand; left out is what nobody asked for."""
        return [
            (
                wording.DIMENSIONS.get(each["dimension"], wording.plain(each["dimension"])),
                wording.quantity(each["dimension"], each["value"]),
                each["arithmetic"],
            )
            for each in self.trace["required"]
            if self._is_asked(each)
        ]

    def _is_asked(self, required: Mapping[str, Any]) -> bool:
        if required["dimension"] in wording.YES_OR_NO:
            return required["value"] not in (None, "0")
        return self.by_performance or required["value"] is not None

    @property
    def price_lines(self) -> list[tuple[str, str, str]]:
        return [wording.price_line_in_words(line, self.trace["currency"]) for line in self.chosen["price_lines"]]

    @property
    def unpriced(self) -> str:
        reason = self.chosen["unpriced"] or ""
        return wording.UNPRICED.get(reason, wording.plain(reason))

    @property
    def refused(self) -> list[dict[str, Any]]:
        return refused_list(self.trace["refused"])

    @property
    def more_refused(self) -> int:
        return max(0, len(self.trace["refused"]) - MAX_REFUSED_SHOWN)

    @property
    def scenarios(self) -> list[dict[str, Any]]:
        """Every scenario with its words; the chosen one marked."""
        return [
            {
                **each,
                "title": wording.scenario_name(each["name"]),
                "why_unpriced": wording.UNPRICED.get(each["unpriced"] or "", each["unpriced"]),
                "is_headline": each["name"] == self.trace["headline"],
            }
            for each in self.trace["scenarios"]
        ]
