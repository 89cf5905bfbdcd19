# The one list of what Fairlead is built, run and tested with: packages of Debian 12, by name. Sourced by run.sh and
# test.sh.

BUILD_PACKAGES=(
  g++ cmake ninja-build ccache
  libboost1.81-dev                  # Asio
  libboost-program-options1.81-dev  # command line and option tables
  libexpected-dev                   # results
  libspdlog-dev                     # logging
  libedit-dev                       # the client's line editing
  libssl-dev                        # SHA-256 of files
  libre2-dev                        # patterns that replies of a load test must match
  nlohmann-json3-dev                # reports of load tests for programs
  libkainjow-mustache-dev           # the page of a load test, from its template
  python3                           # the tour of run.sh; plain peers of the tests; writes the manual pages
)

# What makes the packages for Debian, beside the above.
PACKAGING_PACKAGES=(
  dpkg-dev file                     # which libraries they depend on
)

TEST_PACKAGES=(
  libgtest-dev libgmock-dev         # unit tests
  libbenchmark-dev                  # micro benchmarks
  clang-16 libclang-rt-16-dev       # the sanitizers and libFuzzer
  netcat-openbsd                    # a peer that is not ours
  tmux locales                      # a terminal for the client; a locale that is not UTF-8
  procps iproute2                   # what the kernel says of processes and sockets
  logrotate                         # rotates the logs as the handbook says
  patch                             # plants bugs in copies of files, for the simulation to find
  strace                            # makes system calls fail
  nftables                          # loses packets, in a network namespace of the test's own
  pkg-config                        # builds the example of the client library
  mandoc                            # reads the manual pages
  systemd                           # judges the unit
)

# What only `./test.sh --all` and its parts need.
PART_PACKAGES=(
  chromium                          # looks at the page of a load test
  doxygen                           # the pages of the C++ interfaces
  redis-server memcached nginx-light  # servers of others to load; here, because Debian starts them as services, too
  clang-tidy-16                     # the part tidy
  gcovr                             # the part coverage
  "${PACKAGING_PACKAGES[@]}"
  lintian debootstrap               # examine the packages, and install them in a Debian of their own
)

# Installs those of the named packages that are missing; asks for sudo only if it must.
install_missing() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "==> installing: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "these packages are missing and need root to install: apt-get install ${missing[*]}" >&2
      return 1
    }
    as_root=(sudo)
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
      >/dev/null || {
      echo "apt-get could not install: ${missing[*]}; run it by hand to see why" >&2
      return 1
    }
}
