"""How a run decided, as rows of a report: computed again in bulk from the inputs that the run stored."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any, TypedDict

from assessments.engine.explain_bulk import BriefTrace, explain_briefly
from assessments.engine.explain_bulk_disks import BriefDisk
from assessments.engine.rankings import Rankings
from assessments.engine.scenarios import COMMITMENTS, SCENARIOS, headline_scenario
from assessments.engine.trace import PriceLine, Refusal, RefusedOffer
from assessments.inputs import DISK_METRICS, stored_machines
from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun
from assessments.presentation import observed, plain, value_of
from assessments.series_statistics import NAMES, MachineStatistics
from assessments.targets import origins_of, target_of
from reports.workbook import MovesWith, PriceLineRow, TraceRow

Assessed = list[tuple[AssessedMachine, list[AssessedDisk]]]
COMMITTED_PRICES = {"reservation_1y_term", "reservation_3y_term", "savings_plan_1y", "savings_plan_3y"}
STATISTICS = [f"{series}_{name}" for series in ("cpu", "memory") for name in NAMES]
Source = tuple[str | None, str | None, date | None]
NOTHING_REFUSED: tuple[None, ...] = (None,)


class TraceLists(TypedDict):
    """The two lists of a chunk."""

    traces: list[TraceRow]
    price_lines: list[PriceLineRow]


NO_TRACES: TraceLists = {"traces": [], "price_lines": []}


class Traces:
    """Decision trace and price lines of one run. Needs the tenant's context when it is made, none afterwards."""

    def __init__(self, run: AssessmentRun, refused_shown: int) -> None:
        self.refused_shown = refused_shown
        self.rankings = Rankings(target_of(run))
        self.origins = origins_of(run)
        self.catalog = run.catalog.name
        settings = self.rankings.target.settings
        by_performance = settings.sizing_criterion == "performance_based"
        self.percentile = float(settings.percentile) if by_performance else None
        term = SCENARIOS[headline_scenario(settings)].term
        self.is_strict_commitment = term in COMMITMENTS and settings.commitment_rule == "strict"
        self.statistics = MachineStatistics(run)
        self._sources: dict[tuple[str, str | None], Source] = {}

    def rows(self, assessed: Assessed) -> TraceLists:
        """The rows of some machines with their disks."""
        briefs = explain_briefly(stored_machines(assessed), self.rankings, shown=self.refused_shown)
        told: TraceLists = {"traces": [], "price_lines": []}
        for (machine, disks), brief in zip(assessed, briefs, strict=True):
            told["traces"] += self._machine_traces(machine, disks, brief)
            told["price_lines"] += self._machine_lines(machine, brief)
            for disk, of_disk in zip(disks, brief.disks, strict=True):
                told["traces"] += self._disk_traces(machine, disk, of_disk)
                told["price_lines"] += self._disk_lines(machine, disk, of_disk)
        return told

    def _machine_traces(
        self, machine: AssessedMachine, disks: Sequence[AssessedDisk], brief: BriefTrace
    ) -> Iterator[TraceRow]:
        inputs, required, seen = machine.inputs, machine.required, observed(machine, disks)
        known: dict[str, Any] = {
            "machine_name": machine.name,
            "percentile": self.percentile,
            "expected_points": inputs["expected_points"],
            "cpu_percent": seen.get("cpu_percent"),
            "cpu_points": inputs["cpu_percent"][1],
            "memory_percent": seen.get("memory_percent"),
            "memory_points": inputs["memory_percent"][1],
            **{metric: seen.get(f"disk_{metric}") for metric in DISK_METRICS},
            "network_out_mbps": seen.get("network_transmitted_mbps"),
            "required_cores": required.get("cores"),
            "cores_arithmetic": brief.cores_arithmetic,
            "required_memory_mb": required.get("memory_mb"),
            "memory_arithmetic": brief.memory_arithmetic,
            "required_data_disks": required["data_disks"],
            "required_iops": required.get("disk_iops"),
            "required_mbps": required.get("disk_mbps"),
            "required_nics": required["nics"],
            "required_network_mbps": required.get("network_mbps"),
            "chosen": machine.recommended_sku,
            "monthly_cost": machine.monthly_compute_cost,
            **dict(zip(STATISTICS, chain.from_iterable(self.statistics.of(machine.machine_id)), strict=False)),
        }
        return _trace_rows(known, brief)

    def _disk_traces(self, machine: AssessedMachine, disk: AssessedDisk, brief: BriefDisk) -> Iterator[TraceRow]:
        known: dict[str, Any] = {
            "machine_name": machine.name,
            "disk_name": disk.name,
            "percentile": self.percentile,
            "expected_points": machine.inputs["expected_points"],
            **{metric: value_of(disk.observed[metric]) for metric in DISK_METRICS},
            "disk_points": min(int(disk.observed[metric][1] or 0) for metric in DISK_METRICS),
            "required_iops": _float(brief.required_iops),
            "required_mbps": _float(brief.required_mbps),
            "chosen": disk.recommended_sku,
            "monthly_cost": disk.monthly_cost,
        }
        return _trace_rows(known, brief)

    def _machine_lines(self, machine: AssessedMachine, brief: BriefTrace) -> Iterator[PriceLineRow]:
        for line in brief.price_lines:
            yield self._line(machine, line, sku=machine.recommended_sku, moves_with=self._moves_with(line))

    def _disk_lines(self, machine: AssessedMachine, disk: AssessedDisk, brief: BriefDisk) -> Iterator[PriceLineRow]:
        """Nothing where the machine has no storage cost: the lines of a machine add up to what it costs."""
        if machine.monthly_storage_cost is None:
            return
        for line in brief.price_lines:
            yield self._line(machine, line, sku=disk.recommended_sku, moves_with="nothing", disk_name=disk.name)

    def _line(
        self,
        machine: AssessedMachine,
        line: PriceLine,
        *,
        sku: str | None,
        moves_with: MovesWith,
        disk_name: str | None = None,
    ) -> PriceLineRow:
        source, dated, meter_date = self._source(line.kind, sku)
        return PriceLineRow(
            machine_name=machine.name,
            disk_name=disk_name,
            part="compute" if disk_name is None else "storage",
            kind=line.kind,
            sku=sku,
            unit=line.unit,
            unit_price=line.unit_price,
            quantity=line.quantity,
            hours=line.hours,
            months=line.months,
            discount_percent=line.discount_percent,
            amount=line.amount,
            moves_with=moves_with,
            catalog=self.catalog,
            source=source,
            dated=dated,
            meter_date=meter_date,
            arithmetic=line.arithmetic,
        )

    def _source(self, kind: str, name: str | None) -> Source:
        """Who says a price, of when, and since when it has held: of a price made of two, since both have."""
        key = kind, name
        if key not in self._sources:
            origins = self.origins.of_line(kind, name)
            titles = dict.fromkeys(origin.title for origin in origins)
            dates = dict.fromkeys(origin.dated for origin in origins if origin.dated)
            since = max((origin.effective_from for origin in origins if origin.effective_from), default=None)
            self._sources[key] = "; ".join(titles) or None, "; ".join(dates) or None, since
        return self._sources[key]

    def _moves_with(self, line: PriceLine) -> MovesWith:
        """What of discount and uptime changes a line of compute."""
        if line.discount_percent is not None:
            return "discount_itself"
        if self.is_strict_commitment:
            return "nothing"
        return "discount" if line.kind in COMMITTED_PRICES else "uptime_and_discount"


