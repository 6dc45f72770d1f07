/* SPDX-License-Identifier: MIT */

/* Dumps of systemd: whatever one holds, values can be said as text and keep where they come from; and a part
 * of another unit before it and one behind it change nothing. */

#include <string.h>

#include "fuzz.h"
#include "units/unit-view-dump.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static int fuzz_apply(UnitView *view, const char *before, const char *dump, const char *behind) {
        _cleanup_free_ char *joined = NULL;

        fuzz_check(asprintf(&joined, "%s%s%s", before, dump, behind) >= 0);
        int r = unit_view_apply_dump(view, joined);
        fuzz_check(r == 0 || r == 1);
        return r;
}

static void fuzz_init(UnitView *view) {
        fuzz_check(unit_view_init(view, "a.service", UNIT_MANAGER_SYSTEM) == 0);
        fuzz_check(
                unit_view_assign(view, VIEW_KILL_MODE, "process", VIEW_ORIGIN_DROP_IN, "/x") == 0);
        fuzz_check(unit_view_assign(view, VIEW_TIMEOUT_STOP_USEC, "1500ms", VIEW_ORIGIN_FRAGMENT,
                           "/y") == 0);
}

static void fuzz_check_same(const UnitView *a, const UnitView *b) {
        fuzz_check(strcmp(a->load_state, b->load_state) == 0);
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                _cleanup_free_ char *of_a = unit_view_format(a, key);
                _cleanup_free_ char *of_b = unit_view_format(b, key);

                fuzz_check(of_a && of_b && strcmp(of_a, of_b) == 0);
                fuzz_check(a->values[key].origin == b->values[key].origin);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *dump = strndup(size > 0 ? (const char *) data : "", size);
        _cleanup_(unit_view_done) UnitView view = {}, again = {};

        fuzz_check(dump != NULL);
        fuzz_init(&view);
        fuzz_init(&again);
        int r = fuzz_apply(&view, "", dump, "");
        fuzz_check(fuzz_apply(&again, "\t-> Unit b.service:\n\t\tKillMode: mixed\n", dump,
                           "\n\t-> Unit c.service:\n\t\tKillMode: mixed\n") == r);
        fuzz_check_same(&view, &again);
        fuzz_check(view.values[VIEW_KILL_MODE].origin == VIEW_ORIGIN_DROP_IN);
        fuzz_check(strcmp(view.values[VIEW_KILL_MODE].source, "/x") == 0);
        return 0;
}
