"""Pictures of every page for people to look at: `make screens` writes them to artifacts/screens/."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.portal.conftest import Site
from tests.portal.test_every_page import PAGES, path_of
from tests.portal.test_in_browser import DESKTOP, PHONE, signed_in

FOLDER = Path(os.environ.get("SCREENS_DIR", "artifacts/screens"))
BEFORE_SIGN_IN = {"sign-in": "/sign-in/", "no-such-page": "/no-such-page/"}


def picture(page: Any, url: str, file: Path) -> None:
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file, full_page=True)


@pytest.mark.screens
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_has_its_picture(web: str, site: Site, scheme: str, viewport: dict[str, int]) -> None:
    folder = FOLDER / f"{scheme}-{viewport['width']}"
    folder.mkdir(parents=True, exist_ok=True)
    with signed_in(web, site.estate.cast.emails["alice"], viewport, scheme) as (page, complaints):
        paths = {name: path_of(name, site) for name in PAGES}
        for name, path in paths.items():
            picture(page, web + path, folder / f"{name}.png")
        page.context.clear_cookies()
        for name, path in BEFORE_SIGN_IN.items():
            picture(page, web + path, folder / f"{name}.png")
    assert {file.stem for file in folder.glob("*.png")} >= {*paths, *BEFORE_SIGN_IN}
    assert [each for each in complaints if "404" not in each] == []
