"""When the confidence of an assessment reaches each star, and what to do about it: a section of its page."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from redis.exceptions import RedisError

from assessments.engine.confidence import MAX_STARS
from assessments.forecast import machines_history, shown
from assessments.models import Assessment
from groups.membership import member_count, members_of
from groups.models import Group
from migrate_hub.portal.assessments import OneAssessmentView
from migrate_hub.portal.htmx import is_htmx
from migrate_hub.portal.wording import WINDOWS

TO_DO = {
    "too_few_points": "Look at the coverage of the appliances: some machines send too few points. Machines with gaps "
    "are listed on the page of each appliance.",
    "machine_off": "Switch the machines on, or leave them out of the group; what is off sends nothing.",
    "machine_removed": "The appliance no longer lists the machines. Take them out of the group, or list them again.",
    "imported": "These machines came from a file, so there is no rating of their history. Let an appliance see them: "
    "it collects their points from then on.",
    "silent": "Nothing came in the last day. Look at the health of the appliances first.",
    "no_machines": "Add machines to the group.",
}
MACHINES_AT_ONCE = 2000
KEPT_SECONDS = 600
WAIT = "Let the appliances run until then, and recalculate."


@dataclass(frozen=True)
class Star:
    """A rating: whether it is there, or when it is reached."""

    number: int
    is_reached: bool
    at: datetime | None


@dataclass(frozen=True)
class StarForecast:
    """The window of an assessment: its rating of now, each star above, and what to do."""

    window: str
    percent: float
    stars: tuple[Star, ...]
    now: int
    falls: Mapping[str, Any] | None
    limit: Mapping[str, Any] | None
    machines_off: int
    to_do: str

    @property
    def stays_good(self) -> bool:
        """Whether there is nothing better to wait for, and nothing worse to come."""
        return self.now == MAX_STARS and not self.falls

    @property
    def is_moving(self) -> bool:
        """Whether there are points or will be: without any, only what to do is worth saying."""
        return self.percent > 0 or any(star.at for star in self.stars)


def forecast_of(assessment: Assessment, now: datetime) -> StarForecast | None:
    """What is foretold of the assessment's group over its window; None where it looks at no history to come."""
    settings = assessment.settings
    window = settings["performance_window"]
    if settings["sizing_criterion"] != "performance_based" or isinstance(window, dict):
        return None
    answer = _told(assessment.group, now)
    found = answer["windows"][window]
    reached = {each["stars"]: each["at"] for each in found["reaches"]}
    limit = found.get("limit")
    return StarForecast(
        window=WINDOWS[window],
        percent=found["percent"],
        stars=tuple(Star(number, number <= found["stars"], reached.get(number)) for number in range(1, MAX_STARS + 1)),
        now=found["stars"],
        falls=found.get("falls"),
        limit=limit,
        machines_off=answer.get("machines_off", 0),
        to_do=TO_DO.get(limit["reason"], "") if limit else (WAIT if reached else ""),
    )


def _told(group: Group, now: datetime) -> dict[str, Any]:
    """The forecast of a group; for a large one, which takes seconds, kept for a while."""
    if member_count(group) <= MACHINES_AT_ONCE:
        return shown(machines_history(members_of(group), now), now)
    key = f"forecast:{group.tenant_id}:{group.id}:{group.membership_version}"
    try:
        kept: dict[str, Any] | None = cache.get(key)
    except (RedisError, OSError):
        return shown(machines_history(members_of(group), now), now)
    if kept is None:
        kept = shown(machines_history(members_of(group), now), now)
        with suppress(RedisError, OSError):
            cache.set(key, kept, KEPT_SECONDS)
    return kept


class ForecastView(OneAssessmentView):
    """The section of the assessment's page, which loads it by itself; without JavaScript a page of its own."""

    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        context = {"star_forecast": forecast_of(self.assessment, timezone.now())}
        return self.page("portal/parts/star_forecast.html" if is_htmx(request) else "portal/forecast.html", context)
