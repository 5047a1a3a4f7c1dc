#!/usr/bin/env bash
# Runs the cloud side on one machine, to try it and for tests: a RabbitMQ 4 broker that speaks MQTT,
# PostgreSQL 17 with TimescaleDB, and the ingest between them. Broker and database are Debian 13's, in a
# tree of its own (517 MB, made at the first start), so that nothing on this machine is changed; what
# they keep is in the data directory. All ports are on 127.0.0.1. Ctrl-C or SIGTERM stops everything, and
# so does the end of any part; should this script be killed, the kernel ends what it started. Needs root.
# It is all functions, which bash has read before it runs one: a clone may change under it.
set -euo pipefail
unset CDPATH # cd would print where it went.
root=$(cd "$(dirname "$0")/.." && pwd)

say() { printf 'cloud: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }

usage() {
  cat <<'END'
usage: scripts/cloud.sh [options]
  --data DIR            what broker and database keep, passwords and logs (VIGIL_CLOUD_DATA, or cloud-data)
  --tree DIR            the Debian 13 tree (VIGIL_CLOUD_TREE, or ~/.cache/vigil/cloud-trixie)
  --amqp-port N         19672
  --mqtt-port N         19883
  --database-port N     19432
  --metrics-port N      19090, the ingest's
  --tenant NAME         whose cars: the name that they log in by, and the second part of their topics (home)
  --no-ingest           broker and database only
  --only PART           broker or database, by itself
  --make-tree           make the tree if it is not there, and leave
END
}

data=${VIGIL_CLOUD_DATA:-cloud-data}
tree=${VIGIL_CLOUD_TREE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vigil/cloud-trixie}
amqp_port=19672 mqtt_port=19883 database_port=19432 metrics_port=19090
tenant=home
parts=(database broker ingest)
only_tree=

port() {
  if ! [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || [ "$2" -gt 65535 ]; then
    fail "$1: expected a port from 1 to 65535, found \"$2\""
  fi
  printf -v "$3" %s "$2"
}

parse() {
  while [ $# -gt 0 ]; do
    case $1 in
      --no-ingest) parts=(database broker) && shift && continue ;;
      --make-tree) only_tree=1 && shift && continue ;;
      --help | -h) usage && exit 0 ;;
      --data | --tree | --tenant | --only | --*-port) [ $# -gt 1 ] || fail "$1: a value is missing" ;;
      *) fail "$1: there is no such option; --help names them" ;;
    esac
    case $1 in
      --data) data=$2 ;;
      --tree) tree=$2 ;;
      --tenant)
        if ! [[ $2 =~ ^[a-z0-9_-]{1,23}$ ]] || [ "$2" = ingest ]; then
          fail "--tenant: expected 1 to 23 of a-z, 0-9, _ and -, and not ingest, found \"$2\""
        fi
        tenant=$2
        ;;
      --only)
        [[ $2 =~ ^(broker|database)$ ]] || fail "--only: expected broker or database, found \"$2\""
        parts=("$2")
        ;;
      --amqp-port) port "$1" "$2" amqp_port ;;
      --mqtt-port) port "$1" "$2" mqtt_port ;;
      --database-port) port "$1" "$2" database_port ;;
      --metrics-port) port "$1" "$2" metrics_port ;;
      *) fail "$1: there is no such option; --help names them" ;;
    esac
    shift 2
  done
}

environment() {
  cat <<END
VIGIL_CLOUD_AMQP=amqp://ingest:${ingest_secret:?}@127.0.0.1:$amqp_port
VIGIL_CLOUD_MQTT=mqtt://ingest:$ingest_secret@127.0.0.1:$mqtt_port
VIGIL_CLOUD_DATABASE=postgres://vigil:${database_secret:?}@127.0.0.1:$database_port/vigil
VIGIL_CLOUD_METRICS=127.0.0.1:$metrics_port
# What a gateway of the tenant logs in with. Its client id has to be $tenant.DEVICE.
# mqtt://$tenant:${car_secret:?}@127.0.0.1:$mqtt_port/$tenant
END
}

# Of each part that runs, the process that we wait for and the one that gets its signals.
declare -A waited=() pids=()

# The signal with which a part ends in good order: PostgreSQL's fast shutdown, and what the others know.
# shellcheck disable=SC2317 # For stop.
ending() { if [ "$1" = database ]; then echo INT; else echo TERM; fi; }

# What is not at its end by then is killed.
STOP_SECONDS_MAX=30
# shellcheck disable=SC2317 # For the trap.
stop() {
  trap '' INT TERM
  local part deadline=$((SECONDS + STOP_SECONDS_MAX))
  # The ingest lets go of the others first, which then have nothing left to wait for.
  for part in ingest broker database; do
    [ -n "${waited[$part]:-}" ] || continue
    kill -s "$(ending "$part")" "${pids[$part]}" 2>/dev/null || true
    while kill -0 "${waited[$part]}" 2>/dev/null; do
      if [ "$SECONDS" -ge "$deadline" ]; then
        say "the $part has not stopped in $STOP_SECONDS_MAX s, and is killed" >&2
        kill -KILL "${pids[$part]}" 2>/dev/null || true
        break
      fi
      sleep 0.05
    done
    rm -f "$data/run/$part.pid"
  done
}

# Whether anybody listens at a port.
is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Whether a part says that it takes what is sent to it.
is_ready() {
  case $1 in
    database) chroot "$tree" /usr/lib/postgresql/17/bin/pg_isready -q -h 127.0.0.1 -p "$database_port" ;;
    broker) grep -q 'Server startup complete' "$data/log/broker.log" ;;
    ingest) is_taken "$metrics_port" ;;
  esac
}

