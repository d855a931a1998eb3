# limn's studio and API on CPUs, in one command:
#   docker build -t limn . && docker run --rm -p 127.0.0.1:8650:8650 -v limn:/data limn
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11.13-slim-bookworm
COPY constraints.txt /
COPY --from=build /wheels /wheels
# torch for CPUs is a tenth of the size of the one that PyPI has; PyPI's limn is another project, hence the file.
RUN pip install --no-cache-dir -c /constraints.txt --extra-index-url https://download.pytorch.org/whl/cpu \
        "torch==2.13.0+cpu" "$(echo /wheels/limn-*.whl)[studio]" \
    && useradd --create-home limn \
    && install --directory --owner=limn /data
USER limn
ENV LIMN_HOME=/data/keys
VOLUME /data
EXPOSE 8650
HEALTHCHECK CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://localhost:8650/health')"]
ENTRYPOINT ["limn"]
CMD ["serve", "--host", "0.0.0.0", "--name", "localhost", "--out", "/data/pictures"]
