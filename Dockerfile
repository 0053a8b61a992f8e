# syntax=docker/dockerfile:1

# The image holds the static binary, the licences, the public certificate authorities and
# an empty data folder. It has no shell and no package manager.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
# Modules first: they change less often than the code.
COPY go.mod go.sum ./
COPY third_party ./third_party
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=container
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/vouchsafe ./cmd/vouchsafe \
    && mkdir -m 700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY LICENSE third_party/NOTICES.txt /licenses/
COPY --from=build /out/vouchsafe /vouchsafe
# Used in embedded mode only; with VOUCHSAFE_DATABASE_URL nothing is written here.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# The loopback address of a container can be reached from inside it only: listen on all
# addresses. Which ports are published decides what the network can reach; do not
# publish 8081 (metrics).
ENV VOUCHSAFE_LISTEN=:8080 VOUCHSAFE_METRICS_LISTEN=:8081 VOUCHSAFE_DATA=/data
EXPOSE 8080 8081
VOLUME /data
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/vouchsafe", "healthcheck"]
ENTRYPOINT ["/vouchsafe"]
CMD ["serve"]
