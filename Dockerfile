# The controller's image. `make image` builds it, from the base in deploy/image/base.txt with its digest.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.txt requirements-build.txt ./
# Two environments: the one that builds stays behind, with pip and setuptools.
RUN python -m venv /opt/build
RUN python -m venv --without-pip /opt/dcron
RUN /opt/build/bin/pip install --require-hashes --requirement requirements-build.txt
RUN /opt/build/bin/pip --python /opt/dcron/bin/python install --require-hashes --only-binary :all: --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY crds crds
COPY controller controller
COPY plugin plugin
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /opt/wheels .
RUN /opt/build/bin/pip --python /opt/dcron/bin/python install --no-deps --no-index /opt/wheels/*.whl

FROM ${BASE}
ARG BASE
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="DistributedCronJob" \
      org.opencontainers.image.description="Cron for Kubernetes whose schedules are shared by several controller replicas" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="${BASE}"
RUN python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel
COPY --from=build /opt/dcron /opt/dcron
# Nothing is written but below /tmp, so that the root file system may be read-only.
ENV PATH=/opt/dcron/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["python", "-m", "controller"]
