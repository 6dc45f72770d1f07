#!/bin/sh
# SPDX-License-Identifier: MIT
# After an install to this machine (meson leaves it out with DESTDIR): lets the journal learn the
# catalog. Without the right to do so, or without a journal, the install is still good.

if command -v journalctl >/dev/null && ! journalctl --update-catalog; then
    echo "Run 'journalctl --update-catalog' as root, then journalctl -x explains the records."
fi
exit 0
