/* SPDX-License-Identifier: MIT */

/* A growing block of bytes: doubled when it is full, always with a NUL behind the last byte, whose
 * place room counts. After a failed allocation it takes nothing more and gives nothing out; the
 * memory that it has stays its own until byte_buffer_done(). */

#include "byte-buffer.h"

#include <stdint.h>
#include <string.h>

#define BYTE_BUFFER_ROOM_MIN ((size_t) 128)

void byte_buffer_done(ByteBuffer *buffer) {
        free(buffer->data);
        *buffer = (ByteBuffer){};
}

static bool byte_buffer_reserve(ByteBuffer *buffer, size_t size) {
        size_t needed,
                room = buffer->room < BYTE_BUFFER_ROOM_MIN ? BYTE_BUFFER_ROOM_MIN : buffer->room;

        if (__builtin_add_overflow(buffer->size, size, &needed) ||
                __builtin_add_overflow(needed, 1, &needed))
                return false;
        if (needed <= buffer->room)
                return true;
        while (room < needed)
                room = room > SIZE_MAX / 2 ? needed : room * 2;

        char *data = realloc(buffer->data, room);
        if (!data)
                return false;
        buffer->data = data;
        buffer->room = room;
        return true;
}

void byte_buffer_append(ByteBuffer *buffer, const void *data, size_t size) {
        if (buffer->is_failed)
                return;
        if (!byte_buffer_reserve(buffer, size)) {
                buffer->is_failed = true;
                return;
        }
        if (size > 0)
                memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
        buffer->data[buffer->size] = '\0';
}

void byte_buffer_append_text(ByteBuffer *buffer, const char *text) {
        byte_buffer_append(buffer, text, strlen(text));
}

void byte_buffer_cut(ByteBuffer *buffer, size_t size) {
        assert(size <= buffer->size);

        if (!buffer->data)
                return;
        buffer->size = size;
        buffer->data[size] = '\0';
}

char *byte_buffer_steal(ByteBuffer *buffer) {
        byte_buffer_append(buffer, "", 0);
        char *text = buffer->is_failed ? NULL : TAKE_PTR(buffer->data);
        byte_buffer_done(buffer);
        return text;
}
