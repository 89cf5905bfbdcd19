"""fairlead bench loads servers that know nothing of Fairlead, each started for real."""
from support.bench import GENTLE, BenchTest
from support.daemon import connect, socket_address
from support.peer_programs import memcached, nginx, python_echo, redis
from support.peers import receive_exactly
from support.runner import main

MESSAGES = 2000
LOADS = (("-c", "10", "--inflight", "4"), ("-c", "10", "-r", "2000"))


def ask(address, request, size):
    """That many bytes of what the server answers."""
    with connect(socket_address(address)) as client:
        client.sendall(request)
        return receive_exactly(client, size)


class Peers(BenchTest):
    def check(self, address, *words, loads=LOADS, messages=MESSAGES):
        """Every reply comes, and is right: with several on their way, and at a rate."""
        for load in loads:
            with self.subTest(load=load):
                report = self.report(*load, "-n", str(messages), *words, address)
                self.assert_counts(report, sent=messages, done=messages)

    def test_redis(self):
        with redis() as address:
            self.check(address, "-m", "PING\\r\\n", "--expect", "+PONG\\r\\n")
            self.check(address, "-m", "SET key-{rand:3} {rand:20}\\r\\n", "--expect", "+OK\\r\\n")
            self.check(address, "-m", "INCR counter\\r\\n", "--expect", "re:^:[0-9]+\\r?$")
            counter = b":%d\r\n" % (len(LOADS) * MESSAGES + 1)
            self.assertEqual(counter, ask(address, b"INCR counter\r\n", len(counter)))

    def test_redis_does_not_say_what_was_expected(self):
        with redis() as address:
            result = self.bench("-c", "1", *GENTLE, "-n", "20", "-m", "PING\\r\\n", "-m", "PONG\\r\\n", "--expect", "+PONG\\r\\n",
                                address)
        self.assertEqual(1, result.code, result.err)
        self.assert_counts(result.report, done=10, content=10)
        self.assertTrue(bytes.fromhex(result.report["first_mismatch"]["got_hex"]).startswith(b"-ERR unknown command"))

    def test_memcached(self):
        with memcached() as address:
            self.check(address, "-m", "version\\r\\n", "--expect", "re:^VERSION [0-9.]+\\r?$")
            stored = b"STORED\r\n"
            self.assertEqual(stored, ask(address, b"set key 0 0 5\r\nhello\r\n", len(stored)))
            self.check(address, "-m", "get key\\r\\n", "--expect", "VALUE key 0 5\\r\\nhello\\r\\nEND\\r\\n")

    def test_nginx(self):
        request = "GET /page HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"
        content = b"0123456789" * 300
        with nginx({"page": content}) as address:
            sent = request.encode().decode("unicode_escape").encode()
            with connect(socket_address(address)) as client:
                client.sendall(sent)
                answer = b""
                while not answer.endswith(content):
                    answer += client.recv(65536)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"))
            self.check(address, "-m", request, "--expect", "re:^HTTP/1.1 200", "--expect-end", "http")
            self.check(address, "-m", request, "--expect", f"len:{len(answer)}")
            # A connection for each, as a browser of old.
            self.check(address, "-m", request, "--expect", f"len:{len(answer)}", "--mode", "conn", loads=(("-c", "10"),),
                       messages=300)

    def test_an_echo_in_python(self):
        with python_echo() as address:
            self.check(address)
            self.check(address, "-e", "gbk", "-m", "{id} {seq} {zh:20}")


if __name__ == "__main__":
    main()
