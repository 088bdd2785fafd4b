"""What of a machine's compute cost in a scenario is billed by the hour, and so moves with the uptime."""

from decimal import Decimal

import numpy as np

from assessments.engine.costing import WHOLE, discount_percent, price_parts
from assessments.engine.fixed_point import MONEY_SCALE, IntArray, multiply_half_up, scaled_number, to_decimal
from assessments.engine.guest_os import Licence, classify
from assessments.engine.rule_sets import RULE_SETS
from assessments.engine.scenarios import COMMITMENTS, SCENARIOS, Scenario
from assessments.models import AssessedMachine, AssessmentRun
from assessments.settings import engine_settings
from assessments.targets import target_of
from migrate_hub.tenants.row_level_security import tenant_context

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


class HourlyParts:
    """Of one run. Only where the rule `combine` lets commitments and licenses mix are prices looked up."""

    def __init__(self, run: AssessmentRun) -> None:
        self.settings = engine_settings(run.settings)
        self._licences: dict[str, Licence] = {}
        self._parts: dict[tuple[str, Licence], IntArray] = {}
        if self.settings.commitment_rule == "combine":
            with tenant_context(run.tenant_id):
                self.target = target_of(run)
            self._places = {name: place for place, name in enumerate(self.target.catalog.sizes.names)}

    def of(self, machine: AssessedMachine, scenario: str, cost: Decimal | None) -> Decimal | None:
        """All of what is not committed; of a commitment under `strict` nothing, under `combine` the license."""
        if cost is None:
            return None
        terms = BY_NAME[scenario]
        if terms.term not in COMMITMENTS:
            return cost
        if self.settings.commitment_rule == "strict":
            return Decimal(0)
        parts = self._of_sizes(terms, self._licence(machine.inputs["operating_system"]))
        return to_decimal(int(parts[self._places[machine.scenarios[scenario]["sku"]]]), MONEY_SCALE)

    def _licence(self, operating_system: str) -> Licence:
        if operating_system not in self._licences:
            self._licences[operating_system] = classify(operating_system, RULE_SETS[self.settings.rule_set]).licence
        return self._licences[operating_system]

    def _of_sizes(self, scenario: Scenario, licence: Licence) -> IntArray:
        """Of each size, in billionths a month after the discount: the commitment is first, what is beside it after."""
        key = scenario.name, licence
        if key not in self._parts:
            beside = [part.monthly.values for part in price_parts(self.target, scenario, licence)[1:]]
            monthly = np.sum(beside, axis=0) if beside else np.zeros(len(self._places), dtype=np.int64)
            kept = WHOLE - scaled_number(discount_percent(self.target, scenario))
            self._parts[key] = multiply_half_up(monthly, kept, WHOLE)
        return self._parts[key]
