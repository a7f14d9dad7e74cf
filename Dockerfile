# The services' images: `docker build --target db-writer .`
#
# Another RUNTIME or BINARIES takes the place of the stage of that name: where the official images cannot be had,
# docker-compose.debian.yaml names images with what was built on the machine itself.
ARG NODE=node:20-bookworm-slim
ARG RUST=rust:1.95-bookworm
ARG RUNTIME=gcr.io/distroless/cc-debian12:nonroot
ARG BINARIES=built

FROM ${NODE} AS page
WORKDIR /millrace/dashboard/web
COPY dashboard/web/package.json dashboard/web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY dashboard/web ./
RUN npm run build

FROM ${RUST} AS build
WORKDIR /millrace
COPY . .
COPY --from=page /millrace/dashboard/web/dist dashboard/web/dist
# What is in a cache is gone after the step, so the binaries are copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/millrace/target \
    cargo build --release --locked --bin sensor-sim --bin db-writer --bin alerter --bin dashboard \
    && mkdir /binaries && cd target/release && cp sensor-sim db-writer alerter dashboard /binaries

FROM scratch AS built
COPY --from=build /binaries/ /

FROM ${BINARIES} AS binaries
FROM ${RUNTIME} AS runtime

FROM runtime AS sensor-sim
COPY --from=binaries /sensor-sim /usr/local/bin/sensor-sim
ENTRYPOINT ["sensor-sim"]

FROM runtime AS db-writer
COPY --from=binaries /db-writer /usr/local/bin/db-writer
ENTRYPOINT ["db-writer"]

FROM runtime AS alerter
COPY --from=binaries /alerter /usr/local/bin/alerter
ENTRYPOINT ["alerter"]

FROM runtime AS dashboard
COPY --from=binaries /dashboard /usr/local/bin/dashboard
ENTRYPOINT ["dashboard"]
