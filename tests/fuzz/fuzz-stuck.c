/* SPDX-License-Identifier: MIT */

/* Any bytes as the collector's output. What comes of it fits into a record, is strict JSON within the
 * bounds of its lists, and its sentence is printable. */

#include <stdlib.h>
#include <string.h>

#include "forensics/stuck.h"
#include "fuzz.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_check_json(json_object *stuck) {
        const char *text = json_object_to_json_string_ext(stuck, JSON_C_TO_STRING_PLAIN);
        json_tokener *tokener = json_tokener_new();

        fuzz_check(tokener && text && strlen(text) <= STUCK_JSON_MAX);
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        json_object *again = json_tokener_parse_ex(tokener, text, (int) strlen(text) + 1);
        fuzz_check(json_tokener_get_error(tokener) == json_tokener_success);
        json_object *processes = json_object_object_get(again, "processes");
        fuzz_check(json_object_is_type(processes, json_type_array));
        fuzz_check(json_object_array_length(processes) <= STUCK_PROCESSES_MAX);
        json_tokener_free(tokener);
        (void) json_object_put(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char buffer[STUCK_PEERS_MAX];
        json_object *stuck = stuck_parse((const char *) data, size, size % 2 == 0);

        fuzz_check(stuck != NULL);
        fuzz_check_json(stuck);
        (void) stuck_format_peers(stuck, buffer);
        fuzz_check(strnlen(buffer, sizeof(buffer)) < sizeof(buffer));
        for (const char *c = buffer; *c; c++)
                fuzz_check(*c >= 0x20 && *c <= 0x7e);
        (void) json_object_put(stuck);
        return 0;
}
