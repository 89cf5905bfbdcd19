"""USR2: another process takes over, with the sessions; what cannot go is finished by the old one. Clients notice nothing."""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from support.daemon import binary, connect
from support.held import Visitors, listening
from support.notify import NotifySocket
from support.peers import (CLOSE, CLOSE_AFTER, GOAWAY, MESSAGE, OPENED, PING, PONG, PREFACE, REPLY, Frame, Framed, exchange,
                           frame, len32, reason_of, receive_exactly, receive_len32, receive_until_end)
from support.runner import main
from support.upgrading import (ANSWER, BASE, CONTENT, LISTENERS, Generation, UpgradeTest, UpgradedDaemon, adopt_orphans,
                               balance, numbered_lines, script)
from support.waiting import DEADLINE, wait_for

RESTART = 18
GET, BEGIN, DATA, END = 0x24, 0x25, 0x26, 0x27


class Sessions(UpgradeTest):
    def test_of_every_protocol_go_on(self):
        self.start()
        sent = 0

        def send(client, data):
            nonlocal sent
            sent += len(data)
            client.sendall(data)
            return client

        # Those who have talked.
        utf8, gbk = self.connect(), self.connect()
        self.says(send(utf8, b""), "你好\n".encode(), ANSWER.encode())
        self.says(send(gbk, b""), "你好,谢谢\n".encode("gbk"), ANSWER.encode("gbk"))
        crlf = self.connect("lines")
        self.says(crlf, b"one\r\n", b"one\r\n")
        measured = self.connect()
        self.says(measured, len32(b"?"), len32("收到".encode()))
        framed = self.framed()
        self.assertEqual("收到".encode(), framed.ask(b"?"))
        self.assertEqual(OPENED, framed.open(7, "counted").type)
        self.assertEqual(b"first", framed.ask(b"first", 7))
        self.assertEqual(OPENED, framed.open(65535, "echo").type)
        counted = self.connect("counted")
        self.says(counted, b"first\n", b"first\n")
        talked_bytes = self.daemon.counters()["bytes_in"]
        # Those who have said a half.
        half_line = send(self.connect("lines"), b"hal")
        half_character = send(self.connect(), b"\xc4\xe3\xba")
        half_message = send(self.connect(), len32(b"12345678")[:7])
        whole_frame = frame(MESSAGE, b"12345678", 0, 1)
        half_frame = self.framed("framed")
        talked_bytes += len(PREFACE)
        send(half_frame.socket, whole_frame[:15])
        half_header = self.framed("framed")
        talked_bytes += len(PREFACE)
        send(half_header.socket, whole_frame[:5])
        half_preface = send(self.connect("framed"), PREFACE[:3])
        # Those who have said nothing.
        silent, shy = self.connect(), self.connect()
        self.wait_until_received(talked_bytes + sent)
        clients = 14
        self.daemon.wait_for_counters(lambda now: now["open"] == clients, "all clients")

        told = self.daemon.upgrade()
        self.assertEqual((clients, 0), (told["sessions_handed_over"], told["sessions_kept"]))
        took, = self.daemon.events("took_over")
        self.assertEqual((clients, LISTENERS), (took["sessions"], took["listeners"]))
        self.check_the_old_one_ends()

        self.says(utf8, b"x\n", ANSWER.encode())
        self.says(gbk, b"x\n", ANSWER.encode("gbk"))
        self.says(crlf, b"two\r\n", b"two\r\n")
        self.says(measured, len32(b""), len32("收到".encode()))
        self.assertEqual("收到".encode(), framed.ask(b"?"))
        self.assertEqual(b"to the end", framed.ask(b"to the end", 65535))
        framed.send(PING, b"way", 9, 99)
        self.assertEqual(Frame(PONG, 0, 9, 99, b"way"), framed.read())
        self.assertEqual(b"second", framed.ask(b"second", 7))
        self.assertEqual(b"third", framed.ask(b"third", 7))
        close = framed.read()
        self.assertEqual((CLOSE, 7, CLOSE_AFTER), (close.type, close.channel, reason_of(close.payload)), "the third message")
        self.assertEqual(OPENED, framed.open(7, "echo").type)
        self.says(counted, b"second\n", b"second\n")
        counted.sendall(b"third\n")
        self.assertEqual(b"third\n", receive_until_end(counted))
        self.says(half_line, b"f\n", b"half\n")
        self.says(half_character, b"\xc3\n", ANSWER.encode("gbk"))
        half_message.sendall(len32(b"12345678")[7:])
        self.assertEqual("收到".encode(), receive_len32(half_message))
        half_frame.socket.sendall(whole_frame[15:])
        half_header.socket.sendall(whole_frame[5:])
        for client in (half_frame, half_header):
            reply = client.read()
            self.assertEqual((REPLY, 1, b"12345678"), (reply.type, reply.request_id, reply.payload))
        half_preface.sendall(PREFACE[3:])
        self.assertEqual(PREFACE, receive_exactly(half_preface, len(PREFACE)))
        self.assertEqual("收到".encode(), self.stack.enter_context(Framed(silent)).ask(b"?"))
        self.says(shy, len32(b"?"), len32("收到".encode()))

    def test_request_ids_go_on(self):
        """An id of before is refused, so they were not begun anew."""
        self.start()
        client = self.framed("framed")
        client.last_id = 41
        self.assertEqual(b"x", client.ask(b"x"))
        self.daemon.upgrade()
        client.last_id = 41
        client.request(b"again")
        self.assertEqual(12, reason_of(client.read().payload), "protocol_error")

    def test_replies_that_were_not_sent_and_requests_that_were_not_read_go_along(self):
        self.start(BASE + "[socket]\nsend_buffer = 16KiB\n")
        client, lines = self.client_that_does_not_read(), numbered_lines(3000)
        sender = threading.Thread(target=client.sendall, args=(lines,), daemon=True)
        sender.start()
        self.daemon.wait_for_counters(lambda now: now["bytes_in"] > 256 << 10, "the client to be paused")
        told = self.daemon.upgrade()
        self.assertEqual((1, 0), (told["sessions_handed_over"], told["sessions_kept"]))
        self.check_the_old_one_ends()
        self.assertEqual(lines, receive_exactly(client, len(lines)))
        sender.join(DEADLINE)
        client.close()
        line, = self.daemon.sessions(1)
        self.assertEqual((len(lines), len(lines), 3000, 3000),
                         tuple(line[name] for name in ("bytes_in", "bytes_out", "messages_in", "messages_out")))

    def test_who_has_ended_its_side_gets_all_replies(self):
        self.start(BASE + "[socket]\nsend_buffer = 16KiB\n")
        client, lines = self.client_that_does_not_read(), numbered_lines(200)
        client.sendall(lines)
        client.shutdown(socket.SHUT_WR)
        self.wait_until_received(len(lines))
        self.daemon.upgrade()
        self.assertEqual(lines, receive_until_end(client))
        client.close()
        self.check_the_old_one_ends()
        self.assertEqual("peer_closed", self.daemon.sessions(1)[0]["reason"])

    def test_of_unix_sockets_and_of_ipv6_keep_their_peers(self):
        config = BASE + "[listener.local]\nbind = unix:{directory}/socket\nservice = echo\n"
        with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
            config += "[listener.six]\nbind = [::1]:0\nservice = echo\n"
        self.start(config)
        listeners = [name for name in ("lines", "local", "six") if f"[listener.{name}]" in config]
        clients = {name: self.talking(name) for name in listeners}
        unmoved = {name: self.connect(name) for name in listeners}
        for name in listeners:
            self.says(unmoved[name], b"x\n", b"x\n")
            unmoved[name].close()
        self.daemon.sessions(len(listeners))
        self.daemon.upgrade()
        for name, client in clients.items():
            self.goes_on(client)
            address = client.getsockname()
            client.close()
            if name == "local":
                line = self.daemon.sessions(2, "local")[-1]
                self.assertEqual(self.daemon.sessions(2, "local")[0]["peer"], line["peer"])
            else:
                line = self.daemon.session_of(address, name)
            self.assertEqual(14, line["bytes_in"])

    def test_they_count_against_the_limits(self):
        limits = BASE + "[limits]\nmax_connections = 3\nmax_per_ip = 2\n"
        self.start(limits)
        first, second = self.talking(), self.talking()
        self.daemon.upgrade()
        refused = self.connect("lines")
        self.assertIn(b"ip_limit", receive_until_end(refused))
        third = self.stack.enter_context(self.daemon.connect("lines", source="127.0.0.2"))
        self.says(third, b"x\n", b"x\n")
        refused = self.stack.enter_context(self.daemon.connect("lines", source="127.0.0.3"))
        self.assertIn(b"server_full", receive_until_end(refused))
        first.close()
        self.daemon.sessions(3)
        self.goes_on(second)
        self.talking().close()

    def test_more_than_a_mebibyte_stays_and_is_finished(self):
        self.start(BASE + "[socket]\nsend_buffer = 16KiB\n[limits]\nqueue_soft = 4MiB\n")
        client, lines = self.client_that_does_not_read(), numbered_lines(2000)
        sender = threading.Thread(target=client.sendall, args=(lines,), daemon=True)
        sender.start()
        self.wait_until_received(len(lines))
        told = self.daemon.upgrade()
        self.assertEqual((0, 1), (told["sessions_handed_over"], told["sessions_kept"]))
        self.assertEqual(lines, receive_exactly(client, len(lines)))
        self.assertEqual(1, self.daemon.counters_of(self.daemon.previous)["open"], "still the old one's")
        client.close()
        self.check_the_old_one_ends()

    def test_one_line_each_by_the_last_owner_and_sums_that_add_up(self):
        self.start()
        gone = self.talking()
        gone.close()
        self.daemon.sessions(1)
        client = self.talking()
        served = time.monotonic()
        first = self.daemon.counters()
        self.assertEqual((2, 1, 0), (first["accepted"], first["open"], balance(first)))
        kept = self.talking("counted")
        self.daemon.configure(BASE.replace("[listener.counted]", "[listener.other]"))
        self.daemon.upgrade()
        old, new = self.daemon.counters_of(self.daemon.previous), self.daemon.counters()
        self.assertEqual((3, 1, 1), (old["accepted"], old["open"], old["handed_over"]))
        self.assertEqual((0, 1, 1), (new["accepted"], new["open"], new["taken_over"]))
        self.assertEqual((0, 0), (balance(old), balance(new)), (old, new))
        self.goes_on(client)
        newcomer = self.talking()
        least_ms = 1000 * (time.monotonic() - served)
        for each in (client, newcomer, kept):
            each.close()
        lines = {line["id"]: line for line in self.daemon.sessions(4)}
        self.check_the_old_one_ends()
        self.daemon.stop()
        self.assertEqual(4, len(self.daemon.sessions()), "one for each")
        self.assertEqual(4, len(lines), "ids are those of the daemon, not of a process")
        self.assertEqual({"peer_closed"}, {line["reason"] for line in lines.values()})
        moved, = [line for line in lines.values() if line["bytes_in"] > 7]
        self.assertEqual((14, 14, 2, 2), tuple(moved[name] for name in ("bytes_in", "bytes_out", "messages_in", "messages_out")))
        self.assertGreaterEqual(moved["ms"], least_ms - 5, "since the connect")
        last = self.daemon.events("counters")[-1]
        self.assertEqual((1, 1, 2, 0), (last["accepted"], last["taken_over"], last["peer_closed"], balance(last)))

    def test_the_transcript_hears_nothing(self):
        self.start(BASE + "[listener.told]\nbind = 127.0.0.1:0\nservice = told\n[service.told]\ntype = echo\nboundary = line\n"
                   "on_connect = + somebody\non_close = - somebody\n")
        client = self.talking("told")
        self.daemon.upgrade()
        self.check_the_old_one_ends()
        self.goes_on(client)
        client.close()
        self.daemon.sessions(1)
        self.daemon.stop()
        self.assertEqual(["+ somebody", "- somebody"], self.daemon.stdout_lines())

    def test_they_keep_what_they_began_with(self):
        """Keys of class N are theirs; those of class R are the new process's."""
        config = BASE + "[server]\nname = one\n"
        self.start(config)
        client, framed = self.connect(), self.framed()
        self.says(client, b"x\n", ANSWER.encode())
        self.daemon.configure(config.replace("收到", "别的").replace("name = one", "name = two\nthreads = 3"))
        self.daemon.upgrade()
        self.says(client, b"x\n", ANSWER.encode())
        self.assertEqual("收到".encode(), framed.ask(b"?"))
        self.says(self.connect(), b"x\n", "别的\n".encode())
        self.assertEqual("two", self.framed().hello.name)
        self.assertEqual([2, 3], [event["threads"] for event in self.daemon.events("ready")])


