"""What a run leaves out: machines of its group that are another machine, seen by a second appliance or a file."""

from typing import Any

from assessments.models import AssessedMachine, AssessmentRun
from groups.membership import left_out_of

MAX_NAMED = 100


def left_out(run: AssessmentRun) -> dict[str, Any]:
    """`left_out`: how many, and the first by name with the machine that each is; empty where there are none.

    `assessed` tells whether that machine is in the run. A repeated run is about the machines of another one.
    """
    if run.repeats_id is not None:
        return {}
    twice = left_out_of(run.assessment.group)
    named = list(twice.select_related("duplicate_of").order_by("name", "id")[:MAX_NAMED])
    if not named:
        return {}
    originals = [machine.duplicate_of_id for machine in named]
    known = set(AssessedMachine.objects.filter(run=run, machine_id__in=originals).values_list("machine_id", flat=True))
    told = {
        "duplicates": twice.count() if len(named) == MAX_NAMED else len(named),
        "machines": [
            {
                "machine": str(machine.id),
                "name": machine.name,
                "duplicate_of": str(machine.duplicate_of_id),
                "duplicate_of_name": machine.duplicate_of.name if machine.duplicate_of else "",
                "assessed": machine.duplicate_of_id in known,
            }
            for machine in named
        ],
    }
    return {"left_out": told}
