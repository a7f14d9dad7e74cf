# The services' images: `docker build --target db-writer .`
#
# Where the official images cannot be had, docker-compose.debian.yaml names others: BINARIES has what was built on the
# machine itself, LIBRARIES what that needs at run time.
ARG NODE=node:20-bookworm-slim
ARG RUST=rust:1.95-bookworm
ARG BINARIES=built
ARG LIBRARIES=${RUST}

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
        --bin gateway \
    && mkdir /binaries && cd target/release && cp sensor-sim db-writer alerter dashboard gateway /binaries

FROM scratch AS built
COPY --from=build /binaries/ /

FROM ${BINARIES} AS binaries

# What a program in Rust needs at run time and nothing else: the C library, time zones, certificates, and a user who
# owns nothing.
FROM ${LIBRARIES} AS parts
RUN mkdir -p /parts/usr/lib /parts/usr/lib64 /parts/etc /parts/tmp /certificates && chmod 1777 /parts/tmp \
    && cp -a --parents /lib /lib64 /usr/share/zoneinfo /etc/ssl/certs/ca-certificates.crt /etc/nsswitch.conf /parts \
    && for file in $(ldd /usr/bin/apt-get | grep -oE '/[^ ]*/(libc|libm|libgcc_s|ld-linux[^. ]*)\.so[^ ]*'); do \
        mkdir -p "/parts$(dirname "$file")" && cp -L "$file" "/parts$file" || exit 1; \
    done \
    && echo 'nonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin' >/parts/etc/passwd \
    && echo 'nonroot:x:65532:' >/parts/etc/group

FROM scratch AS runtime
COPY --from=parts /parts/ /
# Where the volume of certificates is mounted: it is made with this owner.
COPY --from=parts --chown=65532:65532 /certificates /certificates
USER 65532:65532

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

FROM runtime AS gateway
COPY --from=binaries /gateway /usr/local/bin/gateway
ENTRYPOINT ["gateway"]
