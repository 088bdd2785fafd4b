# One image for web, worker, beat and the preparing job. Its steps are those of the Makefile: a virtual environment,
# the hash-pinned requirements, nothing compiled; and one font. Build it with `docker-compose build`.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/app/.venv/bin:$PATH
WORKDIR /app

# The font that PDFs embed for Chinese and Japanese.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends fonts-droid-fallback \
 && rm -rf /var/lib/apt/lists/*

COPY requirements/runtime.txt requirements/runtime.txt
RUN python3 -m venv .venv \
 && .venv/bin/python -m pip install --no-cache-dir --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/runtime.txt

COPY manage.py ./
COPY deploy deploy
COPY migrate_hub migrate_hub
COPY ingest ingest
COPY groups groups
COPY assessments assessments
COPY reports reports

# Settings that connect to nothing: static files are collected and compressed into the image.
RUN SECRET_KEY=not-a-secret-only-for-collecting-static-files-0123456789 PUBLIC_URL=https://hub.example.com \
    DATABASE_URL=postgres://nobody:nothing@127.0.0.1:1/nothing REDIS_URL=redis://127.0.0.1:1 \
    python manage.py collectstatic --noinput --verbosity 0

RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin migrate-hub
USER 10001
EXPOSE 8000
CMD ["sh", "deploy/web.sh"]
