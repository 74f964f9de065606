# One static binary on an image without a shell, run by a user without rights.
#   docker build --build-arg VERSION="$(git describe --tags --always)" -t imbridge .
#   docker run -p 127.0.0.1:8080:8080 -v imbridge:/data imbridge
# compose.yaml has it with MySQL. Every setting: imbridge.example.yaml.

# The clouds' SDKs and our client helper for the pages: what `make web` does.
FROM node:22-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web/build.mjs web/easemob_functions.mjs ./
COPY web/client ./client
RUN npm run build

FROM golang:1.26 AS build
WORKDIR /src
# Modules first: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist ./web/dist
ARG VERSION=unversioned
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/imbridge ./cmd/imbridge \
    && mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/imbridge /imbridge
# SQLite and a generated data key, where nothing else is set. A new volume takes its owner from here.
COPY --from=build --chown=nonroot:nonroot /out/data /data
VOLUME /data
# Loopback, the default, is of no use inside a container: the host chooses with -p who gets in.
ENV IMBRIDGE_DATA_DIR=/data \
    IMBRIDGE_SERVER_LISTEN=0.0.0.0:8080 \
    IMBRIDGE_OPS_LISTEN=0.0.0.0:8081
# The API. 8081 (/metrics) has no login and is for the operators' network only.
EXPOSE 8080 8081
USER nonroot
ENTRYPOINT ["/imbridge"]
CMD ["serve"]
