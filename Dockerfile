# kafka-prober as a small image: built in one stage, run in another, as a user without privileges.
#
#   docker build -t kafka-prober .
#   docker build -t kafka-prober --build-arg KAFKA_PROBER_COMMIT="$(git rev-parse HEAD)" .   # named by kafka_prober.build.info
#   docker run --rm -p 9464:9464 kafka-prober run --bootstrap-server kafka-1:9092 --listen 0.0.0.0:9464

FROM rust:1-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends pkg-config libssl-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src

# Dependencies first: this layer is rebuilt only when a manifest or the lock changes. Cargo wants every target that the
# manifests name to exist, so each gets an empty placeholder.
COPY Cargo.toml Cargo.lock ./
COPY core/Cargo.toml core/
COPY probes/Cargo.toml probes/
RUN mkdir -p src core/src core/benches probes/src benches/cluster tests/it tests/cluster tests/incidents \
    && touch src/lib.rs core/src/lib.rs probes/src/lib.rs tests/it/main.rs tests/cluster/main.rs tests/incidents/main.rs \
    && for main in src/main.rs core/benches/judge.rs core/benches/diagnosis.rs benches/cluster/main.rs; do echo 'fn main() {}' > "$main"; done \
    && cargo build --release --locked --bin kafka-prober \
    && rm -rf src core/src probes/src

COPY src src
COPY core/src core/src
COPY probes/src probes/src
COPY config config
# The runbook is part of the program: `explain` prints its sections.
COPY docs/runbook.md docs/runbook.md
ARG KAFKA_PROBER_COMMIT=unknown
# The placeholders are newer than the sources.
RUN find src core/src probes/src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin kafka-prober

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl3 zlib1g ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/kafka-prober /usr/local/bin/kafka-prober
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 9464
ENTRYPOINT ["kafka-prober"]
CMD ["run"]
