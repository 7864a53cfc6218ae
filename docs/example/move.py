#!/usr/bin/env python3
"""Brings organizations, members, pending invites and API key hashes from CSV, and exports
them back. A repeated import changes nothing.

  API=http://127.0.0.1:3000 KEY=oss_... move.py import FOLDER [--dry-run]
  API=http://127.0.0.1:3000 KEY=oss_... move.py export FOLDER

FOLDER has teams.csv, and if wanted members.csv, invites.csv and api-keys.csv. Each row names
its team by your own id for it, `team`, which becomes the `external_id`.
"""

import argparse
import collections
import csv
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TEAMS = ["team", "name", "creator_user_id", "creator_email", "creator_name"]
MEMBERS = ["team", "user_id", "email", "name", "role", "receives_billing_emails"]
INVITES = ["team", "email", "role", "receives_billing_emails"]
KEYS = ["team", "name", "secret_hash", "hint"]
ROWS_PER_REQUEST = {"members": 100, "API keys": 50}


class Refused(Exception):
    def __init__(self, status, problem):
        self.status, self.problem = status, problem
        super().__init__(f"{status} {problem.get('detail') or problem.get('message')}")


def call(method, path, body=None):
    """Sends a request as the server; waits and repeats it if the API asks for that."""
    headers = {"authorization": f"Bearer {os.environ['KEY']}", "content-type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    url = f"{os.environ['API']}/v1/server{path}"
    for attempt in range(5):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            problem = json.loads(error.read() or b"{}")
            wait = int(error.headers.get("retry-after") or 2**attempt)
            if error.code not in (429, 503) or attempt == 4 or wait > 60:
                raise Refused(error.code, problem) from None
            time.sleep(wait)


def pages(path):
    cursor = ""
    while cursor is not None:
        page = call("GET", f"{path}?limit=100" + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""))
        yield from page["items"]
        cursor = page["next_cursor"]


def read(folder, name, fields):
    """Returns a file's rows by team."""
    rows = collections.defaultdict(list)
    file = folder / name
    if file.exists():
        with file.open(newline="", encoding="utf-8") as text:
            for number, row in enumerate(csv.DictReader(text), 2):
                if set(row) != set(fields) or None in row.values():
                    sys.exit(f"{file}, line {number}: the columns must be {','.join(fields)}")
                rows[row["team"]].append(row)
    return rows


def write(folder, name, fields, rows):
    with (folder / name).open("w", newline="", encoding="utf-8") as text:
        writer = csv.DictWriter(text, fields)
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: [row[field] for field in fields]))


def parts(rows, name):
    size = ROWS_PER_REQUEST[name]
    return (rows[start : start + size] for start in range(0, len(rows), size))


def person(user_id, email, name):
    return {"user_id": user_id, "email": email} | ({"name": name} if name else {})


def bring(folder, is_dry_run):
    teams = read(folder, "teams.csv", TEAMS)
    members, invites = read(folder, "members.csv", MEMBERS), read(folder, "invites.csv", INVITES)
    keys = read(folder, "api-keys.csv", KEYS)
    unknown = (set(members) | set(invites) | set(keys)) - set(teams)
    if unknown:
        sys.exit(f"teams.csv lacks: {', '.join(sorted(unknown))}")
    counts, refused = collections.Counter(), []
    for team, rows in teams.items():
        if len(rows) > 1:
            sys.exit(f"teams.csv has {team} twice")
        found = call("GET", f"/organizations?external_id={urllib.parse.quote(team)}")["items"]
        counts["organizations present" if found else "organizations created"] += 1
        if is_dry_run:
            for name, file in [("members", members), ("invites", invites), ("API keys", keys)]:
                counts[f"{name} to bring"] += len(file[team])
            continue
        row = rows[0]
        creator = person(row["creator_user_id"], row["creator_email"], row["creator_name"])
        wish = {"name": row["name"], "external_id": team, "creator": creator}
        path = f"/organizations/{(found[0] if found else call('POST', '/organizations', wish))['id']}"

        for part in parts(members[team], "members"):
            wishes = [
                person(row["user_id"], row["email"], row["name"])
                | {"role": row["role"], "receives_billing_emails": row["receives_billing_emails"] == "true"}
                for row in part
            ]
            note(call("POST", f"{path}/members", {"members": wishes}), team, "members", part, counts, refused)
        for row in invites[team]:
            wish = {"email": row["email"], "role": row["role"]}
            wish["receives_billing_emails"] = row["receives_billing_emails"] == "true"
            try:
                call("POST", f"{path}/invites", wish)
                counts["invites created"] += 1
            except Refused as error:
                if error.problem.get("code") == "invite_outstanding":
                    counts["invites present"] += 1
                else:
                    refused.append(f"{team}, invite of {row['email']}: {error}")
        for part in parts(keys[team], "API keys"):
            wishes = [{name: row[name] for name in ("name", "secret_hash", "hint")} for row in part]
            note(call("POST", f"{path}/api-keys/import", {"api_keys": wishes}), team, "API keys", part, counts, refused)
    for name, count in sorted(counts.items()):
        print(f"{count:6} {name}")
    for line in refused:
        print(f"REFUSED {line}")
    return 1 if refused else 0


def note(answer, team, name, rows, counts, refused):
    """Counts the outcome of each row."""
    for row, item in zip(rows, answer["items"], strict=True):
        if item["outcome"] == "refused":
            refused.append(f"{team}, {name}, {row.get('user_id') or row['name']}: {json.dumps(item)}")
        else:
            counts[f"{name} {item['outcome']}"] += 1


def export(folder):
    """Writes what `bring` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    teams, members, invites, keys = [], [], [], []
    flag = {True: "true", False: "false"}
    for organization in pages("/organizations"):
        path, team = f"/organizations/{organization['id']}", organization["external_id"] or organization["id"]
        for member in pages(f"{path}/members"):
            email, name = member["email"] or "", member["name"] or ""
            if member["user_id"] == organization["creator_id"]:
                row = [team, organization["name"], member["user_id"], email, name]
                teams.append(dict(zip(TEAMS, row, strict=True)))
                continue
            row = [team, member["user_id"], email, name, member["role"], flag[member["receives_billing_emails"]]]
            members.append(dict(zip(MEMBERS, row, strict=True)))
        for invite in pages(f"{path}/invites"):
            row = [team, invite["email"], invite["role"], flag[invite["receives_billing_emails"]]]
            invites.append(dict(zip(INVITES, row, strict=True)))
        for key in pages(f"{path}/api-keys"):
            keys.append(dict(zip(KEYS, [team, key["name"], key["secret_hash"], key["hint"]], strict=True)))
    write(folder, "teams.csv", TEAMS, teams)
    write(folder, "members.csv", MEMBERS, members)
    write(folder, "invites.csv", INVITES, invites)
    write(folder, "api-keys.csv", KEYS, keys)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["import", "export"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--dry-run", action="store_true", help="only say what an import would do")
    arguments = parser.parse_args()
    try:
        if arguments.command == "import":
            sys.exit(bring(arguments.folder, arguments.dry_run))
        sys.exit(export(arguments.folder))
    except Refused as error:
        sys.exit(str(error))
