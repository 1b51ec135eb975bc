# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
# The allocator is built with it.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# The dependencies alone, with nothing of ours to build: this layer changes only when they do.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src
COPY src src
# Cargo compares modification times, and the copied sources may be older than what was built from the empty ones.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked
# There is no shell in the next stage.
RUN mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/target/release/comfydeploy-webhook /comfydeploy-webhook
# For the database. A new volume that is mounted here gets the same owner. It is not declared as a volume: then each
# container would have one that nobody asked for, and Railway rejects such an image.
COPY --from=build --chown=65532:65532 /data /data
USER nonroot:nonroot
# All interfaces; a platform that assigns a port replaces it.
ENV PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["/comfydeploy-webhook", "healthcheck"]
ENTRYPOINT ["/comfydeploy-webhook"]
