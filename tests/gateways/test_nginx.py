# SPDX-License-Identifier: MIT
"""nginx stopped while downloads are under way: SIGQUIT lets them finish, and nothing but SIGQUIT may
reach it before they have."""

import contextlib
import hashlib
import http.client
import os
import random
import signal
import socket
import threading

from support import (count_down, free_port, GatewayTest, need_program, stop_under_load, Supervision,
                     wait_for_known_ports, WAIT_SECONDS)

N_DOWNLOADS = 8
# More than the socket buffers of both ends take, so that no download is over before its reader wants it.
FILE_BYTES = 16 * 1024 * 1024
FIRST_BYTES = 64 * 1024

SUPERVISION = Supervision(
    schedule='drain:QUIT@main,fast:TERM@main/5s,terminate:TERM@others/3s,kill:KILL@all/3s')

CONFIGURATION = """
pid {directory}/nginx.pid;
error_log stderr notice;
daemon off;
master_process on;
worker_processes 2;
{user}
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {directory}/files;
    }}
}}
"""


class Downloads:
    """Readers that take the beginning of a file, and the rest when they are released."""

    def __init__(self, port, digest):
        self.digest = digest
        self.has_begun = threading.Barrier(N_DOWNLOADS + 1)
        self.is_released = threading.Event()
        self.results = []
        self.threads = [threading.Thread(target=self.download, args=(port,), daemon=True)
                        for _ in range(N_DOWNLOADS)]
        for thread in self.threads:
            thread.start()
        self.has_begun.wait(WAIT_SECONDS)

    def download(self, port):
        is_whole = False
        try:
            connection = http.client.HTTPConnection('127.0.0.1', port, timeout=WAIT_SECONDS)
            connection.request('GET', '/file')
            response = connection.getresponse()
            digest = hashlib.sha256(response.read(FIRST_BYTES))
            self.has_begun.wait(WAIT_SECONDS)
            self.is_released.wait(WAIT_SECONDS)
            digest.update(response.read())
            is_whole = digest.hexdigest() == self.digest
        except (OSError, http.client.HTTPException):
            pass
        finally:
            self.results.append(is_whole)

    def release(self):
        self.is_released.set()

    def finish(self):
        for thread in self.threads:
            thread.join(WAIT_SECONDS)
        n_whole = self.results.count(True)
        return n_whole, N_DOWNLOADS - n_whole


class HeldDownload:
    """A reader that has taken the beginning of a file, and takes the rest to finish."""

    def __init__(self, port, digest):
        self.expected = digest
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=WAIT_SECONDS)
        self.connection.request('GET', '/file')
        self.response = self.connection.getresponse()
        self.digest = hashlib.sha256(self.response.read(FIRST_BYTES))

    def finish(self):
        with contextlib.closing(self.connection):
            self.digest.update(self.response.read())
        return self.digest.hexdigest() == self.expected


