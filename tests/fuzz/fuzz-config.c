/* SPDX-License-Identifier: MIT */

/* Configuration files: whatever they hold, they are taken or refused by one clean line. */

#include <string.h>

#include "config/run-config-load.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(run_config_done) RunConfig config = {};
        _cleanup_free_ char *text = NULL;
        ConfigError error = {};

        text = malloc(size + 1);
        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        if (run_config_parse_file(text, "fuzz.conf", &config, &error) == -EINVAL &&
                (!error.text[0] || strchr(error.text, '\n')))
                abort();
        return 0;
}
