"""The page of a load test in a real browser, in both themes: what ctest runs with the label `long`, and only with
FAIRLEAD_LONG=1."""
import collections
import os
import pathlib
import unittest

from support.bench import BenchTest
from support.bench_page import CHROMIUM, check, pixels, screenshot
from support.daemon import Daemon
from support.runner import main, needs_long
from test_bench_reports import SAMPLES, write_samples

ECHO = "[listener.main]\nbind = 127.0.0.1:0\nservice = echo\n[service.echo]\ntype = echo\n"


def brightness(colour):
    return sum(colour) / 3


@needs_long
@unittest.skipUnless(CHROMIUM, "chromium is not installed")
class Rendered(BenchTest):
    def check_drawn(self, page):
        kept = pathlib.Path(os.environ.get("FAIRLEAD_PICTURES_DIR", self.folder))  # to be looked at
        kept.mkdir(exist_ok=True)
        for scheme in ("light", "dark"):
            with self.subTest(f"{page.stem}, {scheme}"):
                picture = kept / f"bench-{page.stem}-{scheme}.png"
                screenshot(page, picture, scheme, 900, 900)
                colours = collections.Counter(pixel for row in pixels(picture) for pixel in row[::3])
                ground = colours.most_common(1)[0][0]
                self.assertGreater(len(colours), 30, "it is blank")
                self.assertTrue(brightness(ground) > 200 if scheme == "light" else brightness(ground) < 60, ground)

    def test_each_page_is_drawn_in_both_themes(self):
        folder = write_samples(self)
        for name in SAMPLES:
            self.check_drawn(folder / f"{name}.html")

    def test_the_page_of_a_run_is_drawn_in_both_themes(self):
        page = self.folder / "run.html"
        with Daemon(ECHO) as server:
            self.report("-c", "10", "-r", "500", "-d", "3s", "--html", str(page), "%s:%d" % server.address())
        check(self, page)
        self.check_drawn(page)


if __name__ == "__main__":
    main()
