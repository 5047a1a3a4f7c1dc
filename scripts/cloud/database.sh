#!/usr/bin/env bash
# The database, in the tree, as its user. Made at the first start: a user vigil and a database of that
# name, which has the extension. An interrupted first start begins again.
set -euo pipefail
umask 077
bin=/usr/lib/postgresql/17/bin
cluster=$HOME/17
# The Apache build, and nothing is told to its makers.
settings=(
  -c shared_preload_libraries=timescaledb
  -c timescaledb.license=apache
  -c timescaledb.telemetry_level=off
)

if [ ! -e "$cluster" ]; then
  rm -rf "$cluster.new"
  "$bin/initdb" --pgdata "$cluster.new" --username postgres --encoding UTF8 --locale C.UTF-8 \
    --auth-local reject --auth-host scram-sha-256 --data-checksums --no-instructions
  single() { "$bin/postgres" --single -D "$cluster.new" "${settings[@]}" "$1"; }
  # The password has nothing but hexadecimal digits.
  single postgres <<END
CREATE ROLE vigil LOGIN PASSWORD '${database_secret:?}'
CREATE DATABASE vigil OWNER vigil
END
  # Jobs that the extension brings are not in the Apache build, and fail at each start.
  single vigil <<END
CREATE EXTENSION timescaledb
UPDATE _timescaledb_config.bgw_job SET scheduled = false
END
  mv "$cluster.new" "$cluster"
fi
unset ingest_secret car_secret database_secret cookie_secret
exec "$bin/postgres" -D "$cluster" "${settings[@]}" -c listen_addresses=127.0.0.1 \
  -c port="${database_port:?}" -c unix_socket_directories=''
