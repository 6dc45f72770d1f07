/* SPDX-License-Identifier: MIT */
#pragma once

/* The verb `list`. argv[1] is the verb's name. Returns: the exit status. */
int list_verb(int argc, char *argv[]);