class HalfRequest:
    """A client whose second request has arrived by half, together with the first."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), WAIT_SECONDS)
        self.socket.sendall(b'HEAD /none HTTP/1.1\r\nHost: x\r\n\r\nHEAD /none HTTP/1.1\r\n')
        http.client.HTTPResponse(self.socket, method='HEAD').begin()

    def finish(self):
        with self.socket:
            self.socket.sendall(b'Host: x\r\n\r\n')
            response = http.client.HTTPResponse(self.socket, method='HEAD')
            response.begin()
            return response.status == http.HTTPStatus.NOT_FOUND


class NginxTest(GatewayTest):
    def setUp(self):
        self.nginx = need_program('nginx')
        super().setUp()
        os.mkdir(os.path.join(self.directory, 'files'))
        content = random.Random(1).randbytes(FILE_BYTES)
        self.digest = hashlib.sha256(content).hexdigest()
        with open(os.path.join(self.directory, 'files', 'file'), 'wb') as file:
            file.write(content)

    def start_nginx(self, supervision):
        port = free_port()
        configuration = os.path.join(self.directory, 'nginx.conf')
        with open(configuration, 'w', encoding='utf-8') as file:
            # Started as root nginx would have its workers leave for a user of the distribution's.
            file.write(CONFIGURATION.format(directory=self.directory, port=port,
                                            user='user root;' if os.geteuid() == 0 else ''))
        gateway = self.start([self.nginx, '-e', 'stderr', '-p', self.directory, '-c', configuration],
                             supervision)
        gateway.log.wait_for('start worker process ')
        return gateway, port

    def stop(self, supervision, stop_signal, has_begun_pattern):
        gateway, port = self.start_nginx(supervision)
        return stop_under_load(gateway, stop_signal, Downloads(port, self.digest),
                               lambda: gateway.log.wait_for(has_begun_pattern))

    def test_nginx_term_without_gatewatch_cuts_downloads(self):
        """The control: this load is one that a stop can cut, and the test would see it."""
        alone = self.stop(None, signal.SIGTERM, r'worker process \d+ exited|exiting')
        self.assertGreater(alone.cut, 0)

    def test_nginx_quit_under_load_finishes_downloads_as_without_gatewatch(self):
        alone = self.stop(None, signal.SIGQUIT, 'gracefully shutting down')
        under = self.stop(SUPERVISION, signal.SIGTERM, 'gracefully shutting down')
        self.assert_nothing_lost(alone, N_DOWNLOADS)
        self.assert_nothing_lost(under, N_DOWNLOADS)
        self.assert_same_stop(under, alone)
        self.assertEqual(under.status, 0)
        self.assert_recorded(under, outcome='clean', exit_code='exited', exit_status='0')

    def test_nginx_quit_is_sent_once_and_nothing_else(self):
        under = self.stop(SUPERVISION, signal.SIGTERM, 'gracefully shutting down')
        # nginx logs each signal that its master gets; SIGCHLD and, from its own workers, SIGIO aside.
        got = [line for line in under.log if 'signal ' in line and 'received from' in line
               and 'SIGCHLD' not in line and 'SIGIO' not in line]
        self.assertEqual(len(got), 1, '\n'.join(under.log))
        self.assertIn('SIGQUIT', got[0])

    def test_nginx_hangup_is_forwarded_and_reloads(self):
        gateway, port = self.start_nginx(SUPERVISION)
        downloads = Downloads(port, self.digest)
        gateway.process.send_signal(signal.SIGHUP)
        gateway.log.wait_for('reconfiguring')
        gateway.log.wait_for('gracefully shutting down')
        downloads.release()
        self.assertEqual(downloads.finish(), (N_DOWNLOADS, 0))
        gateway.process.send_signal(signal.SIGTERM)
        self.assertEqual(gateway.wait(), 0)

    def test_nginx_draining_has_its_downloads_counted_down(self):
        """SIGQUIT closes the listener before the first count of the drain: several connections to one port
        tell where it was."""
        gateway, port = self.start_nginx(SUPERVISION)
        downloads = [HeldDownload(port, self.digest) for _ in range(7)]
        stop = count_down(gateway, downloads, [7, 3])
        self.assert_nothing_lost(stop, 7)
        self.assert_counted(stop, 7, last=3)
        self.assert_recorded(stop, outcome='clean')

    def test_nginx_draining_of_the_last_download_is_still_counted(self):
        """One connection tells nothing of where the listener was; the count after READY=1 does."""
        gateway, port = self.start_nginx(SUPERVISION)
        wait_for_known_ports(gateway)
        stop = count_down(gateway, [HeldDownload(port, self.digest)], [1])
        self.assert_nothing_lost(stop, 1)
        self.assert_counted(stop, 1, last=1)

    def test_nginx_half_a_request_counts_as_work(self):
        gateway, port = self.start_nginx(SUPERVISION)
        downloads = [HeldDownload(port, self.digest) for _ in range(2)]
        halves = [HalfRequest(port) for _ in range(3)]
        stop = count_down(gateway, downloads + halves, [5, 2])
        self.assert_nothing_lost(stop, 5)
        self.assert_counted(stop, 5, last=2)
