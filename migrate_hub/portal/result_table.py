"""The result table: one row a machine, sorted and filtered as asked, with the totals of what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict

from assessments.catalog.models import Sku
from assessments.filters import FILTERS, OVERSIZED, SORTS, Machines, facets_of, filtered, of_run, totals_of
from assessments.headroom import expected_percent
from assessments.models import AssessedMachine, AssessmentRun
from assessments.presentation import shown_issues, value_of
from migrate_hub.errors import DomainError
from migrate_hub.portal import wording
from migrate_hub.portal.assessments import OneAssessmentView
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants.keyset import beyond, reverse

SORT_WORDS = {
    "name": "Name",
    "-monthly_cost": "Most expensive first",
    "-monthly_saving": "Most to save first",
    "-cores": "Most cores first",
    "monthly_cost": "Cheapest first",
    "cores": "Fewest cores first",
}
MAX_TEXT = 255


@dataclass(frozen=True)
class ResultRow:
    """One machine of the table; `vcpus` are those of its recommended size."""

    machine: AssessedMachine
    vcpus: int | None = None

    @property
    def monthly_cost(self) -> Decimal | None:
        """Compute and storage; None where neither is known."""
        parts = [self.machine.monthly_compute_cost, self.machine.monthly_storage_cost]
        known = [part for part in parts if part is not None]
        return sum(known, Decimal(0)) if known else None

    @cached_property
    def issues(self) -> list[dict[str, str]]:
        return shown_issues(self.machine.issues)

    @property
    def other_issues(self) -> int:
        return max(0, len(self.issues) - 1)

    @property
    def cpu_percent(self) -> float | None:
        return value_of(self.machine.inputs["cpu_percent"])

    @property
    def expected_cpu_percent(self) -> Decimal | None:
        """How busy the recommended size will be."""
        return expected_percent(self.cpu_percent, self.machine.cores, self.vcpus or 0)


@dataclass(frozen=True)
class Asked:
    """What the address of a table asks for: possible filters, an order, and the run where it is a kept one."""

    filters: Mapping[str, str]
    sort: str
    run: str

    @classmethod
    def of(cls, parameters: QueryDict, run: AssessmentRun) -> "Asked":
        """Filters that say nothing possible, as in an address that was tampered with, count as not there."""
        filters = {}
        for name, narrow in FILTERS.items():
            value = parameters.get(name, "")[:MAX_TEXT]
            try:
                if value:
                    narrow(of_run(run), run, value)
                    filters[name] = value
            except DomainError:
                continue
        sort = parameters.get("sort", "")
        return cls(filters, sort if sort.removeprefix("-") in SORTS else "name", parameters.get("run", ""))

    def link(self, **changes: str) -> str:
        """The same table with other filters or another order; '' takes one away. Starts with the first page."""
        asked = {**self.filters, "sort": "" if self.sort == "name" else self.sort, "run": self.run, **changes}
        return "?" + urlencode({name: value for name, value in asked.items() if value})

    @property
    def here(self) -> str:
        return self.link()

    @property
    def field(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    def rows(self, run: AssessmentRun) -> Machines:
        return filtered(of_run(run), run, self.filters)

    def neighbor(self, run: AssessmentRun, machine: AssessedMachine, *, before: bool) -> AssessedMachine | None:
        """The machine beside this one in the table; None at its end."""
        sign = "-" if self.descending else ""
        order = (f"{sign}{self.field}", f"{sign}id")
        direction = reverse(order) if before else order
        rows = self.rows(run).filter(beyond(direction, (getattr(machine, self.field), machine.id)))
        found: AssessedMachine | None = rows.only("name", "machine_id", "run_id").order_by(*direction).first()
        return found


@dataclass(frozen=True)
class Header:
    """A column that can be sorted by: the link that does, and how it is sorted now for screen readers."""

    name: str
    link: str
    direction: str
    is_number: bool


class ResultsView(OneAssessmentView):
    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        run = self.published_run
        asked = Asked.of(request.GET, run)
        rows = asked.rows(run)
        page = page_of(rows, request, order_by=asked.field, descending=asked.descending)
        context = {
            "run": run,
            "kept_run": self.kept_run,
            "page": page,
            "rows": _rows_of(run, page.rows),
            "asked": asked,
            "here": "" if asked.here == "?" else asked.here,
            "all_link": f"?run={asked.run}" if asked.run else "",
            "totals": totals_of(run, asked.filters),
            "tabs": self._tabs(run, asked),
            "choices": choices_of(run, asked),
            "sorts": list(SORT_WORDS.items()),
            "headers": {name: _header(name, asked) for name in SORTS},
            "currency": run.settings["currency"],
            "by_performance": run.settings["sizing_criterion"] == "performance_based",
        }
        return self.page("portal/results.html", context)

    def _tabs(self, run: AssessmentRun, asked: Asked) -> list[tuple[str, str, int, str]]:
        """Code, words and number of machines of each readiness, from the run's summary, and its link."""
        counts = (run.summary or {}).get("readiness", {})
        return [
            (code, name, counts.get(code, 0), asked.link(readiness=code)) for code, name in wording.READINESS.items()
        ]


