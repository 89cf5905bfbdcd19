"""The tutorials' servers as config/seeds.conf opens them, and their clients: the same calls in the same order."""
import collections
import os
import socket
import subprocess
import sys

from . import daemon
from .waiting import DEADLINE

SEEDS = daemon.SOURCE_DIR / "config" / "seeds.conf"

# port -> the listener's name in seeds.conf
LISTENERS = {7878: "first", 7788: "prompted", 8081: "loop", 8080: "download", 8888: "greeter", 2023: "printer",
             8989: "measured", 7789: "single", 7790: "again"}

LAUGH = "哈哈哈,打不过我吧!?"          # 27 bytes of UTF-8, and no GBK
WORLD = "你好,世界!!!"                # 16 bytes, valid in both
MING = "你好服务端,我是客户端小明!"   # 38 bytes, and no GBK
TYPED = "今天天气不错"                # what the prompting client is told to send, in GBK
FILE_NAME = "文件.txt"

Seen = collections.namedtuple("Seen", "received name")  # what recv() returned (None: not called), getsockname()


class Waits(Exception):
    """A client that nobody sends anything to; the test has closed it."""


# ---- The clients. Each takes the server's address, and `meet`, called when it is connected.

def send_and_close(address, meet):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(DEADLINE)
    client.connect(address)
    name = client.getsockname()
    meet()
    client.send(LAUGH.encode("utf-8"))
    client.close()
    return Seen(None, name)


def send_and_receive(address, meet, text=LAUGH):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(DEADLINE)
    client.connect(address)
    name = client.getsockname()
    meet()
    client.send(text.encode("utf-8"))
    received = client.recv(1024)
    received.decode("utf-8")
    client.close()
    return Seen(received, name)


def sixteen_bytes(address, meet):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(DEADLINE)
    client.connect(address)
    name = client.getsockname()
    meet()
    client.send(WORLD.encode("utf-8"))
    client.close()
    return Seen(None, name)


def thirty_eight_bytes(address, meet):
    return send_and_receive(address, meet, MING)


def receive_only(address, meet):
    """Waits() where nothing is sent: a test that expects that gives up as soon as it may."""
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(DEADLINE)
    client.connect(address)
    name = client.getsockname()
    meet()
    if SILENT.get(address):
        client.settimeout(0.3)  # long enough for a greeting that ought not to be there
    try:
        received = client.recv(1024)
    except socket.timeout:
        raise Waits(name) from None
    finally:
        client.close()
    received.decode("utf-8")
    return Seen(received, name)


SILENT = {}  # addresses where a client that only receives is sent nothing


def downloader(address, meet, folder=None):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(DEADLINE)
    client.connect(address)
    name = client.getsockname()
    meet()
    client.send(FILE_NAME.encode("gbk"))
    received = client.recv(1024 * 1024)
    if received and folder:
        with open(os.path.join(folder, "接收" + FILE_NAME), "wb") as file:
            file.write(received)
    client.close()
    return Seen(received, name)


PROMPTING_PROGRAM = """
import socket
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server_ip = input("请输入服务器ip:")
server_port = int(input("请输入服务器port:"))
client.connect((server_ip, server_port))
send_data = input("请输入要发送的数据:")
client.send(send_data.encode("gbk"))
recv_data = client.recv(1024)
print("接收到的数据为:%s" % recv_data.decode("gbk"))
client.close()
"""


def prompting_program(address, text=TYPED):
    """The prompting client as a program of its own, answered on its stdin; what it printed behind the prompts."""
    typed = f"{address[0]}\n{address[1]}\n{text}\n"
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", PROMPTING_PROGRAM], input=typed, text=True,
                          encoding="utf-8", capture_output=True, timeout=DEADLINE)
    if done.returncode != 0:
        raise UnicodeError(done.stderr) if "UnicodeDecodeError" in done.stderr else AssertionError(done.stderr)
    return done.stdout.split("接收到的数据为:", 1)[1].rstrip("\n")


def prompting(address, meet):
    """The same calls as the program's, without its prompts."""
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(DEADLINE)
    client.connect(address)
    name = client.getsockname()
    meet()
    client.send(TYPED.encode("gbk"))
    received = client.recv(1024)
    client.close()
    return Seen(received, name)


CLIENTS = {"send_and_close": send_and_close, "send_and_receive": send_and_receive, "prompting": prompting,
           "downloader": downloader, "receive_only": receive_only, "sixteen_bytes": sixteen_bytes,
           "thirty_eight_bytes": thirty_eight_bytes}

SAYS = {"send_and_close": LAUGH, "send_and_receive": LAUGH, "prompting": TYPED, "downloader": FILE_NAME,
        "receive_only": None, "sixteen_bytes": WORLD, "thirty_eight_bytes": MING}
SPEAKS = {"prompting": "gbk", "downloader": "gbk"}
RECEIVES = {"send_and_receive", "prompting", "downloader", "receive_only", "thirty_eight_bytes"}

# port -> (text of the reply, its encoding or None for the client's own)
REPLIES = {7878: ("好的,收到.", None), 7788: ("好的,已经收到!~", None), 8081: ("好的,收到.", "utf-8"),
           8989: ("ok, 问题正在处理中...", "utf-8"), 7789: ("hello", None), 7790: ("haha", None)}
GREETING = "成功连接服务器!".encode("utf-8")
FILE = "这是一个文件。\n".encode("utf-8") * 40


def expected(kind, port):
    """What recv() returns to that client; None where it is not called, Waits where it never returns."""
    if kind not in RECEIVES:
        return None
    if port == 8888:
        return GREETING
    if kind == "receive_only":
        return Waits
    if port == 2023:
        return b""
    if port == 8080:
        return FILE if kind == "downloader" else b""
    text, encoding = REPLIES[port]
    return text.encode(encoding or SPEAKS.get(kind, "utf-8"))


def transcript(kind, port, name):
    """The lines on stdout that this visit leaves."""
    text = SAYS[kind]
    length = 0 if text is None else len(text.encode(SPEAKS.get(kind, "utf-8")))
    rows = {
        7788: [f"已经连接客户端: {name}", text and f"收到数据:{text}"],
        8081: [f"【新客户端来了】: {name}", text and f"收到客户端信息: {text}", "客户端可能断开连接!"],
        8080: [text and kind != "downloader" and f"no download file:{text}"],
        2023: [text and f"{name[0]}发来消息>>>{text}", f"{name}断开了与服务器的连接..."],
        8989: [f"客户端的ip地址和端口号: {name}", text and f"接收数据的长度为: {length}",
               text and f"接收客户端的数据为: {text}"],
        7789: [text],
    }
    return [line for line in rows.get(port, []) if line]


def start(folder, *, own_ports, arguments=()):
    """A daemon with config/seeds.conf as it is; without own_ports, at ports the kernel chooses."""
    (folder / FILE_NAME).write_bytes(FILE)
    ports = [] if own_ports else \
        [word for name in LISTENERS.values() for word in ("--set", f"listener.{name}.bind=127.0.0.1:0")]
    return daemon.Daemon(config_file=SEEDS, arguments=[*ports, *arguments],
                         environment={"FAIRLEAD_FILES": str(folder)})


def note_silent_addresses(running):
    """Tells the receive-only client where it will wait in vain."""
    SILENT.clear()
    SILENT.update({running.address(name): port != 8888 for port, name in LISTENERS.items()})
