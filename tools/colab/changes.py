"""What a newer list of Colab's packages changes: python tools/colab/changes.py LIST [--write]

LIST is a file or the address of one, as `pip freeze` writes it; Colab publishes its own at
https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.gpu.txt.  Each line that
is printed is a package whose version differs from pins.txt, with what requirements.txt says of the
newer one.  --write takes the newer versions into pins.txt, with today's date.
"""

import argparse
import datetime
import re
import urllib.request
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PINS = Path(__file__).with_name("pins.txt")
PIN = re.compile(r"^([\w.-]+)==([^\s;#]+)", re.MULTILINE)
DATE = re.compile(r"(?<=published on )\d{4}-\d\d-\d\d")


def versions(text):
    """{package: version} of a list as `pip freeze` writes it."""
    return {canonicalize_name(name): version for name, version in PIN.findall(text)}


def admitted(package, version, requirements):
    """What a list of requirements says of this version of a package."""
    for line in requirements.splitlines():
        line = line.split("#")[0].strip()
        if line and not line.startswith("-"):
            wanted = Requirement(line)
            if canonicalize_name(wanted.name) == package:
                return "admitted" if wanted.specifier.contains(version) else f"not in {line}"
    return ""


def changes(pins, newer, requirements):
    """(package, its version in the pins, the newer one or "none", what is said of it) of each
    package whose version has changed."""
    found, new = versions(pins), versions(newer)
    for package, version in found.items():
        now = new.get(package, "none")
        if now != version:
            said = admitted(package, now, requirements) if package in new else "is gone"
            yield package, version, now, said


def taken(pins, newer, date):
    """The pins with the newer versions; packages that the newer list lacks stay."""
    new = versions(newer)

    def pin(match):
        return f"{match[1]}=={new.get(canonicalize_name(match[1]), match[2])}"

    return DATE.sub(date, PIN.sub(pin, pins))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("list", help="file or address of a newer list")
    parser.add_argument("--write", action="store_true", help="take it into pins.txt")
    given = parser.parse_args(arguments)
    if given.list.startswith("https://"):
        with urllib.request.urlopen(given.list, timeout=60) as answer:
            newer = answer.read().decode()
    else:
        newer = Path(given.list).read_text(encoding="utf-8")
    if not versions(newer):
        raise SystemExit(f"{given.list} names no package as NAME==VERSION: give a pip freeze.")
    pins = PINS.read_text(encoding="utf-8")
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for row in changes(pins, newer, requirements):
        print("{:20} {:>12} → {:12} {}".format(*row))
    if given.write:
        date = datetime.date.today().isoformat()
        PINS.write_text(taken(pins, newer, date), encoding="utf-8")


if __name__ == "__main__":
    main()
