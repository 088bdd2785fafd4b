#!/bin/sh
# Background work: WORKER_PROCESSES processes over all queues.
set -eu
# Statements over a whole estate take longer than a page may: web keeps its 15 seconds.
export STATEMENT_TIMEOUT_SECONDS="${STATEMENT_TIMEOUT_SECONDS:-600}"
exec python -m celery --quiet --app migrate_hub worker --loglevel warning --concurrency "${WORKER_PROCESSES:-2}" \
    --queues interactive,bulk,maintenance --without-gossip --without-mingle
