#!/bin/sh
# Background work: WORKER_PROCESSES processes over all queues.
set -eu
exec python -m celery --quiet --app migrate_hub worker --loglevel warning --concurrency "${WORKER_PROCESSES:-2}" \
    --queues interactive,bulk,maintenance --without-gossip --without-mingle
