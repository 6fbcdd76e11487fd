# A server for a team, from the same pyproject.toml as everywhere; compose.yaml runs it.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY headbrush headbrush
COPY analysis analysis
COPY server server
COPY datasets/fashion_mnist datasets/fashion_mnist
# "[analyze]" installs torch too, for pruning and attention that a store does not hold; with an index
# of torch for processors only, that image is several gigabytes smaller
ARG EXTRAS=""
ARG PIP_EXTRA_INDEX_URL
RUN python -m venv /opt/headbrush \
 && /opt/headbrush/bin/pip install --no-cache-dir ".${EXTRAS}"

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home headbrush
COPY --from=build /opt/headbrush /opt/headbrush
ENV NUMBA_CACHE_DIR=/tmp/numba
USER 10001
EXPOSE 5006
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["/opt/headbrush/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5006/healthz', timeout=4)"]
ENTRYPOINT ["/opt/headbrush/bin/headbrush"]
CMD ["serve", "/stores", "--address", "0.0.0.0"]
