"""The tasks of a run, one call each: plan it, compute a shard, publish it; then what sensitivity needs of it."""

from assessments import queueing, running, sensitivity_jobs
from assessments.queueing import PLAN_TASK
from migrate_hub.jobs.handlers import register

register(PLAN_TASK, run=running.plan_run, on_failed=running.fail_run, again=queueing.run_again)
register(running.SHARD_TASK, run=running.run_shard, on_failed=running.fail_run, again=queueing.run_again)
register(running.PUBLISH_TASK, run=running.publish_run, on_failed=running.fail_run, again=queueing.run_again)
register(sensitivity_jobs.PERCENTILES_TASK, run=sensitivity_jobs.compute_percentiles, on_failed=sensitivity_jobs.fail)
register(sensitivity_jobs.GRID_TASK, run=sensitivity_jobs.compute_grid_part, on_failed=sensitivity_jobs.fail)
