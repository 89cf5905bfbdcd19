"""Servers that others have written, started for a test."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from .client import unused_port
from .daemon import connect
from .waiting import DEADLINE, wait_for

# An administrator's programs are looked for where an ordinary user's PATH does not lead.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""

PYTHON_ECHO = """
import socketserver, sys

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

Server(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
"""


@contextlib.contextmanager
def _running(name, *words, port):
    """The program, once its port is open."""
    program = shutil.which(name, path=PATH)
    if program is None:
        raise unittest.SkipTest(f"{name} is not installed")
    process = subprocess.Popen([program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        def answers():
            if process.poll() is not None:
                raise AssertionError(f"{name} ended with {process.returncode}")
            with contextlib.suppress(ConnectionRefusedError):
                connect(("127.0.0.1", port)).close()
                return True
        wait_for(answers, f"{name} to listen")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(DEADLINE)


def redis():
    port = unused_port()
    return _running("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                    "--daemonize", "no", port=port)


def memcached():
    port = unused_port()
    as_whom = ["-u", "nobody"] if os.geteuid() == 0 else []
    return _running("memcached", "-p", str(port), "-U", "0", "-l", "127.0.0.1", "-t", "1", *as_whom, port=port)


def python_echo():
    port = unused_port()
    return _running(sys.executable, "-c", PYTHON_ECHO, str(port), port=port)


@contextlib.contextmanager
def nginx(files):
    """It serves `files`: names and contents."""
    with tempfile.TemporaryDirectory(prefix="fairlead-nginx-") as folder:
        os.chmod(folder, 0o755)  # its workers are another user
        port = unused_port()
        for name, content in files.items():
            (pathlib.Path(folder) / name).write_bytes(content)
        config = pathlib.Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=port), encoding="utf-8")
        with _running("nginx", "-p", folder, "-c", str(config), "-e", f"{folder}/errors", port=port) as address:
            yield address
