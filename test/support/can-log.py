"""Logs of a CAN bus by python-can.

can-log.py read FILE                 a JSON array a frame of FILE: [us, channel, id, extended, data]
can-log.py write FILE                writes what comes so from the standard input
can-log.py count FILE                seconds that its reader takes for FILE, and how many frames it found
"""
import json
import sys
import time

import can


def reader(name):
    if name.endswith('.asc'):
        return can.ASCReader(name, relative_timestamp=False)
    return can.LogReader(name)


def read(name):
    for m in reader(name):
        row = [round(m.timestamp * 1e6), m.channel, m.arbitration_id, m.is_extended_id, m.data.hex()]
        sys.stdout.write(json.dumps(row) + '\n')


def write(name):
    with can.Logger(name) as log:
        for line in sys.stdin:
            us, channel, number, extended, data = json.loads(line)
            log(can.Message(timestamp=us / 1e6, channel=channel, arbitration_id=number,
                            is_extended_id=extended, data=bytes.fromhex(data)))


def count(name):
    start = time.perf_counter()
    frames = sum(1 for _ in reader(name))
    print(json.dumps([time.perf_counter() - start, frames]))


{'read': read, 'write': write, 'count': count}[sys.argv[1]](sys.argv[2])
