"""The documented names of a tenant's own workbook are those of the code."""

import subprocess
import sys
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent


def test_the_documented_names_are_those_of_the_code() -> None:
    script = PROJECT_DIR / "scripts" / "write_report_templates.py"
    written = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout
    documented = (PROJECT_DIR / "docs" / "report-templates.md").read_text()
    assert documented == written, "run: python scripts/write_report_templates.py > docs/report-templates.md"
