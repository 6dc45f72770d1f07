# SPDX-License-Identifier: MIT
"""HAProxy in master-worker mode stopped while requests are at its backend: SIGUSR1 lets them finish.
It speaks the notify protocol itself; that has to come through."""

import http.client
import os
import re
import signal
import socket
import socketserver
import threading

from support import (count_down, free_port, GatewayTest, need_program, stop_under_load, Supervision,
                     wait_for_known_ports, WAIT_SECONDS)

N_REQUESTS = 8
BODY_BYTES = 512 * 1024
BODY = bytes(range(256)) * (BODY_BYTES // 256)
FIRST_BYTES = 1000

SUPERVISION = Supervision(
    schedule='drain:USR1@main,stop:TERM@main/5s,terminate:TERM@others/3s,kill:KILL@all/3s',
    ready='notify')

CONFIGURATION = """
global
    maxconn 100
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend front
    bind 127.0.0.1:{port}
    default_backend back
backend back
    server server 127.0.0.1:{backend_port}
"""


class Backend(socketserver.ThreadingTCPServer):
    """Answers a request with the first bytes of BODY, and with the rest once released."""
    daemon_threads = True
    allow_reuse_address = True

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline() not in (b'\r\n', b''):
                pass
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n'
                             % BODY_BYTES)
            self.wfile.write(BODY[:FIRST_BYTES])
            self.wfile.flush()
            self.server.is_released.wait(WAIT_SECONDS)
            try:
                self.wfile.write(BODY[FIRST_BYTES:])
            except OSError:
                pass  # the proxy was made to go: what the client got is what counts

    def __init__(self):
        self.is_released = threading.Event()
        super().__init__(('127.0.0.1', 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Requests:
    """Clients that have got the beginning of an answer through the proxy."""

    def __init__(self, port, backend):
        self.backend = backend
        self.has_begun = threading.Barrier(N_REQUESTS + 1)
        self.results = []
        self.threads = [threading.Thread(target=self.request, args=(port,), daemon=True)
                        for _ in range(N_REQUESTS)]
        for thread in self.threads:
            thread.start()
        self.has_begun.wait(WAIT_SECONDS)

    def request(self, port):
        is_whole = False
        try:
            connection = http.client.HTTPConnection('127.0.0.1', port, timeout=WAIT_SECONDS)
            connection.request('GET', '/')
            response = connection.getresponse()
            begin = response.read(FIRST_BYTES)
            self.has_begun.wait(WAIT_SECONDS)
            is_whole = begin + response.read() == BODY
            connection.close()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            self.results.append(is_whole)

    def release(self):
        self.backend.is_released.set()

    def finish(self):
        for thread in self.threads:
            thread.join(WAIT_SECONDS)
        n_whole = self.results.count(True)
        return n_whole, N_REQUESTS - n_whole


# As a proxy of whole connections it keeps those that are idle while it drains.
# Once in a while haproxy 2.6 stays although its last connection is gone, whoever stops it: it may for half of the drain.
TCP_CONFIGURATION = """
global
    maxconn 100
    nbthread 1
    hard-stop-after 20s
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend front
    bind 127.0.0.1:{port}
    bind unix@{directory}/front
    default_backend back
backend back
    server server {backend}
"""


class Echo(socketserver.BaseRequestHandler):
    """A backend that sends everything back."""

    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data)


class TcpEcho(socketserver.ThreadingTCPServer):
    daemon_threads = True


class UnixEcho(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Client:
    """A connection through the proxy to its backend and back; idle once it is there."""

    def __init__(self, family, address):
        self.socket = socket.socket(family)
        self.socket.settimeout(WAIT_SECONDS)
        self.socket.connect(address)
        self.is_through = self.echo(b'begin')

    def echo(self, text):
        self.socket.sendall(text)
        return self.socket.recv(len(text), socket.MSG_WAITALL) == text

    def finish(self):
        with self.socket:
            return self.is_through and self.echo(b'end')


class HaproxyCountTest(GatewayTest):
    """What haproxy's clients are, among its connections: each has one to the backend as well."""

    def setUp(self):
        self.haproxy = need_program('haproxy')
        super().setUp()

    def start_proxy(self, backend, backend_address):
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        self.addCleanup(backend.server_close)
        self.addCleanup(backend.shutdown)
        configuration = os.path.join(self.directory, 'haproxy.cfg')
        self.port = free_port()
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(TCP_CONFIGURATION.format(directory=self.directory, port=self.port,
                                                backend=backend_address))
        gateway = self.start([self.haproxy, '-Ws', '-f', configuration], SUPERVISION)
        gateway.notify.wait_for('READY=1')
        return gateway

    def start_before_tcp(self):
        backend = TcpEcho(('127.0.0.1', 0), Echo)
        return self.start_proxy(backend, '127.0.0.1:%d' % backend.server_address[1])

    def start_before_unix(self):
        path = os.path.join(self.directory, 'back')
        return self.start_proxy(UnixEcho(path, Echo), 'unix@' + path)

    def tcp_clients(self, n):
        return [Client(socket.AF_INET, ('127.0.0.1', self.port)) for _ in range(n)]

    def unix_clients(self, n):
        return [Client(socket.AF_UNIX, os.path.join(self.directory, 'front')) for _ in range(n)]

    def assert_all_counted(self, gateway, clients, numbers):
        """numbers: as for count_down(), the number of the clients first."""
        n = len(clients)
        stop = count_down(gateway, clients, numbers)
        self.assert_nothing_lost(stop, n)
        self.assert_counted(stop, n, last=numbers[-1])
        self.assert_recorded(stop, outcome='clean')

    def test_haproxy_draining_has_its_tcp_clients_counted_down(self):
        gateway = self.start_before_tcp()
        self.assert_all_counted(gateway, self.tcp_clients(7), [7, 3])

    def test_haproxy_draining_of_the_last_client_is_still_counted(self):
        """Its port is known from the count after READY=1: neither a listener nor a second connection is
        there to tell. The connection to the backend has a port of the same range and does not count."""
        gateway = self.start_before_tcp()
        wait_for_known_ports(gateway)
        self.assert_all_counted(gateway, self.tcp_clients(1), [1])

    def test_haproxy_draining_has_its_unix_clients_counted_down(self):
        gateway = self.start_before_tcp()
        self.assert_all_counted(gateway, self.unix_clients(5), [5, 2])

    def test_haproxy_unix_connections_to_the_backend_do_not_count(self):
        gateway = self.start_before_unix()
        self.assert_all_counted(gateway, self.tcp_clients(3) + self.unix_clients(4), [7, 3, 1])


class HaproxyTest(GatewayTest):
    def setUp(self):
        self.haproxy = need_program('haproxy')
        super().setUp()

    def start_haproxy(self, supervision):
        backend = Backend()
        self.addCleanup(backend.server_close)
        self.addCleanup(backend.shutdown)
        self.addCleanup(backend.is_released.set)
        port = free_port()
        configuration = os.path.join(self.directory, 'haproxy.cfg')
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(CONFIGURATION.format(port=port, backend_port=backend.server_address[1]))
        gateway = self.start([self.haproxy, '-Ws', '-f', configuration], supervision)
        gateway.notify.wait_for('READY=1')
        return gateway, port, backend

    def stop(self, supervision, stop_signal, has_begun_pattern):
        gateway, port, backend = self.start_haproxy(supervision)
        return stop_under_load(gateway, stop_signal, Requests(port, backend),
                               lambda: gateway.log.wait_for(has_begun_pattern))

    def test_haproxy_term_without_gatewatch_cuts_requests(self):
        """The control: this load is one that a stop can cut, and the test would see it."""
        alone = self.stop(None, signal.SIGTERM, 'All workers exited')
        self.assertGreater(alone.cut, 0)

    def test_haproxy_usr1_under_load_finishes_requests_as_without_gatewatch(self):
        alone = self.stop(None, signal.SIGUSR1, 'Proxy front stopped')
        under = self.stop(SUPERVISION, signal.SIGTERM, 'Proxy front stopped')
        self.assert_nothing_lost(alone, N_REQUESTS)
        self.assert_nothing_lost(under, N_REQUESTS)
        self.assert_same_stop(under, alone)
        self.assertEqual(under.status, 0)
        self.assert_recorded(under, outcome='clean', exit_code='exited', exit_status='0')

    def test_haproxy_notifications_are_passed_on_without_main_pid(self):
        under = self.stop(SUPERVISION, signal.SIGTERM, 'Proxy front stopped')
        self.assertEqual(under.notified.count('READY=1'), 1)
        # HAProxy says that it reloads also while it starts its workers: of no meaning before READY=1.
        self.assertNotIn('RELOADING=1', under.notified)
        self.assertIn('STOPPING=1', under.notified)
        # The unit's main process is the supervisor, whatever the gateway says of itself.
        self.assertFalse([line for line in under.notified if line.startswith('MAINPID=')])

    def test_haproxy_usr2_is_forwarded_and_reloads_without_loss(self):
        gateway, port, backend = self.start_haproxy(SUPERVISION)
        requests = Requests(port, backend)
        gateway.process.send_signal(signal.SIGUSR2)
        # The new worker has taken over; the old one finishes what it has.
        gateway.log.wait_for('Proxy front stopped')
        requests.release()
        self.assertEqual(requests.finish(), (N_REQUESTS, 0))
        gateway.log.wait_for(r'[Ff]ormer worker .* exited')
        gateway.notify.wait_for('RELOADING=1')
        gateway.notify.wait_for('READY=1', n=2)
        self.assertIsNone(gateway.process.poll())
        gateway.process.send_signal(signal.SIGTERM)
        self.assertEqual(gateway.wait(), 0)
        self.assertEqual(len([line for line in gateway.log.lines if re.search('New worker', line)]), 2)
