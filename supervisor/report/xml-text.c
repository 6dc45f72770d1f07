/* SPDX-License-Identifier: MIT */

/* Records may have been written by anybody, and a report is opened in a browser and mailed around. One form
 * of escaping serves data and attributes alike, and XML and HTML: all five characters, always, by references
 * that both know. It does not serve what stands inside of <style>, <script> or a comment: no text of
 * strangers gets there.
 *
 * Beyond the controls of C0 and C1 there are characters that are not seen themselves and change what others
 * look like: the order of a line (bidirectional controls), where a name ends (zero width), or hidden text (tags).
 * In a report of who did what they are shown to be there, as a terminal would get them. */

#include "xml-text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "text-clean.h"
#include "utf8.h"

/* Of ranges that do not overlap, in order. */
static const struct {
        uint32_t first, last;
} xml_hidden[] = {
        { 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad }, /* soft hyphen */
        { 0x061c, 0x061c },                                         /* Arabic letter mark */
        { 0x180e, 0x180e },                                         /* Mongolian vowel separator */
        { 0x200b, 0x200f },   /* zero width; left-to-right, right-to-left mark */
        { 0x2028, 0x202e },   /* line and paragraph separator; embeddings, overrides */
        { 0x2060, 0x206f },   /* word joiner; isolates; deprecated ones */
        { 0xfeff, 0xfeff },   /* byte order mark */
        { 0xfff9, 0xfffb },   /* interlinear annotation */
        { 0xe0000, 0xe0fff }, /* tags */
};

static uint32_t xml_decode(const char *text, size_t size) {
        static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
        uint32_t character = (uint8_t) text[0] & masks[size];

        for (size_t i = 1; i < size; i++)
                character = character << 6 | ((uint8_t) text[i] & 0x3f);
        return character;
}

static bool xml_is_hidden(uint32_t character) {
        for (size_t i = 0; i < ELEMENTSOF(xml_hidden); i++)
                if (character >= xml_hidden[i].first && character <= xml_hidden[i].last)
                        return true;
        return false;
}

/* U+FFFE and U+FFFF are no characters of XML; the others of their kind are errors to HTML. */
static bool xml_is_none(uint32_t character) {
        return (character & 0xfffe) == 0xfffe || (character >= 0xfdd0 && character <= 0xfdef);
}

/* What stands for a character, NULL: itself. */
static const char *xml_replacement(uint32_t character, XmlMode mode) {
        switch (character) {
        case '&':
                return "&amp;";
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '"':
                return "&quot;";
        case '\'':
                return "&#39;";
        case '\n':
        case '\t':
                return mode == XML_LINES ? NULL : " ";
        default:
                return xml_is_none(character)      ? TEXT_NO_UTF8
                        : xml_is_hidden(character) ? "?"
                                                   : NULL;
        }
}

void xml_write_part(FILE *file, const char *text, size_t size, XmlMode mode) {
        size_t left = text ? strnlen(text, size) : 0;

        while (left > 0) {
                const size_t n = utf8_sequence_size(text, left);
                const char *replacement =
                        n == 0 ? TEXT_NO_UTF8 : xml_replacement(xml_decode(text, n), mode);

                if (replacement)
                        (void) fputs(replacement, file);
                else
                        (void) fwrite(text, 1, n, file);
                text += n ?: 1;
                left -= n ?: 1;
        }
}

void xml_write(FILE *file, const char *text, XmlMode mode) {
        xml_write_part(file, text, SIZE_MAX, mode);
}
