/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Watches the rules and the bridges of networks: when somebody else takes them away - a flushed
 * rule set, a restarted firewall, a deleted device - they are put back within a second, with a line
 * in the log. Loop thread. */
void guard_begin(void);
void guard_end(void);
