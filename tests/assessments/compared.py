"""What tests of comparisons share: an estate that changes between two runs, and all pages of a comparison."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from assessments.catalog.catalog_file import PriceRow, read_snapshot, write_snapshot
from assessments.catalog.loading import load_catalog
from tests import make
from tests.assessments.varied import percentiles_there, upload_days, varied_machines
from tests.estate import (
    Appliance,
    assessed,
    enrolled,
    finished,
    group_of_all,
    last_full_hour,
)

BUNDLED = Path(__file__).parents[2] / "assessments" / "catalog" / "snapshot" / "azure-2026-08.zip"
MONEY = [
    *("linux_payg_hourly", "windows_payg_hourly", "reservation_1y_total", "reservation_3y_total"),
    *("savings_plan_1y_hourly", "savings_plan_3y_hourly"),
]


def variant(folder: Path, region: str, percent: int) -> str:
    """The id of a catalog made from the bundled one: one region, every price of a size dearer by some percent."""
    snapshot = read_snapshot(BUNDLED.read_bytes())
    tables = snapshot.tables

    def dearer(row: PriceRow) -> PriceRow:
        prices = {name: getattr(row, name) for name in MONEY}
        raised = {name: round(price * (100 + percent) / 100, 4) for name, price in prices.items() if price is not None}
        return msgspec.structs.replace(row, **raised)

    changed = msgspec.structs.replace(
        tables,
        prices=[dearer(row) for row in tables.prices if row.region == region],
        disk_prices=[row for row in tables.disk_prices if row.region == region],
    )
    file = folder / f"{region}.zip"
    name = f"{region} + {percent} %"
    file.write_bytes(
        write_snapshot(name=name, as_of=date(2026, 7, 1), tables=changed, inputs={"bundled": "0" * 64}, left_out=[])
    )
    return str(load_catalog(file.read_bytes())[0].pk)


@dataclass
class Scene:
    """A varied estate with a group and an assessment whose window does not move with the clock."""

    api: make.Api
    cast: make.Cast
    project: str
    group: str
    appliance: Appliance
    listed: list[dict[str, Any]]
    assessment: dict[str, Any]

    @property
    def path(self) -> str:
        return f"projects/{self.project}/assessments/{self.assessment['id']}/"

    def run_again(self, **settings: Any) -> dict[str, Any]:
        """Another run of the assessment, with other settings if some are named."""
        if settings:
            self.api.ok(self.api.patch(self.path, {"settings": settings}), 202)
        else:
            self.api.ok(self.api.post(self.path + "recalculate/"), 202)
        after = finished(self.api, self.project, self.assessment["id"])
        assert after["status"] == "completed"
        if after["settings"]["sizing_criterion"] == "performance_based":
            percentiles_there(self.api, self.project, self.assessment["id"])
        return after

    def compared(self, query: str = "") -> dict[str, Any]:
        """From the first run to the published one; all pages as one."""
        first = self.assessment["run"]["id"]
        return whole(self.api, f"{self.path}compare/?{query or f'run={first}'}")


def whole(api: make.Api, url: str, page_size: int = 1000) -> dict[str, Any]:
    """A comparison with the rows of all its pages."""
    separator = "&" if "?" in url else "?"
    answer: dict[str, Any] = api.ok(api.get(f"{url}{separator}page_size={page_size}"))
    following = answer["next"]
    while following:
        page = api.ok(api.get(following.replace("http://testserver", "")))
        answer["results"] += page["results"]
        following = page["next"]
    return answer


def a_week() -> dict[str, str]:
    end = last_full_hour()
    return {"start": (end - timedelta(days=7)).isoformat(), "end": end.isoformat()}


def make_scene(seed: int, machines: int = 8, **settings: Any) -> Scene:
    cast, chance = make.cast(), random.Random(seed)
    listed = varied_machines(machines, chance)
    project, appliance = enrolled(cast.bob, listed)
    upload_days(appliance, listed, 3, chance)
    group = group_of_all(cast.bob, project)
    assessment = assessed(cast.bob, project, group, **{"performance_window": a_week(), **settings})
    assert assessment["status"] == "completed"
    return Scene(cast.bob, cast, project, group, appliance, listed, assessment)
