# Both images are of one release of Debian: the program needs a glibc that is not older than the one it is built with.
FROM rust:1.95-slim-trixie AS build
# The allocator is built with it.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY .ci/dist .ci/
RUN .ci/dist tools
# The dependencies and their licences, with nothing of ours to build: these layers change only when they do.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && .ci/dist program
COPY LICENSE ./
COPY .ci/about.* .ci/
RUN .ci/dist licenses
COPY src src
# Cargo compares modification times, and the copied sources may be older than what was built from the empty ones.
RUN touch src/main.rs src/lib.rs && .ci/dist program
# There is no shell in the next stage. Any user may write to the folder, so that the image works as any.
RUN mkdir --mode=1777 --parents root/data

FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /build/target/dist-files/ /
# For the database. It is not declared as a volume: then each container would have one that nobody asked for, and
# Railway rejects such an image.
COPY --from=build /build/root/ /
# The user nonroot of the image, as a number: Kubernetes checks `runAsNonRoot` only for numbers.
USER 65532:65532
# All interfaces; a platform that assigns a port replaces it.
ENV PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["/comfydeploy-webhook", "healthcheck"]
ENTRYPOINT ["/comfydeploy-webhook"]
# Whoever publishes the image sets these.
ARG VERSION=unreleased
ARG REVISION=unknown
ARG SOURCE
LABEL org.opencontainers.image.title="comfydeploy-webhook" \
      org.opencontainers.image.description="Receives ComfyDeploy's run-status webhooks, keeps the state of every run, and shows it." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.documentation="${SOURCE:+$SOURCE#readme}"
