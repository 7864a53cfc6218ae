"""Compares create-invite over the whole local path with a peer, in one run.

    python3 benches/peer.py OURS [ROUNDS]

OURS is the release build of `tests/examples/create_invite.rs`. The peer is Better
Auth's organization plugin over SQLite in memory (`benches/peer`, after `npm ci`
there). They alternate, and the best round of each counts, because other load on the
machine only ever slows them down.
"""

import json
import subprocess
import sys
from pathlib import Path

PEER = Path(__file__).parent / "peer"
COUNT = "2000"


def run(command, folder):
    output = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return json.loads(output.stdout.strip().splitlines()[-1])


def main():
    if not (PEER / "node_modules").exists():
        sys.exit("error: the peer is not installed: run `npm ci` in benches/peer")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    contenders = {
        "ours": [Path(sys.argv[1]).resolve(), COUNT],
        "peer": ["node", "create_invite.mjs", COUNT],
    }
    best = {}
    for _ in range(rounds):
        for name, command in contenders.items():
            result = run(command, PEER)
            if name not in best or result["rate"] > best[name]["rate"]:
                best[name] = result
    for name, result in best.items():
        print(
            f"{name}: {result['rate']:.0f} invites a second, "
            f"p50 {result['p50_us']} us, p99 {result['p99_us']} us"
        )
    times = best["ours"]["rate"] / best["peer"]["rate"]
    print(f"{times:.1f} times the peer's rate (target: 5)")


if __name__ == "__main__":
    main()
