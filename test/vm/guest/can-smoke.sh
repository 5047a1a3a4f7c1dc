# The tools that the other programs here rely on, without any code of ours.
source test/vm/guest/support/check.sh

# Whether somebody listens to all frames of an interface, or with a filter for a short identifier.
hears() { grep -q "^ *$1 " "/proc/net/can/rcvlist_$2"; }

candump_and_cansend() {
  candump -n 1 -L vcan0 >/tmp/dump &
  wait_for 10 hears vcan0 all
  cansend vcan0 123#DEADBEEF
  wait
  grep -F ' vcan0 123#DEADBEEF' /tmp/dump
}

python_can() {
  /usr/bin/python3 - <<'PY' &
import can
with can.Bus(interface='socketcan', channel='vcan1') as bus:
    message = bus.recv(60)
    assert message is not None, 'no frame came'
    assert message.is_extended_id and message.arbitration_id == 0x18DAF110, message
    assert bytes(message.data) == b'\x02\x10\x03', message
PY
  wait_for 60 hears vcan1 all
  cansend vcan1 18DAF110#021003
  wait $!
}

isotp() {
  # More than one frame holds, so that flow control goes back.
  local message='62 F1 90 57 56 57 5A 5A 5A 31 4A 5A 33 57 33 38 36 37 35 32'
  isotprecv -s 7E0 -d 7E8 vcan0 >/tmp/message &
  wait_for 10 hears vcan0 sff
  echo "$message" | isotpsend -s 7E8 -d 7E0 vcan0
  wait
  [ "$(xargs </tmp/message)" = "$message" ]
}

receive_buffers() {
  [ "$(</proc/sys/net/core/rmem_default)" = 8388608 ]
  [ "$(</proc/sys/net/core/rmem_max)" = 8388608 ]
}

slcan() {
  modprobe slcan
  socat -d -d pty,raw,echo=0,link=/tmp/adapter pty,raw,echo=0,link=/tmp/line 2>/tmp/socat.log &
  wait_for 10 test -e /tmp/line -a -e /tmp/adapter
  slcand -o -s6 "$(readlink /tmp/line)" slcan0
  wait_for 10 ip link set slcan0 up
  cansend slcan0 123#1122
  timeout 10 head -c 16 /tmp/adapter | tr '\r' '\n' | tee /tmp/said
  grep -Fx t12321122 /tmp/said
}

bluetooth() {
  bash test/vm/guest/support/bluetooth.sh 2
  ls /sys/class/bluetooth
  [ -e /sys/class/bluetooth/hci0 ]
  [ -e /sys/class/bluetooth/hci1 ]
  bluetoothctl list
  [ "$(bluetoothctl list | grep -c '^Controller ')" = 2 ]
  grep -q ^RFCOMM /proc/net/protocols
}

check 'candump sees what cansend sends' candump_and_cansend
check 'python3-can sees what cansend sends' python_can
check 'ISO-TP of the kernel goes both ways' isotp
check 'a burst of frames fits in what a socket may hold' receive_buffers
check 'a serial line becomes a CAN interface' slcan
check 'two Bluetooth controllers, which bluetoothd lists' bluetooth
