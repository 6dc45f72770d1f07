/* SPDX-License-Identifier: MIT */

/* The authority of a URL: [USER[:PASSWORD]@]HOST[:PORT], up to the first "/", "?" or "#" (RFC 3986,
 * section 3.2).
 *
 * People forget to escape passwords, so the "@" that counts is the last one before the path, and if
 * there is none where "HOST:" is followed by no port, the last one of the word: the "/" was in the
 * password then. A user name without a password is shown unless it looks like a token, as in
 * https://TOKEN@host. Secrets in paths are not known here, those in queries are found by name
 * elsewhere. */

#include "secret-url.h"

#include <stdbool.h>
#include <string.h>

#include "secret-name.h"

#define URL_BYTES_MAX ((size_t) 1024)

static const char url_word_end[] = " \t\n\v\f\r\"'`<>";
static const char url_authority_end[] = " \t\n\v\f\r\"'`<>/?#";

static size_t url_find_first(const char *text, size_t begin, size_t end, const char *set) {
        while (begin < end && (text[begin] == '\0' || !strchr(set, text[begin])))
                begin++;
        return begin;
}

/* Returns: the place of the last "@"; end: there is none. */
static size_t url_find_at(const char *text, size_t begin, size_t end) {
        const char *at = memrchr(text + begin, '@', end - begin);

        return at ? (size_t) (at - text) : end;
}

/* Whether an authority without an "@" is HOST:SOMETHING where a port is not what follows. */
static bool url_has_no_port(const char *text, size_t begin, size_t end) {
        if (begin == end || text[begin] == '[')
                return false;

        const char *colon = memchr(text + begin, ':', end - begin);
        if (!colon || colon + 1 == text + end)
                return false;
        for (const char *c = colon + 1; c < text + end; c++)
                if (*c < '0' || *c > '9')
                        return true;
        return false;
}

void secret_url_find(const char *text, size_t size, size_t scheme_end, SecretUrl *ret_url) {
        const size_t begin = scheme_end + strlen("://");
        const size_t limit = size - begin > URL_BYTES_MAX ? begin + URL_BYTES_MAX : size;
        size_t end = url_find_first(text, begin, limit, url_authority_end);

        assert(begin <= size);

        size_t at = url_find_at(text, begin, end);
        if (at == end && url_has_no_port(text, begin, end)) {
                const size_t word_end = url_find_first(text, end, limit, url_word_end);
                at = url_find_at(text, end, word_end);
                if (at == word_end)
                        at = end;
                else
                        end = url_find_first(text, at, limit, url_authority_end);
        }

        *ret_url = (SecretUrl){ .secret = begin, .end = end };
        if (at == end)
                return;

        const char *colon = memchr(text + begin, ':', at - begin);
        if (colon) {
                ret_url->secret = (size_t) (colon - text) + 1;
                ret_url->secret_size = at - ret_url->secret;
        } else if (secret_value_looks_random(text + begin, at - begin))
                ret_url->secret_size = at - begin;
}
