/* SPDX-License-Identifier: MIT */

/* Command lines of strangers: the arguments end in NUL, as /proc has them. Whatever matches says what it
 * asks for; said through sudo it asks for nothing; and what asks the system's and a user's manager at
 * once does not do so by the name of the unit. */

#include <string.h>

#include "forensics/requester.h"
#include "fuzz.h"

#define ARGUMENTS_MAX 512

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static bool fuzz_matches(const char *const argv[], uid_t uid, const RequesterTarget *target) {
        char verb[REQUESTER_VERB_MAX];

        memset(verb, 'x', sizeof(verb));
        bool is_match = requester_matches(argv, uid, target, verb);
        if (is_match)
                fuzz_check(strnlen(verb, sizeof(verb)) < sizeof(verb) && verb[0] != '\0');
        return is_match;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        RequesterTarget system_unit = {
                .manager = UNIT_MANAGER_SYSTEM,
                .owner_uid = (uid_t) -1,
                .names = { "hermes.service", "hermes-api@eu.service" },
                .n_names = 2,
        };
        RequesterTarget user_unit = system_unit, other_unit = system_unit, nothing = system_unit;
        const char *argv[ARGUMENTS_MAX + 2] = { "sudo" };
        size_t n = 1;

        user_unit.manager = other_unit.manager = UNIT_MANAGER_USER;
        user_unit.owner_uid = 1000;
        user_unit.owner_name = "anna";
        other_unit.owner_uid = 1001;
        other_unit.owner_name = "bert";
        nothing.manager = UNIT_MANAGER_NONE;

        _cleanup_free_ char *text = malloc(size + 1);
        fuzz_check(text != NULL);
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        for (char *p = text; p < text + size && n <= ARGUMENTS_MAX; p += strlen(p) + 1)
                argv[n++] = p;

        fuzz_check(!fuzz_matches(argv, 0, &system_unit));
        fuzz_check(!fuzz_matches(argv + 1, 0, &nothing));

        bool is_of_system = fuzz_matches(argv + 1, 1000, &system_unit);
        bool is_of_user = fuzz_matches(argv + 1, 1000, &user_unit);
        (void) fuzz_matches(argv + 1, 1000, &other_unit);
        (void) fuzz_matches(argv + 1, 0, &user_unit);

        /* Only what ends every unit, or every user, ends both. */
        user_unit.n_names = system_unit.n_names = 0;
        if (is_of_system && is_of_user)
                fuzz_check(fuzz_matches(argv + 1, 1000, &system_unit) ||
                        fuzz_matches(argv + 1, 1000, &user_unit));
        return 0;
}
