#!/bin/sh
# SPDX-License-Identifier: MIT
# After an install to this machine (never into a package's DESTDIR): lets the journal learn the
# catalog. Without the right to do so, or without a journal, the install is still good.

if [ -n "$DESTDIR" ] || ! command -v journalctl >/dev/null; then
    exit 0
fi
journalctl --update-catalog || echo "Run 'journalctl --update-catalog' as root for journalctl -x."
exit 0
