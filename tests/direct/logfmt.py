# SPDX-License-Identifier: MIT
"""A strict parser of console records: one line of logfmt, and not a byte more than the grammar allows."""

import re

LINE = re.compile(rb'ts=(?P<ts>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)'
                  rb' level=(?P<level>emerg|alert|crit|err|warning|notice|info|debug)'
                  rb' event=(?P<event>[a-z][a-z-]*)(?P<rest>( .*)?)', re.DOTALL)
PAIR = re.compile(rb' (?P<key>[a-z][a-z0-9_]*)='
                  rb'(?:(?P<bare>[^ "=\x00-\x1f\x7f]+)|"(?P<quoted>(?:[^"\\\x00-\x1f\x7f]|\\["\\nt]|\\x[0-9a-f]{2})*)")'
                  rb'(?= |$)')
ESCAPE = re.compile(rb'\\(["\\nt]|x[0-9a-f]{2})')
CONTROL = re.compile('[\x00-\x1f\x7f-\x9f]')
NEEDS_QUOTES = re.compile('[ "=\x00-\x1f\x7f-\x9f]|^$')


def unescape(match):
    text = match[1]
    if text[:1] == b'x':
        return bytes([int(text[1:], 16)])
    return {b'"': b'"', b'\\': b'\\', b'n': b'\n', b't': b'\t'}[text]


def is_record(line):
    return line.startswith(b'ts=')


def parse(line):
    """line: bytes, without its line break. Returns a dict in the line's order; raises ValueError."""
    text = line.decode('utf-8')  # UnicodeDecodeError is a ValueError
    if CONTROL.search(text):
        raise ValueError('a control character reached the console: %r' % line)
    head = LINE.fullmatch(line)
    if not head:
        raise ValueError('does not begin as a record: %r' % line)
    record = {key: head[key].decode() for key in ('ts', 'level', 'event')}
    rest, at = head['rest'], 0
    while at < len(rest):
        pair = PAIR.match(rest, at)
        if not pair:
            raise ValueError('no key=value at %r of %r' % (rest[at:at + 60], line))
        at = pair.end()
        key = pair['key'].decode()
        if key in record:
            raise ValueError('%s twice in %r' % (key, line))
        if pair['bare'] is not None:
            record[key] = pair['bare'].decode('utf-8')
            continue
        record[key] = ESCAPE.sub(unescape, pair['quoted']).decode('utf-8')
        if key != 'msg' and not NEEDS_QUOTES.search(record[key]):
            raise ValueError('%s is quoted without need in %r' % (key, line))
    if list(record)[-1] != 'msg':
        raise ValueError('msg is not the last of %r' % line)
    return record
