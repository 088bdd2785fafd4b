"""What a run that repeats another one computes on: exactly the inputs that the finished one stored.

Without other settings it comes to the same cent. With another catalog or a private price sheet it tells what the same
machines, with the same history, would cost at those prices.
"""

from collections.abc import Sequence

from assessments.inputs import LoadedDisks, LoadedMachines, engine_machines
from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun, RunShard


def repeated_parts(run: AssessmentRun) -> list[list[str]]:
    """The machines of each shard of the run that is repeated, as they were divided then."""
    shards = RunShard.objects.filter(run_id=run.repeats_id).order_by("part")
    return list(shards.values_list("machine_ids", flat=True))


def repeated_machines(run: AssessmentRun, part: int) -> LoadedMachines:
    """What the run that is repeated read of one shard's machines, by two queries."""
    machines = list(AssessedMachine.objects.filter(run_id=run.repeats_id, part=part).order_by("machine_id"))
    rows = AssessedDisk.objects.filter(run_id=run.repeats_id, part=part).order_by("machine_id", "position")
    disks = _loaded_disks(list(rows))
    row_of = {machine.machine_id: row for row, machine in enumerate(machines)}
    inputs = [machine.inputs for machine in machines]
    owners = [row_of[machine_id] for machine_id in disks.machine_ids]
    return LoadedMachines(
        ids=[machine.machine_id for machine in machines],
        names=[machine.name for machine in machines],
        configuration_versions=[machine.configuration_version for machine in machines],
        inputs=inputs,
        disks=disks,
        values=engine_machines(inputs, owners, disks.size_gb, disks.observed),
    )


def _loaded_disks(disks: Sequence[AssessedDisk]) -> LoadedDisks:
    return LoadedDisks(
        ids=[disk.id for disk in disks],
        machine_ids=[disk.machine_id for disk in disks],
        positions=[disk.position for disk in disks],
        source_ids=[disk.source_id for disk in disks],
        names=[disk.name for disk in disks],
        size_gb=[float(disk.size_gb) for disk in disks],
        observed=[disk.observed for disk in disks],
    )
