/* SPDX-License-Identifier: MIT */

/* The drop-in as text, out of two sources.
 *
 * The findings give mends. Those that say the same, or set the same setting, are one line: the
 * first of them wins, of times the longest; lines of a setting that is a list are one only where
 * they are equal. Each line carries the reasons of all mends that it stands for.
 *
 * A drop-in of ours that is there already is a sequence of blocks: an assignment, a section's
 * header, each with the comments right above it, empty lines, comments that stand alone. All of
 * them are kept byte for byte, but for assignments that a new line replaces. New lines go to the
 * end of their section, so that they win over whatever else the section says; missing sections
 * come behind the others.
 *
 * What follows a malformed header does not count for systemd. It stays where it is, at the end. */

#include "check/remedy.h"
#include "text-wrap.h"

#include <string.h>

#define REMEDY_WIDTH 100

static const char *const remedy_sections[] = { "Unit", "Service" };

/* ---- The lines that findings ask for --------------------------------------------------------- */

typedef struct Remedy {
        const Mend **mends; /* all that a drop-in can do; weak */
        size_t n_mends;
} Remedy;

static const ViewKeyInfo *mend_info(const Mend *mend) {
        return view_key_info(view_key_from_setting(mend->section, mend->setting));
}

static bool mend_is_time(const Mend *mend) {
        return mend_info(mend)->kind == VIEW_KIND_USEC;
}

/* Is this one more item of a list? The empty value is none: it resets. */
static bool mend_adds(const Mend *mend) {
        switch (mend_info(mend)->kind) {
        case VIEW_KIND_STRINGS:
        case VIEW_KIND_STATUS_SET:
        case VIEW_KIND_COMMANDS:
                return *mend->value != '\0';
        default:
                return false;
        }
}

static bool mend_is_same_setting(const Mend *a, const Mend *b) {
        return strcmp(a->section, b->section) == 0 && strcmp(a->setting, b->setting) == 0;
}

/* Do both end up in one line? */
static bool mend_is_same_line(const Mend *a, const Mend *b) {
        if (!mend_is_same_setting(a, b) || mend_adds(a) != mend_adds(b))
                return false;
        return !mend_adds(a) || strcmp(a->value, b->value) == 0;
}

static usec_t mend_usec(const Mend *mend) {
        usec_t usec;

        return usec_parse_span(mend->value, &usec, /* reterr_bad= */ NULL) < 0 ? 0 : usec;
}

static bool mend_beats(const Mend *a, const Mend *b) {
        return mend_is_time(a) && mend_usec(a) > mend_usec(b);
}

/* Is the mend the one of its line whose value is written? */
static bool remedy_is_line(const Remedy *remedy, size_t index) {
        const Mend *mend = remedy->mends[index];

        for (size_t i = 0; i < remedy->n_mends; i++) {
                if (i == index || !mend_is_same_line(remedy->mends[i], mend))
                        continue;
                if (mend_beats(remedy->mends[i], mend) ||
                        (i < index && !mend_beats(mend, remedy->mends[i])))
                        return false;
        }
        return true;
}

/* Does the line of one mend do what the other one was for, too? Any longer time does. */
static bool mend_serves(const Mend *line, const Mend *mend) {
        return mend_is_same_line(line, mend) &&
                (mend_is_time(line) || strcmp(line->value, mend->value) == 0);
}

/* Has an earlier mend of the line given the same reason? */
static bool remedy_has_told(const Remedy *remedy, const Mend *line, size_t index) {
        for (size_t i = 0; i < index; i++)
                if (remedy->mends[i]->reason && mend_serves(line, remedy->mends[i]) &&
                        strcmp(remedy->mends[i]->reason, remedy->mends[index]->reason) == 0)
                        return true;
        return false;
}

static void remedy_put_line(const Remedy *remedy, const Mend *line, FILE *file) {
        for (size_t i = 0; i < remedy->n_mends; i++)
                if (remedy->mends[i]->reason && mend_serves(line, remedy->mends[i]) &&
                        !remedy_has_told(remedy, line, i))
                        text_wrap(file, "# ", remedy->mends[i]->reason, REMEDY_WIDTH);
        (void) fprintf(file, "%s=%s\n", line->setting, line->value);
}

/* Resets come first, or they would reset what the other lines add. */
static void remedy_put_section(const Remedy *remedy, const char *section, FILE *file) {
        for (int is_reset = 1; is_reset >= 0; is_reset--)
                for (size_t i = 0; i < remedy->n_mends; i++)
                        if (strcmp(remedy->mends[i]->section, section) == 0 &&
                                (*remedy->mends[i]->value == '\0') == is_reset &&
                                remedy_is_line(remedy, i))
                                remedy_put_line(remedy, remedy->mends[i], file);
}

static bool remedy_has_section(const Remedy *remedy, const char *section) {
        for (size_t i = 0; i < remedy->n_mends; i++)
                if (strcmp(remedy->mends[i]->section, section) == 0)
                        return true;
        return false;
}

/* ---- Which mends a drop-in can do ------------------------------------------------------------ */

