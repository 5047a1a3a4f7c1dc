"""ISO-TP as the kernel does it: sends every message back that comes.

    isotp-peer.py INTERFACE TX RX [NAME=VALUE...]

TX and RX are identifiers, hexadecimal, with 29 bits where they have 8 digits. The names are those of
OPTIONS, their values hexadecimal. It says `ready` when it can be talked to. Python, as Node has no
sockets of CAN.
"""

import socket
import struct
import sys

# From linux/can/isotp.h.
SOL_CAN_ISOTP = 106
CAN_ISOTP_OPTS = 1
CAN_ISOTP_RECV_FC = 2
EXTEND_ADDR = 0x002
TX_PADDING = 0x004
RX_PADDING = 0x008
CHK_PAD_LEN = 0x010
CHK_PAD_DATA = 0x020
RX_EXT_ADDR = 0x200

# What each option is for: flags, and its place in struct can_isotp_options.
OPTIONS = {
    "tx-address": (EXTEND_ADDR, 0),
    "tx-padding": (TX_PADDING, 1),
    # Frames of ours that are filled with anything else are refused.
    "rx-padding": (RX_PADDING | CHK_PAD_LEN | CHK_PAD_DATA, 2),
    "rx-address": (RX_EXT_ADDR, 3),
}
MESSAGE_BYTES_MAX = 4095


def identifier(text):
    return int(text, 16) | (socket.CAN_EFF_FLAG if len(text) == 8 else 0)


def main(interface, tx, rx, *options):
    given = {name: int(value, 16) for name, value in (option.split("=") for option in options)}
    flags = 0
    content = [0, 0, 0, 0]
    for name, (flag, place) in OPTIONS.items():
        if name in given:
            flags |= flag
            content[place] = given[name]
    peer = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_ISOTP)
    peer.setsockopt(SOL_CAN_ISOTP, CAN_ISOTP_OPTS, struct.pack("=IIBBBB", flags, 0, *content))
    flow = struct.pack("BBB", given.get("block-size", 0), given.get("st-min", 0), 0)
    peer.setsockopt(SOL_CAN_ISOTP, CAN_ISOTP_RECV_FC, flow)
    # Python takes the identifier for what is received first.
    peer.bind((interface, identifier(rx), identifier(tx)))
    print("ready", flush=True)
    while True:
        peer.send(peer.recv(MESSAGE_BYTES_MAX))


main(*sys.argv[1:])
