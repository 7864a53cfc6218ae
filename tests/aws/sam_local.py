"""Runs every built function with `sam local invoke`, in a container, as README.md says, and
compares the responses with those in `tests/aws/answers`; then `sam local start-api`.

AWS's base image needs its registry, so a base image is made of this machine's files. It
has what SAM adds the emulator with, and what a function links to.
"""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker

from scenes import ARCHITECTURE, SERVER_KEY, Scene, functions, local_stack, operation_of, play
from support import BUILT, ROOT, Person, fail, free_port, listens, need_build, running, until

IMAGE = "organizations-base:latest"
OPTIONS = [
    "--parameter-overrides",
    f"Architecture={ARCHITECTURE}",
    "--add-host",
    "host.docker.internal:host-gateway",
    "--skip-pull-image",
    "--invoke-image",
    IMAGE,
]


def libraries(program):
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
    return re.findall(r"(/\S+) \(0x", linked.stdout)


def make_image(client):
    """Imports an image with the programs of SAM's Dockerfile and all their libraries."""
    programs = ["/bin/sh", "/bin/mv", "/bin/chmod"]
    bootstrap = next(BUILT.glob("*/bootstrap"))
    files = {library for program in [*programs, bootstrap] for library in libraries(program)}
    image = io.BytesIO()
    with tarfile.open(fileobj=image, mode="w", dereference=True) as archive:
        for folder in ["tmp", "var/task", "var/runtime", "opt"]:
            made = tarfile.TarInfo(folder)
            made.type, made.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(made)
        for file in sorted(files.union(programs)):
            archive.add(file)
    repository, tag = IMAGE.split(":")
    client.api.import_image_from_data(image.getvalue(), repository=repository, tag=tag)


def in_container(function, environment, log, event):
    """Returns what `sam local invoke` prints for a function and an event."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(event, file)
        file.flush()
        command = ["sam", "local", "invoke", function.name, "--event", file.name]
        command += ["--env-vars", environment, *OPTIONS]
        with open(log, "w") as errors:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        fail(f"{function.name}: sam local invoke failed:\n{Path(log).read_text()}")
    return json.loads(lines[-1])


def check_api(stack, environment, logs):
    """Calls routes of each kind of caller through `sam local start-api`."""
    scene = Scene(stack, "start-api")
    scene.invite()
    made = scene.owner.post(f"{scene.path}/api-keys", {"name": "Sample"}).expect("201")
    port = free_port()
    command = ["sam", "local", "start-api", "--port", str(port), "--env-vars", environment, *OPTIONS]
    with running(command, logs / "start-api.log", cwd=ROOT) as process:
        until(lambda: listens(port), "sam local start-api", process)
        api = f"http://127.0.0.1:{port}"
        anybody = Person(api)
        invite = f"/v1/invites/{scene.names['sample-token']}"
        opt_out = f"/v1/opt-outs/{scene.names['sample-opt-out-token']}"
        if anybody.get(invite).expect("200")["organization_name"] != "Sample Studio":
            fail("preview-invite names another organization")
        anybody.post(opt_out).expect("204")
        anybody.delete(opt_out).expect("204")
        anybody.post(f"{invite}/decline").expect("204")
        anybody.get("/").expect("200")
        # SAM runs the stack's own authorizers, but none for JWTs.
        anybody.get("/v1/server/organizations").expect("401")
        Person(api, "oss_wrong").get("/v1/server/organizations").expect("403")
        Person(api, SERVER_KEY).get(f"/v1/server{scene.path.removeprefix('/v1')}").expect("200")
        Person(api, made["secret"]).get("/v1/usage").expect("200")
        Person(api, headers=scene.owner.headers).get("/v1/organizations").expect("401 not_signed_in")


def main():
    need_build()
    client = docker.from_env()
    make_image(client)
    logs = ROOT / "target" / "sam-local"
    logs.mkdir(parents=True, exist_ok=True)
    with local_stack(sys.argv[1], logs / "stack.log", "--aws-address", "0.0.0.0") as stack:
        environment = (ROOT / "events" / "env.json").read_text()
        for port, url in [("8000", stack.dynamodb), ("8001", stack.services)]:
            environment = environment.replace(f"internal:{port}", f"internal:{url.rsplit(':')[-1]}")
        file = logs / "env.json"
        file.write_text(environment)

        def check(function):
            operation = operation_of(function)
            log = logs / f"{operation}.log"
            return play(operation, stack, lambda event: in_container(function, file, log, event))

        first, *rest = functions().get_all()
        # The first one builds the image of the others.
        wrong = [check(first)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong += pool.map(check, rest)
        if wrong := list(filter(None, wrong)):
            fail("\n".join(wrong))
        check_api(stack, file, logs)
    print(f"{len(rest) + 1} functions responded as expected under `sam local invoke`")


if __name__ == "__main__":
    main()
