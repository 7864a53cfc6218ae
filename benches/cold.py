"""Measures the cost of a cold start: a new process, its first response and later ones.

    python3 benches/cold.py LOCAL [ROUNDS]

Starts the functions that `.ci/sam-build` has built in alternation with a minimal
function (`benches/hello`), which the same command builds: without a database, with
one over plain HTTP, and with one over TLS. LOCAL is the local stack's binary, which
serves the database. Reports the processor time of the process, as the minimum of all
rounds, and the wall time for comparison.
"""

import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from scene import Scene
from lambda_side import (
    FOLDER,
    Front,
    Lambda,
    bootstrap,
    certificate,
    clean_environment,
    cpu_ms,
    environment,
    local_stack,
)

WARM = 20
OPERATIONS = ["get-account", "create-invite"]
# An invalid address, which the SDK rejects before it signs or sends anything.
NO_ADDRESS = "::"


def page_faults(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[7])


def most_memory(pid):
    """Returns the peak memory in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


def start(binary, front, event, **more):
    """Measures one process, from its start to some responses if there is an event."""
    runtime = Lambda()
    seen = {}
    process = None

    def connected():
        seen["connects"] = cpu_ms(process.pid)

    if front:
        front.on_connection = connected
    began = time.perf_counter()
    process = subprocess.Popen(
        [binary],
        env=environment(runtime, front.url if front else NO_ADDRESS, **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        runtime.wait_for_poll(process)
        seen["polls"] = cpu_ms(process.pid)
        seen["polls, wall"] = (time.perf_counter() - began) * 1000
        seen["faults"] = page_faults(process.pid)
        seen["MB"] = most_memory(process.pid)
        if not event:
            return seen
        rest = []
        for number in range(WARM + 1):
            wish = event(number)
            before, at = cpu_ms(process.pid), time.perf_counter()
            runtime.give(wish)
            runtime.wait_for_poll(process)
            took = (cpu_ms(process.pid) - before, (time.perf_counter() - at) * 1000)
            if number == 0:
                seen["first"], seen["first, wall"] = took
            else:
                rest.append(took)
        # The median ignores the first of these, which still touches new memory.
        seen["warm"] = statistics.median(cpu for cpu, _ in rest)
        seen["warm, wall"] = statistics.median(wall for _, wall in rest)
        runtime.check(binary)
        return seen
    finally:
        process.kill()
        process.wait()
        runtime.close()


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    chain, key = certificate()
    nowhere = FOLDER / "no-certificates"
    nowhere.mkdir(exist_ok=True)
    trust = {"SSL_CERT_FILE": str(chain), "SSL_CERT_DIR": str(nowhere)}
    with local_stack(sys.argv[1]) as stack:
        scene = Scene(stack["API"])
        place = urlsplit(stack["DynamoDB"])
        target = (place.hostname, place.port)
        plain, secure = Front(target), Front(target, (chain, key))
        hello = bootstrap("hello")
        kinds = {"hello": lambda: start(hello, None, None)}
        for operation in OPERATIONS:
            binary = bootstrap(operation)
            count = iter(range(10**9))
            fresh = lambda _, o=operation, c=count: scene.event(o, next(c))
            kinds[f"{operation}, alone"] = lambda b=binary: start(b, None, None)
            kinds[operation] = lambda b=binary, f=fresh: start(b, plain, f)
            kinds[f"{operation}, TLS"] = lambda b=binary, f=fresh: start(b, secure, f, **trust)
        least = {}
        for _ in range(rounds):
            for kind, run in kinds.items():
                for name, value in run().items():
                    known = least.setdefault(kind, {})
                    known[name] = min(known.get(name, value), value)
        plain.close()
        secure.close()
    columns = ["connects", "polls", "first", "warm", "polls, wall", "first, wall", "warm, wall"]
    columns += ["faults", "MB"]
    print(f"milliseconds, minimum of {rounds} rounds; processor time unless marked wall")
    print(f"{'':22}" + "".join(f"{name:>13}" for name in columns))
    for kind, values in least.items():
        cells = (f"{values[name]:13.2f}" if name in values else f"{'':13}" for name in columns)
        print(f"{kind:22}" + "".join(cells))
    for operation in OPERATIONS:
        alone = least[f"{operation}, alone"]["polls"] / least["hello"]["polls"]
        secure = least[f"{operation}, TLS"]
        first = secure["first"] / secure["warm"]
        print(f"{operation}: {alone:.2f} times hello without a database (target: 1.5);")
        print(f"  first response over TLS {first:.2f} times a warm one (target: 1.5)")


if __name__ == "__main__":
    main()
