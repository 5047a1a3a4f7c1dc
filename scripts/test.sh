#!/usr/bin/env bash
# Sets up and runs everything: format, lint and types, then unit, integration, machine and browser tests.
# Installs what the tests need from Debian: Chromium without windows to look at the dashboard, socat for ptys,
# systemd-notify, openssl; curl and nginx, which talk to the API as others do; a compiler for a library
# that makes a disk fail, and a storage daemon, file systems and namespaces for power cuts; QEMU and a
# busybox for virtual machines, whose kernel the tests get themselves, and the tools of CAN, Bluetooth and
# GPIO in them; an MQTT broker and clients of others; what makes a Debian tree, in which the cloud's broker
# and database run; and what builds the package that opens CAN sockets. Cutting the power, filling disks and
# the cloud need root; without, those tests are left out, and say so. Takes some 20 minutes on 2 cores.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'test: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }

# Whether systemd runs this machine; in a container it does not, and nothing starts services.
is_booted() {
  command -v systemctl >/dev/null && [ "$(systemctl is-system-running 2>/dev/null)" != offline ]
}
services() { "${root[@]}" systemctl --quiet "$@" "${masked[@]}"; }

# What is passed chooses tests, which take as long as they take.
[ $# -gt 0 ] || say 'everything takes some 20 minutes on 2 cores'

# Debian has programs there that are not in everybody's path, nginx among them.
PATH=$PATH:/usr/sbin
missing=()
command -v chromium-headless-shell >/dev/null || missing+=(chromium-headless-shell)
command -v socat >/dev/null || missing+=(socat)
command -v openssl >/dev/null || missing+=(openssl)
command -v curl >/dev/null || missing+=(curl)
command -v nginx >/dev/null || missing+=(nginx)
# The service manager itself is not needed, only its notification tool.
command -v systemd-notify >/dev/null || missing+=(systemd)
command -v qemu-storage-daemon >/dev/null || missing+=(qemu-system-common)
command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
command -v mount >/dev/null || missing+=(mount)
if ! command -v gcc >/dev/null || [ ! -e /usr/include/stdio.h ]; then missing+=(gcc libc6-dev); fi
command -v g++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
command -v python3 >/dev/null || missing+=(python3)
command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
command -v busybox >/dev/null || missing+=(busybox-static)
command -v xz >/dev/null || missing+=(xz-utils)
command -v modprobe >/dev/null || missing+=(kmod)
command -v candump >/dev/null || missing+=(can-utils)
command -v can_logger >/dev/null || missing+=(python3-can)
[ -e /usr/lib/python3/dist-packages/serial ] || missing+=(python3-serial)
[ -e /usr/lib/python3/dist-packages/canmatrix ] || missing+=(python3-canmatrix)
command -v bluetoothctl >/dev/null || missing+=(bluez)
command -v btvirt >/dev/null || missing+=(bluez-test-tools)
command -v dbus-daemon >/dev/null || missing+=(dbus)
command -v gpioset >/dev/null || missing+=(gpiod)
command -v mosquitto >/dev/null || missing+=(mosquitto)
command -v mosquitto_sub >/dev/null || missing+=(mosquitto-clients)
command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "apt-get is missing: install ${missing[*]} by hand"
  root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "sudo is missing: install ${missing[*]} as root"
    root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  # Debian starts the services that it installs, nginx on port 80, now and at every start. The tests
  # need the programs only: services are masked meanwhile, and then switched off, to be had when wanted.
  masked=()
  if is_booted; then
    [[ " ${missing[*]} " != *' nginx '* ]] || masked+=(nginx.service)
    [[ " ${missing[*]} " != *' bluez '* ]] || masked+=(bluetooth.service)
    [[ " ${missing[*]} " != *' mosquitto '* ]] || masked+=(mosquitto.service)
  fi
  if [ ${#masked[@]} -gt 0 ]; then
    trap 'services --runtime unmask' EXIT
    services --runtime mask
  fi
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  if [ ${#masked[@]} -gt 0 ]; then
    trap - EXIT
    services --runtime unmask
    services disable
  fi
fi

scripts/setup.sh
# Half a minute, once; a test that makes it itself would be out of time behind a slow network.
[ "$(id -u)" != 0 ] || scripts/cloud.sh --make-tree
PATH=$PWD/node_modules/.bin:$PATH
say 'types'
tsc --noEmit
say 'format and lint'
biome check --error-on-warnings .
say 'tests'
vitest run "$@"
