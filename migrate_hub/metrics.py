"""Prometheus metrics of a process; `/metrics` shows them."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("migrate_hub_requests_total", "HTTP requests", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("migrate_hub_request_seconds", "Seconds to answer a request", ["method", "route"])
INGESTED_VALUES = Counter("migrate_hub_ingested_values_total", "Performance values stored")
INGEST_REJECTED = Counter("migrate_hub_ingest_rejected_total", "Machines of uploads that were refused", ["code"])
JOBS = Counter("migrate_hub_jobs_total", "Background jobs that ended", ["task", "state"])
