"""Machines that two appliances list, or an appliance and a file: recognised, and counted once.

Two rows are one machine when the surest key that both have is equal. A key that several machines of one appliance share
is none: an appliance lists no machine twice, so it was cloned. Of the rows of one machine the first counts: an
appliance's before an import's, then the one seen first, so that the choice stays when uploads come in another order.
The others name it in `duplicate_of`. Their points stay with them.

Only what an upload touched is judged again: the machines it wrote and those that share a key with them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from uuid import UUID

from ingest.bulk import plain_array, rows, run
from ingest.identity import KINDS, Keys
from migrate_hub.tenants.models import uuid7

# Below this many machines, looking their keys up costs less than asking whether anybody else lists any.
FEW = 500

# Who lists a machine: an appliance; or files, and then those with ids of machines and those without: of the same kind
# they give one machine one source id. The import that spoke last would part clones of which it lists only one.
_COLUMNS = """
id::text, coalesce(appliance_id::text, (instance_key IS NOT NULL)::text), appliance_id IS NULL,
first_seen_at, removed_at IS NOT NULL, duplicate_of_id::text, instance_key::text, bios_key::text, mac_key::text
"""
_OF_PROJECT = "FROM ingest_machine WHERE tenant_id = %(tenant)s AND project_id = %(project)s"
KEYS = """
SELECT id, instance_key::text, bios_key::text, mac_key::text FROM ingest_machine
WHERE tenant_id = %s AND id = ANY(%s::uuid[])
"""
OTHERS = f"""
SELECT EXISTS (SELECT {_OF_PROJECT} AND removed_at IS NULL AND appliance_id IS DISTINCT FROM %(appliance)s::uuid)
    OR EXISTS (SELECT {_OF_PROJECT} AND duplicate_of_id IS NOT NULL)
"""
POINTING = f"""
SELECT {_COLUMNS} FROM ingest_machine
WHERE tenant_id = %(tenant)s AND duplicate_of_id IS NOT NULL AND id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT {_COLUMNS} FROM ingest_machine WHERE tenant_id = %(tenant)s AND duplicate_of_id = ANY(%(ids)s::uuid[])
"""
SHARING = f"""
SELECT {_COLUMNS} {_OF_PROJECT} AND removed_at IS NULL AND
({" OR ".join(f"{kind}_key = ANY(%({kind})s::uuid[])" for kind in KINDS)})
"""
POINT = """
UPDATE ingest_machine t SET duplicate_of_id = d.primary_id
FROM unnest(%(ids)s::uuid[], %(primaries)s::uuid[]) AS d (id, primary_id)
WHERE t.tenant_id = %(tenant)s AND t.id = d.id
"""
TELL = """
INSERT INTO ingest_machinechange (tenant_id, appliance_id, at, id, machine_id, property, old_value, new_value,
                                  configuration_version)
SELECT %(tenant)s, %(appliance)s, %(at)s, d.change_id, d.id, 'duplicate_of', to_jsonb(d.old_id), to_jsonb(d.new_id),
       m.configuration_version
FROM unnest(%(changes)s::uuid[], %(ids)s::uuid[], %(before)s::uuid[], %(primaries)s::uuid[])
     AS d (change_id, id, old_id, new_id)
JOIN ingest_machine m ON m.tenant_id = %(tenant)s AND m.id = d.id
"""

# A kind's number and a key of that kind. All ids are text here: making UUIDs of them would take most of the time.
Key = tuple[int, str]
StoredKeys = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A machine as far as recognising it needs: `owner` is the appliance or the kind of files that lists it."""

    id: str
    owner: str
    is_imported: bool
    first_seen_at: datetime
    is_removed: bool
    duplicate_of: str | None
    instance: str | None
    bios: str | None
    mac: str | None

    @property
    def rank(self) -> tuple[bool, datetime, str]:
        return self.is_imported, self.first_seen_at, self.id

    def held(self) -> list[Key]:
        """What it has of keys, the surest first."""
        return [(kind, key) for kind, key in enumerate((self.instance, self.bios, self.mac)) if key is not None]


def stored_keys(tenant_id: int, machine_ids: Collection[UUID]) -> dict[UUID, StoredKeys]:
    """The keys that machines have, by id."""
    if not machine_ids:
        return {}
    found = rows(KEYS, [tenant_id, plain_array(machine_ids)])
    return {machine_id: (instance, bios, mac) for machine_id, instance, bios, mac in found}


def as_stored(keys: Keys) -> StoredKeys:
    instance, bios, mac = (None if key is None else str(key) for key in keys)
    return instance, bios, mac


