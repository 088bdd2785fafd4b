"""Native charts over live cells of the first sheet."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from xlsxwriter.chart import Chart
from xlsxwriter.chart_doughnut import ChartDoughnut

from reports.workbook.columns import Kind
from reports.workbook.formats import ACCENT, INK, LINE, READINESS_COLORS, Book

TITLE_PIXELS = 45


class Size(NamedTuple):
    width_pixels: int
    height_pixels: int


def readiness_chart(book: Book, sheet: str, *, first_row: int, codes: Sequence[str], size: Size) -> Chart:
    """A ring of the machine counts in column B; `codes` are the readiness of the rows from `first_row` on."""
    chart = cast(ChartDoughnut, _chart(book, "doughnut", "Readiness"))
    last_row = first_row + len(codes) - 1
    chart.add_series(
        {
            "categories": [sheet, first_row, 0, last_row, 0],
            "values": [sheet, first_row, 1, last_row, 1],
            "points": [{"fill": {"color": READINESS_COLORS[code]}} for code in codes],
            # No label on an empty part of the ring.
            "data_labels": {"value": True, "num_format": "#,##0;;", "font": {"color": "white", "bold": True}},
        }
    )
    chart.set_hole_size(55)
    chart.set_legend({"position": "bottom", "font": {"color": INK}})
    chart.set_size({"width": size.width_pixels, "height": size.height_pixels})
    return chart


def cost_chart(
    book: Book, sheet: str, *, title: str, columns: tuple[int, int], rows: tuple[int, int], size: Size
) -> Chart:
    """One bar for each row, from `rows[0]` to `rows[1]`; `columns` are those of the names and of the amounts."""
    chart = _chart(book, "bar", title)
    names, amounts = columns
    chart.add_series(
        {
            "categories": [sheet, rows[0], names, rows[1], names],
            "values": [sheet, rows[0], amounts, rows[1], amounts],
            "fill": {"color": ACCENT},
            "gap": 60,
            "data_labels": {"value": True, "num_format": book.number_formats[Kind.MONEY], "font": {"color": INK}},
        }
    )
    chart.set_y_axis({"reverse": True, "num_font": {"color": INK}, "line": {"color": LINE}, "major_tick_mark": "none"})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
    chart.set_legend({"none": True})
    top = TITLE_PIXELS / size.height_pixels
    chart.set_plotarea({"layout": {"x": 0.34, "y": top, "width": 0.46, "height": 0.97 - top}})  # room for the texts
    chart.set_size({"width": size.width_pixels, "height": size.height_pixels})
    return chart


def _chart(book: Book, kind: str, title: str) -> Chart:
    chart = cast(Chart, book.workbook.add_chart({"type": kind}))
    chart.set_title({"name": title, "name_font": {"size": 13, "color": ACCENT}})
    chart.set_chartarea({"border": {"color": LINE}})
    return chart
