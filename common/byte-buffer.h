/* SPDX-License-Identifier: MIT */
#pragma once

/* Bytes that are appended to. Running out of memory is remembered instead of returned, so that
 * whoever writes many pieces asks once, at the end. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

typedef struct ByteBuffer {
        char *data; /* NUL-terminated once something was appended; NULL before */
        size_t size;
        size_t room;
        bool is_failed; /* out of memory: what is here is not all */
} ByteBuffer;

/* Embedded; {} is an empty one. Gives the memory back and leaves an empty one. */
void byte_buffer_done(ByteBuffer *buffer);

void byte_buffer_append(ByteBuffer *buffer, const void *data, size_t size);
void byte_buffer_append_text(ByteBuffer *buffer, const char *text);

/* Forgets the bytes after the first size ones, keeps the memory. size: at most buffer->size. */
void byte_buffer_cut(ByteBuffer *buffer, size_t size);

/* Hands the text over. Returns: malloc()ed, "" when nothing was appended; NULL: out of memory, now
 * or before. The buffer is empty then. */
char *byte_buffer_steal(ByteBuffer *buffer) _warn_unused_;
