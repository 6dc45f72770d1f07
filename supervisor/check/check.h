/* SPDX-License-Identifier: MIT */
#pragma once

/* The verb `check`. argv[1] is the verb's name. Returns: the exit status. */
int check_verb(int argc, char *argv[]);
