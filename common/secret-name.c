/* SPDX-License-Identifier: MIT */

/* Names of secrets.
 *
 * A name is brought into one shape first, lower-case words joined by "_": "X-Api-Key", "apiKey" and
 * "API_KEY_2" are all "api_key". Then its words are judged, the last one above all, since that is
 * the thing itself: a "key file" is a file, a "token limit" a limit, a "file key" a key. Words that
 * name nothing but secrets ("password") count anywhere.
 *
 * English words and their usual shortenings only, and no dictionary of vendors. It errs towards
 * secrecy where a word is used for both ("key"), and says so by SECRET_NAME_WEAK. */

#include "secret-name.h"

#include <string.h>
#include <strings.h>

#define NAME_BYTES_MAX 128

typedef const char *const WordList[];

static WordList anywhere_words = { "password", "passwd", "passphrase", "passcode", "pass_word",
        "pass_phrase", "secret", "credential", "bearer", NULL };

/* Longer words that have one of those in them. */
static WordList innocent_words = { "passwordless", "secretary", "secretariat", NULL };

/* Last words that make a name one of a place or a measure. */
static WordList place_words = { "file", "files", "filename", "path", "paths", "dir", "directory",
        "fd", "socket", "sock", "name", "names", "type", "types", "mode", "ttl", "timeout", "age",
        "lifetime", "expiry", "expires", "expiration", "interval", "count", "limit", "limits",
        "budget", "size", "length", "len", "max", "min", "url", "uri", "endpoint", "policy",
        "store", "helper", "command", "cmd", "provider", "manager", "class", "env", "format",
        "algorithm", "field", "header", "method", "scheme", "prefix", "suffix", "rotation", NULL };

/* Last words that say nothing of the thing. */
static WordList filler_words = { "value", "val", "b64", "base64", "hex", "raw", "plain", "text",
        "string", "default", NULL };

/* First words of switches, and last ones. */
static WordList switch_first_words = { "no", "ask", "use", "with", "without", "show", "enable",
        "disable", "prompt", "allow", "require", "skip", "need", "has", "is", NULL };
static WordList switch_last_words = { "stdin", "prompt", "required", "enabled", "disabled", NULL };

/* Tokens of language models and of paged answers. */
static WordList token_innocent_before = { "max", "min", "num", "per", "pad", "eos", "bos", "unk",
        "mask", "sep", "cls", "stop", "special", "end", "start", "starting", "next", "page",
        "first", "last", "text", "image", "audio", "input", "output", "prompt", "continuation",
        NULL };
static WordList plural_secret_before = { "api", "auth", "access", "bearer", "refresh", "bot",
        "secret", "private", "encryption", "signing", NULL };

static WordList key_innocent_before = { "public", "pub", "sort", "primary", "foreign", "partition",
        "routing", "cache", "group", "hot", "index", "object", "row", "map", "shard", "search",
        "order", "compose", "meta", NULL };
static WordList key_glued_before = { "api", "access", "secret", "private", "priv", "auth", "enc",
        "encryption", "master", "signing", "session", "shared", "account", "storage", "ssh", "pass",
        "license", NULL };

static WordList pass_innocent_before = { "first", "second", "two", "one", "single", "multi", "last",
        "per", NULL };
static WordList pass_innocent_words = { "askpass", "bypass", "compass", "multipass", "trespass",
        "encompass", "overpass", "underpass", NULL };

static WordList weak_words = { "auth", "oauth", "basicauth", "httpauth", "proxyauth", NULL };
static WordList strong_words = { "authorization", "cred", "creds", "cookie", "jwt", "masterauth",
        "otp", "passin", "passout", "psk", "pw", "totp", NULL };

static WordList harmless_values = { "true", "false", "yes", "no", "on", "off", "none", "null",
        "auto", "enabled", "disabled", "required", "optional", "basic", "digest", "bearer", "ntlm",
        "negotiate", "kerberos", "gssapi", "oauth", "oauth2", "jwt", "ldap", "pam", "plain",
        "login", "md5", "trust", "peer", "token", NULL };

static WordList header_schemes = { "bearer", "basic", "digest", "token", "apikey", "bot",
        "negotiate", "ntlm", NULL };

/* A name's words: "api_key", of which last is "key" and before "api". */
typedef struct NameWords {
        char text[2 * NAME_BYTES_MAX + 1];
        const char *last;
        char before[NAME_BYTES_MAX + 1]; /* the word before the last one; may be empty */
} NameWords;

static bool name_is_upper(char c) {
        return c >= 'A' && c <= 'Z';
}

