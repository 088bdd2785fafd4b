"""What was acknowledged is there, once, and nothing else is: the hub's rows and charts beside the tests' model."""

from collections.abc import Sequence

from tests.torture.hub import Hub
from tests.torture.model import charted, window
from tests.torture.site import Site

RECEIPTS = "SELECT key::text, answer FROM ingest_uploadreceipt"
BLOCKS = """
SELECT appliance_id::text, epoch, sequence, count(*) FROM ingest_performanceblock
GROUP BY appliance_id, epoch, sequence
"""
FOLDED = "SELECT machine_id FROM ingest_foldedday LIMIT 1"
CHANGES = """
SELECT m.source_id, c.new_value FROM ingest_machinechange c JOIN ingest_machine m ON m.id = c.machine_id
WHERE c.property = 'memory_mb' ORDER BY c.configuration_version
"""
MEMORY = "SELECT source_id, memory_mb FROM ingest_machine"


def must_be_whole(hub: Hub, sites: Sequence[Site]) -> None:
    """At any instant: an upload's receipt and all its rows are there, or nothing of it; what was acknowledged is.

    Once a day is folded its blocks are gone: then only must_have_points() can tell.
    """
    acknowledged = {key: answer for site in sites for key, answer in dict(site.acknowledged).items()}
    receipts, blocks = hub.rows(RECEIPTS, BLOCKS)
    made = {key: (site, upload) for site in sites for key, upload in dict(site.made).items()}
    answers = dict(receipts)
    assert len(answers) == len(receipts)
    assert answers.keys() <= made.keys(), "a receipt of what nobody sent"
    assert {key: answers.get(key) for key in acknowledged} == acknowledged, "what was acknowledged is gone"
    stored = [made[key] for key in answers]
    expected = {(site.id, *upload.rank): upload.machines for site, upload in stored if upload.kind == "performance"}
    assert {tuple(rank): count for *rank, count in blocks} == expected


def must_be_complete(hub: Hub, sites: Sequence[Site]) -> None:
    """At the end: exactly what was sent, point by point and change by change."""
    if not hub.rows(FOLDED)[0]:
        must_be_whole(hub, sites)
    must_have_points(hub, sites)
    must_have_memory(hub, sites)


def must_have_points(hub: Hub, sites: Sequence[Site]) -> None:
    """Every machine's chart is the model's series, and there is no other machine."""
    ids = hub.machine_ids()
    assert sorted(ids) == sorted(source_id for site in sites for source_id in site.source_ids)
    for site in sites:
        for source_id in site.source_ids:
            chart = hub.get(f"machines/{ids[source_id]}/performance/?{window()}")
            assert charted(chart) == site.model.series(source_id), source_id


def must_have_memory(hub: Hub, sites: Sequence[Site]) -> None:
    """Each change of a machine is in its history once, in order; the last one counts."""
    changes, memory = hub.rows(CHANGES, MEMORY)
    histories: dict[str, list[int]] = {}
    for source_id, value in changes:
        histories.setdefault(source_id, []).append(value)
    for source_id, value in memory:
        wanted = next(site.model.memory_mb[source_id] for site in sites if source_id in site.model.memory_mb)
        assert ([wanted[0], *histories.get(source_id, [])], value) == (wanted, wanted[-1]), source_id
