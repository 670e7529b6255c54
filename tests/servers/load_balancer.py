"""A load balancer for tests: it sends requests to real servers, and writes what it sees as access log lines.

It keeps connections to targets open and reuses them, as an Application Load Balancer does. It hears that a connection was
closed only after the time that the news takes on a network, so a request may meet a connection that is being closed.
Requests are made by the caller of `request`; there is no listener.
"""

import asyncio
import datetime
import gzip
import pathlib
import random
import time

ACCOUNT, REGION, GROUP_ID = "123456789012", "eu-west-1", "73e2d6bc24d8a067"
CONNECT_TIMEOUT = 10.0


class Closed(Exception):
    """The target closed the connection before it had answered."""


class Connection(asyncio.StreamReaderProtocol):
    """A connection to a target that knows when the target has closed it."""

    def __init__(self):
        self.reader = asyncio.StreamReader()
        self.closed = asyncio.Event()
        super().__init__(self.reader)

    @classmethod
    async def open(cls, target):
        loop = asyncio.get_running_loop()
        transport, connection = await asyncio.wait_for(loop.create_connection(cls, *target), CONNECT_TIMEOUT)
        connection.transport = transport
        return connection

    def eof_received(self):
        self.closed.set()
        return super().eof_received()

    def connection_lost(self, exc):
        self.closed.set()
        super().connection_lost(exc)


class LoadBalancer:
    def __init__(self, name, targets, idle_timeout=60.0, latency=0.02, nodes=("10.0.1.17", "10.0.2.58"), seed=1):
        self.id = f"app/{name}/50dc6c495c0c9188"
        self.name, self.targets, self.nodes = name, list(targets), nodes
        self.idle_timeout, self.latency = idle_timeout, latency
        self.random = random.Random(seed)
        self.pools = {}
        self.lines = []

    async def request(self, path, target=None, node=None, method="GET", body=b""):
        """Sends one request, and logs it. Without a target, (address, port), or a node, one is chosen."""
        node = node or self.random.choice(self.nodes)
        target = target or self.random.choice(self.targets)
        created = time.time()
        times, statuses, size = await self._forward(node, target, method, path, body)
        self._log(node, target, method, path, len(body), created, times, statuses, size)

    async def _forward(self, node, target, method, path, body):
        pool = self.pools.setdefault((node, target), [])
        begun = time.monotonic()
        connection = pool.pop(self.random.randrange(len(pool))) if pool else None
        try:
            if connection is None:
                connection = await Connection.open(target)
                asyncio.create_task(self._forget_closed(pool, connection))
        except asyncio.TimeoutError:
            return (-1, -1, -1), ("504", "-"), 0
        except OSError:
            return (-1, -1, -1), ("502", "-"), 0
        sent = time.monotonic()
        try:
            await asyncio.sleep(self.latency)
            head = f"{method} {path} HTTP/1.1\r\nHost: api.example\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.transport.write(head.encode() + body)
            status, keeps_open, size, first_byte = await self._answer(connection.reader)
        except asyncio.TimeoutError:
            connection.transport.close()
            return (sent - begun, -1, -1), ("504", "-"), 0
        except (Closed, OSError):
            connection.transport.close()
            return (sent - begun, time.monotonic() - sent, -1), ("502", "-"), 0
        done = time.monotonic()
        if keeps_open and not connection.closed.is_set():
            pool.append(connection)
        else:
            connection.transport.close()
        return (sent - begun, first_byte - sent, done - first_byte), (status, status), size

    async def _forget_closed(self, pool, connection):
        """Takes a connection out of the pool once the news of its end has arrived."""
        await connection.closed.wait()
        await asyncio.sleep(self.latency)
        if connection in pool:
            pool.remove(connection)
            connection.transport.close()

    async def _answer(self, reader):
        async def read(part):
            try:
                return await asyncio.wait_for(part, self.idle_timeout)
            except asyncio.IncompleteReadError as error:
                raise Closed from error

        head = (await read(reader.readuntil(b"\r\n\r\n"))).decode("latin-1")
        first_byte = time.monotonic()
        status, *lines = head.split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        size = len(head)
        if fields.get("transfer-encoding") == "chunked":
            while True:
                length = int(await read(reader.readuntil(b"\r\n")), 16)
                size += len(await read(reader.readexactly(length + 2)))
                if length == 0:
                    break
        elif "content-length" in fields:
            size += len(await read(reader.readexactly(int(fields["content-length"]))))
        else:
            size += len(await read(reader.read()))
        keeps_open = fields.get("connection") != "close" and len(fields) > 0 and status.startswith("HTTP/1.1")
        return status.split(" ")[1], keeps_open, size, first_byte

    def _log(self, node, target, method, path, received, created, times, statuses, size):
        def moment(seconds):
            return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

        address = f"{target[0]}:{target[1]}"
        times = " ".join("-1" if it == -1 else f"{it:.3f}" for it in times)
        group = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{self.name}/{GROUP_ID}"
        trace = f"Root=1-{int(created):08x}-{self.random.getrandbits(96):024x}"
        created_at = datetime.datetime.fromtimestamp(created, datetime.timezone.utc)
        created_at = created_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{created_at.microsecond // 1000:03d}000Z"
        self.lines.append(
            f'http {moment(time.time())} {self.id} 203.0.113.{self.random.randrange(1, 250)}:{self.random.randrange(1024, 65535)} '
            f'{address} {times} {statuses[0]} {statuses[1]} {200 + received} {size} "{method} http://api.example:80{path} '
            f'HTTP/1.1" "test/1.0" - - {group} "{trace}" "-" "-" 100 {created_at} "forward" "-" "-" "{address}" '
            f'"{statuses[1]}" "-" "-" TID_{self.random.getrandbits(128):032x} "-" "-" "-" {node} "-" "-"'
        )

    def write(self, folder):
        """Writes one object with all lines, under the name that AWS would give it."""
        now = datetime.datetime.now(datetime.timezone.utc)
        key = pathlib.Path(folder, "AWSLogs", ACCOUNT, "elasticloadbalancing", REGION, now.strftime("%Y/%m/%d"))
        key.mkdir(parents=True, exist_ok=True)
        stamp = now.strftime("%Y%m%dT%H%MZ")
        name = f"{ACCOUNT}_elasticloadbalancing_{REGION}_app.{self.name}.50dc6c495c0c9188_{stamp}_198.51.100.7_1a2b3c4d.log.gz"
        with gzip.open(key / name, "wt") as file:
            file.writelines(line + "\n" for line in self.lines)
