/* SPDX-License-Identifier: MIT */

/* The journal of a container lies in its own file system, which systemd-machined opens for root. */

#include <fcntl.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "journal-source.h"

#define NO_SUCH_MACHINE "org.freedesktop.machine1.NoSuchMachine"

static int journal_machine_fail(const char *machine, const sd_bus_error *error, int r,
        char reterr[static JOURNAL_ERROR_MAX]) {
        if (sd_bus_error_has_name(error, NO_SUCH_MACHINE)) {
                (void) snprintf(reterr, JOURNAL_ERROR_MAX,
                        "no machine %s is running; see machinectl list", machine);
                return -ENOENT;
        }
        (void) snprintf(reterr, JOURNAL_ERROR_MAX, "systemd-machined does not open machine %s: %s",
                machine, error->message ?: strerror(-r));
        return r;
}

int journal_machine_open_root(const char *machine, char reterr[static JOURNAL_ERROR_MAX]) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r, fd;

        if (geteuid() != 0) {
                /* The files belong to users of the container. */
                (void) snprintf(reterr, JOURNAL_ERROR_MAX,
                        "only root may read the journal of machine %s", machine);
                return -EACCES;
        }
        r = sd_bus_open_system(&bus);
        if (r < 0) {
                (void) snprintf(reterr, JOURNAL_ERROR_MAX,
                        "machine %s cannot be looked for: no system bus: %s", machine,
                        strerror(-r));
                return r;
        }
        r = sd_bus_call_method(bus, "org.freedesktop.machine1", "/org/freedesktop/machine1",
                "org.freedesktop.machine1.Manager", "OpenMachineRootDirectory", &error, &reply, "s",
                machine);
        if (r < 0)
                return journal_machine_fail(machine, &error, r, reterr);
        r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return journal_machine_fail(machine, &error, r, reterr);
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? journal_machine_fail(machine, &error, -errno, reterr) : fd;
}
