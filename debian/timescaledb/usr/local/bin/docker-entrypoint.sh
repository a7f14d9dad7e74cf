#!/bin/sh
# Makes the database on the first start, as the official image does: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB, and
# whatever is in /docker-entrypoint-initdb.d.
set -eu

[ "$1" = postgres ] || exec "$@"
shift
set -- postgres -c listen_addresses='*' -c shared_preload_libraries=timescaledb "$@"
[ ! -s "$PGDATA/PG_VERSION" ] || exec "$@"

: "${POSTGRES_PASSWORD:?POSTGRES_PASSWORD must be set: the database is not made without a password}"
export POSTGRES_USER="${POSTGRES_USER:-postgres}"
export POSTGRES_DB="${POSTGRES_DB:-$POSTGRES_USER}"

# A start that was cut off in the middle begins anew: without PG_VERSION nothing in here was ever used.
making="$PGDATA.making"
rm -rf "$making" "$PGDATA"
password=$(mktemp)
printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
initdb -D "$making" --username="$POSTGRES_USER" --pwfile="$password" --auth-local=trust \
    --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
rm "$password"
echo 'host all all all scram-sha-256' >>"$making/pg_hba.conf"

# No client reaches it before it is complete: it listens on its socket only.
PGUSER=$POSTGRES_USER pg_ctl -D "$making" -w start \
    -o "-c listen_addresses='' -c shared_preload_libraries=timescaledb" >/dev/null
[ "$POSTGRES_DB" = postgres ] || createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
        *.sh) sh "$file" ;;
        *.sql) psql -v ON_ERROR_STOP=1 --no-psqlrc -q --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" -f "$file" ;;
    esac
done
PGUSER=$POSTGRES_USER pg_ctl -D "$making" -w -m fast stop >/dev/null
mv "$making" "$PGDATA"
exec "$@"
