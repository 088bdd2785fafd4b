"""One machine of a run, with the whole way to its size in plain words. result_table.py lists them."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun
from assessments.presentation import confidence, decision_trace, disk_row, machine_row, nic_row
from assessments.series_statistics import NAMES as STATISTICS
from assessments.views import disks_of
from ingest.models import Machine
from migrate_hub.errors import not_found
from migrate_hub.portal import wording
from migrate_hub.portal.assessments import OneAssessmentView
from migrate_hub.portal.figures import memory, money, percent
from migrate_hub.portal.result_table import Asked, ResultRow
from migrate_hub.tenants.api import as_uuid

MAX_REFUSED_SHOWN = 15
FULL = 100.0


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
        asked = Asked.of(request.GET, run)
        disks = disks_of(run, [self.machine.machine_id]).get(self.machine.machine_id, [])
        trace = decision_trace(run, self.machine, disks)
        context = {
            "run": run,
            "kept_run": self.kept_run,
            "currency": run.settings["currency"],
            "here": "" if asked.here == "?" else asked.here,
            "list_url": reverse("portal:results", args=[self.project.id, self.assessment.id]) + asked.here,
            "previous": asked.neighbor(run, self.machine, before=True),
            "next": asked.neighbor(run, self.machine, before=False),
            "row": ResultRow(self.machine),
            "shown": machine_row(self.machine, disks, run.settings["currency"]),
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
    def in_short(self) -> str:
        """The whole way in one paragraph, for whoever reads nothing else."""
        trace, busy = self.trace, self.trace.get("expected")
        if busy is None:
            return f"No size is recommended: {self.unpriced}." if self.unpriced else "No size is recommended."
        has = f"{wording.counted(trace['cores'], 'core')} and {memory(trace['memory_mb'])} of memory"
        gets = f"{wording.counted(busy['cores'], 'core')} and {memory(busy['memory_mb'])}"
        cost = money(self.chosen["monthly_compute_cost"], trace["currency"])
        return f"It has {has}. {self._asks} The cheapest size that offers all it needs has {gets}, for {cost} a month."

    @property
    def _asks(self) -> str:
        """What it used and what that asks for, as far as it is known."""
        asked = {each["dimension"]: each["value"] for each in self.trace["required"]}
        needs = " and ".join(
            wording.quantity(name, asked[name]) + (" cores" if name == "cores" else " of memory")
            for name in ("cores", "memory_mb")
            if asked.get(name) is not None
        )
        if not self.by_performance:
            return f"A size like it has to offer {needs}." if needs else ""
        used = [
            f"{percent(each['value'])} of its {'CPU' if each['metric'] == 'cpu_percent' else 'memory'}"
            for each in self.trace["observed"]
            if each["metric"] in ("cpu_percent", "memory_percent") and each["value"] is not None
        ]
        seen = f"It used {' and '.join(used)}" if used else "What it used is not known"
        return f"{seen}; with headroom that asks for {needs}." if needs else f"{seen}."

    @property
    def busy(self) -> list[dict[str, Any]]:
        """CPU and memory: how busy here, and how busy on the recommended size; only what is known."""
        expected = self.trace.get("expected", {})
        seen = {each["metric"]: each["value"] for each in self.trace["observed"]}
        sizes = {
            "cpu_percent": ("CPU", wording.counted(self.trace["cores"], "core"), expected.get("cores")),
            "memory_percent": ("Memory", memory(self.trace["memory_mb"]), expected.get("memory_mb")),
        }
        return [
            {
                "name": name,
                "has": has,
                "gets": wording.counted(gets, "core") if metric == "cpu_percent" else memory(gets),
                "now": seen[metric],
                "now_share": float(seen[metric]) / FULL,
                "then": expected[metric],
                "then_share": expected[metric] / FULL,
            }
            for metric, (name, has, gets) in sizes.items()
            if metric in expected and seen.get(metric) is not None
        ]

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
                wording.demand_in_words(each),
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
