/* SPDX-License-Identifier: MIT */

/* Writes the journal's catalog from the table of events: what `journalctl -x` shows below a record,
 * and `journalctl --dump-catalog` by id. Runs while building, on the machine that builds.
 *
 * Usage: generate-catalog > gatewatch.catalog
 * Source: systemd's "Journal Message Catalogs": an entry begins with "-- ID" after an empty line,
 * a line that begins with # is a comment, the body follows the header after an empty line. */

#include <stdio.h>

#include "record.h"

static void catalog_put_entry(const RecordEventInfo *info) {
        (void) printf("\n-- %s\n", info->message_id);
        (void) printf("Subject: %s\n", info->subject);
        (void) printf("Defined-By: gatewatch\n");
        (void) printf("Documentation: man:gatewatch-run(1) man:gatewatch.journal-fields(7)\n");
        (void) printf("\n%s", info->body);
}

int main(void) {
        (void) printf("# Generated from gatewatch's table of events. Changes here are lost.\n");
        for (RecordEvent event = 0; event < _RECORD_EVENT_MAX; event++)
                catalog_put_entry(record_event_info(event));

        return fflush(stdout) != 0 || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
