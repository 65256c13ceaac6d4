# One image for every process: `up` (everything, embedded database), or `web` and `worker` beside a PostgreSQL.

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/trunkline \
    && /opt/trunkline/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY trunkline ./trunkline
RUN /opt/trunkline/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.12-slim-bookworm
# A user with a name: PostgreSQL refuses to run as a number that the machine does not know.
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin trunkline \
    && install -d -o trunkline -g trunkline -m 0700 /data
COPY --from=build /opt/trunkline /opt/trunkline
ENV PATH=/opt/trunkline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8 \
    TRUNKLINE_DATA=/data
USER trunkline
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
CMD ["trunkline", "up", "--host", "0.0.0.0", "--port", "8080"]
