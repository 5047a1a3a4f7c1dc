# For guest programs in bash: `source test/vm/guest/support/check.sh`. Needs fd 3 of session.sh.

# check NAME FUNCTION: runs the function in a shell of its own, which ends at the first command that
# fails, and tells the host how it went. `detail KEY JSON` in it adds to what is told. What the function
# prints is on the console, and where it fails also in the error.
check() {
  local name=$1 code=0 began=${EPOCHREALTIME/./} told=
  local log=/tmp/check.log details=/tmp/check.details
  : >"$log"
  : >"$details"
  echo "== $name"
  # Not behind || or in a condition, where a shell goes on after what fails.
  (set -euo pipefail; "$2") >"$log" 2>&1 3>&-
  code=$?
  cat "$log"
  if [ "$code" = 0 ]; then
    told='"ok":true'
  else
    told="\"ok\":false,\"error\":$(quoted "ended with $code and said:"$'\n'"$(tail -c 2000 "$log")")"
  fi
  told+=",\"ms\":$(((${EPOCHREALTIME/./} - began) / 1000))$(<"$details")"
  echo "RESULT $name {$told}" >&3
}

detail() { printf ',"%s":%s' "$1" "$2" >>/tmp/check.details; }

# A text as JSON.
quoted() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  printf '"%s"' "${text//[[:cntrl:]]/?}"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || { echo "never came true: $*"; return 1; }
    sleep 0.1
  done
}
