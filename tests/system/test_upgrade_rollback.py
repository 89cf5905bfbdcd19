"""USR2, and the new process fails in some way: the old one serves on, loses nobody, and says why."""
import os
import pathlib
import selectors
import signal
import unittest

from support.peers import PREFACE, receive_exactly, receive_until_end
from support.runner import main
from support.upgrading import BASE, Generation, UpgradeTest, balance, fake_taker, script
from support.waiting import wait_for

CONFIG = BASE + "[timeouts]\nupgrade = {upgrade}\n"
QUICK, AMPLE = "1s", "30s"


class RollbackTest(UpgradeTest):
    def begin(self, upgrade=AMPLE, more=""):
        self.start(CONFIG.replace("{upgrade}", upgrade) + more)
        self.text, self.chatty = self.talking(), self.framed("framed")
        self.assertEqual(b"x", self.chatty.ask(b"x"))
        self.half = self.connect("lines")
        self.half.sendall(b"hal")
        self.wait_until_received(len("before\n") + len(PREFACE) + 13 + 3)
        self.descriptors = self.daemon.descriptors_at_rest()

    def serves_on(self, lost=0):
        """What there was, but for the clients that a new process had taken; who comes; and the upgrade that is right."""
        daemon = self.daemon
        wait_for(lambda: not daemon.current.children(), "the new process to be gone")
        daemon.wait_for_descriptors(self.descriptors - lost)
        self.goes_on(self.text)
        self.assertEqual(b"y", self.chatty.ask(b"y"))
        self.says(self.half, b"f\n", b"half\n")
        newcomer = self.talking()
        counters = daemon.counters()
        self.assertEqual((0, lost), (balance(counters), counters.get("handed_over", 0)), counters)
        daemon.put_program()
        daemon.configure(CONFIG.replace("{upgrade}", AMPLE))
        reloaded = len(daemon.events("reloaded"))
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_for_events("reloaded", reloaded + 1)
        told = daemon.upgrade()
        self.assertEqual(0, told["sessions_kept"])
        self.check_the_old_one_ends()
        self.goes_on(self.text)
        self.assertEqual(b"z", self.chatty.ask(b"z"))
        self.says(self.half, b"whole\n", b"whole\n")
        self.goes_on(newcomer)

    def check_failed(self, answer, why):
        self.assertEqual(("upgrade_failed", "error"), (answer["event"], answer["level"]))
        self.assertRegex(answer["reason"], why)

    def fails(self, program, why):
        self.daemon.put_program(program)
        self.check_failed(self.daemon.ask_for_upgrade(), why)

    def said(self):
        """What the fake has noted."""
        path = pathlib.Path(f"{self.daemon.program}.said")
        return path.read_text().splitlines() if path.exists() else []


class Programs(RollbackTest):
    def test_that_end_at_once(self):
        self.begin()
        for body, why in (("exit 1", r"\b1\b"), ("exit 0", r"\b0\b"), ("kill -KILL $$", "KILL|Killed|signal 9"),
                          ("kill -TERM $$", "TERM|Terminated|signal 15")):
            with self.subTest(body):
                self.fails(script(body), why)
        self.serves_on()

    def test_that_cannot_be_executed(self):
        self.begin()
        for program, mode, why in (("no program\n", 0o755, "Exec format error"), (script("exit 0"), 0o644, "Permission denied"),
                                   (script("exit 0", "/nonexistent/sh"), 0o755, "No such file or directory")):
            with self.subTest(why):
                self.daemon.put_program(program)
                self.daemon.program.chmod(mode)
                self.check_not_begun(self.daemon.ask_for_upgrade(), why)
        self.daemon.program.unlink()
        self.check_not_begun(self.daemon.ask_for_upgrade(), "No such file or directory")
        self.serves_on()

    def check_not_begun(self, answer, why):
        """Whether that is a refusal or a failure is not promised."""
        self.assertIn(answer["event"], ("upgrade_failed", "upgrade_refused"))
        self.assertRegex(answer["reason"], f"{self.daemon.program}.*{why}|{why}.*{self.daemon.program}")

    def test_that_hang(self):
        self.begin(QUICK)
        self.fails(script("exec sleep 1000"), "timeouts.upgrade")
        self.serves_on()

    def test_that_hang_and_do_not_listen_to_TERM(self):
        self.begin(QUICK)
        self.fails(script("trap '' TERM INT HUP\nexec sleep 1000"), "timeouts.upgrade")
        self.serves_on()

    def test_that_find_the_configuration_invalid(self):
        self.begin()
        self.daemon.configure(CONFIG.replace("{upgrade}", AMPLE) + "[timeouts]\nidel = 1m\n")
        self.check_failed(self.daemon.ask_for_upgrade(), r"\b6\b|configuration")
        self.assertIn("timeouts.idel", self.daemon.stderr(), "the new one has said what is wrong")
        self.serves_on()

    def test_that_cannot_have_an_address(self):
        self.begin()
        port = self.daemon.address("lines")[1]
        self.daemon.configure(CONFIG.replace("{upgrade}", AMPLE).replace("[listener.counted]\nbind = 127.0.0.1:0",
                                                                         "[listener.counted]\nbind = 192.0.2.1:1"))
        self.check_failed(self.daemon.ask_for_upgrade(), ".")
        self.assertEqual(port, self.daemon.address("lines")[1])
        self.serves_on()


