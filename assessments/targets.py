"""What a run was assessed against: its pinned catalog, region and settings as the engine takes them."""

from assessments.catalog.selection import load_region
from assessments.engine.target import Target
from assessments.models import AssessmentRun
from assessments.settings import engine_settings


def target_of(
    run: AssessmentRun, *, prices_of: AssessmentRun | None = None, region_of: AssessmentRun | None = None
) -> Target:
    """The settings of a run with its own prices and region, or with those of another run; read once a process.

    Raises DomainError `unknown_region` when those other prices have none for the region.
    """
    catalog = load_region((prices_of or run).catalog, (region_of or run).region, run.settings["currency"])
    return Target.of(catalog, engine_settings(run.settings))
