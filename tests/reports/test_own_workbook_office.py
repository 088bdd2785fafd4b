"""An office suite opens a filled workbook, computes it anew, and comes to the totals of the API."""

import io
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from tests.reports.own_workbooks import own_workbook, with_pivot
from tests.reports.test_own_workbook import NAMES, Place, filled, parts, place  # noqa: F401  a fixture

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("catalog", "background")]


def converted(content: bytes, folder: Path) -> bytes:
    """The workbook as LibreOffice opens, computes and saves it."""
    soffice = shutil.which("soffice")
    assert soffice, "LibreOffice is missing. Install it: apt-get install libreoffice-calc"
    folder.mkdir(exist_ok=True)
    (folder / "ours.xlsx").write_bytes(content)
    command = [soffice, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "xlsx"]
    subprocess.run([*command, "--outdir", str(folder / "out"), str(folder / "ours.xlsx")], check=True, timeout=120)
    return (folder / "out" / "ours.xlsx").read_bytes()


def board_of(content: bytes) -> dict[str, object]:
    """What the dashboard shows, after a look for errors in every cell."""
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    values = [value for sheet in book for row in sheet.iter_rows(values_only=True) for value in row]
    assert not [value for value in values if isinstance(value, str) and value.startswith(("#", "Err:"))]
    return {str(row[0]): row[1] for row in book["Dash board"].iter_rows(max_col=2, values_only=True) if row[0]}


@pytest.mark.filterwarnings("ignore:.*extension is not supported.*:UserWarning")
@pytest.mark.parametrize("made_by", ["xlsxwriter", "libreoffice"])
def test_their_formulas_over_the_filled_table_give_the_totals_of_the_api(
    place: Place,  # noqa: F811
    tmp_path: Path,
    made_by: str,
) -> None:
    template = own_workbook() if made_by == "xlsxwriter" else converted(own_workbook(), tmp_path / "made")
    board = board_of(converted(filled(place, template), tmp_path / "filled"))
    costs = place[2]["summary"]["monthly_cost"]
    assert abs(Decimal(str(board["Sum"])) - Decimal(costs["total"])) < Decimal("0.005")
    assert abs(Decimal(str(board["Total"])) - Decimal(costs["total"])) < Decimal("0.005")
    assert abs(Decimal(str(board["Years"])) - 12 * Decimal(costs["compute"])) < Decimal("0.05")
    assert board["Count"] == len(NAMES)


@pytest.mark.filterwarnings("ignore:.*extension is not supported.*:UserWarning")
def test_a_workbook_with_a_pivot_table_still_opens(place: Place, tmp_path: Path) -> None:  # noqa: F811
    made = converted(filled(place, with_pivot(own_workbook())), tmp_path)
    assert board_of(made)["Count"] == len(NAMES)
    assert any(name.startswith("xl/pivotTables/") for name in parts(made))
