#!/bin/sh
# As in the official image: in the foreground, with a master that survives a reload of the configuration.
set -eu
[ "$1" = haproxy ] || exec "$@"
shift
exec haproxy -W -db "$@"