class Kept(UpgradeTest):
    def test_downloads_stay_and_end_whole(self):
        self.start()
        self.serve_a_file()
        text, framed = self.connect("files"), self.framed("files")
        text.sendall(b"file\n")
        self.assertEqual(CONTENT[:100], receive_exactly(text, 100))
        framed.send(GET, struct.pack(">QQ", 0, (1 << 64) - 1) + bytes(40) + b"file", 0, 1)
        self.assertEqual(BEGIN, framed.read().type)
        resting = self.talking()
        told = self.daemon.upgrade()
        self.assertEqual((1, 2), (told["sessions_handed_over"], told["sessions_kept"]))
        self.goes_on(resting)
        self.assertFalse(self.daemon.previous.has_ended())
        self.assertEqual(CONTENT[100:], receive_until_end(text))
        frames = framed.read_until_end()
        self.assertEqual(CONTENT, b"".join(one.payload for one in frames if one.type == DATA))
        end, goodbye = [one for one in frames if one.type != DATA]
        self.assertEqual((END, GOAWAY), (end.type, goodbye.type))
        self.assertEqual((1, RESTART), struct.unpack(">II", goodbye.payload[:8]))
        text.close()
        framed.socket.close()
        self.check_the_old_one_ends()
        self.assertEqual({"completed", "restart"}, {line["reason"] for line in self.daemon.sessions(2, "files")})

    def test_all_of_them_where_only_listeners_are_handed_over(self):
        self.start(BASE + "[server]\nupgrade = listeners\n")
        text, framed = self.talking(), self.framed()
        told = self.daemon.upgrade()
        self.assertEqual((0, 2), (told["sessions_handed_over"], told["sessions_kept"]))
        goodbye, = framed.read_until_end()
        self.assertEqual((GOAWAY, RESTART), (goodbye.type, struct.unpack(">II", goodbye.payload[:8])[1]))
        framed.socket.close()
        self.goes_on(text)
        new = self.talking()
        counters = self.daemon.counters()
        self.assertEqual((1, 1), (counters["accepted"], counters["open"]))
        text.close()
        self.check_the_old_one_ends()
        self.goes_on(new)

    def test_what_the_new_configuration_has_no_equal_place_for(self):
        self.start()
        stay = {
            "listener gone": self.talking("counted"),
            "smaller messages": self.talking("lines"),
            "service gone": self.framed("framed"),
        }
        self.assertEqual(OPENED, stay["service gone"].open(1, "counted").type)
        goes = self.framed("framed")
        self.daemon.configure(BASE.replace("[listener.counted]", "[listener.other]").replace("[service.counted]", "[service.other]")
                              .replace("services = echo, counted", "").replace("services = answers, echo, counted", "")
                              .replace("service = counted", "service = other")
                              .replace("protocol = text\nservice = echo", "protocol = text\nservice = echo\nmax_message = 1KiB"))
        told = self.daemon.upgrade()
        self.assertEqual((1, 3), (told["sessions_handed_over"], told["sessions_kept"]))
        self.assertEqual(b"x", goes.ask(b"x"))
        goodbye, = stay["service gone"].read_until_end()
        self.assertEqual((GOAWAY, RESTART), (goodbye.type, struct.unpack(">II", goodbye.payload[:8])[1]))
        for name in ("listener gone", "smaller messages"):
            self.goes_on(stay[name])
        for client in (stay["listener gone"], stay["smaller messages"], stay["service gone"].socket):
            client.close()
        self.check_the_old_one_ends()

    def test_the_others_are_served_until_the_deadline(self):
        self.start(BASE + "[server]\nupgrade = listeners\n[timeouts]\nupgrade_drain = 300ms\n")
        client = self.talking()
        self.daemon.upgrade()
        self.goes_on(client)
        self.assertEqual(b"", receive_until_end(client))
        client.close()
        self.check_the_old_one_ends()
        self.assertEqual("restart", self.daemon.sessions(1)[0]["reason"])

    def test_a_stop_of_the_old_one_is_its_own(self):
        self.start(BASE + "[server]\nupgrade = listeners\n")
        old = self.talking()
        self.daemon.upgrade()
        new = self.talking()
        self.daemon.previous.send_signal(signal.SIGTERM)
        self.assertEqual(b"", receive_until_end(old))
        old.close()
        self.check_the_old_one_ends()
        self.goes_on(new)

    def test_a_stop_of_the_new_one_leaves_the_old_one_to_its_clients(self):
        self.start(BASE + "[server]\nupgrade = listeners\n")
        old = self.talking()
        self.daemon.upgrade()
        self.daemon.stop()
        with self.assertRaises(ConnectionRefusedError):
            self.daemon.connect("lines")
        self.goes_on(old)
        old.close()
        self.check_the_old_one_ends()