bool remedy_is_overridden(const UnitView *view, const Mend *mend) {
        const ViewValue *value = &view->values[view_key_from_setting(mend->section, mend->setting)];

        if (mend_adds(mend) || value->origin != VIEW_ORIGIN_DROP_IN || !value->source)
                return false;

        const char *slash = strrchr(value->source, '/');
        return strcmp(slash ? slash + 1 : value->source, REMEDY_FILE) > 0;
}

RemedyObstacle remedy_obstacle(const UnitView *view, const Finding *finding) {
        assert(view);
        assert(finding);

        if (finding->n_mends == 0)
                return REMEDY_NO_SETTING;
        for (size_t i = 0; i < finding->n_mends; i++)
                if (remedy_is_overridden(view, &finding->mends[i]))
                        return REMEDY_OVERRIDDEN;
        return REMEDY_POSSIBLE;
}

/* A line end, or a backslash before it, would make another line of it than the rule meant. */
static bool mend_is_one_line(const Mend *mend) {
        const size_t size = strlen(mend->value);

        return strcspn(mend->value, "\n\r") == size && (size == 0 || mend->value[size - 1] != '\\');
}

static int remedy_collect(const Lint *lint, Remedy *ret_remedy) {
        Remedy remedy = {
                .mends = calloc(lint->n_findings * FINDING_MENDS_MAX + 1, sizeof(Mend *)),
        };

        if (!remedy.mends)
                return -ENOMEM;
        for (size_t i = 0; i < lint->n_findings; i++) {
                const Finding *finding = &lint->findings[i];

                if (remedy_obstacle(lint->view, finding) != REMEDY_POSSIBLE)
                        continue;
                for (size_t j = 0; j < finding->n_mends; j++) {
                        assert(mend_is_one_line(&finding->mends[j]));
                        remedy.mends[remedy.n_mends++] = &finding->mends[j];
                }
        }
        *ret_remedy = remedy;
        return 0;
}

/* ---- What is there already ------------------------------------------------------------------- */

typedef struct Span {
        const char *text;
        size_t size;
} Span;

static bool span_is(Span span, const char *text) {
        return span.size == strlen(text) && memcmp(span.text, text, span.size) == 0;
}

static Span span_trim(Span span) {
        while (span.size > 0 && strchr(" \t", span.text[0]))
                span = (Span){ span.text + 1, span.size - 1 };
        while (span.size > 0 && strchr(" \t", span.text[span.size - 1]))
                span.size--;
        return span;
}

typedef enum BlockKind {
        BLOCK_EMPTY,      /* one empty line */
        BLOCK_TEXT,       /* comments alone, or what is no assignment */
        BLOCK_SECTION,    /* a header */
        BLOCK_ASSIGNMENT, /* with the lines that continue it */
        BLOCK_REST,       /* a malformed header and all behind it */
        _BLOCK_KIND_MAX,
} BlockKind;

typedef struct Block {
        BlockKind kind;
        Span span;    /* all of it, with line ends, and the comments right above it */
        Span section; /* that it stands in, or opens */
        Span key, value;
} Block;

typedef struct Present {
        Block *blocks;
        size_t n_blocks;
} Present;

/* Takes the line at *position, and moves behind its end. Returns: the line without its end. */
static Span block_take_line(const char **position) {
        Span line = { *position, strcspn(*position, "\n\r") };

        *position += line.size;
        if ((*position)[0] == '\r' && (*position)[1] == '\n')
                *position += 2;
        else if (**position)
                *position += 1;
        return line;
}

static bool block_is_comment(const char *position) {
        position += strspn(position, " \t");
        return *position == '#' || *position == ';';
}

/* Is the line joined with the next one? */
static bool block_is_continued(Span line) {
        size_t n_backslashes = 0;

        while (n_backslashes < line.size && line.text[line.size - 1 - n_backslashes] == '\\')
                n_backslashes++;
        return n_backslashes % 2 == 1;
}

/* Takes the lines that continue this one, and comments between them. */
static void block_take_continuation(Span line, const char **position) {
        while (block_is_continued(line) && **position) {
                while (block_is_comment(*position))
                        (void) block_take_line(position);
                line = block_take_line(position);
        }
}

/* Reads the line that a block is about. */
static void block_read_line(Block *block, const char **position) {
        const Span line = block_take_line(position), content = span_trim(line);

        if (content.size > 0 && content.text[0] == '[') {
                if (content.text[content.size - 1] != ']') {
                        block->kind = BLOCK_REST;
                        *position += strlen(*position);
                        return;
                }
                block->kind = BLOCK_SECTION;
                block->section = (Span){ content.text + 1, content.size - 2 };
                return;
        }

        const char *equals = memchr(content.text, '=', content.size);
        const size_t key_size = equals ? (size_t) (equals - content.text) : 0;
        block_take_continuation(line, position);
        if (!equals)
                return;
        block->kind = BLOCK_ASSIGNMENT;
        block->key = span_trim((Span){ content.text, key_size });
        block->value = span_trim((Span){ equals + 1, content.size - key_size - 1 });
}

