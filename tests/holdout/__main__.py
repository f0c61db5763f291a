"""`python -m tests.holdout`: fit both models to the first half of CDNOW, and write the table of the second half."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from deploy.demo.cdnow import purchases
from deploy.demo.invent import DAY
from deploy.demo.sources import CDNOW, cache_folder, lines_of
from schemas import from_iso, to_iso
from segments.insight.fitting.model_file import FitRequest, fit
from segments.language import Decimal

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "segments" / "learned" / "README.md"
MARKS = ("<!-- by make holdout -->\n", "<!-- end of make holdout -->\n")
UNTIL, HOLDOUT = from_iso("1998-07-01T00:00Z"), 273
"""The end of the data, and the days of the check: 39 weeks, as many as come before it."""
LARGEST = 7
"""Purchase days after the first that are told together from here on."""


def lines():
    """The purchases of CDNOW, as the demo has them."""
    return list(purchases(lines_of(CDNOW, cache_folder())))


def ours(bought):
    """The check of our model, as `segments fit --holdout 273` makes it."""
    customers = {}
    for line in sorted(bought, key=lambda each: each["occurred_at"]):
        customers.setdefault(line["customer_id"], []).append((line["occurred_at"], Decimal(line["amount"])))
    asked = FitRequest(of="purchase", within=None, until=UNTIL, holdout=HOLDOUT, zone="UTC", currency="EUR")
    return fit(customers, asked, lambda _: None).content["fitted"]["holdout"]


def theirs(bought, python=sys.executable):
    """What lifetimes expects by x: run by a Python that has it."""
    end = to_iso(UNTIL - HOLDOUT * DAY - 1)[:10]
    before = [[each["customer_id"], to_iso(each["occurred_at"])[:10]] for each in bought]
    told = {"purchases": [each for each in before if each[1] <= end], "until": end, "days": HOLDOUT}
    done = subprocess.run(
        [python, str(Path(__file__).with_name("theirs.py"))],
        input=json.dumps(told), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    sums = Counter()
    for x, more in found["customers"]:
        sums[min(x, LARGEST)] += more
    return found["parameters"], sums


def table(our, their):
    """The table of the page."""
    yield "| x | customers | expected | expected by lifetimes | came |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for place, row in enumerate(our["rows"]):
        yield f"| {row['x']} | {row['customers']:,} | {row['expected']:,.1f} | {their[place]:,.1f} | {row['actual']:,} |"
    count = sum(row["customers"] for row in our["rows"])
    yield f"| all | {count:,} | {our['expected']:,.1f} | {sum(their.values()):,.1f} | {our['actual']:,} |"


def written(page, rows):
    """The page with these rows in their place."""
    before, rest = page.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return f"{before}{MARKS[0]}{rows}\n{MARKS[1]}{after}"


def main():
    """Fit both, and write the table into the page."""
    bought = lines()
    _, their = theirs(bought)
    rows = "\n".join(table(ours(bought), their))
    sys.stdout.write(f"{rows}\n")
    PAGE.write_text(written(PAGE.read_text(), rows))


if __name__ == "__main__":
    main()
