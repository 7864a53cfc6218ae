"""Helpers of both drivers: free ports, child processes, HTTP requests and emails."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".aws-sam" / "build"
TEMPLATE = BUILT / "template.yaml"


def fail(message):
    sys.exit(f"error: {message}")


def need_build():
    if not TEMPLATE.exists():
        fail("nothing is built: run `.ci/sam-build` first")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def running(command, log, **options):
    """Runs a process until the block ends, with its output in a file."""
    with open(log, "w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, **options
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(condition, what, process=None, seconds=60):
    """Waits until a condition holds and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if process is not None and process.poll() is not None:
            fail(f"{what}: the process has ended with {process.returncode}")
        if time.monotonic() > deadline:
            fail(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class Reply:
    def __init__(self, status, content, headers):
        self.status = status
        self.content = content
        self.headers = headers
        self.text = content.decode(errors="replace")
        try:
            self.body = json.loads(content) if content else None
        except ValueError:
            self.body = None

    def expect(self, outcome):
        """Checks status and code, such as `403 owner_required`, and returns the body."""
        code = self.body.get("code") if isinstance(self.body, dict) else None
        actual = f"{self.status} {code}" if self.status >= 400 and code else str(self.status)
        if actual != outcome:
            raise AssertionError(f"expected {outcome}, got {actual}: {self.text}")
        return self.body


def send(method, url, body=None, headers=None, timeout=90):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    if data is not None:
        request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return Reply(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        return Reply(error.code, error.read(), error.headers)


class Person:
    """A caller of the API: signed in, with an API key, or anonymous."""

    def __init__(self, api, token=None, headers=None):
        self.api = api
        self.headers = dict(headers or {})
        if token:
            self.headers["authorization"] = f"Bearer {token}"

    def call(self, method, path, body=None, headers=None):
        return send(method, self.api + path, body, {**self.headers, **(headers or {})})

    def get(self, path, headers=None):
        return self.call("GET", path, headers=headers)

    def post(self, path, body=None, headers=None):
        return self.call("POST", path, body, headers)

    def patch(self, path, body):
        return self.call("PATCH", path, body)

    def put(self, path, body):
        return self.call("PUT", path, body)

    def delete(self, path):
        return self.call("DELETE", path)

    def user_id(self):
        return self.get("/v1/account").expect("200")["user_id"]


def link_token(text):
    """Returns the token of the link in an email's text."""
    return re.search(r"/invites/([\w-]+)", text).group(1)


def opt_out_token(text):
    """Returns the token in an email's text by which its recipient stops all invites."""
    return re.search(r"/opt-outs/([\w-]+)", text).group(1)


def clean_environment(**more):
    """Returns the environment without the caller's AWS configuration."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return {**kept, **more}
