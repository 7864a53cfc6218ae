"""The items of a table, as boto3 reads them, beside the tables of docs/data-model.md: each
has the keys of one kind and no attribute that the page does not name.
"""

import re

from support import ROOT

# Of every item, and of the index and the time-to-live.
KEYS = {"pk", "sk", "ttl", "expiry_shard", "expires_at_seconds"}


def pattern(key):
    """Returns the pattern of a key such as `ORG#<organization id>`."""
    parts = re.split(r"<[^>]*>", key)
    return ".+".join(re.escape(part) for part in parts)


def kinds():
    """Yields the name, the pattern of both keys and the attributes of each kind of item."""
    page = (ROOT / "docs" / "data-model.md").read_text()
    items, attributes = page.split("## Items")[1].split("### Attributes")
    bullets = re.findall(r"^- \*\*(.+?)\*\*(.*(?:\n  .*)*)", attributes.split("### The index")[0], re.M)
    named = {name.lower(): set(re.findall(r"`(\w+)`", text)) for name, text in bullets}
    # The first row is the head of the table.
    for name, pk, sk in re.findall(r"^\| (.+?) \| `(.+?)` \| `(.+?)` \|", items, re.M)[1:]:
        yield name, re.compile(f"{pattern(pk)} {pattern(sk)}"), named[name.lower()]


def problems(table):
    """Returns what is wrong with the items of a table, and the kinds that it has."""
    documented = list(kinds())
    wrong, seen, page = [], set(), {}
    while page == {} or "LastEvaluatedKey" in page:
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
        page = table.scan(**start)
        for item in page["Items"]:
            keys = f"{item['pk']} {item['sk']}"
            found = [(name, known) for name, matches, known in documented if matches.fullmatch(keys)]
            if len(found) != 1:
                wrong.append(f"{keys} is of {len(found)} kinds of docs/data-model.md")
                continue
            [(name, known)] = found
            seen.add(name)
            if unknown := set(item) - known - KEYS:
                wrong.append(f"{name}: docs/data-model.md does not name {sorted(unknown)}")
    return sorted(set(wrong)), seen