/* Takes the block at *position in a section. */
static Block block_take(const char **position, Span section) {
        Block block = { .kind = BLOCK_TEXT, .span.text = *position, .section = section };

        while (block_is_comment(*position))
                (void) block_take_line(position);

        const char *line_position = *position;
        if (span_trim(block_take_line(&line_position)).size > 0)
                block_read_line(&block, position);
        else if (*position == block.span.text) {
                block.kind = BLOCK_EMPTY;
                *position = line_position;
        } /* else: the comments stand alone, the empty line is a block of its own */
        block.span.size = (size_t) (*position - block.span.text);
        return block;
}

/* Divides all but the first line, which is the mark. */
static int present_read(const char *text, Present *ret_present) {
        Present present = {};
        Span section = { "", 0 };

        if (text)
                (void) block_take_line(&text);
        while (text && *text) {
                Block *blocks =
                        reallocarray(present.blocks, present.n_blocks + 1, sizeof(*present.blocks));
                if (!blocks) {
                        free(present.blocks);
                        return -ENOMEM;
                }
                present.blocks = blocks;
                blocks[present.n_blocks] = block_take(&text, section);
                section = blocks[present.n_blocks++].section;
        }
        *ret_present = present;
        return 0;
}

/* Where a section's new lines go: behind the last block of its last part that is not empty.
 * Returns: the index of the block that they come before; 0: there is no such section. */
static size_t present_find_end(const Present *present, const char *section) {
        size_t end = 0;

        for (size_t i = 0; i < present->n_blocks; i++)
                if (span_is(present->blocks[i].section, section) &&
                        present->blocks[i].kind != BLOCK_EMPTY &&
                        present->blocks[i].kind != BLOCK_REST)
                        end = i + 1;
        return end;
}

/* Is the assignment one that a new line replaces? */
static bool remedy_replaces(const Remedy *remedy, const Block *block) {
        if (block->kind != BLOCK_ASSIGNMENT)
                return false;
        for (size_t i = 0; i < remedy->n_mends; i++) {
                const Mend *mend = remedy->mends[i];

                if (span_is(block->section, mend->section) && span_is(block->key, mend->setting) &&
                        (!mend_adds(mend) || span_is(block->value, mend->value)))
                        return true;
        }
        return false;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void remedy_put_block(const Block *block, FILE *file) {
        (void) fwrite(block->span.text, 1, block->span.size, file);
        if (!strchr("\n\r", block->span.text[block->span.size - 1]))
                (void) fputc('\n', file);
}

static void remedy_put_new_sections(const Remedy *remedy, const Present *present, FILE *file) {
        for (size_t i = 0; i < ELEMENTSOF(remedy_sections); i++) {
                const char *section = remedy_sections[i];

                if (!remedy_has_section(remedy, section) || present_find_end(present, section) > 0)
                        continue;
                (void) fprintf(file, "\n[%s]\n", section);
                remedy_put_section(remedy, section, file);
        }
}

static void remedy_put(const Remedy *remedy, const Present *present, FILE *file) {
        bool has_rest =
                present->n_blocks > 0 && present->blocks[present->n_blocks - 1].kind == BLOCK_REST;
        const size_t n_blocks = present->n_blocks - has_rest;

        (void) fputs(REMEDY_MARK
                " delete it to undo, `gatewatch check --fix=write` writes it anew.\n",
                file);
        for (size_t i = 0; i <= n_blocks; i++) {
                for (size_t j = 0; i > 0 && j < ELEMENTSOF(remedy_sections); j++)
                        if (present_find_end(present, remedy_sections[j]) == i)
                                remedy_put_section(remedy, remedy_sections[j], file);
                if (i < n_blocks && !remedy_replaces(remedy, &present->blocks[i]))
                        remedy_put_block(&present->blocks[i], file);
        }
        remedy_put_new_sections(remedy, present, file);
        if (has_rest)
                remedy_put_block(&present->blocks[n_blocks], file);
}

static int remedy_format(const Remedy *remedy, const Present *present, char **ret_text) {
        _cleanup_free_ char *text = NULL;
        size_t size;

        FILE *file = open_memstream(&text, &size);
        if (!file)
                return -ENOMEM;
        remedy_put(remedy, present, file);
        const bool is_torn = ferror(file);
        if (fclose(file) != 0 || is_torn)
                return -ENOMEM;

        *ret_text = TAKE_PTR(text);
        return 1;
}

bool remedy_is_ours(const char *text) {
        return strncmp(text, REMEDY_MARK, strlen(REMEDY_MARK)) == 0;
}

int remedy_write(const Lint *lint, const char *present, char **ret_text) {
        Remedy remedy;
        Present parts;

        assert(lint);
        assert(ret_text);

        int r = remedy_collect(lint, &remedy);
        if (r < 0)
                return r;
        if (remedy.n_mends > 0 && present && !remedy_is_ours(present))
                r = -EPERM;
        else if (remedy.n_mends > 0) {
                r = present_read(present, &parts);
                if (r >= 0) {
                        r = remedy_format(&remedy, &parts, ret_text);
                        free(parts.blocks);
                }
        }
        free(remedy.mends);
        return r;
}
