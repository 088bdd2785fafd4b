"""What a run was assessed against: its pinned catalog, region and settings as the engine takes them."""

from assessments.catalog.selection import load_region
from assessments.engine.target import Target
from assessments.models import AssessmentRun
from assessments.settings import engine_settings


def target_of(run: AssessmentRun) -> Target:
    """The target of a run; its catalog is read once a process."""
    catalog = load_region(run.catalog, run.region, run.settings["currency"])
    return Target.of(catalog, engine_settings(run.settings))
