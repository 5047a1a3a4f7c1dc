# Checks that fail, for the test of how that is told; failing.ts has those in TypeScript.
source test/vm/guest/support/check.sh

passes() { detail frames 3; }
fails() {
  printf 'a "quoted" back\\slash,\ta tab\n'
  false
  echo 'not reached'
}

check 'passes in bash' passes
check 'fails in bash' fails
node test/vm/guest/failing.ts
echo 'the program goes on'
exit 3
