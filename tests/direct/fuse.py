# SPDX-License-Identifier: MIT
"""A file system that falls silent: one file, of which no byte ever comes.

It speaks the kernel's protocol (fuse(4), include/uapi/linux/fuse.h) from the loop of the test, in a mount
namespace of the test's own: whatever becomes of the test, the kernel takes the mount along, and with the
device's last descriptor all who wait are let go.

Whoever reads the file waits for good. How, is up to how it was opened:
    as usual        through the page cache: state D, and SIGKILL ends it
    with O_DIRECT   past it: state S; after a signal, state D, and SIGKILL does not end it
"""

import errno
import os
import stat
import struct

from processes import call, libc

ROOT_ID = 1
FILE_ID = 2
FILE_NAME = 'file'
FILE_BYTES = 1 << 20
REQUEST_BYTES_MAX = 1 << 18  # more than FUSE_MIN_READ_BUFFER

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, INTERRUPT, BATCH_FORGET = (
    1, 2, 3, 14, 15, 18, 25, 26, 36, 42)
FOPEN_DIRECT_IO, FOPEN_KEEP_CACHE = 1, 2  # keep: or open(2) itself would wait for the page
FUSE_ASYNC_READ = 1
VALID_SECONDS = 3600

CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x00020000, 0x4000, 1 << 18, 2


def attributes(node):
    is_root = node == ROOT_ID
    mode = stat.S_IFDIR | 0o755 if is_root else stat.S_IFREG | 0o755
    return struct.pack('=6Q10I', node, 0 if is_root else FILE_BYTES, 0, 0, 0, 0,
                       0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class SilentFs:
    def __init__(self, events, directory):
        """Raises OSError where that is not permitted."""
        self.events = events
        self.path = os.path.join(directory, FILE_NAME)
        self.n_reads = 0
        self.fd = os.open('/dev/fuse', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            call(libc.unshare(CLONE_NEWNS))
            call(libc.mount(b'none', b'/', None, MS_REC | MS_PRIVATE, None))
            options = 'fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other' % self.fd
            call(libc.mount(b'silent', directory.encode(), b'fuse', 0, options.encode()))
        except OSError:
            os.close(self.fd)
            raise
        events.add(self.fd, self.take)

    def close(self):
        """Lets go all who wait."""
        if self.fd >= 0:
            self.events.remove(self.fd)
            os.close(self.fd)
            self.fd = -1
            call(libc.umount2(os.path.dirname(self.path).encode(), MNT_DETACH))

    def take(self):
        while True:
            try:
                request = os.read(self.fd, REQUEST_BYTES_MAX)
            except BlockingIOError:
                return
            except FileNotFoundError:
                continue  # it was interrupted while it was read
            _, opcode, unique, node = struct.unpack_from('=IIQQ', request)
            self.serve(opcode, unique, node, request[40:])

    def answer(self, unique, body=b'', error=0):
        try:
            os.write(self.fd, struct.pack('=IiQ', 16 + len(body), -error, unique) + body)
        except FileNotFoundError:
            pass  # who asked was killed

    def serve(self, opcode, unique, node, body):
        if opcode == INIT:
            major, minor, readahead = struct.unpack_from('=III', body)
            self.answer(unique, struct.pack('=4I2H2I2H8I', major, min(minor, 31), readahead, FUSE_ASYNC_READ,
                                            16, 12, 4096, 1, 0, 0, *[0] * 8))
        elif opcode == LOOKUP:
            if body.rstrip(b'\0') == FILE_NAME.encode():
                self.answer(unique, struct.pack('=4Q2I', FILE_ID, 0, VALID_SECONDS, VALID_SECONDS, 0, 0) +
                            attributes(FILE_ID))
            else:
                self.answer(unique, error=errno.ENOENT)
        elif opcode == GETATTR:
            self.answer(unique, struct.pack('=Q2I', VALID_SECONDS, 0, 0) + attributes(node))
        elif opcode == OPEN:
            asked, = struct.unpack_from('=I', body)
            flags = FOPEN_KEEP_CACHE | (FOPEN_DIRECT_IO if asked & os.O_DIRECT else 0)
            self.answer(unique, struct.pack('=Q2I', 0, flags, 0))
        elif opcode == READ:
            self.n_reads += 1
        elif opcode in (FLUSH, RELEASE):
            self.answer(unique)
        elif opcode not in (FORGET, INTERRUPT, BATCH_FORGET):  # those want no answer
            self.answer(unique, error=errno.ENOSYS)
