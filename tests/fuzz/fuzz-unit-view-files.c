/* SPDX-License-Identifier: MIT */

/* Unit files as views: whatever a text assigns, a value can be said as text; what is said to be set comes
 * from the file; and a drop-in behind it has the last word. */

#include <string.h>

#include "fuzz.h"
#include "units/unit-view-files.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_check_values(const UnitView *view) {
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                const ViewValue *value = &view->values[key];
                _cleanup_free_ char *text = unit_view_format(view, key);

                fuzz_check(text != NULL);
                fuzz_check(unit_view_is_set(view, key) == (value->source != NULL));
                fuzz_check(!value->source || strcmp(value->source, "/a.service") == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup(size > 0 ? (const char *) data : "", size);
        _cleanup_(unit_view_done) UnitView view = {};

        fuzz_check(text != NULL);
        fuzz_check(unit_view_init(&view, "a.service", UNIT_MANAGER_SYSTEM) == 0);
        int r = unit_view_apply_text(&view, text, /* is_drop_in= */ false, "/a.service");
        fuzz_check(r == 0 || r == -EBADMSG);
        fuzz_check(unit_view_settle(&view) == 0);
        fuzz_check_values(&view);

        fuzz_check(unit_view_apply_text(&view, "[Service]\nKillMode=none\nTimeoutSec=7\n",
                           /* is_drop_in= */ true, "/b.conf") == 0);
        fuzz_check(unit_view_is(&view, VIEW_KILL_MODE, "none"));
        fuzz_check(unit_view_usec(&view, VIEW_TIMEOUT_START_USEC) == 7 * USEC_PER_SEC);
        fuzz_check(view.values[VIEW_TIMEOUT_STOP_USEC].origin == VIEW_ORIGIN_DROP_IN);
        return 0;
}
