"""The new process of an upgrade, in Python, to do wrong what a fairleadd would do right."""
import os
import socket
import struct
import sys
import time

from .handover import *


class Taker(Channel):
    """What it does stands in a file beside the program, for the test."""

    def __init__(self):
        super().__init__(socket.socket(fileno=int(os.environ["FAIRLEAD_UPGRADE"])))
        self.listeners = [socket.socket(fileno=3 + number) for number in range(int(os.environ["LISTEN_FDS"]))]

    def note(self, text):
        with open(sys.argv[0] + ".said", "a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def begin(self):
        """As far as GO."""
        self.receive(HELLO)
        self.send(ready(1))
        self.receive(GO)
        self.note("go")

    def receive_batch(self):
        """Its number, and its records."""
        fields = self.receive(BATCH)
        records = [value for tag, value in fields if tag == 0x8002]
        self.note(f"batch {len(records)}")
        return struct.unpack(">I", dict(fields)[0x8001])[0], records

    def take_batch(self):
        """Says that all of it are taken."""
        number, records = self.receive_batch()
        self.send(answer(number, [TAKEN] * len(records)))
        self.note(f"taken {len(records)}")

    def hang(self):
        self.note("hangs")
        while True:
            time.sleep(1000)
