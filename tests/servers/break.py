"""Breaks real servers behind `load_balancer.py`, and shows what albscope says about them.

    python3 tests/servers/break.py target/release/albscope [SCENARIO…]

Needs apache2-bin, nginx, puma, uwsgi-core and uwsgi-plugin-python3. All scenarios run side by side and take some seven
minutes. It prints the findings of each scenario below what was done to its servers, and exits with 1 if the first
finding of one names none of the causes that were accepted beforehand.
"""

import asyncio
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile

from load_balancer import LoadBalancer

MINUTES = float(os.environ.get("MINUTES", 7))
APP = """
import time

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/slow"):
        time.sleep(8)
    elif path.startswith("/wait"):
        time.sleep(float(path.rsplit("/", 1)[1]) / 1000)
    body = b"x" * 400
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
RACK = """
run lambda { |env|
  path = env["PATH_INFO"]
  sleep(path.split("/").last.to_f / 1000) if path.start_with?("/wait")
  [200, {"Content-Type" => "text/plain", "Content-Length" => "400"}, ["x" * 400]]
}
"""


# All servers that were started, so that none outlives the program.
RUNNING = []


class Server:
    """A server of the system, at an address of its own."""

    def __init__(self, folder, address, port):
        self.folder = pathlib.Path(folder, f"{address}-{port}")
        self.folder.mkdir(parents=True)
        self.target = (address, port)
        self.process = None

    def command(self):
        raise NotImplementedError

    async def listens(self):
        try:
            _, writer = await asyncio.open_connection(*self.target)
            writer.close()
            return True
        except OSError:
            return False

    async def start(self):
        if await self.listens():
            raise RuntimeError(f"something else listens at {self.target}; is it a server of another run?")
        log = open(self.folder / "output", "ab")
        self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        RUNNING.append(self)
        for _ in range(100):
            if await self.listens():
                return
            await asyncio.sleep(0.1)
        raise RuntimeError(f"{self.target} does not listen: {(self.folder / 'output').read_text()}")

    def send(self, number, to_all=True):
        if to_all:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def stop(self, number=signal.SIGKILL):
        if self.process is not None and self.process.poll() is None:
            self.send(number)

    async def stopped(self):
        """Waits for its end without holding up the other scenarios."""
        await asyncio.to_thread(self.process.wait)


class Httpd(Server):
    keep_alive = 5

    def command(self):
        modules = "/usr/lib/apache2/modules"
        (self.folder / "index.html").write_text("x" * 400)
        (self.folder / "httpd.conf").write_text(
            f"ServerRoot {self.folder}\nLoadModule mpm_event_module {modules}/mod_mpm_event.so\n"
            f"LoadModule authz_core_module {modules}/mod_authz_core.so\nLoadModule rewrite_module {modules}/mod_rewrite.so\n"
            f"ServerName api\nListen {self.target[0]}:{self.target[1]}\nPidFile httpd.pid\nErrorLog error.log\n"
            f"DocumentRoot {self.folder}\nKeepAlive On\nMaxKeepAliveRequests 0\nKeepAliveTimeout {self.keep_alive}\n"
            f"User www-data\nGroup www-data\nRewriteEngine On\nRewriteRule ^/wait /index.html\n"
        )
        self.folder.chmod(0o755)
        return ["/usr/sbin/apache2", "-f", str(self.folder / "httpd.conf"), "-DFOREGROUND"]


class Uwsgi(Server):
    def command(self):
        (self.folder / "app.py").write_text(APP)
        return ["uwsgi", "--plugin", "python3", "--http-socket", f"{self.target[0]}:{self.target[1]}", "--wsgi-file", "app.py"] + [
            "--master", "--processes", "6", "--harakiri", "5", "--need-app", "--disable-logging"
        ]


class Puma(Server):
    def command(self):
        (self.folder / "config.ru").write_text(RACK)
        (self.folder / "puma.rb").write_text(
            f"bind 'tcp://{self.target[0]}:{self.target[1]}'\nthreads 8, 8\npersistent_timeout 20\nmax_fast_inline 1000000\n"
        )
        return ["puma", "-C", "puma.rb", "config.ru"]


class Nginx(Server):
    """An nginx in front of a uWSGI without a time limit, which it gives three seconds to answer."""

    def command(self):
        (self.folder / "nginx.conf").write_text(
            f"daemon off; pid nginx.pid; error_log error.log; worker_processes 2; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; "
            f"scgi_temp_path s;\nupstream app {{ server 127.0.8.1:{self.target[1] + 1}; }}\n"
            f"server {{ listen {self.target[0]}:{self.target[1]}; keepalive_timeout 75; keepalive_requests 100000;\n"
            f"location / {{ proxy_pass http://app; proxy_read_timeout 3s; }} }} }}\n"
        )
        return ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]


class Upstream(Uwsgi):
    def command(self):
        return [part for part in super().command() if part not in ("--harakiri", "5")]


async def traffic(load_balancer, rate, until, path=None):
    """Requests at random times, so many a second."""
    generator, tasks = random.Random(7), set()
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(generator.expovariate(rate))
        name = path(generator) if path else f"/wait/{generator.choice([0, 5, 20, 60])}"
        task = asyncio.create_task(load_balancer.request(name))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def pollers(load_balancer, count, seconds, until):
    """Clients that ask about each so many seconds. Each has a node and a target, and so a connection, nearly to itself."""

    async def poll(number):
        generator = random.Random(number)
        node = load_balancer.nodes[number % len(load_balancer.nodes)]
        target = load_balancer.targets[number // len(load_balancer.nodes) % len(load_balancer.targets)]
        await asyncio.sleep(generator.uniform(0, seconds))
        while asyncio.get_running_loop().time() < until:
            await load_balancer.request("/wait/0", target, node)
            await asyncio.sleep(seconds * generator.uniform(0.9, 1.1))

    await asyncio.gather(*(poll(number) for number in range(count)))


async def behind(name, servers, shown=None, **options):
    """A load balancer with a target group of these servers, all started; or of those that are `shown` to it."""
    for server in servers:
        await server.start()
    return LoadBalancer(name, [server.target for server in shown or servers], **options)


SCENARIOS = {}


def scenario(*accepted):
    def add(function):
        SCENARIOS[function.__name__] = (function, accepted)
        return function

    return add


@scenario("keep-alive-race")
async def httpd_closes_idle_connections(folder, until):
    """Apache httpd closes connections that were idle for 5 s (its default); clients ask each 5 s."""
    servers = [Httpd(folder, "127.0.1.1", 9001), Httpd(folder, "127.0.1.2", 9001)]
    nodes = [f"10.0.{number}.17" for number in range(12)]
    load_balancer = await behind("httpd", servers, latency=0.03, nodes=nodes)
    await asyncio.gather(pollers(load_balancer, 24, 5, until), traffic(load_balancer, 0.2, until))
    return load_balancer, servers


@scenario("keep-alive-race")
async def puma_closes_idle_connections(folder, until):
    """Puma closes connections that were idle for 20 s (its default); clients ask each 20 s."""
    servers = [Puma(folder, "127.0.2.1", 9002)]
    nodes = [f"10.0.{number}.17" for number in range(40)]
    load_balancer = await behind("puma", servers, latency=0.06, nodes=nodes)
    await asyncio.gather(pollers(load_balancer, 40, 20, until), traffic(load_balancer, 0.1, until))
    return load_balancer, servers


@scenario("target-request-timeout")
async def uwsgi_kills_slow_workers(folder, until):
    """uWSGI kills workers after 5 s (harakiri); one request in twenty needs 8 s."""
    servers = [Uwsgi(folder, "127.0.3.1", 9003), Uwsgi(folder, "127.0.3.2", 9003)]
    load_balancer = await behind("uwsgi", servers)
    await traffic(load_balancer, 6, until, lambda it: "/slow/report" if it.random() < 0.05 else "/wait/20")
    return load_balancer, servers


@scenario("target-crash")
async def puma_is_killed(folder, until):
    """One of three Puma is killed (SIGKILL) with requests in flight, twice, and is back 15 s later."""
    servers = [Puma(folder, f"127.0.4.{number}", 9004) for number in (1, 2, 3)]
    load_balancer = await behind("killed", servers)

    async def kill():
        for _ in range(2):
            await asyncio.sleep(120)
            servers[1].stop()
            await servers[1].stopped()
            await asyncio.sleep(15)
            await servers[1].start()

    await asyncio.gather(traffic(load_balancer, 12, until, lambda it: f"/wait/{it.choice([50, 400, 1500])}"), kill())
    return load_balancer, servers


@scenario("keep-alive-race", "unexplained")
async def uwsgi_closes_each_connection(folder, until):
    """uWSGI closes each connection after its answer, without a word of it in the answer."""
    servers = [Uwsgi(folder, "127.0.10.1", 9011), Uwsgi(folder, "127.0.10.2", 9011)]
    load_balancer = await behind("closes", servers, latency=0.02)
    await traffic(load_balancer, 30, until)
    return load_balancer, servers


@scenario("inner-proxy-error", "idle-timeout-exceeded")
async def nginx_gives_up_on_its_upstream(folder, until):
    """nginx gives its upstream 3 s; one request in twenty needs 8 s."""
    servers = [Upstream(folder, "127.0.8.1", 9006), Nginx(folder, "127.0.5.1", 9005)]
    load_balancer = await behind("inner", servers, servers[1:])
    await traffic(load_balancer, 6, until, lambda it: "/slow/report" if it.random() < 0.05 else "/wait/20")
    return load_balancer, servers


@scenario("server-recycling")
async def nginx_reloads(folder, until):
    """nginx is reloaded each 30 s under load, and closes its idle connections each time."""
    servers = [Upstream(folder, "127.0.8.1", 9008), Nginx(folder, "127.0.6.1", 9007)]
    load_balancer = await behind("reloads", servers, servers[1:], latency=0.06)

    async def reload():
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(30)
            servers[1].send(signal.SIGHUP, to_all=False)

    await asyncio.gather(traffic(load_balancer, 50, until, lambda _: "/wait/0"), reload())
    return load_balancer, servers


@scenario("idle-timeout-exceeded", "never-answered")
async def puma_hangs(folder, until):
    """One of two Puma is stopped (SIGSTOP) for 50 s; the idle timeout is 15 s."""
    servers = [Puma(folder, "127.0.7.1", 9009), Puma(folder, "127.0.7.2", 9009)]
    load_balancer = await behind("hangs", servers, idle_timeout=15)

    async def hang():
        await asyncio.sleep(150)
        servers[0].send(signal.SIGSTOP)
        await asyncio.sleep(50)
        servers[0].send(signal.SIGCONT)

    await asyncio.gather(traffic(load_balancer, 6, until), hang())
    return load_balancer, servers


@scenario("restart-in-place")
async def httpd_is_restarted(folder, until):
    """Three Apache httpd are restarted one after the other: stopped, and started 4 s later."""
    servers = [Httpd(folder, f"127.0.9.{number}", 9010) for number in (1, 2, 3)]
    load_balancer = await behind("restarts", servers, latency=0.002)

    async def restart():
        await asyncio.sleep(120)
        for server in servers:
            server.stop(signal.SIGTERM)
            await server.stopped()
            await asyncio.sleep(4)
            await server.start()
            await asyncio.sleep(20)

    await asyncio.gather(traffic(load_balancer, 20, until), restart())
    return load_balancer, servers


def verdict(program, logs):
    run = subprocess.run([program, "analyze", logs, "--format", "json"], capture_output=True, check=False)
    return json.loads(run.stdout)["findings"]


async def play(name, program, folder):
    function, accepted = SCENARIOS[name]
    until = asyncio.get_running_loop().time() + MINUTES * 60
    load_balancer, servers = await function(folder / "servers", until)
    for server in servers:
        server.stop()
    load_balancer.write(folder / name)
    findings = verdict(program, folder / name)
    is_right = bool(findings) and findings[0]["cause"] in accepted
    print(f"\n{name}: {function.__doc__}")
    print(f"  {len(load_balancer.lines)} requests; accepted: {', '.join(accepted)}; {'right' if is_right else 'WRONG'}")
    for finding in findings:
        target = finding["scope"]["target"] or "group"
        print(f"  {finding['cause']} {finding['confidence']} {finding['failures']} at {target} {finding['estimates']}")
        for evidence in finding["evidence"]:
            print(f"      {evidence['text']}")
    return is_right


async def main(program, names):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="albscope-servers-"))
    folder.chmod(0o755)
    names = names or list(SCENARIOS)
    results = await asyncio.gather(*(play(name, program, folder) for name in names), return_exceptions=True)
    for name, result in zip(names, results):
        if isinstance(result, BaseException):
            print(f"\n{name}: {result!r}")
    if os.environ.get("KEEP"):
        print(f"\nthe logs are in {folder}")
    else:
        shutil.rmtree(folder)
    return 0 if all(result is True for result in results) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2:])))
    finally:
        for server in RUNNING:
            server.stop()
