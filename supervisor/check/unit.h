/* SPDX-License-Identifier: MIT */
#pragma once

/* The verb `unit`. argv[1] is the verb's name. Returns: the exit status. */
int unit_verb(int argc, char *argv[]);
