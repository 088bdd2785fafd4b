"""Native charts over live cells of the first sheet."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from xlsxwriter.chart import Chart
from xlsxwriter.chart_doughnut import ChartDoughnut

from reports.workbook.columns import Kind
from reports.workbook.formats import INK, LINE, READINESS_COLORS, Book

TITLE_PIXELS = 45


class Place(NamedTuple):
    """Where the cells of a chart stand: rows from first to last, the columns of names and of (first) values."""

    sheet: str
    first_row: int
    last_row: int
    names: int
    values: int

    def column(self, number: int) -> list[str | int]:
        """The cells of one column in these rows."""
        return [self.sheet, self.first_row, number, self.last_row, number]


def readiness_chart(book: Book, place: Place, *, codes: Sequence[str]) -> Chart:
    """A ring of the machine counts; `codes` are the readiness of the rows."""
    chart = cast(ChartDoughnut, _chart(book, "doughnut", "Readiness"))
    chart.add_series(
        {
            "categories": place.column(place.names),
            "values": place.column(place.values),
            "points": [{"fill": {"color": READINESS_COLORS[code]}} for code in codes],
            # No label on an empty part of the ring.
            "data_labels": {"value": True, "num_format": "#,##0;;", "font": {"color": "white", "bold": True}},
        }
    )
    chart.set_hole_size(55)
    chart.set_legend({"position": "bottom", "font": {"color": INK}})
    return chart


def cost_chart(book: Book, place: Place, *, title: str, height: int, paler_rows: Sequence[int] = ()) -> Chart:
    """One bar of money for each row, the first on top; `height` in pixels. Paler are parts of another row."""
    chart = _chart(book, "bar", title)
    rows = range(place.first_row, place.last_row + 1)
    points = [{"fill": {"color": book.look.secondary if row in paler_rows else book.look.primary}} for row in rows]
    chart.add_series(_series(book, place, place.values, color=book.look.primary) | {"gap": 60, "points": points})
    _set_bar_axes(chart)
    chart.set_legend({"none": True})
    top = TITLE_PIXELS / height
    chart.set_plotarea({"layout": {"x": 0.36, "y": top, "width": 0.44, "height": 0.97 - top}})  # room for the texts
    return chart


def savings_chart(book: Book, place: Place, *, from_zero: bool) -> Chart:
    """One bar a machine: what the chosen scenario saves, and behind it what the cheapest one would save beyond."""
    colors = (book.look.highlight, book.look.primary)
    return stacked_chart(book, place, title="Top savings a month", colors=colors, kind=Kind.MONEY, from_zero=from_zero)


def stacked_chart(
    book: Book, place: Place, *, title: str, colors: Sequence[str], kind: Kind, from_zero: bool = True
) -> Chart:
    """One bar a row, the first on top, made of as many columns as there are colors; headings stand in the row above.

    `from_zero` where nothing is below zero: else programs that draw it may cut the bars off at their left.
    """
    chart = cast(Chart, book.workbook.add_chart({"type": "bar", "subtype": "stacked"}))
    _dress(book, chart, title)
    for column, color in enumerate(colors, start=place.values):
        series = {
            "name": [place.sheet, place.first_row - 1, column],
            "categories": place.column(place.names),
            "values": place.column(column),
            "fill": {"color": color},
            "gap": 60,
        }
        chart.add_series(series)
    chart.set_y_axis({"reverse": True, "num_font": {"color": INK}, "line": {"color": LINE}, "major_tick_mark": "none"})
    axis: dict[str, Any] = {
        "num_format": book.number_formats[kind].partition(".")[0],
        "num_font": {"color": INK},
    }
    if from_zero:
        axis["min"] = 0
    axis["label_position"] = "high"  # at the bottom: the other axis runs from top to bottom
    chart.set_x_axis({**axis, "major_gridlines": {"visible": True, "line": {"color": LINE}}, "line": {"none": True}})
    chart.set_legend({"position": "bottom", "font": {"color": INK}})
    return chart


def column_chart(book: Book, place: Place, *, title: str) -> Chart:
    """One column of a count for each row."""
    chart = _chart(book, "column", title)
    labels = {"value": True, "num_format": "#,##0;;", "font": {"color": INK}}
    series = {"categories": place.column(place.names), "values": place.column(place.values), "data_labels": labels}
    chart.add_series({**series, "fill": {"color": book.look.primary}, "gap": 60})
    chart.set_x_axis({"num_font": {"color": INK}, "line": {"color": LINE}, "major_tick_mark": "none"})
    chart.set_y_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_legend({"none": True})
    return chart


def _series(book: Book, place: Place, column: int, *, color: str) -> dict[str, Any]:
    return {
        "categories": place.column(place.names),
        "values": place.column(column),
        "fill": {"color": color},
        "data_labels": {"value": True, "num_format": book.number_formats[Kind.MONEY], "font": {"color": INK}},
    }


def _set_bar_axes(chart: Chart) -> None:
    names = {"num_font": {"color": INK}, "line": {"color": LINE}, "label_position": "low"}  # left of bars below zero
    chart.set_y_axis({"reverse": True, "major_tick_mark": "none", **names})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})


def _chart(book: Book, kind: str, title: str) -> Chart:
    chart = cast(Chart, book.workbook.add_chart({"type": kind}))
    _dress(book, chart, title)
    return chart


def _dress(book: Book, chart: Chart, title: str) -> None:
    chart.set_title({"name": title, "name_font": {"size": 13, "color": book.look.primary}})
    chart.set_chartarea({"border": {"color": LINE}})
