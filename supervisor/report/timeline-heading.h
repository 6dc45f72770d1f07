/* SPDX-License-Identifier: MIT */
#pragma once

/* What is known of a stop, as fields above its picture. */

#include "timeline-text.h"

/* Returns: 0; -ENOMEM. */
int timeline_write_heading(
        TimelinePage *page, const StopStory *story, const TimelineOptions *options) _warn_unused_;
