"""Helpers of the benchmarks: the runtime API, a TLS proxy for the database, timing."""

import asyncio
import contextlib
import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "target" / "lambda"
FOLDER = ROOT / "target" / "benches"

sys.path.insert(0, str(ROOT / "tests" / "aws"))
from support import Person, clean_environment, fail, running, until  # noqa: E402, F401


def cpu_ms(pid):
    """Returns the processor time of a process in milliseconds, exact to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e6


class Lambda:
    """Lambda's runtime API for one function: passes events and waits for polls."""

    def __init__(self):
        self.events = []
        self.polled = threading.Semaphore(0)
        self.given = threading.Semaphore(0)
        self.answers = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.polled.release()
                outer.given.acquire()
                body = outer.events.pop(0)
                if body is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("lambda-runtime-aws-request-id", "bench")
                self.send_header("lambda-runtime-deadline-ms", str(2**42))
                self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:x:y:z")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                if "chunked" in self.headers.get("transfer-encoding", ""):
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.answers.append((self.path.rsplit("/", 1)[-1], body))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for_poll(self, process, seconds=60):
        """Waits until the function polls for an event: it has started or responded."""
        deadline = time.monotonic() + seconds
        while not self.polled.acquire(timeout=0.2):
            if process.poll() is not None:
                fail(f"the function exited with {process.returncode}")
            if time.monotonic() > deadline:
                fail("the function does not poll for an event")

    def check(self, operation):
        """Fails unless every event got a successful response."""
        for kind, body in self.answers:
            if kind != "response" or not re.search(rb'"statusCode": *20\d', body):
                fail(f"{operation} responded with {kind}: {body.decode()}")

    def give(self, event):
        self.events.append(json.dumps(event).encode())
        self.given.release()

    def close(self):
        self.events.append(None)
        self.given.release()
        self.server.shutdown()
        self.server.server_close()


class Front:
    """Forwards bytes to the database, with or without TLS, and reports the first
    connection before it carries any data."""

    def __init__(self, target, certificate=None):
        self.target = target
        self.on_connection = lambda: None
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://localhost:{self.listener.getsockname()[1]}"
        # One thread serves all connections: two threads must not read and write one
        # TLS connection at the same time.
        self.loop = asyncio.new_event_loop()
        self.served = []
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.on_connection()
            self.on_connection = lambda: None
            # Keeps a reference: an unreferenced task may be garbage collected.
            self.served.append(
                asyncio.run_coroutine_threadsafe(self.serve(connection), self.loop)
            )

    async def serve(self, connection):
        client = asyncio.StreamReader()
        transport, protocol = await self.loop.connect_accepted_socket(
            lambda: asyncio.StreamReaderProtocol(client), connection, ssl=self.context
        )
        to_client = asyncio.StreamWriter(transport, protocol, client, self.loop)
        server, to_server = await asyncio.open_connection(*self.target)
        await asyncio.gather(pump(server, to_client), pump(client, to_server))

    def close(self):
        for connection in self.served:
            connection.cancel()


async def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
    sink.close()


def certificate():
    """Creates a self-signed certificate for localhost and returns it with its key."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    key, chain = FOLDER / "key.pem", FOLDER / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    subprocess.run(
        [*command.split(), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        # Not an authority: rustls accepts none as a server's certificate.
        + ["-addext", "basicConstraints=critical,CA:FALSE"]
        + ["-keyout", str(key), "-out", str(chain)],
        check=True,
        capture_output=True,
    )
    return chain, key


@contextlib.contextmanager
def local_stack(binary):
    """Runs the local stack in memory. Yields the addresses of its parts."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = FOLDER / "stack.log"
    command = [binary, "--ephemeral", "--port", "0", "--template", ROOT / "template.yaml"]
    with running(command, log, cwd=ROOT, env=clean_environment()) as process:

        def addresses():
            found = dict(re.findall(r"^(API|DynamoDB|SES) +(http://[\d.:]+)", log.read_text(), re.M))
            return found if len(found) == 3 else None

        yield until(addresses, "the local stack", process)


# The benches do one thing many times, which the limits of a deployment do not allow.
# Each has a high value, so that it is counted as in a deployment.
LIMITS = [
    "ADDRESS_EMAILS",
    "ADDRESS_EMAIL_INTERVAL",
    "NEW_ORGANIZATION_EMAILS_PER_DAY",
    "ORGANIZATION_EMAILS_PER_DAY",
    "PERSON_ORGANIZATIONS",
    "PERSON_ORGANIZATIONS_PER_DAY",
    "RECIPIENT_EMAILS_PER_DAY",
    "RECIPIENT_EMAILS_PER_WEEK",
]


def environment(runtime, dynamodb, **more):
    """Returns the environment that Lambda and the template set."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": runtime.address,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "log",
        "AWS_LAMBDA_LOG_STREAM_NAME": "log",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
        "TABLE_NAME": "organizations",
        **{name: "1" if name.endswith("INTERVAL") else "1000" for name in LIMITS},
        **more,
    }


def bootstrap(name):
    path = BUILT / name / "bootstrap"
    if not path.exists():
        fail(f"{path.relative_to(ROOT)} is not built: run `.ci/sam-build` first")
    return path
