import json
import os
import re
import subprocess
import urllib.request

import pytest


@pytest.fixture(scope="module")
def send():
    stack = subprocess.Popen([os.environ["LOCAL"], "--ephemeral", "--port", "0"], stdout=subprocess.PIPE, text=True)
    url = next(match[1] for line in stack.stdout if (match := re.match(r"Ready at (\S+)", line)))

    def send(path, body=None, token=""):
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(urllib.request.Request(url + path, data, headers)) as response:
            return json.load(response)

    yield send
    stack.terminate()
    stack.wait()


def test_invite_expires_after_14_days(send):
    token = send("/local/sign-in", {"user_id": "auth0|ada", "email": "ada@example.com", "name": "Ada"})["token"]
    organization = "/v1/organizations/" + send("/v1/organizations", {"name": "Acme"}, token)["id"]
    send(f"{organization}/invites", {"email": "ben@example.com", "role": "user"}, token)
    [email] = send("/local/emails?to=ben@example.com")
    assert email["links"][0].startswith("http")
    send("/local/clock", {"advance_seconds": 14 * 24 * 3600})
    token = send("/local/sign-in", {"user_id": "auth0|ada", "email": "ada@example.com"})["token"]
    assert send(f"{organization}/invites", token=token)["items"] == []