died() {
  say "the $1 has ended; the end of $data/log/$1.log:" >&2
  tail -n 15 "$data/log/$1.log" >&2
  exit 1
}

# Two ports that nobody listens at, for Erlang's own use, below those that the kernel gives to clients.
free_port() {
  local candidate
  while :; do
    candidate=$((20000 + RANDOM % 10000))
    is_taken "$candidate" || break
  done
  echo "$candidate"
}

start_ingest() {
  local as=()
  # Its files are the caller's, and it needs nothing that only root may do.
  [ -z "${SUDO_UID:-}" ] || as=(--reuid "$SUDO_UID" --regid "${SUDO_GID:-0}" --clear-groups)
  (
    set -a
    # shellcheck source=/dev/null
    . "$data/cloud.env"
    exec setpriv "${as[@]}" --pdeathsig KILL "$root/node_modules/.bin/node" "$root/src/cloud/main.ts"
  ) >"$data/log/ingest.log" 2>&1 </dev/null &
}

# The first process of a namespace is the part itself: it ends with everything that it has started.
start_in_tree() {
  local epmd_port dist_port
  epmd_port=$(free_port) dist_port=$(free_port)
  # bash reads the values, none of which is in an argument, where everybody could see it.
  tree=$tree data=$data tenant=$tenant epmd_port=$epmd_port dist_port=$dist_port \
    amqp_port=$amqp_port mqtt_port=$mqtt_port database_port=$database_port \
    ingest_secret=$ingest_secret car_secret=$car_secret database_secret=$database_secret \
    cookie_secret=${cookie_secret:?} scripts=$root/scripts/cloud \
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL \
    "$root/scripts/cloud/enter.sh" "$1" >"$data/log/$1.log" 2>&1 </dev/null &
}

start() {
  local part=$1 log=$data/log/$1.log
  [ ! -e "$log" ] || mv "$log" "$log.1"
  # A process group of its own, which Ctrl-C on the terminal does not reach.
  set -m
  if [ "$part" = ingest ]; then start_ingest; else start_in_tree "$part"; fi
  set +m
  waited[$part]=$!
  pids[$part]=$!
  if [ "$part" != ingest ]; then
    # The first process of the namespace is the child of who made it.
    until pids[$part]=$(cat "/proc/${waited[$part]}/task/${waited[$part]}/children" 2>/dev/null) &&
      pids[$part]=${pids[$part]% } && [ -n "${pids[$part]}" ]; do
      kill -0 "${waited[$part]}" 2>/dev/null || died "$part"
      sleep 0.02
    done
  fi
  echo "${pids[$part]}" >"$data/run/$part.pid"
}

await_ready() {
  until is_ready "$1"; do
    kill -0 "${waited[$1]}" 2>/dev/null || died "$1"
    sleep 0.1
  done
}

check() {
  [ "$(id -u)" = 0 ] || fail "only root may make and enter the Debian tree: run it with sudo, or use scripts/cloud/compose.yaml"
  "$root/scripts/cloud/tree.sh" "$tree" || exit 1
  [ -z "$only_tree" ] || exit 0
  unshare --mount --pid --fork true 2>/dev/null ||
    fail "this container may not make mount and process namespaces: start it privileged, or use scripts/cloud/compose.yaml"
}

make_directories() {
  # For the caller alone: broker and database run as users of the tree, whose numbers are others' here, and
  # get their directories from us.
  mkdir -p "$data"
  data=$(cd "$data" && pwd)
  chmod 700 "$data"
  [ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID:${SUDO_GID:-0}" "$data"
  mkdir -p "$data/run" "$data/log"
}

# Made at the first start, of which two may run at once.
read_secrets() {
  local name secrets=$data/secrets
  (
    umask 077
    flock 8
    if [ ! -s "$secrets" ]; then
      [ ! -e "$data/database/17" ] || fail "$secrets is gone, and with it the password of the database"
      for name in ingest car database cookie; do
        printf '%s_secret=%s\n' "$name" "$(head -c 16 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
      done >"$secrets.new"
      mv "$secrets.new" "$secrets"
    fi
  ) 8>"$data/secrets.lock"
  # shellcheck source=/dev/null
  . "$secrets"
}

write_environment() (
  umask 077
  environment >"$data/cloud.env.$$"
  [ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID:${SUDO_GID:-0}" "$data/cloud.env.$$"
  mv "$data/cloud.env.$$" "$data/cloud.env"
)

LOCK_SECONDS_MAX=3
lock_parts() {
  local part lock
  if [[ " ${parts[*]} " == *' ingest '* ]]; then
    # It is no matter for root, whose files the packages would be.
    [ -x "$root/node_modules/.bin/node" ] || fail "the ingest has no packages yet: run scripts/setup.sh first"
  fi
  # One of each on one data directory. What was killed holds its lock until the last of it has ended.
  for part in "${parts[@]}"; do
    exec {lock}>"$data/run/$part.lock"
    flock -w "$LOCK_SECONDS_MAX" "$lock" || fail "the $part runs already on $data"
  done
}

main() {
  local part
  parse "$@"
  check
  make_directories
  read_secrets
  write_environment
  lock_parts
  trap 'exit 0' INT TERM
  trap stop EXIT
  for part in "${parts[@]}"; do
    # The ingest begins when there is something to take from and somewhere to put it.
    if [ "$part" = ingest ]; then await_ready database && await_ready broker; fi
    start "$part"
  done
  for part in "${parts[@]}"; do await_ready "$part"; done
  say "ready; addresses and passwords are in $data/cloud.env, logs in $data/log"

  while :; do
    wait -n "${waited[@]}" || true
    for part in "${parts[@]}"; do kill -0 "${waited[$part]}" 2>/dev/null || died "$part"; done
  done
}
main "$@"
