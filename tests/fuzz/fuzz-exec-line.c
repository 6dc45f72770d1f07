/* SPDX-License-Identifier: MIT */

/* Command lines: any text is a word that comes back from its quoted form; and of a line that is read,
 * the prefixes and the body, written one behind the other, read the same. */

#include <string.h>

#include "fuzz.h"
#include "units/exec-line.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_word(const char *word) {
        _cleanup_free_ char *quoted = exec_word_quote(word, 0), *text = NULL;
        ExecLine line;

        fuzz_check(quoted && asprintf(&text, "/bin/x %s", quoted) > 0);
        fuzz_check(exec_line_parse(text, &line) == 0);
        fuzz_check(line.n_words == 2 && !line.has_more && strcmp(line.words[1].text, word) == 0);
        exec_line_done(&line);
}

static void fuzz_again(const ExecLine *line) {
        _cleanup_free_ char *text = NULL;
        char prefix[EXEC_PREFIX_MAX];
        ExecLine again;

        fuzz_check(asprintf(&text, "%s%s", exec_flags_to_prefix(line->flags, prefix), line->body) >=
                0);
        fuzz_check(exec_line_parse(text, &again) == 0);
        fuzz_check(again.flags == line->flags && again.n_words == line->n_words);
        fuzz_check(again.has_more == line->has_more && !again.rewritten);
        for (size_t i = 0; i < line->n_words; i++) {
                fuzz_check(strcmp(again.words[i].text, line->words[i].text) == 0);
                fuzz_check(again.words[i].length == line->words[i].length);
                fuzz_check(memcmp(again.words[i].span, line->words[i].span,
                                   line->words[i].length) == 0);
        }
        exec_line_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup(size > 0 ? (const char *) data : "", size);
        ExecLine line;

        fuzz_check(text != NULL);
        fuzz_word(text);

        int r = exec_line_parse(text, &line);
        fuzz_check(r == 0 || r == -ENODATA || r == -EINVAL);
        if (r == 0) {
                fuzz_check(line.n_words > 0 && line.has_more == (line.rest != NULL));
                fuzz_again(&line);
                exec_line_done(&line);
        }
        return 0;
}