def _trace_rows(known: dict[str, Any], brief: BriefTrace | BriefDisk) -> Iterator[TraceRow]:
    """One row for each refused offer shown, or one row that says there is none."""
    beside = brief.runner_up
    if beside is not None:
        known |= {"runner_up": beside.name, "price_gap": beside.price_gap}
    known["refused_count"] = brief.refused_count
    for offer in brief.refused or NOTHING_REFUSED:
        yield TraceRow(**known, **({} if offer is None else _refused(offer)))


def _refused(offer: RefusedOffer) -> dict[str, Any]:
    told: dict[str, Any] = {
        "refused": offer.name,
        "refused_monthly_cost": offer.monthly_cost,
        "constraints": "; ".join(_words(refusal) for refusal in offer.refusals),
    }
    if offer.refusals:
        first = offer.refusals[0]
        told |= {
            "constraint": first.constraint,
            "required": first.required,
            "offered": first.offered,
            "short_by": first.short_by,
        }
    return told


def _words(refusal: Refusal) -> str:
    """`cores: needs 4, offers 2, short by 2`; behind it in brackets what figures do not tell."""
    told = _figures(refusal)
    return f"{told} ({refusal.detail})" if refusal.detail else told


def _figures(refusal: Refusal) -> str:
    if refusal.required is None:
        return refusal.constraint
    if refusal.offered is None:
        return f"{refusal.constraint}: needs {plain(refusal.required)}"
    needs, offers, short = (plain(value) for value in (refusal.required, refusal.offered, refusal.short_by))
    return f"{refusal.constraint}: needs {needs}, offers {offers}, short by {short}"


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