class Signals(RollbackTest):
    """While a new process hangs."""

    def begin_to_hang(self, more=""):
        self.begin(more=more)
        self.daemon.put_program(script("exec sleep 1000"))
        return self.daemon.begin_upgrade()

    def test_reloads_and_counters_are_answered_meanwhile(self):
        began, answers = self.begin_to_hang()
        self.assertEqual(0, balance(self.daemon.counters()))
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: self.daemon.events_of(("reloaded", "reload_refused")), "an answer to HUP")
        self.goes_on(self.text)
        os.kill(began["pid"], signal.SIGKILL)
        self.check_failed(self.daemon.wait_for_answer(answers), "KILL|Killed|signal 9")
        self.serves_on()

    def test_a_stop_ends_the_new_process_first(self):
        began, answers = self.begin_to_hang("drain = 10m\n")
        new = Generation(began["pid"])
        self.stack.callback(new.close)
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual("upgrade_failed", self.daemon.wait_for_answer(answers)["event"])
        self.assertTrue(new.has_ended(10))
        self.goes_on(self.text)
        for client in (self.text, self.half):
            client.close()
        self.chatty.socket.close()
        self.assertEqual(0, self.daemon.wait())


class Takers(RollbackTest):
    """That speak, and speak wrongly."""

    def test_of_another_version(self):
        self.begin()
        self.fails(fake_taker("taker = Taker()\ntaker.receive(HELLO)\ntaker.send(ready(9))\ntaker.hang()"), "READY")
        self.serves_on()

    def test_that_say_nonsense(self):
        for words in ("b'\\xff' * 100", "b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n'", "b'\\0' * 12", "ready(1)[:-1] + b'x'", "answer(1, [0])",
                      "refuse_all(6)", "message(99)", "ready(1) + ready(1)", "message(READY)"):
            with self.subTest(words):
                if not hasattr(self, "daemon"):
                    self.begin()
                self.fails(fake_taker(f"taker = Taker()\ntaker.receive(HELLO)\ntaker.send({words})\ntaker.hang()"), ".")
        self.serves_on()

    def test_that_end_on_the_way(self):
        for body in ("taker.receive(HELLO)", "taker.receive(HELLO)\ntaker.send(ready(1))", "taker.begin()",
                     "taker.begin()\ntaker.receive_batch()", "taker.begin()\ntaker.receive_batch()\nos.kill(os.getpid(), 9)",
                     "taker.begin()\nnumber, records = taker.receive_batch()\ntaker.send(answer(number, [0] * len(records))[:9])",
                     "taker.begin()\ntaker.socket.close()\ntaker.hang()"):
            with self.subTest(body):
                if not hasattr(self, "daemon"):
                    self.begin()
                self.fails(fake_taker(f"taker = Taker()\n{body}"), ".")
        self.serves_on()

    def test_that_never_answer(self):
        self.begin("5s")  # enough for a Python that starts on a busy machine
        self.daemon.put_program(fake_taker("taker = Taker()\ntaker.begin()\ntaker.receive_batch()\ntaker.hang()"))
        _, answers = self.daemon.begin_upgrade()
        wait_for(lambda: "hangs" in self.said(), "the fake to have the sessions")
        # Nobody accepts just now; who comes waits.
        newcomer = self.connect("lines")
        newcomer.sendall(b"before\n")
        self.check_failed(self.daemon.wait_for_answer(answers), "timeouts.upgrade")
        self.assertEqual(b"before\n", receive_exactly(newcomer, 7))
        self.goes_on(newcomer)
        newcomer.close()
        self.daemon.sessions(1)
        self.serves_on()

    def test_that_refuse_and_fail_are_not_the_last_word(self):
        """The next one may have a place for them."""
        self.begin()
        self.fails(fake_taker("taker = Taker()\ntaker.begin()\nnumber, records = taker.receive_batch()\n"
                              "taker.send(answer(number, [2] * len(records)))\ntaker.receive_batch()"), ".")
        self.serves_on()

    def test_that_die_behind_an_answer_take_those_of_it_along(self):
        """A session belongs to whoever has said so last."""
        self.begin()
        taken = [self.talking() for _ in range(300)]
        descriptors = self.daemon.descriptors()
        self.fails(fake_taker("taker = Taker()\ntaker.begin()\ntaker.take_batch()\ntaker.receive_batch()"), ".")
        lost = int(next(line for line in self.said() if line.startswith("taken")).split()[1])
        self.assertLess(lost, 303)
        counters = self.daemon.counters()
        self.assertEqual((lost, 303 - lost, 0), (counters["handed_over"], counters["open"], balance(counters)))
        self.daemon.wait_for_descriptors(descriptors - lost)
        self.check_ended(lost, taken)
        self.assertEqual([], self.daemon.sessions(), "they were the other's to tell")

    def test_whose_answer_cannot_be_read_end_those_of_it(self):
        """It may have meant any of them."""
        self.begin()
        self.fails(fake_taker("taker = Taker()\ntaker.begin()\nnumber, records = taker.receive_batch()\n"
                              "taker.send(answer(number + 7, [0] * len(records)))\ntaker.hang()"), "ANSWER")
        self.check_ended(int(next(line for line in self.said() if line.startswith("batch")).split()[1]))
        newcomer = self.talking()
        self.assertEqual(0, balance(self.daemon.counters()))
        self.goes_on(newcomer)

    def check_ended(self, lost, more=()):
        """So many of the clients have ended, and the others are served."""
        with selectors.DefaultSelector() as ends:
            for client in (self.text, self.half, self.chatty.socket, *more):
                ends.register(client, selectors.EVENT_READ)
            wait_for(lambda: len(ends.select(0)) >= lost, f"the ends of {lost} clients")
            ended = {key.fileobj for key, _ in ends.select(0)}
        self.assertEqual(lost, len(ended))
        for client in ended:
            self.assertEqual(b"", receive_until_end(client))
        for client in {self.text, *more} - ended:
            self.goes_on(client)
        if self.half not in ended:
            self.says(self.half, b"f\n", b"half\n")
        if self.chatty.socket not in ended:
            self.assertEqual(b"y", self.chatty.ask(b"y"))


