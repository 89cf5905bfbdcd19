"""Waiting for a condition: no test sleeps for a time and hopes."""
import os
import time

# Far beyond what anything here takes; a sanitizer's build is given more.
DEADLINE = float(os.environ.get("FAIRLEAD_TEST_DEADLINE", "60"))


def wait_for(condition, what, deadline=DEADLINE, pause_max=0.05):
    """The first true value of condition(), asked again and again; AssertionError when none came in time. `pause_max`: the
    seconds between two, where to ask is work."""
    end = time.monotonic() + deadline
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:g} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 2, pause_max)
