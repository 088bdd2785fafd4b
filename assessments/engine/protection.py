"""Monthly cost of backup and disaster recovery, as Microsoft's own Azure Migrate Explore adds them (AME, USD).

Reported apart from the assessment's totals. Source: azure-migrate-explore @de1be196, UtilityFunctions.
"""

import numpy as np

from assessments.engine.fixed_point import MONEY_SCALE, QUANTITY_SCALE, IntArray, billionths, multiply_half_up

SITE_RECOVERY_MONTH = billionths(25)
_FIRST_STEP_GB, _STEP_GB = 50 * QUANTITY_SCALE, 500 * QUANTITY_SCALE
_FIRST_STEP_FEE, _STEP_FEE = 5 * MONEY_SCALE, 10 * MONEY_SCALE
_STORED_SHARE_TIMES_GB_PRICE = billionths("0.075712")  # 3.38 copies x 0.0224 a GB


def backup_instance_fee(storage_gb: IntArray) -> IntArray:
    """5 up to 50 GB, 10 up to 500 GB, else 10 for each started 500 GB; storage scaled, billionths out."""
    steps = -(-storage_gb // _STEP_GB)
    result: IntArray = np.where(storage_gb <= _FIRST_STEP_GB, _FIRST_STEP_FEE, steps * _STEP_FEE)
    return result


def backup_storage_fee(storage_gb: IntArray) -> IntArray:
    """GB x 3.38 x 0.0224; storage scaled, billionths out."""
    return multiply_half_up(storage_gb, _STORED_SHARE_TIMES_GB_PRICE, QUANTITY_SCALE)
