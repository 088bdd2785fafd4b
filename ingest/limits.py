"""What one request may hold. The caps of the wire and of the inflated body stand in migrate_hub/bodies.py.

Imports nothing of the framework: the child that parses files reads it too.
"""

from datetime import timedelta

DEFAULT_INTERVAL_SECONDS = 600
UPLOAD_EVERY_SECONDS = 3600
MAX_POINTS = 288
MAX_MACHINES_PERFORMANCE = 10_000
MAX_MACHINES_INVENTORY = 50_000
MAX_APPLIANCES = 1000
MAX_DISKS = 256
MAX_NICS = 64
MAX_IP_ADDRESSES = 64

MAX_PERCENT = 10_000.0
MAX_RATE = 1e9
MAX_SIZE_GB = 1e7
MAX_CORES = 100_000
MAX_MEMORY_MB = 10**9

MAX_AHEAD = timedelta(days=1)
RECEIPTS_KEPT = timedelta(days=30)
REJECTIONS_KEPT = timedelta(days=35)
