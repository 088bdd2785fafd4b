"""The statements of store_inventory(): each takes whole columns as array literals."""

KNOWN = """
SELECT id, source_id, appliance_id, epoch, sequence, content_digest, removed_at IS NOT NULL, configuration_version
FROM ingest_machine
WHERE tenant_id = %(tenant)s AND project_id = %(project)s AND source_id = ANY(%(source_ids)s::varchar[])
UNION
SELECT id, source_id, appliance_id, epoch, sequence, content_digest, removed_at IS NOT NULL, configuration_version
FROM ingest_machine
WHERE tenant_id = %(tenant)s AND appliance_id = %(appliance)s AND removed_at IS NULL
"""

COUNT_MACHINES = "SELECT count(*) FROM ingest_machine WHERE tenant_id = %(tenant)s AND project_id = %(project)s"

_COLUMNS = """
unnest(%(ids)s::uuid[], %(source_id)s::text[], %(name)s::text[], %(path)s::text[], %(host)s::text[],
       %(cluster)s::text[], %(power_state)s::text[], %(operating_system)s::text[], %(boot_type)s::text[],
       %(cores)s::int[], %(memory_mb)s::bigint[], %(cpu_model)s::text[], %(instance_uuid)s::uuid[],
       %(bios_uuid)s::uuid[], %(instance_key)s::uuid[], %(bios_key)s::uuid[], %(mac_key)s::uuid[],
       %(digests)s::text[], %(disk_counts)s::int[], %(storage_gb)s::float8[]{more})
AS m (id, source_id, name, path, host, cluster, power_state, operating_system, boot_type, cores, memory_mb, cpu_model,
      instance_uuid, bios_uuid, instance_key, bios_key, mac_key, digest, disk_count, storage_gb{more_names})
"""

INSERT_MACHINES = f"""
INSERT INTO ingest_machine (
    tenant_id, project_id, appliance_id, id, source_id, name, path, host, cluster, power_state, operating_system,
    boot_type, cores, memory_mb, cpu_model, instance_uuid, bios_uuid, instance_key, bios_key, mac_key, content_digest,
    disk_count, storage_gb, discovered_by, configuration_version, epoch, sequence, first_seen_at, last_seen_at)
SELECT %(tenant)s, %(project)s, %(appliance)s, id, source_id, name, path, host, cluster, power_state, operating_system,
       boot_type, cores, memory_mb, cpu_model, instance_uuid, bios_uuid, instance_key, bios_key, mac_key, digest::bytea,
       disk_count, storage_gb, %(discovered_by)s,
       1, %(epoch)s, %(sequence)s, %(at)s, %(at)s
FROM {_COLUMNS.format(more="", more_names="")}
"""

UPDATE_MACHINES = f"""
UPDATE ingest_machine t SET
    name = m.name, path = m.path, host = m.host, cluster = m.cluster, power_state = m.power_state,
    operating_system = m.operating_system, boot_type = m.boot_type, cores = m.cores, memory_mb = m.memory_mb,
    cpu_model = m.cpu_model, instance_uuid = m.instance_uuid, bios_uuid = m.bios_uuid,
    instance_key = m.instance_key, bios_key = m.bios_key, mac_key = m.mac_key,
    content_digest = m.digest::bytea, disk_count = m.disk_count, storage_gb = m.storage_gb,
    configuration_version = m.version, discovered_by = %(discovered_by)s, removed_at = NULL
FROM {_COLUMNS.format(more=", %(versions)s::bigint[]", more_names=", version")}
WHERE t.tenant_id = %(tenant)s AND t.id = m.id
"""

TOUCH_MACHINES = """
UPDATE ingest_machine SET appliance_id = %(appliance)s, discovered_by = %(discovered_by)s, epoch = %(epoch)s,
                          sequence = %(sequence)s, last_seen_at = greatest(last_seen_at, %(at)s)
WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::uuid[])
"""

