/* SPDX-License-Identifier: MIT */
#pragma once

/* Names of system calls, generated from the kernel's header of the machine that built us. */

/* Returns: "futex"; NULL: no such call in the architecture of this binary. */
const char *syscall_name(long number);
