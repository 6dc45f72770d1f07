/* SPDX-License-Identifier: MIT */
#pragma once

/* Rows of a command line, its words apart by single spaces, and what it asks for. Include after
 * cmocka.h. */

#include <stdlib.h>
#include <string.h>

#include "forensics/requester.h"

#define OWNER_UID     1000
#define ARGUMENTS_MAX 32

_unused_ static const RequesterTarget system_unit = {
        .manager = UNIT_MANAGER_SYSTEM,
        .owner_uid = (uid_t) -1,
        .names = { "hermes.service", "gateway.service", "hermes-api@eu.service" },
        .n_names = 3,
};

_unused_ static const RequesterTarget user_unit = {
        .manager = UNIT_MANAGER_USER,
        .owner_uid = OWNER_UID,
        .owner_name = "anna",
        .names = { "hermes.service" },
        .n_names = 1,
};

typedef struct Row {
        const char *line;
        const char *verb; /* NULL: it asks for nothing of us */
} Row;

/* Returns: the verb, static; NULL. */
_unused_ static const char *ask(const char *line, uid_t uid, const RequesterTarget *target) {
        static char verb[REQUESTER_VERB_MAX];
        _cleanup_free_ char *copy = strdup(line);
        const char *argv[ARGUMENTS_MAX + 1] = {};
        size_t n = 0;

        assert_non_null(copy);
        for (char *rest = copy, *word; (word = strsep(&rest, " "));) {
                assert_true(n < ARGUMENTS_MAX);
                argv[n++] = word;
        }
        memset(verb, 'x', sizeof(verb));
        return requester_matches(argv, uid, target, verb) ? verb : NULL;
}

_unused_ static void assert_row(const Row *row, uid_t uid, const RequesterTarget *target) {
        const char *verb = ask(row->line, uid, target);

        if (!!verb != !!row->verb || (verb && strcmp(verb, row->verb) != 0))
                fail_msg(
                        "\"%s\": %s, not %s", row->line, verb ?: "nothing", row->verb ?: "nothing");
}

#define assert_rows(rows, uid, target)                           \
        do                                                       \
                for (size_t i = 0; i < ELEMENTSOF(rows); i++)    \
                        assert_row(&(rows)[i], (uid), (target)); \
        while (0)
