#!/bin/sh
# The web process behind the proxy. The application reads X-Forwarded-* itself, believing TRUSTED_PROXY_COUNT proxies;
# uvicorn's own lines go through the application's log, as JSON.
set -eu
exec python -m uvicorn migrate_hub.asgi:application \
    --host "${WEB_HOST:-0.0.0.0}" --port "${WEB_PORT:-8000}" --no-proxy-headers --no-server-header --no-access-log \
    --log-config "$(dirname "$0")/uvicorn-logging.json" --log-level warning --lifespan off \
    --http migrate_hub.connections:LimitedConnection --timeout-keep-alive 75 --timeout-graceful-shutdown 20
