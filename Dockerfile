# One image with the worker, the ADX emulator and the storm-events producer: three programs of a few MB over Debian's slim base,
# run as nobody's user. The command chooses which; without one it is the worker, set up by its environment.
#   docker build -t kusto-connect .     or, where there is no Docker: make image
# With Kerberos for Kafka: docker build --build-arg FEATURES=gssapi …

# Features of the worker's crate, separated by commas.
ARG FEATURES=

FROM docker.io/library/rust:1.95-bookworm AS build
ARG FEATURES
RUN case "$FEATURES" in *gssapi*) \
        apt-get update && apt-get install -y --no-install-recommends libsasl2-dev && rm -rf /var/lib/apt/lists/* ;; \
    esac
WORKDIR /src
# Only what the programs are made of: a changed README or test does not build anew.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY src src
COPY config config
COPY adx-emulator adx-emulator
COPY lab lab
# The caches keep downloaded crates and built dependencies between builds; only what changed is compiled again.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked -p kusto-connect -p adx-emulator -p lab ${FEATURES:+--features "$FEATURES"} \
        --bin kusto-connect --bin adx-emulator --bin storm-events-producer && \
    mkdir /out && \
    cp target/release/kusto-connect target/release/adx-emulator target/release/storm-events-producer /out/ && \
    strip /out/*

FROM docker.io/library/debian:bookworm-slim
ARG FEATURES
# OpenSSL, the certificates and what Kerberos needs are Debian's, so that they get its security updates.
RUN case "$FEATURES" in *gssapi*) kerberos="krb5-user libsasl2-2 libsasl2-modules-gssapi-mit" ;; esac && \
    apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates libssl3 $kerberos && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/apt /var/log/dpkg.log && \
    useradd --system --uid 10001 --create-home --home-dir /var/lib/kusto-connect --shell /usr/sbin/nologin kusto-connect
COPY --from=build /out/ /usr/local/bin/
COPY scripts/healthcheck /usr/local/bin/
USER kusto-connect
WORKDIR /var/lib/kusto-connect
EXPOSE 8083
# The worker drains and commits on SIGTERM; give it its graceful timeout before anything harder.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["healthcheck", "8083", "/health"]
CMD ["kusto-connect"]
