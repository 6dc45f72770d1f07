/* SPDX-License-Identifier: MIT */
#pragma once

/* Text of strangers inside of XML 1.0 and of HTML: as data between tags and as a quoted attribute. */

#include <stddef.h>
#include <stdio.h>

typedef enum XmlMode {
        XML_LINES, /* line feeds and tabs stay: for <pre> */
        XML_LINE,  /* they become spaces: for attributes and labels */
        _XML_MODE_MAX,
} XmlMode;

/* Writes text. What has a meaning to XML is escaped; what is no character of it and what is no UTF-8 becomes
 * U+FFFD; control characters, and those that are not seen but reorder or hide others, become "?".
 *
 * text: NULL writes nothing. size: bytes, which a NUL ends earlier; SIZE_MAX: up to that.
 * Errors of writing stay with the file (ferror(3)).
 * Source: XML 1.0, sections 2.2 and 2.4; HTML, section 13.1.2. */
void xml_write(FILE *file, const char *text, XmlMode mode);
void xml_write_part(FILE *file, const char *text, size_t size, XmlMode mode);
