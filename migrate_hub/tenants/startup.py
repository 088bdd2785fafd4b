"""The refusal to start on a database role that row-level security does not bind."""

import sys

from django.db import OperationalError, connection

from migrate_hub.tenants.row_level_security import isolation_faults


def refuse_unsafe_database() -> None:
    """Ends the process with the reasons when its database role or a table would let tenants see one another."""
    try:
        faults = isolation_faults()
    except OperationalError:
        return  # nothing can leak without a database; /healthz looks again
    finally:
        connection.close()  # the thread that starts a server may never use it again
    if faults:
        print("migrate_hub refuses to start:\n" + "\n".join(f"  - {fault}" for fault in faults), file=sys.stderr)
        raise SystemExit(3)
