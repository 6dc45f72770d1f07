/* SPDX-License-Identifier: MIT */

#include "unit-path.h"
