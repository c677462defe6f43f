# One image for every role; the role is the argument: `docker run IMAGE work drifts`.
# BASE: any image with Python 3.11 or newer and its venv module. By digest, so that the same sources give the same image; this
# one is Python 3.11.16 for amd64 and arm64, of 2026-08-25 (docs/release.md says how to take a newer one).
ARG BASE=docker.io/library/python:3.11-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY reactor reactor
COPY workers workers
COPY vmdrift vmdrift
# By hash: uv, and by uv all the others.
RUN sed -n '/^uv==/,/[^\\]$/p' constraints.txt > uv.txt && python -m venv /opt/vm-drift && python -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir -r uv.txt \
    && /opt/uv/bin/uv pip install --no-cache --python /opt/vm-drift/bin/python -c constraints.txt ".[redfish]"

# Nothing is built or installed here, so there is nothing to build or install with.
FROM ${BASE}
COPY --from=build /opt/vm-drift /opt/vm-drift
ENV PATH=/opt/vm-drift/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# By number, so that Kubernetes can see that it is not root. It writes nothing but its heartbeat, under /run/vm-drift.
USER 65532:65532
ENTRYPOINT ["vmdrift"]
CMD ["--help"]
