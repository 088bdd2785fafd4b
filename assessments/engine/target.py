"""What machines are assessed against: a catalog, the settings and the rule set that they name."""

from dataclasses import dataclass

from assessments.engine.rule_sets import RULE_SETS, RuleSet
from assessments.engine.settings import Settings
from assessments.engine.values import Catalog


@dataclass(frozen=True, slots=True)
class Target:
    """One region's catalog under one set of choices and rules."""

    catalog: Catalog
    settings: Settings
    rules: RuleSet

    @classmethod
    def of(cls, catalog: Catalog, settings: Settings) -> "Target":
        """With the rule set that the settings name."""
        return cls(catalog, settings, RULE_SETS[settings.rule_set])

    @property
    def uses_observations(self) -> bool:
        """Performance-based sizing looks at utilization; as on-premises never does."""
        return self.settings.sizing_criterion == "performance_based"
