"""Utilization of one machine: the series and window that are asked for, their figures, and the same as an SVG."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from ingest.charts import DAILY, MAX_POINTS, STATISTICS, chart, chart_window
from ingest.models import Disk, Machine, Nic
from ingest.percentiles import MAXIMUM, MENU
from ingest.series import Series
from migrate_hub.errors import DomainError

WIDTH, HEIGHT = 720.0, 160.0
TABLE_ROWS = 24
WINDOWS = {"1": "Day", "7": "Week", "30": "Month", "91": "Quarter", "365": "Year"}
USUAL_PERCENTILE = 95
PERCENTILES = {str(each): "Maximum" if each == MAXIMUM else f"{each}th percentile" for each in MENU}
LOAD = "load"
Points = Sequence[float | None]


@dataclass(frozen=True)
class Kind:
    """What one chart shows: two series of the machine or of one of its parts, with one unit."""

    label: str
    unit: str
    part: str
    series: tuple[tuple[str, str], ...]


KINDS = {
    LOAD: Kind("CPU and memory", "%", "", (("cpu_percent", "CPU"), ("memory_percent", "Memory"))),
    "operations": Kind("operations", "IOPS", "disk", (("read_iops", "Reads"), ("write_iops", "Writes"))),
    "throughput": Kind("throughput", "MB/s", "disk", (("read_mbps", "Read"), ("write_mbps", "Written"))),
    "network": Kind("traffic", "MB/s", "nic", (("received_mbps", "Received"), ("transmitted_mbps", "Sent"))),
}


@dataclass(frozen=True)
class Shown:
    """One entry of the list of what a chart can show; `value` stands in addresses."""

    value: str
    label: str
    kind: Kind
    source_id: str = ""

    def series(self) -> list[tuple[Series, str]]:
        return [(Series(self.kind.part, self.source_id, name), label) for name, label in self.kind.series]


@dataclass(frozen=True)
class Asked:
    """What is to be drawn: of which series, over which window, with which percentile."""

    shown: Shown
    start_at: datetime
    end_at: datetime
    percentile: int
    days: str = ""


def offers_of(disks: Iterable[Disk], nics: Iterable[Nic]) -> list[Shown]:
    """Everything that can be drawn of a machine with these parts."""
    offers = [Shown(LOAD, KINDS[LOAD].label, KINDS[LOAD])]
    for parts, names in ((disks, ("operations", "throughput")), (nics, ("network",))):
        for part in parts:
            for name in names:
                value = f"{name}:{part.source_id}"
                offers.append(Shown(value, f"{part}: {KINDS[name].label}", KINDS[name], part.source_id))
    return offers


def asked_of(parameters: Mapping[str, Any], offers: Sequence[Shown], now: datetime) -> Asked:
    """What a query string asks for; the usual where it says nothing sensible. 400 for a window that cannot be."""
    by_value = {offer.value: offer for offer in offers}
    shown = by_value.get(str(parameters.get("show", "")), offers[0])
    percentile = str(parameters.get("percentile", ""))
    start, end = (_instant(str(parameters.get(name, ""))) for name in ("start", "end"))
    days = ""
    if start is None and end is None:
        days = str(parameters.get("days", ""))
        days = days if days in WINDOWS else "1"
        _, end = chart_window(None, None, now)
        start = end - timedelta(days=int(days))
    window = chart_window(start, end, now)
    chosen = int(percentile) if percentile in PERCENTILES else USUAL_PERCENTILE
    return Asked(shown, *window, percentile=chosen, days=days)


def _instant(text: str) -> datetime | None:
    """An instant of a form, in UTC unless it says otherwise; 400 for what is none."""
    if not text:
        return None
    try:
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or not 1970 < found.year < 9999:
        raise DomainError(code="invalid", detail="The window must begin and end with a date and a time.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def figures_of(machine: Machine, asked: Asked, now: datetime, *, points: int = MAX_POINTS) -> dict[str, Any]:
    """The figures of a chart: at most `points` of each line, null where there is no data."""
    wanted = asked.shown.series()
    found = chart(
        machine.id,
        asked.start_at,
        asked.end_at,
        now=now,
        points=min(points, MAX_POINTS),
        percentile=asked.percentile,
        only=[series for series, _ in wanted],
    )
    return {
        "title": asked.shown.label,
        "unit": asked.shown.kind.unit,
        "start_at": int(found["start_at"].timestamp()),
        "end_at": int(found["end_at"].timestamp()),
        "bucket_seconds": found["bucket_seconds"],
        "resolution": resolution(found["bucket_seconds"]),
        "is_daily": found["source"] == DAILY,
        "percentile": PERCENTILES[str(asked.percentile)],
        "series": [
            {"name": label, "color": number, **_statistics_of(found, series)}
            for number, (series, label) in enumerate(wanted, start=1)
            if _statistics_of(found, series)
        ],
    }


def _statistics_of(found: Mapping[str, Any], series: Series) -> dict[str, Any]:
    """Minimum, average, maximum and percentile of one series; empty where it has no data."""
    place = found[f"{series.part}s"].get(series.source_id, {}) if series.part else found
    statistics = place.get(series.name)
    if not statistics or all(value is None for value in statistics["average"]):
        return {}
    return {name: statistics[name] for name in (*STATISTICS, "percentile")}


def resolution(seconds: int) -> str:
    """How much time one point stands for: 10 minutes, 2 hours, 1 day."""
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds / size
            return f"{count:.3g} {name}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


@dataclass(frozen=True)
class Line:
    """One series: the path of its average, the area between minimum and maximum, and the figures beside it."""

    name: str
    color: int
    path: str
    area: str
    average: float
    highest: float
    percentile: float | None
    percentile_y: float | None


@dataclass(frozen=True)
class Drawing:
    """A chart as an SVG of 720 by 160; `top` is what its upper edge stands for."""

    title: str
    unit: str
    start_at: datetime
    end_at: datetime
    resolution: str
    percentile: str
    top: float
    lines: tuple[Line, ...]

    @property
    def middle(self) -> float:
        return self.top / 2


def drawing_of(figures: Mapping[str, Any]) -> Drawing:
    """The figures as lines; none where there is no data."""
    top = _top(figures)
    return Drawing(
        title=figures["title"],
        unit=figures["unit"],
        start_at=datetime.fromtimestamp(figures["start_at"], UTC),
        end_at=datetime.fromtimestamp(figures["end_at"], UTC),
        resolution=figures["resolution"],
        percentile=figures["percentile"],
        top=top,
        lines=tuple(line_of(series, top) for series in figures["series"]),
    )


def _top(figures: Mapping[str, Any]) -> float:
    """100 for percents; else the least of 1, 2, 5, 10, 20 ... that is not below the highest value."""
    if figures["unit"] == "%":
        return 100.0
    highest = max((value for one in figures["series"] for value in one["maximum"] if value is not None), default=0.0)
    step = 1.0
    while step < highest:
        for factor in (1, 2, 5, 10):
            if step * factor >= highest:
                return step * factor
        step *= 10
    return step


def line_of(series: Mapping[str, Any], top: float) -> Line:
    known = [value for value in series["average"] if value is not None]
    return Line(
        name=series["name"],
        color=series["color"],
        path=path_of(series["average"], top),
        area=area_of(series["minimum"], series["maximum"], top),
        average=sum(known) / len(known),
        highest=max(value for value in series["maximum"] if value is not None),
        percentile=series["percentile"],
        percentile_y=None if series["percentile"] is None else _y(series["percentile"], top),
    )


def table_of(figures: Mapping[str, Any]) -> list[tuple[datetime, list[tuple[Any, Any, Any]]]]:
    """The figures as rows: when, and minimum, average and maximum of each series."""
    start, seconds = figures["start_at"], figures["bucket_seconds"]
    count = max((len(series["average"]) for series in figures["series"]), default=0)
    return [
        (
            datetime.fromtimestamp(start + place * seconds, UTC),
            [(one["minimum"][place], one["average"][place], one["maximum"][place]) for one in figures["series"]],
        )
        for place in range(count)
    ]


def _x(place: int, count: int) -> float:
    return round(place / max(1, count - 1) * WIDTH, 1)


def _y(value: float, top: float) -> float:
    return round(HEIGHT * (1 - min(max(value, 0), top) / top), 1)


def path_of(values: Points, top: float) -> str:
    """A line that breaks where there is no data; a lone point is a short dash."""
    pieces, drawing = [], False
    for place, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        x, y = _x(place, len(values)), _y(value, top)
        pieces.append(f"{'L' if drawing else 'M'}{x} {y}" + ("" if drawing else "h.5"))
        drawing = True
    return "".join(pieces)


def area_of(lowest: Points, highest: Points, top: float) -> str:
    """The band between two lines, one closed shape for each stretch that has data."""
    shapes: list[str] = []
    stretch: list[int] = []
    for place in range(len(lowest) + 1):
        if place < len(lowest) and lowest[place] is not None and highest[place] is not None:
            stretch.append(place)
        elif stretch:
            shapes.append(_shape(stretch, lowest, highest, top))
            stretch = []
    return "".join(shapes)


def _shape(stretch: Sequence[int], lowest: Points, highest: Points, top: float) -> str:
    above = [f"{_x(place, len(highest))} {_y(highest[place] or 0, top)}" for place in stretch]
    below = [f"{_x(place, len(lowest))} {_y(lowest[place] or 0, top)}" for place in reversed(stretch)]
    return "M" + "L".join(above + below) + "Z"
