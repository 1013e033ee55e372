# The command line for operators.
# docker/build-images.sh puts the program beside this file: it must have been linked on a Debian that is not newer.
ARG BASE=debian:trixie-slim
FROM ${BASE}
# The roots by which AWS is known.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY mogile2s3 /usr/local/bin/mogile2s3
# Backups, lists and states are written to the current folder: mount one that this user may write to.
RUN useradd --system --uid 10001 migrator && install -d -o migrator /work
USER migrator
WORKDIR /work
ENTRYPOINT ["mogile2s3"]
CMD ["--help"]
