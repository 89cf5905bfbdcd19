#!/usr/bin/env python3
"""Makes the pages of the two C++ interfaces (docs/Doxyfile). A warning of doxygen is a failure."""

import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77


def main():
    root, output = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    if os.environ.get("FAIRLEAD_LONG") != "1":
        print("SKIPPED: set FAIRLEAD_LONG=1")
        return SKIPPED
    doxygen = shutil.which("doxygen")
    if doxygen is None:
        print("SKIPPED: doxygen is not installed")
        return SKIPPED
    shutil.rmtree(output, ignore_errors=True)
    settings = (root / "docs" / "Doxyfile").read_text(encoding="utf-8") + f'\nOUTPUT_DIRECTORY = "{output}"\n'
    done = subprocess.run([doxygen, "-"], cwd=root, input=settings, text=True)
    if done.returncode != 0:
        return 1
    for page in ("classfairlead_1_1Service.html", "classfairlead_1_1Client.html"):
        if not (output / "html" / page).exists():
            print(f"{page} is missing: the interface is not in the pages")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