class Listeners(UpgradeTest):
    def test_nobody_is_refused(self):
        for accept in ("shared", "reuseport"):
            with self.subTest(accept):
                self.start(BASE + f"[server]\naccept = {accept}\n")
                with Visitors(self.daemon.address("lines"), 200) as visitors:
                    for _ in range(3):
                        before = visitors.begun
                        self.daemon.upgrade()
                        wait_for(lambda: visitors.begun >= before + 20, "twenty more visitors")
                        self.check_the_old_one_ends()
                    visitors.leave()
                self.assertEqual([], visitors.failures)
                self.assertEqual(visitors.begun, visitors.served)

    def test_a_unix_socket_keeps_its_path(self):
        self.start(BASE + "[listener.local]\nbind = unix:{directory}/socket\nservice = echo\n")
        path = str(self.daemon.directory / "socket")
        inode = os.stat(path).st_ino
        client = self.talking("local")
        self.daemon.upgrade()
        self.check_the_old_one_ends()
        self.assertEqual(inode, os.stat(path).st_ino)
        self.goes_on(client)
        self.assertEqual(b"x\n", exchange(path, b"x\n"))
        client.close()
        self.daemon.stop()
        self.assertFalse(os.path.exists(path), "the last one's to remove")

    def test_the_file_ports_is_the_new_ones(self):
        self.start(BASE + "[server]\nupgrade = listeners\n")
        ports = self.daemon.directory / "run" / "ports"
        said = ports.read_text()
        client = self.talking()
        self.daemon.upgrade()
        self.assertEqual(said, ports.read_text())
        client.close()
        self.check_the_old_one_ends()
        self.assertEqual(said, ports.read_text(), "the old one removes nothing")

    def test_sockets_that_somebody_holds_stay_his(self):
        held = self.stack.enter_context(listening())
        host, port = held.getsockname()
        config = BASE.replace("[listener.lines]\nbind = 127.0.0.1:0", f"[listener.lines]\nbind = {host}:{port}")
        with UpgradedDaemon(config, inherited=[("lines", held)]) as self.daemon:
            client = self.talking()
            self.daemon.upgrade()
            self.check_the_old_one_ends()
            self.goes_on(client)
            self.assertEqual(b"x\n", exchange((host, port), b"x\n"))
            client.close()
        early = self.stack.enter_context(connect((host, port)))
        early.sendall(b"early\n")
        with UpgradedDaemon(config, inherited=[("lines", held)]):
            self.assertEqual(b"early\n", receive_exactly(early, 6))
            early.close()

    def test_a_listener_comes_and_another_goes(self):
        self.start()
        gone = self.daemon.address("counted")
        self.daemon.configure(BASE.replace("[listener.counted]", "[listener.other]"))
        self.daemon.upgrade()
        self.check_the_old_one_ends()
        self.talking("other")
        with self.assertRaises(ConnectionRefusedError):
            connect(gone)

    def test_a_reload_behind_it(self):
        self.start()
        client = self.connect()
        self.says(client, b"x\n", ANSWER.encode())
        self.daemon.upgrade()
        self.check_the_old_one_ends()
        self.daemon.configure(BASE.replace("收到", "别的").replace("[listener.counted]", "[listener.other]"))
        self.daemon.send_signal(signal.SIGHUP)
        self.daemon.wait_for_events("reloaded")
        self.says(client, b"x\n", ANSWER.encode())
        self.says(self.connect(), b"x\n", "别的\n".encode())
        self.talking("other")
        with self.assertRaises(ConnectionRefusedError):
            self.connect("counted")


