# The stand-in for a MogileFS tracker with one storage node. Its tables are in MySQL.
# docker/build-images.sh puts the program beside this file: it must have been linked on a Debian that is not newer.
ARG BASE=debian:trixie-slim
FROM ${BASE}
COPY rehearse /usr/local/bin/rehearse
RUN useradd --system --uid 10001 mogile && install -d -o mogile /var/mogdata
USER mogile
ENV TRACKER_PORT=7001 STORAGE_PORT=7500 STORAGE_FOLDER=/var/mogdata
EXPOSE 7001 7500
HEALTHCHECK --interval=2s --retries=60 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/$TRACKER_PORT && printf 'get_domains\\r\\n' >&3 && IFS= read -r line <&3 && [[ $line == OK* ]]"]
ENTRYPOINT ["rehearse", "tracker"]
