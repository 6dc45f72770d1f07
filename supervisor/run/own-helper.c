/* SPDX-License-Identifier: MIT */

/* The two ends of a helper's life, so that its place beside the payload is taken and given up in one place,
 * by the pid that it had when it was started. */

#include "run/own-helper.h"

int own_helper_adopt(OwnHelper *helper, Payload *payload, HelperProcess *process) {
        int r;

        assert(!helper->process);
        helper->process = process;
        helper->pid = helper_process_pid(process);
        r = payload_add_helper(payload, helper->pid);
        if (r < 0)
                (void) own_helper_end(helper, payload);
        return r;
}

int own_helper_start(
        OwnHelper *helper, sd_event *event, Payload *payload, const HelperConfig *config) {
        int keep_fds[2] = { payload_proc_fd(payload), payload_cgroup_fd(payload) };
        HelperConfig own = *config;
        HelperProcess *process;
        int r;

        own.keep_fds = keep_fds;
        own.n_keep_fds = keep_fds[1] >= 0 ? 2 : 1;
        r = helper_process_start(event, &own, &process);
        return r < 0 ? r : own_helper_adopt(helper, payload, process);
}

pid_t own_helper_end(OwnHelper *helper, Payload *payload) {
        pid_t running_pid;

        if (!helper->process)
                return 0;
        running_pid = helper_process_pid(helper->process);
        payload_remove_helper(payload, helper->pid);
        helper_process_free(helper->process);
        *helper = (OwnHelper){};
        return running_pid;
}