class Processes(UpgradeTest):
    def test_one_behind_the_other(self):
        self.start()
        client, framed = self.talking(), self.framed("framed")
        descriptors = set()
        for number in range(5):
            if number > 0:
                descriptors.add(self.daemon.descriptors_at_rest())
            told = self.daemon.upgrade()
            self.assertEqual((2, 0), (told["sessions_handed_over"], told["sessions_kept"]))
            self.check_the_old_one_ends()
            self.goes_on(client)
            self.assertEqual(b"%d" % number, framed.ask(b"%d" % number))
        self.assertEqual(1, len(descriptors), f"{descriptors} descriptors")
        began = self.daemon.events("upgrade_began")
        self.assertEqual([one.pid for one in self.daemon.generations[1:]], [event["pid"] for event in began])
        self.assertEqual({str(self.daemon.program)}, {event["path"] for event in began})
        self.assertEqual([one.pid for one in self.daemon.generations[:-1]], [event["from"] for event in self.daemon.events("takes_over")])

    def test_three_old_ones_and_no_more(self):
        self.start(BASE + "[server]\nupgrade = listeners\n")
        clients = [self.talking()]
        for _ in range(3):
            self.daemon.upgrade()
            clients.append(self.talking())
        refused = self.daemon.ask_for_upgrade()
        self.assertEqual("upgrade_refused", refused["event"])
        self.assertEqual("warn", refused["level"])
        for client in clients:
            self.goes_on(client)
        clients[0].close()
        self.assertEqual(0, self.daemon.generations[0].wait())
        self.daemon.upgrade()
        for client in clients[1:]:
            self.goes_on(client)
            client.close()

    def test_one_at_a_time(self):
        self.start()
        client = self.talking()
        self.daemon.put_program(script("exec sleep 1000"))
        began, answers = self.daemon.begin_upgrade()
        refused = self.daemon.ask_for_upgrade()
        self.assertEqual("upgrade_refused", refused["event"])
        os.kill(began["pid"], signal.SIGKILL)
        self.assertEqual("upgrade_failed", self.daemon.wait_for_answer(answers + 1)["event"])
        self.goes_on(client)
        self.daemon.put_program()
        self.daemon.upgrade()
        self.goes_on(client)

    def test_not_by_one_that_stops_or_has_been_replaced(self):
        self.start(BASE + "[server]\nupgrade = listeners\n[timeouts]\ndrain = 10m\n")
        old = self.talking()
        self.daemon.upgrade()
        refused = self.daemon.ask_for_upgrade(lambda: self.daemon.previous.send_signal(signal.SIGUSR2))
        self.assertEqual("upgrade_refused", refused["event"])
        new = self.talking()
        draining = len(self.daemon.events("draining"))
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait_for_events("draining", draining + 1)
        self.assertEqual("upgrade_refused", self.daemon.ask_for_upgrade()["event"])
        for client in (old, new):
            self.goes_on(client)
            client.close()

    def test_it_is_answered_whatever_the_level(self):
        self.start()
        self.daemon.configure(BASE + "[log]\nlevel = off\n")
        self.daemon.upgrade()
        self.check_the_old_one_ends()
        self.daemon.upgrade()
        self.check_the_old_one_ends()
        self.daemon.put_program(script("exit 1"))
        self.assertEqual("upgrade_failed", self.daemon.ask_for_upgrade()["event"])

    def test_the_path_of_the_start(self):
        """Relative, and a link that leads to another file by now."""
        adopt_orphans()
        for program in ("./fairleadd", "fairleadd"):
            with self.subTest(program), tempfile.TemporaryDirectory(prefix="fairlead-test-") as folder:
                link, copy = pathlib.Path(folder) / "fairleadd", pathlib.Path(folder) / "copy"
                link.symlink_to(binary())
                shutil.copy(binary(), copy)
                log = pathlib.Path(folder) / "log"
                with open(log, "wb") as file:
                    process = subprocess.Popen([program, "--listen", "127.0.0.1:0"], cwd=folder, stdin=subprocess.DEVNULL, stderr=file,
                                               env={**os.environ, "PATH": folder})
                try:
                    wait_for(lambda: " info ready " in log.read_text(), "the daemon to be ready")
                    (pathlib.Path(folder) / "new").symlink_to(copy)
                    (pathlib.Path(folder) / "new").replace(link)
                    process.send_signal(signal.SIGUSR2)
                    told = wait_for(lambda: re.search(r" info upgraded to=(\d+)", log.read_text()), "the upgrade")
                    new = Generation(int(told[1]))
                    self.stack.callback(new.close)
                    self.assertEqual(0, process.wait(DEADLINE))
                    self.assertIn(f" path={folder}/fairleadd\n", log.read_text())
                    self.assertEqual(str(copy), new.program())
                    new.send_signal(signal.SIGTERM)
                    self.assertEqual(0, new.wait())
                    new.reap()
                finally:
                    process.kill()
                    process.wait()

    def test_refused_as_process_1(self):
        command = ["unshare", "--pid", "--fork", "--kill-child", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
            self.skipTest("no namespace of processes can be had")
        with tempfile.NamedTemporaryFile() as log, subprocess.Popen(
                [*command, binary(), "--listen", "127.0.0.1:0"], stderr=log, stdin=subprocess.DEVNULL) as process:
            try:
                def said(word):
                    return word in pathlib.Path(log.name).read_text()
                wait_for(lambda: said(" info ready "), "the daemon to be ready")
                child, = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                os.kill(int(child), signal.SIGUSR2)
                wait_for(lambda: said(" warn upgrade_refused "), "the refusal")
                self.assertFalse(said("upgrade_began"))
            finally:
                process.kill()

    def test_an_ordinary_user_with_few_descriptors(self):
        clients, descriptors = 700, 1024
        config = BASE.split("[listener.files]")[0] + "[service.answers]" + BASE.split("[service.answers]")[1].split("[service.files]")[0]
        self.daemon = UpgradedDaemon(config, preexec=lambda: self.become_ordinary(descriptors))  # downloads would take half of them
        self.daemon.program.unlink()
        shutil.copy(binary(), self.daemon.program)  # whoever he is may not look into the folder of the build
        for path in (self.daemon.directory, self.daemon.directory / "run"):
            if os.geteuid() == 0:
                os.chown(path, self.USER, self.USER)
        self.stack.enter_context(self.daemon)
        connected = [self.connect("lines") for _ in range(clients)]
        for client in connected:
            self.says(client, b"before\n", b"before\n")
        for _ in range(2):
            told = self.daemon.upgrade()
            self.assertEqual((clients, 0), (told["sessions_handed_over"], told["sessions_kept"]))
            self.check_the_old_one_ends()
        for client in connected:
            self.goes_on(client)

    USER = 61234

    def become_ordinary(self, descriptors):
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(self.USER, self.USER, self.USER)
            os.setresuid(self.USER, self.USER, self.USER)


class ServiceManager(UpgradeTest):
    def test_is_told_which_process_is_the_main_one(self):
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        manager = self.stack.enter_context(NotifySocket(f"{folder}/notify"))
        self.start(BASE + "[server]\nupgrade = listeners\n", environment={**manager.environment, "WATCHDOG_USEC": "200000"})
        manager.wait_for_key("READY")
        client = self.talking()
        self.daemon.upgrade()
        old, new = self.daemon.previous.pid, self.daemon.pid
        told = manager.wait_for_key("MAINPID")
        self.assertEqual((str(new), old), (told["MAINPID"], manager.sent_by[-1]))
        for _ in range(2):
            manager.wait_for(lambda message: "WATCHDOG" in message and manager.sent_by[-1] == new, "the watchdog of the new one")
        client.close()
        self.check_the_old_one_ends()
        behind = [message for (_, message), sender in zip(manager.messages, manager.sent_by) if sender == old]
        behind = behind[behind.index(told) + 1:]
        self.assertEqual([], behind, "the old one is nobody to the manager any more")
        self.assertFalse([message for _, message in manager.messages if "STOPPING" in message])
        self.daemon.stop()
        manager.wait_for(lambda message: "STOPPING" in message and manager.sent_by[-1] == new, "the stop")


if __name__ == "__main__":
    main()