class Content(RollbackTest):
    """Takers that succeed, and take less than all."""

    def takes(self, body, handed_over):
        """The old one has handed over, so many of three."""
        self.begin()
        self.daemon.put_program(fake_taker(f"taker = Taker()\n{body}\ntaker.receive(DONE)\ntaker.hang()"))
        told = self.daemon.ask_for_upgrade()
        self.assertEqual(("upgraded", handed_over, 3 - handed_over),
                         (told["event"], told.get("sessions_handed_over"), told.get("sessions_kept")), told)
        self.old, self.fake = self.daemon.current, Generation(told["to"])
        self.daemon.generations.append(self.fake)
        self.fake.may_fail = True

    def ends(self):
        """The old one serves those it has kept until they leave."""
        for client in (self.text, self.half):
            client.close()
        self.chatty.socket.close()
        self.assertEqual(0, self.old.wait())
        self.fake.kill()

    def test_that_have_no_version_in_common_get_the_listeners_only(self):
        self.takes("taker.receive(HELLO)\ntaker.send(ready(0))\ntaker.receive(GO)", 0)
        self.goes_on(self.text)
        self.says(self.half, b"f\n", b"half\n")
        self.ends()

    def test_that_cannot_read_the_sessions_get_the_listeners_only(self):
        self.takes("taker.begin()\ntaker.receive_batch()\ntaker.send(refuse_all(6))", 0)
        self.goes_on(self.text)
        self.says(self.half, b"f\n", b"half\n")
        self.ends()

    def test_that_refuse_some_for_a_reason_of_a_later_version(self):
        body = ("taker.begin()\nsessions = 0\nwhile sessions < 3:\n  number, records = taker.receive_batch()\n  sessions += len(records)\n"
                "  taker.send(answer(number, [200 if b'hal' in each else 0 for each in records]))")
        self.takes(body, 2)
        self.says(self.half, b"f\n", b"half\n")
        self.ends()


if __name__ == "__main__":
    main()
