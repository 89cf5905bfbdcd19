"""A Debian of the test's own, below a folder: debootstrap's smallest, from the mirror that this machine's apt uses, with namespaces for
its mounts, processes and network, and a service manager that is a few lines of shell."""
import pathlib
import subprocess

from .waiting import wait_for

LONG_S = 240
DEBOOTSTRAP_S = 600
RELEASE = "bookworm"

# Process 1: it only collects what has ended.
INIT = """#!/bin/sh
trap 'exit 0' TERM
while :; do sleep 1000 & wait; done
"""

# What a service tells its manager by $NOTIFY_SOCKET, as far as it is looked at: which process is the main one.
NOTIFIED = r"""use Socket;
my ($told, $file);
socket($told, AF_UNIX, SOCK_DGRAM, 0) and bind($told, pack_sockaddr_un("/run/notify")) or die;
chmod 0666, "/run/notify";
while (defined recv($told, my $message, 4096, 0)) {
  next unless $message =~ /^MAINPID=(\d+)$/m;
  open($file, ">", "/run/main-pid.new") and print $file $1 and close $file and rename "/run/main-pid.new", "/run/main-pid";
}
"""

# systemctl, as far as packages use it. What was asked is kept. The file deaf makes a daemon to which no signal leads, as one that
# refuses an upgrade.
SYSTEMCTL = r"""#!/bin/sh
echo "$*" >> /run/asked
unit=/usr/lib/systemd/system/fairleadd.service
value() { sed -n "s/^$1=//p" $unit; }
main_pid() {
  pid=$(cat /run/main-pid 2>/dev/null) && readlink "/proc/$pid/exe" >/dev/null && echo "$pid"
}
all_pids() {
  for process in /proc/[0-9]*; do
    case $(readlink "$process/exe") in /usr/sbin/fairleadd*) echo "${process#/proc/}" ;; esac
  done
}
begin() {
  rm -f /run/fairlead/ports
  NOTIFY_SOCKET=/run/notify setpriv --reuid="$(value User)" --regid="$(value Group)" --init-groups --no-new-privs $(value ExecStart) \
    </dev/null >/dev/null 2>>/run/journal &
  echo $! > /run/main-pid
  for tenth in $(seq 100); do [ -s /run/fairlead/ports ] && return 0; sleep 0.1; done
  return 1
}
end() {
  kill $(all_pids) 2>/dev/null
  while [ -n "$(all_pids)" ]; do sleep 0.1; done
}
while case $1 in show | kill) false ;; --*) true ;; *) false ;; esac; do shift; done
case "$*" in
  "preset fairleadd.service")
    mkdir -p /etc/systemd/system/multi-user.target.wants
    ln -sf $unit /etc/systemd/system/multi-user.target.wants/fairleadd.service ;;
  *fairleadd.socket*) [ "$1" = stop ] && end; exit 0 ;;
  daemon-reload) ;;
  "is-enabled -- fairleadd.service") test -e /etc/systemd/system/multi-user.target.wants/fairleadd.service && echo enabled ;;
  is-active*) test -n "$(main_pid)" ;;
  show*MainPID*) pid=$(main_pid); echo "${pid:-0}" ;;
  kill*) [ -e /run/deaf ] || kill -s USR2 "$(main_pid)" ;;
  start*) begin ;;
  restart*) end; begin ;;
  stop*) end ;;
  *) exit 1 ;;
esac
"""


def run(*command, check=True, timeout=LONG_S, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def mirror():
    lines = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages").splitlines()
    for address, release, component in map(str.split, lines):
        if (release, component) == (RELEASE, "main"):
            return address
    raise AssertionError(f"apt knows no mirror of {RELEASE}: " + str(lines))


class Machine:
    """A context manager. `packages` are installed beside the smallest system."""

    def __init__(self, folder, packages):
        self.root = pathlib.Path(folder) / "root"
        self._packages = packages
        self._namespaces = None
        self._init = None

    def __enter__(self):
        # Its mounts end with it, however it ends: what is removed afterwards must not lead into /proc.
        run("unshare", "--mount", "debootstrap", "--variant=minbase", RELEASE, self.root, mirror(), timeout=DEBOOTSTRAP_S)
        # By apt, which knows what provides what; the later namespaces have no way to a mirror.
        run("unshare", "--mount", "sh", "-ec", 'mount -t proc proc "$0/proc"; exec env DEBIAN_FRONTEND=noninteractive chroot "$0" '
            'apt-get install -qq -y --no-install-recommends "$@"', self.root, *self._packages)
        self.write("init", INIT)
        self._namespaces = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--propagation", "private", "sh", "-ec",
             'ip link set lo up; mount -t proc proc "$0/proc"; mount -t tmpfs tmpfs "$0/run"; mount --rbind /dev "$0/dev"; exec chroot "$0" /init',
             str(self.root)], stdin=subprocess.DEVNULL)
        children = pathlib.Path(f"/proc/{self._namespaces.pid}/task/{self._namespaces.pid}/children")
        wait_for(lambda: children.read_text().split(), "the first process of the machine")
        self._init = children.read_text().split()[0]
        wait_for(lambda: pathlib.Path(f"/proc/{self._init}/root").resolve() == self.root.resolve(), "the machine")
        return self

    def __exit__(self, *_):
        self._namespaces.kill()  # it ignores TERM; its child dies with it
        self._namespaces.wait()

    def has_service_manager(self):
        """From now on packages find systemctl, and that it is in charge."""
        self.write("usr/bin/systemctl", SYSTEMCTL)
        self.write("notified", NOTIFIED)
        self.run("mkdir", "-p", "/run/systemd/system")
        self.run("sh", "-c", "if ! [ -e /run/notify ]; then perl /notified </dev/null >/dev/null 2>&1 & fi; "
                 "while ! [ -e /run/notify ]; do sleep 0.1; done")

    def write(self, name, script):
        (self.root / name).write_text(script)
        (self.root / name).chmod(0o755)

    def run(self, *command, check=True):
        return run("nsenter", "--target", self._init, "--mount", "--pid", "--net", "--root", "--wd", "env", "-i",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *command, check=check)

    def files(self):
        """All names, but those below what is mounted."""
        listed = self.run("find", "/", "-xdev", "-not", "-path", "/proc*", "-not", "-path", "/dev*", "-not", "-path", "/run*")
        return set(listed.splitlines())

    def asked(self):
        """What was asked of the service manager."""
        return self.run("cat", "/run/asked", check=False).splitlines()
