"""What happens at one tenant, through the public REST API only: from an empty project to the finished workbook.

Each step looks whether it has been done: a second run finds everything there, an interrupted one goes on where it was.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from migrate_hub.local.demo.appliance import Answer, Appliance
from migrate_hub.local.demo.cast import Tenant
from migrate_hub.local.demo.client import Hub, Json
from migrate_hub.local.demo.display import Bar, Display
from migrate_hub.local.demo.site import (
    BATCH_MACHINES,
    BLOCK_POINTS,
    Site,
    Step,
    block_count,
    closing_inventory,
    upload_steps,
)
from migrate_hub.local.demo.state import SiteState

APPLIANCE_NAME = "vcenter-appliance"
# name, settings
ASSESSMENTS = {
    "Performance-based": {"sizing_criterion": "performance_based", "performance_window": "1_month", "percentile": 95},
    "As on premises": {"sizing_criterion": "as_on_premises"},
}
PERFORMANCE_BASED, AS_ON_PREMISES = ASSESSMENTS
UNFINISHED = {"created", "running"}
COMPLETED = "completed"


class StoryFailed(Exception):
    """The story cannot go on; the message says what happened."""


@dataclass(frozen=True)
class Outcome:
    """What one tenant's story came to."""

    tenant: Tenant
    state: SiteState
    assessments: dict[str, Json]
    rows: dict[str, list[Json]]
    workbook: Path


