/* SPDX-License-Identifier: MIT */

/* The verb: options in, exit status out. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "config/exit-status.h"
#include "config/run-config-load.h"
#include "run/help.h"
#include "run/process-title.h"
#include "run/run.h"
#include "run/supervisor.h"

static int run_complain(const char *text, int exit_status) {
        (void) fprintf(stderr, "gatewatch run: %s\n", text);
        return exit_status;
}

static int run_complain_errno(const char *what, int error, int exit_status) {
        (void) fprintf(stderr, "gatewatch run: %s: %s\n", what, strerror(error));
        return exit_status;
}

/* The low fds that the caller left closed must not become ours: what is written to "stderr" would
 * land in an epoll fd or a socket. They are held, close-on-exec, so the gateway finds them closed.
 * Returns: whether stderr is there. */
static bool hold_standard_fds(void) {
        bool has_stderr = fcntl(STDERR_FILENO, F_GETFD) >= 0;
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        (void) fd_close(fd);
        return has_stderr;
}

/* Returns: the exit status for what went wrong before a gateway ran. After one ran it does not. */
static int run_supervise(int argc, char *argv[], const RunConfig *config) {
        _cleanup_(supervisor_freep) Supervisor *supervisor = NULL;
        _cleanup_free_ char *title = NULL;
        GatewayStatus status;
        int exec_error, r;

        r = supervisor_new(config, &supervisor);
        if (r < 0)
                return run_complain_errno("cannot start supervising", -r, EXIT_STATUS_SUPERVISOR);

        if (asprintf(&title, "gatewatch run: %s", supervisor_name(supervisor)) < 0)
                title = NULL;
        else
                process_title_set(argc, argv, title);

        r = supervisor_run(supervisor, &status, &exec_error);
        if (r < 0)
                return run_complain_errno("cannot fork the gateway", -r, EXIT_STATUS_SUPERVISOR);
        if (r > 0)
                return run_complain(
                        "the unit's stop timeout is shorter than drain and headroom, and "
                        "--on-short-timeout=refuse is given: raise TimeoutStopSec= (the "
                        "short-timeout record has the commands) or shorten --drain-timeout=",
                        EXIT_STATUS_CONFIG);
        if (exec_error != 0)
                return run_complain_errno(config->argv[0], exec_error,
                        exec_error == ENOENT ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_NOT_EXECUTABLE);

        supervisor_withdraw(supervisor);
        gateway_status_mirror(status);
}

int run_verb(int argc, char *argv[]) {
        _cleanup_(run_config_done) RunConfig config = {};
        bool has_stderr = hold_standard_fds();
        ConfigAction action = CONFIG_RUN;
        ConfigError error;
        int r;

        r = run_config_load(argc - 1, argv + 1, environ, &config, &action, &error);
        if (r == -ENOMEM)
                return run_complain_errno(
                        "cannot read the options", ENOMEM, EXIT_STATUS_SUPERVISOR);
        if (r < 0)
                return run_complain(error.text, error.exit_status);
        if (action == CONFIG_SHOW_HELP) {
                run_config_print_help();
                return 0;
        }
        if (action == CONFIG_SHOW_VERSION) {
                (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                return 0;
        }

        config.console_fd = has_stderr ? STDERR_FILENO : -EBADF;
        return run_supervise(argc, argv, &config);
}