static bool name_is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool name_is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool name_word_is_in(const char *word, const char *const *list) {
        for (; *list; list++)
                if (strcmp(word, *list) == 0)
                        return true;
        return false;
}

static bool name_text_has_one_of(const char *text, const char *const *list) {
        for (; *list; list++)
                if (strstr(text, *list))
                        return true;
        return false;
}

/* Whether word ends in suffix with something before it. */
static bool name_word_has_suffix(const char *word, const char *suffix) {
        const size_t size = strlen(word), suffix_size = strlen(suffix);

        return size > suffix_size && strcmp(word + size - suffix_size, suffix) == 0;
}

/* Whether a word begins at name[i] because of its capital: "apiKey", "APIKey". */
static bool name_has_hump(const char *name, size_t size, size_t i) {
        if (i == 0 || !name_is_upper(name[i]))
                return false;
        if (name_is_lower(name[i - 1]) || name_is_digit(name[i - 1]))
                return true;
        return name_is_upper(name[i - 1]) && i + 1 < size && name_is_lower(name[i + 1]);
}

/* Finds last and before anew, after the text was cut. */
static void words_find_last(NameWords *words) {
        const char *separator = strrchr(words->text, '_');

        words->last = separator ? separator + 1 : words->text;
        words->before[0] = '\0';
        if (!separator)
                return;

        const char *begin = separator;
        while (begin > words->text && begin[-1] != '_')
                begin--;
        const size_t size = (size_t) (separator - begin);
        if (size < sizeof(words->before)) {
                memcpy(words->before, begin, size);
                words->before[size] = '\0';
        }
}

/* Numbers at the end only tell one from another. */
static void words_cut_number(NameWords *words) {
        size_t size = strlen(words->text);

        while (size > 0 && (name_is_digit(words->text[size - 1]) || words->text[size - 1] == '_'))
                size--;
        if (size > 0)
                words->text[size] = '\0';
        words_find_last(words);
}

static void words_cut_fillers(NameWords *words) {
        words_find_last(words);
        while (words->before[0] && name_word_is_in(words->last, filler_words)) {
                words->text[words->last - words->text - 1] = '\0';
                words_find_last(words);
        }
}

static void words_split(NameWords *words, const char *name, size_t size) {
        size_t n = 0;

        if (size > NAME_BYTES_MAX) {
                name += size - NAME_BYTES_MAX;
                size = NAME_BYTES_MAX;
        }

        for (size_t i = 0; i < size; i++) {
                const char c = name[i];
                const bool is_letter = name_is_upper(c) || name_is_lower(c) || name_is_digit(c) ||
                        (unsigned char) c >= 0x80;

                if ((!is_letter || name_has_hump(name, size, i)) && n > 0 &&
                        words->text[n - 1] != '_')
                        words->text[n++] = '_';
                if (is_letter)
                        words->text[n++] = name_is_upper(c) ? (char) (c - 'A' + 'a') : c;
        }
        words->text[n] = '\0';

        words_cut_fillers(words); /* "b64" is no number */
        words_cut_number(words);
        words_cut_fillers(words);
}

static bool words_name_place(const NameWords *words) {
        return name_word_is_in(words->last, place_words) ||
                name_word_has_suffix(words->last, "file") ||
                name_word_has_suffix(words->last, "path") ||
                name_word_has_suffix(words->last, "dir");
}

static bool words_are_switch(const NameWords *words) {
        const size_t first_size = strcspn(words->text, "_");
        char first[16] = "";

        if (name_word_is_in(words->last, switch_last_words))
                return true;
        if (words->text[first_size] == '\0' || first_size >= sizeof(first))
                return false;
        memcpy(first, words->text, first_size);
        return name_word_is_in(first, switch_first_words);
}

static SecretName words_judge_token(const NameWords *words) {
        if (strcmp(words->last, "tokens") == 0)
                return name_word_is_in(words->before, plural_secret_before) ? SECRET_NAME_STRONG
                                                                            : SECRET_NAME_NONE;
        if (strcmp(words->last, "token") == 0)
                return name_word_is_in(words->before, token_innocent_before) ? SECRET_NAME_NONE
                                                                             : SECRET_NAME_STRONG;
        return name_word_has_suffix(words->last, "token") ? SECRET_NAME_STRONG : SECRET_NAME_NONE;
}

