/* SPDX-License-Identifier: MIT */
#pragma once

/* The verb `report`. argv[1] is the verb's name. Returns: the exit status. */
int report_verb(int argc, char *argv[]);
