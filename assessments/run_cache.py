"""Answers about finished runs, kept in the process: a finished run never changes, so what was computed stays right."""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, TypeVar
from uuid import UUID

from assessments.models import AssessmentRun

Answer = TypeVar("Answer")
RUNS_KEPT = 64


def kept_by_run(compute: Callable[[AssessmentRun], Answer]) -> Callable[[AssessmentRun], Answer]:
    """The answer for the runs last asked about. Only for what follows from the rows of a completed run alone."""
    kept: OrderedDict[tuple[int, UUID], Any] = OrderedDict()
    lock = Lock()

    @wraps(compute)
    def answer(run: AssessmentRun) -> Answer:
        key = (run.tenant_id, run.id)
        with lock:
            if key in kept:
                kept.move_to_end(key)
                found: Answer = kept[key]
                return found
        computed = compute(run)
        with lock:
            kept[key] = computed
            while len(kept) > RUNS_KEPT:
                kept.popitem(last=False)
        return computed

    return answer
