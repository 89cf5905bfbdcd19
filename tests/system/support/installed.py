"""What `cmake --install` puts where, below a folder of the test."""
import os
import pathlib
import subprocess

from .waiting import DEADLINE

COMPONENTS = ("server", "client", "dev")


def build_folder():
    return pathlib.Path(os.environ["FAIRLEAD_BIN_DIR"]).parent


def cached(name):
    """A variable of the build."""
    for line in (build_folder() / "CMakeCache.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return line.split("=", 1)[1]
    raise KeyError(name)


def install(component, root):
    """The folder that stands for the prefix."""
    done = subprocess.run(["cmake", "--install", str(build_folder()), "--component", component], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE,
                          env={**os.environ, "DESTDIR": str(root)})
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    return pathlib.Path(f"{root}{cached('CMAKE_INSTALL_PREFIX')}")


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
