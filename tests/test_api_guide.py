"""The API guide's examples, run as a reader would paste them, against the running server."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlparse

import pytest
from openpyxl import load_workbook

from tests import make
from tests.conftest import PROJECT_DIR

GUIDE = PROJECT_DIR / "docs" / "api-guide.md"


@pytest.mark.e2e
def test_the_examples_lead_from_an_empty_project_to_a_workbook(
    web: str, catalog: None, background: None, tmp_path: Path
) -> None:
    assert shutil.which("curl"), "curl is missing. Install it: apt-get install curl"
    (tmp_path / ".curlrc").write_text(f'connect-to = "testserver:80:{urlparse(web).netloc}"\n')  # the tests' PUBLIC_URL
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(blocks)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HUB": web, "TOKEN": str(make.cast().alice.token)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert '{"accepted":2,"rejected":[]}' in done.stdout
    assert re.search(r"^sql-01: Standard_\S+, [0-9.]+ for compute$", done.stdout, re.MULTILINE)
    assert load_workbook(tmp_path / "assessment.xlsx")["All_Assessed_Machines"].max_row >= 3
