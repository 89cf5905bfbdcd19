"""A network of the test's own, where packets can be lost: a namespace with nothing but its loopback interface."""
import fcntl
import os
import socket
import struct
import subprocess
import sys

INSIDE = "FAIRLEAD_TEST_INSIDE_NETWORK"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

# nft is an administrator's program.
ENVIRONMENT = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}

_refused = "the module did not ask for a network of its own"


def enter_own_network():
    """Starts the program again within the namespace. Where that is refused, it goes on, and skip_without_own_network() skips."""
    global _refused
    if os.environ.get(INSIDE):
        _bring_up_loopback()
        _refused = None
        return
    # Without root, as the root of a user namespace.
    for command in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        try:
            tried = subprocess.run([*command, "nft", "list", "ruleset"], env=ENVIRONMENT, capture_output=True, text=True)
        except FileNotFoundError:
            _refused = "unshare is not installed"
            return
        if tried.returncode == 0:
            os.execvpe(command[0], [*command, sys.executable, *sys.argv], {**ENVIRONMENT, INSIDE: "1"})
    _refused = f"no network namespace with nftables can be had: {tried.stderr.strip()}"


def skip_without_own_network(test):
    if _refused:
        test.skipTest(_refused)


def _bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        flags, = struct.unpack_from("H", request, 16)
        struct.pack_into("H", request, 16, flags | IFF_UP)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


class Lost:
    """While it lasts, every packet from or to these addresses is lost on its way, and nobody is told."""

    def __init__(self, block):
        self._rules = f"""
table ip lost {{
  chain arriving {{
    type filter hook input priority 0; policy accept;
    ip saddr {block} drop
    ip daddr {block} drop
  }}
}}
"""

    def __enter__(self):
        subprocess.run(["nft", "-f", "-"], input=self._rules, env=ENVIRONMENT, text=True, check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["nft", "delete", "table", "ip", "lost"], env=ENVIRONMENT, check=True)
