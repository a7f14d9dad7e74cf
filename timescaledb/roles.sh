#!/bin/sh
# Creates the two roles when the database is created: one that owns the stored data, one that reads it.
set -eu

: "${MILLRACE_DB_PASSWORD:?the environment must set it}" "${DASHBOARD_DB_PASSWORD:?the environment must set it}"
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
-- \getenv keeps the passwords out of the process list.
\getenv millrace_password MILLRACE_DB_PASSWORD
\getenv dashboard_password DASHBOARD_DB_PASSWORD
\getenv database POSTGRES_DB
CREATE EXTENSION IF NOT EXISTS timescaledb;
CREATE ROLE millrace LOGIN PASSWORD :'millrace_password';
CREATE ROLE dashboard LOGIN PASSWORD :'dashboard_password';
ALTER DATABASE :"database" OWNER TO millrace;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO dashboard;
-- For postgres_exporter: sizes, statistics, and who waits for whom.
GRANT pg_monitor TO dashboard;
-- Whatever millrace makes later, dashboard may read.
ALTER DEFAULT PRIVILEGES FOR ROLE millrace GRANT USAGE ON SCHEMAS TO dashboard;
ALTER DEFAULT PRIVILEGES FOR ROLE millrace GRANT SELECT ON TABLES TO dashboard;
SQL