class SiteStory:
    """The story of one tenant's site."""

    def __init__(
        self,
        *,
        tenant: Tenant,
        project_name: str,
        make_site: Callable[[], Site],
        state: SiteState,
        save: Callable[[], None],
        access_token: str,
        http: httpx.Client,
        folder: Path,
        output: Path,
        display: Display,
        stop: threading.Event,
    ) -> None:
        self.tenant = tenant
        self.project_name = project_name
        self.make_site = make_site
        self.state = state
        self.save = save
        self.hub = Hub(http=http, access_token=access_token, stop=stop)
        self.appliance = Appliance(http=http, folder=folder, stop=stop)
        self.output = output
        self.display = display

    def play(self) -> Outcome:
        """From nothing, or from wherever an earlier run got, to the workbook."""
        self._open_project()
        self._enrol()
        self._upload()
        self._make_groups()
        details = self._assess()
        return Outcome(
            tenant=self.tenant,
            state=self.state,
            assessments=details,
            rows={name: self._rows(detail) for name, detail in details.items()},
            workbook=self._report(details[PERFORMANCE_BASED]),
        )

    def _path(self, path: str) -> str:
        return f"projects/{self.state.project}/{path}"

    # --- project and appliance ---------------------------------------------------------------------------------------

    def _open_project(self) -> None:
        if self.state.project and self.hub.find(self._path("")):
            return
        known = self.hub.named("projects/", self.project_name)
        body = {
            "name": self.project_name,
            "target_region": self.tenant.target_region,
            "currency": self.tenant.currency,
        }
        project = known or self.hub.post("projects/", body)
        self._start_over(project["id"])

    def _start_over(self, project: str) -> None:
        """Forgets what belonged to another project."""
        fresh = SiteState(ends_at=self.state.ends_at, project=project)
        for name in fresh.__struct_fields__:
            setattr(self.state, name, getattr(fresh, name))
        self.save()

    def _enrol(self) -> None:
        """Enrols the appliance; where its token was lost, a new registration key enrols the same appliance again."""
        known = self.hub.named(self._path("appliances/"), APPLIANCE_NAME)
        if known and self.appliance.registration and self.appliance.registration.appliance == known["id"]:
            return
        if known:
            made = self.hub.post(self._path(f"appliances/{known['id']}/registration-key/"), {})
        else:
            made = self.hub.post(self._path("appliances/"), {"name": APPLIANCE_NAME, "kind": "vmware"})
        self.appliance.register(registration_key=made["registration_key"], hostname=f"{APPLIANCE_NAME}.example")
        self.appliance.heartbeat()
        self.display.say(f"{self.tenant.name}: enrolled {APPLIANCE_NAME} with its registration key")

    # --- inventory and history ---------------------------------------------------------------------------------------

    def _upload(self) -> None:
        if self.state.is_uploaded:
            return
        site = self.make_site()
        self.state.batch_machines = self.state.batch_machines or BATCH_MACHINES
        steps = upload_steps(site, batch_machines=self.state.batch_machines)
        self.state.steps, self.state.machines = len(steps), len(site.source_ids)
        days = round(site.point_count * site.interval_seconds / 86_400)
        bar = self.display.bar(self.tenant.name, f"{days} days of {self.state.machines} machines", len(steps))
        self.appliance.send_spooled()
        self._send_steps(site, steps, bar)
        self.appliance.heartbeat()

    def _send_steps(self, site: Site, steps: list[Step], bar: Bar) -> None:
        began, before = time.monotonic(), self.state.values_sent
        for done, step in enumerate(steps):
            if done >= self.state.steps_done:
                self._note(self._send(site, step))
                self.state.steps_done = done + 1
                self.save()
            rate = (self.state.values_sent - before) / max(time.monotonic() - began, 0.1)
            bar.at(done + 1, f"{self.state.values_sent / 1e6:.1f} M values, {rate / 1e6:.2f} M/s")

    def _send(self, site: Site, step: Step) -> Answer:
        if step.source_ids is None:
            return self._send_inventory(site, step.block)
        points = site.points(step.source_ids, step.block)
        self.state.values_sent += sum(one.value_count() for one in points)
        return self.appliance.send_performance(
            points,
            interval_seconds=site.interval_seconds,
            inventory_of=lambda ids: [one for one in site.inventory(0) if one.source_id in ids],
        )

    def _send_inventory(self, site: Site, block: int) -> Answer:
        is_closing = block == block_count(site)
        machines = closing_inventory(site) if is_closing else site.inventory(block)
        if not machines:
            return Answer(accepted=0)
        points = min(block * BLOCK_POINTS, site.point_count)
        collected_at = site.start_at + timedelta(seconds=points * site.interval_seconds)
        is_snapshot = block == 0 or is_closing
        return self.appliance.send_inventory(machines, snapshot=is_snapshot, collected_at=collected_at)

    def _note(self, answer: Answer) -> None:
        for rejection in answer.rejected:
            self.state.refused[rejection.code] = self.state.refused.get(rejection.code, 0) + 1

    # --- groups, assessments, report ---------------------------------------------------------------------------------

    def _make_groups(self) -> None:
        known = {row["name"]: row["id"] for row in self.hub.every(self._path("groups/"))}
        if self.state.groups and self.state.groups.items() <= known.items():
            return
        ids = {row["source_id"]: row["id"] for row in self.hub.every(self._path("machines/"))}
        for name, source_ids in self.make_site().groups.items():
            members = [ids[source_id] for source_id in source_ids if source_id in ids]
            self.state.groups[name] = known.get(name) or self._make_group(name, members)
        self.save()

    def _make_group(self, name: str, members: list[str]) -> str:
        """A static group: made empty, then filled in one call."""
        group = self.hub.post(self._path("groups/"), {"name": name})
        if members:
            self.hub.post(self._path(f"groups/{group['id']}/machines/"), {"add": members})
        return str(group["id"])

    def _assess(self) -> dict[str, Json]:
        known = {row["name"]: row["id"] for row in self.hub.every(self._path("assessments/"))}
        group = next(iter(self.state.groups.values()))
        for name, settings in ASSESSMENTS.items():
            if name not in known:
                body = {"name": name, "settings": settings}
                known[name] = self.hub.post(self._path(f"groups/{group}/assessments/"), body)["id"]
        self.state.assessments = {name: known[name] for name in ASSESSMENTS}
        self.save()
        now = {name: self.hub.get(self._assessment(name)) for name in ASSESSMENTS}
        bars = {name: self._assessment_bar(name) for name in ASSESSMENTS if now[name]["status"] != COMPLETED}
        return {name: self._finished(name, bars[name]) if name in bars else now[name] for name in ASSESSMENTS}

    def _assessment(self, name: str) -> str:
        return self._path(f"assessments/{self.state.assessments[name]}/")

    def _assessment_bar(self, name: str) -> Bar:
        return self.display.bar(self.tenant.name, f"assessing {name.lower()}", 1)

    def _finished(self, name: str, bar: Bar) -> Json:
        """Waits for an assessment; one that failed in an earlier run is computed again."""
        path = self._assessment(name)
        if self.hub.get(path)["status"] not in {*UNFINISHED, COMPLETED}:
            self.hub.post(f"{path}recalculate/", {})

        def is_over(answer: Json) -> bool:
            progress = answer["progress"]
            bar.at(progress["done"] / max(progress["total"], 1), answer["status"])
            return answer["status"] not in UNFINISHED

        answer = self.hub.wait(path, is_over)
        if answer["status"] != COMPLETED:
            raise StoryFailed(f"{self.tenant.name}: {name!r} is {answer['status']}: {answer.get('failure')}")
        return answer

    def _rows(self, assessment: Json) -> list[Json]:
        return list(self.hub.every(self._path(f"assessments/{assessment['id']}/machines/")))

    def _report(self, assessment: Json) -> Path:
        """The workbook on disk; asked for and downloaded where it is missing."""
        workbook = self.output / f"{slug(self.tenant.name)}-{slug(self.project_name)}.xlsx"
        reports = self._path(f"assessments/{assessment['id']}/reports/")
        report = self.hub.find(f"{reports}{self.state.report}/") if self.state.report else None
        if report and workbook.exists():
            return workbook
        if not report:
            report = self.hub.post(reports, {"format": "xlsx"})
            self.state.report = report["id"]
            self.save()
        bar = self.display.bar(self.tenant.name, "writing the workbook", 1)
        report = self.hub.wait(f"{reports}{report['id']}/", lambda answer: answer["status"] not in UNFINISHED)
        if "download_url" not in report:
            raise StoryFailed(f"{self.tenant.name}: the report is {report['status']}: {report.get('failure')}")
        self.hub.download(report["download_url"], workbook)
        bar.at(1, f"{workbook.stat().st_size / 1e3:.0f} kB")
        return workbook


def slug(name: str) -> str:
    """A name as part of a file name."""
    return "-".join(re.findall(r"[a-z0-9]+", name.lower()))
