"""Answers about finished runs, kept in the process: a finished run never changes, so what was computed stays right."""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from assessments.models import AssessmentRun

Answer = TypeVar("Answer")
ANSWERS_KEPT = 256
Asked = ParamSpec("Asked")


def kept_by_run(
    compute: Callable[Concatenate[AssessmentRun, Asked], Answer],
) -> Callable[Concatenate[AssessmentRun, Asked], Answer]:
    """The answers last given. Only for what follows from the rows of a completed run, and what is asked, alone."""
    kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
    lock = Lock()

    @wraps(compute)
    def answer(run: AssessmentRun, /, *asked: Asked.args, **named: Asked.kwargs) -> Answer:
        key = (run.tenant_id, run.id, *asked, *sorted(named.items()))
        with lock:
            if key in kept:
                kept.move_to_end(key)
                found: Answer = kept[key]
                return found
        computed = compute(run, *asked, **named)
        with lock:
            kept[key] = computed
            while len(kept) > ANSWERS_KEPT:
                kept.popitem(last=False)
        return computed

    return answer
