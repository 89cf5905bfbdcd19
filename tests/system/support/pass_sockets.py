"""Becomes another program that gets sockets as sd_listen_fds(3) has it: NAMES NUMBERS COMMAND..."""
import fcntl
import os
import sys

names, numbers, *command = sys.argv[1:]
# Out of the way first: a number may be another one's target.
moved = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 100) for number in numbers.split(",")]
for number in numbers.split(","):
    os.close(int(number))
for position, number in enumerate(moved):
    os.dup2(number, 3 + position)
    os.close(number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(moved)), LISTEN_FDNAMES=names)
os.execv(command[0], command)