def _rows_of(run: AssessmentRun, machines: Sequence[AssessedMachine]) -> list[ResultRow]:
    names = {machine.recommended_sku for machine in machines if machine.recommended_sku}
    vcpus = dict(Sku.objects.filter(catalog=run.catalog_id, name__in=names).values_list("name", "vcpus"))
    return [ResultRow(machine, vcpus.get(machine.recommended_sku or "")) for machine in machines]


def _header(name: str, asked: Asked) -> Header:
    """A column is sorted by the largest first, names from the start; a second click turns it round."""
    first = name if name == "name" else f"-{name}"
    other = name if first.startswith("-") else f"-{name}"
    direction = "" if asked.field != name else ("descending" if asked.descending else "ascending")
    return Header(
        name=name,
        link=asked.link(sort=other if asked.sort == first else first),
        direction=direction,
        is_number=name != "name",
    )


@dataclass(frozen=True)
class Choice:
    """A filter as a list to choose from."""

    name: str
    label: str
    chosen: str
    options: Sequence[tuple[str, str]]


def choices_of(run: AssessmentRun, asked: Asked) -> list[Choice]:
    """The filters that this run has something for."""
    facets, by_performance = facets_of(run), run.settings["sizing_criterion"] == "performance_based"
    types = (run.summary or {}).get("monthly_cost", {}).get("storage_by_type", {})
    offered: dict[str, tuple[str, list[tuple[str, str]]]] = {
        "issue": ("Issue", _issue_options([*facets["issues"], *facets["data_issues"]])),
        "series": ("Series", [(code, f"{code} ({count:,})") for code, count in facets["series"]]),
        "disk_type": ("Disks", [(code, wording.DISK_TYPES.get(code, code)) for code in types]),
    }
    if by_performance:
        offered["max_stars"] = ("Confidence", [(str(stars), f"at most {stars} of 5 stars") for stars in range(1, 5)])
        offered["fit"] = ("Size on premises", [(OVERSIZED, "asks for half its cores or less")])
    return [
        Choice(name, label, asked.filters.get(name, ""), _with_chosen(options, asked.filters.get(name, "")))
        for name, (label, options) in offered.items()
        if options or name in asked.filters
    ]


def _issue_options(counted: Sequence[Sequence[Any]]) -> list[tuple[str, str]]:
    return [
        (code, f"{shown['message']} ({count:,})")
        for code, count in counted
        for shown in shown_issues([code])
    ]  # fmt: skip


def _with_chosen(options: list[tuple[str, str]], chosen: str) -> list[tuple[str, str]]:
    """What is filtered by stays to be seen, also where no machine has it."""
    known = not chosen or any(code == chosen for code, _ in options)
    return options if known else [*options, (chosen, wording.plain(chosen))]
