#!/bin/sh
# The web process behind the proxy. The application reads X-Forwarded-* itself, believing TRUSTED_PROXY_COUNT proxies;
# uvicorn's own lines go through the application's log, as JSON.
# glibc keeps what is freed, for each thread: after a few large uploads the process would stay hundreds of MiB larger.
set -eu
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}" MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-65536}"
export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-1048576}"
exec python -m uvicorn migrate_hub.asgi:application \
    --host "${WEB_HOST:-0.0.0.0}" --port "${WEB_PORT:-8000}" --no-proxy-headers --no-server-header --no-access-log \
    --log-config "$(dirname "$0")/uvicorn-logging.json" --log-level warning --lifespan off \
    --http migrate_hub.connections:LimitedConnection --timeout-keep-alive 75 --timeout-graceful-shutdown 20