static SecretName words_judge_key(const NameWords *words) {
        if (strcmp(words->last, "keys") == 0)
                return name_word_is_in(words->before, plural_secret_before) ? SECRET_NAME_STRONG
                                                                            : SECRET_NAME_NONE;
        if (strcmp(words->last, "key") == 0) {
                if (words->before[0] == '\0')
                        return SECRET_NAME_WEAK;
                return name_word_is_in(words->before, key_innocent_before) ? SECRET_NAME_NONE
                                                                           : SECRET_NAME_STRONG;
        }

        for (const char *const *before = key_glued_before; *before; before++) {
                const size_t size = strlen(*before);
                if (strncmp(words->last, *before, size) == 0 &&
                        (strcmp(words->last + size, "key") == 0 ||
                                strcmp(words->last + size, "keys") == 0))
                        return SECRET_NAME_STRONG;
        }
        return SECRET_NAME_NONE;
}

static SecretName words_judge_pass(const NameWords *words) {
        if (strcmp(words->last, "pass") == 0) {
                if (words->before[0] == '\0')
                        return SECRET_NAME_WEAK;
                return name_word_is_in(words->before, pass_innocent_before) ? SECRET_NAME_NONE
                                                                            : SECRET_NAME_STRONG;
        }
        if (name_word_has_suffix(words->last, "pass"))
                return name_word_is_in(words->last, pass_innocent_words) ? SECRET_NAME_NONE
                                                                         : SECRET_NAME_STRONG;
        if (strcmp(words->last, "pwd") == 0 || name_word_has_suffix(words->last, "pwd"))
                return SECRET_NAME_STRONG;
        return SECRET_NAME_NONE;
}

static SecretName words_judge(const NameWords *words) {
        if (words_name_place(words))
                return SECRET_NAME_NONE;
        if (name_text_has_one_of(words->text, anywhere_words) &&
                !name_text_has_one_of(words->text, innocent_words))
                return SECRET_NAME_STRONG;
        if (name_word_is_in(words->last, strong_words))
                return SECRET_NAME_STRONG;

        static SecretName (*const judges[])(
                const NameWords *) = { words_judge_token, words_judge_key, words_judge_pass };
        for (size_t i = 0; i < ELEMENTSOF(judges); i++) {
                SecretName judgement = judges[i](words);
                if (judgement != SECRET_NAME_NONE)
                        return judgement;
        }

        return name_word_is_in(words->last, weak_words) ? SECRET_NAME_WEAK : SECRET_NAME_NONE;
}

static bool name_text_is(const char *text, size_t size, const char *expected) {
        return size == strlen(expected) && memcmp(text, expected, size) == 0;
}

SecretName secret_name_classify(const char *name, size_t size) {
        NameWords words;

        /* The shell's variables hold directories. */
        if (name_text_is(name, size, "PWD") || name_text_is(name, size, "OLDPWD"))
                return SECRET_NAME_NONE;

        words_split(&words, name, size);
        if (words_are_switch(&words)) {
                /* The last word of "password-stdin" hides nothing but whether it speaks of one. */
                if (name_word_is_in(words.last, switch_last_words) && words.before[0]) {
                        words.text[words.last - words.text - 1] = '\0';
                        words_find_last(&words);
                }
                return words_judge(&words) == SECRET_NAME_NONE ? SECRET_NAME_NONE
                                                               : SECRET_NAME_SWITCH;
        }
        return words_judge(&words);
}

static bool name_text_is_in(const char *text, size_t size, const char *const *list) {
        for (; *list; list++)
                if (strlen(*list) == size && strncasecmp(*list, text, size) == 0)
                        return true;
        return false;
}

bool secret_value_is_harmless(const char *value, size_t size) {
        if (size > 0 && size <= 2 && name_is_digit(value[0]) && name_is_digit(value[size - 1]))
                return true;
        return name_text_is_in(value, size, harmless_values);
}

bool secret_value_is_scheme(const char *value, size_t size) {
        return name_text_is_in(value, size, header_schemes);
}

bool secret_value_looks_random(const char *value, size_t size) {
        bool has_letter = false, has_digit = false;

        if (size < 16 || value[0] == '/' || value[0] == '.' || value[0] == '~')
                return false;
        for (size_t i = 0; i < size; i++) {
                const char c = value[i];
                if (name_is_upper(c) || name_is_lower(c))
                        has_letter = true;
                else if (name_is_digit(c))
                        has_digit = true;
                else if (!strchr("+/=_-.:~", c) || c == '\0')
                        return false;
                if (c == ':' && size - i > 2 && value[i + 1] == '/' && value[i + 2] == '/')
                        return false; /* a URL's own secrets are found elsewhere */
        }
        return has_letter && has_digit;
}
