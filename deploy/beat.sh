#!/bin/sh
# The clock of the sweeper. Exactly one runs; a second one would do no harm but nothing useful either.
set -eu
exec python -m celery --quiet --app migrate_hub beat --loglevel warning --schedule "${BEAT_SCHEDULE:-/tmp/beat-schedule}"
