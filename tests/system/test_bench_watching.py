"""A load test watched while it runs, and the files it leaves."""
import contextlib
import csv
import re
import subprocess
import textwrap
import unittest

from support.bench import BenchTest
from support.bench_page import check
from support.client import ENVIRONMENT, fairlead
from support.daemon import binary
from support.line_server import LineServer
from support.runner import main
from support.screen import HAVE_TMUX, Screen
from support.waiting import DEADLINE

LOAD = ("-c", "2", "-r", "100", "-d", "2s")


class Files(BenchTest):
    def test_all_of_them_tell_of_the_same_run(self):
        with LineServer() as server:
            result = self.bench(*LOAD, "--warmup", "1s", "-m", "<b>{n}</b>", "--csv", str(self.folder / "csv"),
                                "--html", str(self.folder / "page.html"), server.address)
        self.assertEqual(0, result.code, result.err)
        report = result.report
        self.assertEqual(("fairlead-bench/1", server.address, "open"), (report["schema"], report["address"], report["loop"]))
        self.assert_counts(report, sent=100, done=100)
        with open(self.folder / "csv", newline="", encoding="ascii") as file:
            rows = list(csv.DictReader(file, strict=True))
        self.assertEqual(["1", "0"], [row["warmup"] for row in rows])
        self.assertEqual([100, 100], [int(row["done"]) for row in rows])
        self.assertEqual([100, 100], [second["done"] for second in report["series"]])
        page = "".join(check(self, self.folder / "page.html").texts)
        self.assertIn("<b>{n}</b>", page)
        self.assertIn(report["verdict"]["belief"], page)
        self.assertIn("100 due: 100 done", page)
        self.assertIn("100 due: 100 done", result.text)
        self.assertTrue(result.text.startswith(report["verdict"]["belief"] + ", open loop: 100 messages a second"), result.text)

    def test_one_of_them_on_stdout(self):
        for name, begins in (("json", '{"schema":"fairlead-bench/1"'), ("csv", "second,warmup,"), ("html", "<!DOCTYPE html>")):
            with self.subTest(name), LineServer() as server:
                result = fairlead("bench", "-c", "2", "-r", "100", "-n", "10", "--no-tui", f"--{name}", "-", server.address)
                self.assertEqual(0, result.code, result.err)
                self.assertEqual(begins, result.text[:len(begins)])
                self.assertIn("open loop: 100 messages a second", result.err)

    def test_a_closed_loop_says_so_first(self):
        with LineServer() as server:
            result = fairlead("bench", "-q", "-c", "2", "-n", "10", server.address)
        self.assertRegex(result.text, "^[A-Z]+, closed loop: ")


class Width(BenchTest):
    SENTENCE = "Latency from the intended time includes what waited behind a stall; from the time of sending it does not."

    def wrapped(self, columns):
        return textwrap.wrap(self.SENTENCE, columns, initial_indent="  ", subsequent_indent="  ")

    def test_without_a_terminal(self):
        for said, columns in ("", 80), ("60", 60), ("200", 200), ("wide", 80):
            with self.subTest(said), LineServer() as server:
                result = fairlead("bench", "-q", "-r", "100", "-n", "10", server.address, environment={"COLUMNS": said})
                lines = result.text.splitlines()
                for line in self.wrapped(columns):
                    self.assertIn(line, lines)

    @unittest.skipUnless(HAVE_TMUX, "no tmux")
    def test_that_of_the_terminal(self):
        for columns in 70, 130:
            with LineServer() as server, Screen("bench", "-q", "-r", "100", "-n", "10", server.address, columns=columns,
                                                rows=60) as screen:
                screen.wait_for_text("exit=")
                for line in self.wrapped(columns):
                    self.assertIn(line, screen.lines())


class Lines(BenchTest):
    def test_one_a_second(self):
        with LineServer() as server:
            result = fairlead("bench", *LOAD, server.address)
        self.assertEqual(0, result.code, result.err)
        lines = result.err.splitlines()
        self.assertEqual(2, len(lines), result.err)
        for number, line in enumerate(lines, 1):
            self.assertRegex(line, rf"^ *{number} s +\d+/s  p50 .*  p90 .*  p99 .*  max ")

    def test_while_it_runs(self):
        with LineServer() as server:
            bench = self.begin("-c", "2", "-r", "100", "-d", "10m", server.address)
            self.assertIn("1 s", bench.stderr.readline())
            self.assertIsNone(bench.poll())

    def test_quietly(self):
        with LineServer() as server:
            self.assertEqual("", fairlead("bench", "-q", "-c", "2", "-r", "100", "-d", "1100ms", server.address).err)


class OnATerminal(BenchTest):
    def setUp(self):
        super().setUp()
        if not HAVE_TMUX:
            self.skipTest("tmux is not installed")

    @contextlib.contextmanager
    def shown(self, *words, columns=110, rows=40):
        with LineServer() as server, \
                Screen("bench", "-c", "2", "-r", "100", *words, server.address, columns=columns, rows=rows) as screen:
            yield screen

    def test_the_screen_and_then_the_report(self):
        with self.shown("-d", "3s") as screen:
            screen.wait_for_text("connections  2 of 2")
            shown = screen.text()
            for part in ("running", "% ", " left", "rate ", "/s now", "of 100/s due", "latency ", "p50 ", "p99 ", "errors       0",
                         "mismatches 0"):
                self.assertIn(part, shown)
            self.assertNotIn("open loop", shown)
            screen.wait_for_line("exit=0")
            shown = screen.text()
            self.assertIn("open loop: 100 messages a second were due", shown)
            self.assertNotIn("/s now", shown, "what was only for the moment is gone")

    def test_ctrl_c(self):
        with self.shown("-d", "10m") as screen:
            screen.wait_for_text("connections  2 of 2")
            screen.press("C-c")
            screen.wait_for_line("exit=130")
            self.assertIn("then interrupted", screen.text())

    def test_a_small_one(self):
        with self.shown("-d", "10m", columns=30, rows=4) as screen:
            screen.wait_for_text("/s now")
            self.assertLessEqual(len(screen.lines()), 4)
            self.assertLessEqual(max(map(len, screen.lines())), 30)

    def test_lines_if_they_are_wanted(self):
        with self.shown("-d", "2s", "--no-tui") as screen:
            screen.wait_for_line("exit=0")
            self.assertEqual(2, len(re.findall(r"(?m)^ *[12] s +\d+/s", screen.text())), screen.text())

    def test_no_colour(self):
        """script(1) is the terminal, and keeps every byte."""
        for variables, colours in (({"TERM": "xterm-256color"}, True), ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False)):
            with self.subTest(variables), LineServer() as server:
                command = f"{binary('fairlead')} bench -c 2 -r 100 -d 1200ms {server.address}"
                kept = self.folder / "typescript"
                subprocess.run(["script", "-q", "-e", "-c", command, str(kept)], stdin=subprocess.DEVNULL, check=True,
                               stdout=subprocess.DEVNULL, timeout=DEADLINE, env={**ENVIRONMENT, **variables})
                text = kept.read_bytes().decode()
                self.assertIn("/s now", text)
                self.assertEqual(colours, re.search("\x1b\\[[0-9;]*[1-9][0-9;]*m", text) is not None)


if __name__ == "__main__":
    main()
