"""Brings teams into a local stack, twice, and exports them back. LOCAL is the binary."""

import hashlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("move.py")
KEY = "oss_" + "k" * 40
TEAMS = int(os.environ.get("TEAMS", "10"))


@pytest.fixture
def move():
    options = ["--ephemeral", "--port", "0", "--server-key", KEY, "--imported-api-key-prefixes", "img_live_"]
    stack = subprocess.Popen([os.environ["LOCAL"], *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = next(match[1] for line in stack.stdout if (match := re.match(r"Ready at (\S+)", line)))

    def move(*arguments):
        command = [sys.executable, SCRIPT, *arguments]
        done = subprocess.run(command, env=os.environ | {"API": url, "KEY": KEY}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return {line[7:]: int(line[:6]) for line in done.stdout.splitlines()}

    yield move
    stack.terminate()
    stack.wait()


def files(folder):
    lines = {"teams": [], "members": [], "invites": [], "api-keys": []}
    for n in range(TEAMS):
        team = f"team_{n:05}"
        lines["teams"].append(f"{team},Team {n},creator_{n:05},creator{n}@example.com,Ada {n}")
        for m in range(4):
            role = "admin" if m == 0 else "user"
            lines["members"].append(f"{team},user_{n:05}_{m},user{n}.{m}@example.com,Ben {n},{role},{str(m == 1).lower()}")
        lines["invites"].append(f"{team},invited{n}@example.com,user,false")
        secret = hashlib.sha256(f"img_live_{n}".encode()).hexdigest()
        lines["api-keys"].append(f"{team},Shop,{secret},img_live_…{n}")
    heads = {
        "teams": "team,name,creator_user_id,creator_email,creator_name",
        "members": "team,user_id,email,name,role,receives_billing_emails",
        "invites": "team,email,role,receives_billing_emails",
        "api-keys": "team,name,secret_hash,hint",
    }
    folder.mkdir()
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text("\n".join([heads[name], *rows, ""]), encoding="utf-8")


def test_repeated_import_changes_nothing_and_exports_back(move, tmp_path):
    files(tmp_path / "in")
    plan = move("import", str(tmp_path / "in"), "--dry-run")
    assert plan["organizations created"] == TEAMS
    first = move("import", str(tmp_path / "in"))
    assert first == {
        "organizations created": TEAMS,
        "members added": 4 * TEAMS,
        "invites created": TEAMS,
        "API keys imported": TEAMS,
    }
    again = move("import", str(tmp_path / "in"))
    assert again == {
        "organizations present": TEAMS,
        "members present": 4 * TEAMS,
        "invites present": TEAMS,
        "API keys present": TEAMS,
    }
    move("export", str(tmp_path / "out"))
    for name in ["teams", "members", "invites", "api-keys"]:
        brought, exported = ((tmp_path / folder / f"{name}.csv").read_text().splitlines() for folder in ("in", "out"))
        assert exported == brought, name
