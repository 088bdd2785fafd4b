"""Utilization as lines in an SVG: plain geometry, at most a thousand points a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ingest.charts import chart, chart_window

WIDTH, HEIGHT = 720.0, 160.0
WINDOWS = {"1": "Day", "7": "Week", "30": "Month", "91": "Quarter", "365": "Year"}
SERIES = (("cpu_percent", "CPU", 1), ("memory_percent", "Memory", 2))
Points = Sequence[float | None]


@dataclass(frozen=True)
class Line:
    """One series: the path of its average, the area between minimum and maximum, and the figures beside it."""

    name: str
    color: int
    path: str
    area: str
    average: float
    highest: float


@dataclass(frozen=True)
class Utilization:
    """CPU and memory of a machine over a window."""

    days: str
    start_at: datetime
    end_at: datetime
    lines: tuple[Line, ...]


def utilization_of(machine_id: Any, days: str, now: datetime) -> Utilization:
    """The lines of the last day, week, month, quarter or year; none where there is no data."""
    days = days if days in WINDOWS else "1"
    _, end = chart_window(None, None, now)
    window = chart_window(end - timedelta(days=int(days)), end, now)
    series = chart(machine_id, *window, now=now, points=int(WIDTH))
    lines = tuple(
        line_of(name, color, series[metric])
        for metric, name, color in SERIES
        if metric in series and any(value is not None for value in series[metric]["average"])
    )
    return Utilization(days=days, start_at=series["start_at"], end_at=series["end_at"], lines=lines)


def line_of(name: str, color: int, statistics: Mapping[str, Points]) -> Line:
    known = [value for value in statistics["average"] if value is not None]
    return Line(
        name=name,
        color=color,
        path=path_of(statistics["average"]),
        area=area_of(statistics["minimum"], statistics["maximum"]),
        average=sum(known) / len(known),
        highest=max(value for value in statistics["maximum"] if value is not None),
    )


def _x(place: int, count: int) -> float:
    return round(place / max(1, count - 1) * WIDTH, 1)


def _y(percent: float) -> float:
    return round(HEIGHT * (1 - min(max(percent, 0), 100) / 100), 1)


def path_of(values: Points) -> str:
    """A line that breaks where there is no data; a lone point is a short dash."""
    pieces, drawing = [], False
    for place, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        x, y = _x(place, len(values)), _y(value)
        pieces.append(f"{'L' if drawing else 'M'}{x} {y}" + ("" if drawing else "h.5"))
        drawing = True
    return "".join(pieces)


def area_of(lowest: Points, highest: Points) -> str:
    """The band between two lines, one closed shape for each stretch that has data."""
    shapes: list[str] = []
    stretch: list[int] = []
    for place in range(len(lowest) + 1):
        if place < len(lowest) and lowest[place] is not None and highest[place] is not None:
            stretch.append(place)
        elif stretch:
            shapes.append(_shape(stretch, lowest, highest))
            stretch = []
    return "".join(shapes)


def _shape(stretch: Sequence[int], lowest: Points, highest: Points) -> str:
    above = [f"{_x(place, len(highest))} {_y(highest[place] or 0)}" for place in stretch]
    below = [f"{_x(place, len(lowest))} {_y(lowest[place] or 0)}" for place in reversed(stretch)]
    return "M" + "L".join(above + below) + "Z"
