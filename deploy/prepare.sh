#!/bin/sh
# Roles, database, tables and the bundled catalog: before the first start and after every upgrade. Safe to run again.
set -eu
if [ -n "${SUPERUSER_URL:-}" ]; then
    python manage.py bootstrap_roles --run-as "$SUPERUSER_URL"
fi
python manage.py migrate --database owner --verbosity 1
python manage.py load_catalog
