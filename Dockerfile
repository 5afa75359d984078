# Trialpool with what a run needs, from the same lock as `make results`:
#   docker build --tag trialpool .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/review" trialpool --configfile my-review/config.yaml
FROM python:3.11-slim
COPY requirements.lock /trialpool/
RUN pip install --no-cache-dir --require-hashes -r /trialpool/requirements.lock
COPY . /trialpool
RUN pip install --no-cache-dir --no-deps --no-build-isolation /trialpool
WORKDIR /review
ENV XDG_CACHE_HOME=/tmp/cache MPLCONFIGDIR=/tmp/cache
ENTRYPOINT ["snakemake", "--snakefile", "/trialpool/Snakefile", "--cores", "2"]