REMOVE_MACHINES = """
UPDATE ingest_machine t SET epoch = %(epoch)s, sequence = %(sequence)s,
                            removed_at = coalesce(removed_at, %(at)s), configuration_version = m.version
FROM unnest(%(ids)s::uuid[], %(versions)s::bigint[]) AS m (id, version)
WHERE t.tenant_id = %(tenant)s AND t.id = m.id
"""

# A machine that nobody has seen was removed: remembered, so that an older upload that comes late does not make it.
INSERT_REMOVED = """
INSERT INTO ingest_machine (
    tenant_id, project_id, appliance_id, id, source_id, name, power_state, boot_type, content_digest, discovered_by,
    configuration_version, epoch, sequence, first_seen_at, last_seen_at, removed_at)
SELECT %(tenant)s, %(project)s, %(appliance)s, id, source_id, source_id, 'unknown', 'unknown', '', 'appliance',
       1, %(epoch)s, %(sequence)s, %(at)s, %(at)s, %(at)s
FROM unnest(%(ids)s::uuid[], %(source_ids)s::text[]) AS m (id, source_id)
"""

INSERT_CHANGES = """
INSERT INTO ingest_machinechange (tenant_id, appliance_id, file_import_id, at, id, machine_id, property, old_value,
                                  new_value, configuration_version)
SELECT %(tenant)s, %(appliance)s, %(import)s, %(at)s, c.id, c.machine_id, c.property, c.old::jsonb, c.new::jsonb,
       c.version
FROM unnest(%(ids)s::uuid[], %(machines)s::uuid[], %(properties)s::text[], %(old)s::text[], %(new)s::text[],
            %(versions)s::bigint[]) AS c (id, machine_id, property, old, new, version)
"""

_DELETE = """
DELETE FROM {table} t
WHERE t.tenant_id = %(tenant)s AND t.machine_id = ANY(%(changed)s::uuid[])
AND NOT EXISTS (
    SELECT FROM unnest(%(machines)s::uuid[], %(source_ids)s::text[]) AS k (machine_id, source_id)
    WHERE k.machine_id = t.machine_id AND k.source_id = t.source_id)
"""
DELETE_DISKS = _DELETE.format(table="ingest_disk")
DELETE_NICS = _DELETE.format(table="ingest_nic")

UPSERT_DISKS = """
INSERT INTO ingest_disk AS d (tenant_id, id, machine_id, position, source_id, name, size_gb)
SELECT %(tenant)s, sent.*
FROM unnest(%(ids)s::uuid[], %(machines)s::uuid[], %(positions)s::smallint[], %(source_ids)s::text[], %(names)s::text[],
            %(sizes)s::float8[]) AS sent
ON CONFLICT (tenant_id, machine_id, source_id) DO UPDATE
SET position = excluded.position, name = excluded.name, size_gb = excluded.size_gb
WHERE (d.position, d.name, d.size_gb) IS DISTINCT FROM (excluded.position, excluded.name, excluded.size_gb)
"""

UPSERT_NICS = """
INSERT INTO ingest_nic AS n (tenant_id, id, machine_id, position, source_id, mac_address, ip_addresses, network)
SELECT %(tenant)s, s.id, s.machine_id, s.position, s.source_id, s.mac_address, s.ip_addresses::varchar[], s.network
FROM unnest(%(ids)s::uuid[], %(machines)s::uuid[], %(positions)s::smallint[], %(source_ids)s::text[],
            %(mac_addresses)s::text[], %(ip_addresses)s::text[], %(networks)s::text[])
     AS s (id, machine_id, position, source_id, mac_address, ip_addresses, network)
ON CONFLICT (tenant_id, machine_id, source_id) DO UPDATE
SET position = excluded.position, mac_address = excluded.mac_address, ip_addresses = excluded.ip_addresses,
    network = excluded.network
WHERE (n.position, n.mac_address, n.ip_addresses, n.network)
      IS DISTINCT FROM (excluded.position, excluded.mac_address, excluded.ip_addresses, excluded.network)
"""
