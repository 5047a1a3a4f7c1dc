"""The stack of the product that Vigil takes the place of: FastAPI, uvicorn and websockets of Debian.

Its WebSocket manager sends to one client after the other, as that one's does. Writes {"port"} to its
standard output; for each line {"messages", "hz", "seconds", "values"} it reads, sends for a while and
writes {"rounds", "cpuS"}.
"""
import asyncio
import json
import resource
import socket
import sys
import time

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
clients: set[WebSocket] = set()


@app.websocket("/ws/telemetry")
async def telemetry(websocket: WebSocket) -> None:
    await websocket.accept()
    clients.add(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        clients.discard(websocket)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def broadcast(count: int, values: list[str], n: int) -> None:
    for _ in range(count):
        numbers = {name: ((n * 7919 + i * 104_729) % 100_000) / 10 for i, name in enumerate(values)}
        message = {"type": "samples", "t": time.monotonic_ns() // 1000, "values": numbers}
        for client in list(clients):
            await client.send_json(message)


async def run(messages: int, hz: float, seconds: float, values: list[str]) -> dict:
    before = cpu_s()
    start = time.monotonic()
    rounds = 0
    while rounds < hz * seconds:
        await asyncio.sleep(max(0.0, start + rounds / hz - time.monotonic()))
        await broadcast(messages, values, rounds)
        rounds += 1
    return {"rounds": rounds, "cpuS": cpu_s() - before}


async def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    # The crowd answers pings without their text, which this one would take for no answer.
    quiet = {"log_level": "critical", "lifespan": "off", "ws_ping_interval": None}
    server = uvicorn.Server(uvicorn.Config(app, **quiet))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    lines = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(lines)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    while line := await lines.readline():
        print(json.dumps(await run(**json.loads(line))), flush=True)
    server.should_exit = True
    await serving


asyncio.run(main())
