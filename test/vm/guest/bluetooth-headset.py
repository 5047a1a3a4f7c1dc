"""A headset: sends a file over RFCOMM to whoever connects, in time, again and again.

    bluetooth-headset.py ADDRESS CHANNEL FILE BYTES_PER_SECOND

It says `ready` when it can be connected to. Python, as Node has no Bluetooth sockets.
"""

import errno
import socket
import sys
import time

PAUSE_S = 0.02


def listen(address, channel):
    """What is left of the one before, which was killed, may take a moment to go."""
    while True:
        listener = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_STREAM, socket.BTPROTO_RFCOMM)
        try:
            listener.bind((address, channel))
            listener.listen(1)
            return listener
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            listener.close()
            time.sleep(0.1)


def send(link, content, rate):
    began = time.monotonic()
    sent = 0
    while True:
        due = int((time.monotonic() - began) * rate)
        while sent < due:
            at = sent % len(content)
            sent += link.send(content[at : at + due - sent])
        time.sleep(PAUSE_S)


def main(address, channel, file, rate):
    with open(file, "rb") as opened:
        content = opened.read()
    listener = listen(address, int(channel))
    print("ready", flush=True)
    while True:
        link, _ = listener.accept()
        print("connected", flush=True)
        try:
            send(link, content, int(rate))
        except OSError:
            print("disconnected", flush=True)
        link.close()


main(*sys.argv[1:])