@dataclass(frozen=True)
class Scope:
    """Whose machines are judged, and what the history says of it: which upload, when."""

    tenant_id: int
    project_id: UUID
    appliance_id: UUID | None
    at: datetime

    def parameters(self) -> dict[str, object]:
        return {
            "tenant": self.tenant_id,
            "project": self.project_id,
            "appliance": self.appliance_id,
            "at": self.at,
        }


def recognise(scope: Scope, machine_ids: Collection[UUID], keys: Iterable[Keys | StoredKeys]) -> int:
    """Judges again which machines are seen twice; returns for how many that changed.

    `machine_ids` are those whose keys, owner or presence changed, and `keys` what they had before and have now. Needs
    the project's inventory lock and the transaction that wrote the machines.
    """
    if not machine_ids or _is_only_owner(scope, len(machine_ids)):
        return 0
    distinct = {(kind, str(key)) for each in keys for kind, key in enumerate(each) if key is not None}
    judged = _Neighbours(scope).around(machine_ids, distinct)
    decided = primaries(judged.living(), judged.shared_by_one_owner())
    changed = [row for row in judged.rows.values() if decided.get(row.id) != row.duplicate_of]
    if changed:
        parameters = scope.parameters() | {
            "ids": plain_array(row.id for row in changed),
            "before": plain_array(row.duplicate_of for row in changed),
            "primaries": plain_array(decided.get(row.id) for row in changed),
            "changes": plain_array(uuid7() for _ in changed),
        }
        run(POINT, parameters)
        run(TELL, parameters)
    return len(changed)


def _is_only_owner(scope: Scope, count: int) -> bool:
    """Whether nobody but the uploading appliance lists machines here; asked for many machines only."""
    return count > FEW and scope.appliance_id is not None and not rows(OTHERS, scope.parameters())[0][0]


class _Neighbours:
    """The machines that have to be judged together: `rows` by id, and who has a key, whether judged or not."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.rows: dict[str, Row] = {}
        self.holders: dict[Key, list[Row]] = {}

    def around(self, machine_ids: Collection[UUID], keys: set[Key]) -> "_Neighbours":
        """Reads what points to or from the machines, all that have one of the keys, and who shares a key with those."""
        pointing = rows(POINTING, self.scope.parameters() | {"ids": plain_array(machine_ids)})
        self._take(Row(*columns) for columns in pointing)
        self._look_up(keys)
        # Whether the keys just looked up are shared may have changed, so all their holders are judged.
        self._take(chain.from_iterable(self.holders[key] for key in keys))
        while asked := {key for row in self.rows.values() for key in row.held()} - self.holders.keys():
            self._look_up(asked)
            self._take(chain.from_iterable(self.holders[key] for key in asked if not self._is_shared(key)))
        return self

    def _take(self, found: Iterable[Row]) -> None:
        self.rows.update((row.id, row) for row in found)

    def _look_up(self, keys: set[Key]) -> None:
        self.holders.update((key, []) for key in keys)
        asked = {name: plain_array(key for of, key in keys if of == kind) for kind, name in enumerate(KINDS)}
        for row in (Row(*columns) for columns in rows(SHARING, self.scope.parameters() | asked)):
            for key in row.held():
                if key in keys:
                    self.holders[key].append(row)

    def _is_shared(self, key: Key) -> bool:
        holders = self.holders[key]
        return len({row.owner for row in holders}) < len(holders)

    def shared_by_one_owner(self) -> set[Key]:
        """Keys that several machines of one owner have."""
        return {key for key in self.holders if self._is_shared(key)}

    def living(self) -> list[Row]:
        return [row for row in self.rows.values() if not row.is_removed]


@dataclass
class _Seen:
    """One machine, seen by one or more owners: its first row, and every key that one of its rows has."""

    primary: str
    keys: dict[int, str] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)

    def is_same(self, row: Row, keys: Sequence[Key]) -> bool:
        """Whether the surest key that both have is equal. An owner's two machines are two."""
        common = [self.keys[kind] == key for kind, key in keys if kind in self.keys]
        return row.owner not in self.owners and bool(common) and common[0]


def primaries(machines: Iterable[Row], shared: Collection[Key]) -> Mapping[str, str]:
    """The row that counts, for each row that does not. `shared` keys say nothing."""
    known: dict[Key, list[_Seen]] = defaultdict(list)
    found: dict[str, str] = {}
    for row in sorted(machines, key=lambda row: row.rank):
        keys = [key for key in row.held() if key not in shared]
        candidates = chain.from_iterable(known[key] for key in keys if key in known)
        seen = next((one for one in candidates if one.is_same(row, keys)), None)
        if seen is None:
            seen = _Seen(row.id)
        else:
            found[row.id] = seen.primary
        seen.owners.add(row.owner)
        for kind, key in keys:
            if kind not in seen.keys:
                seen.keys[kind] = key
                known[kind, key].append(seen)
    return found
