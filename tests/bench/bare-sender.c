/* SPDX-License-Identifier: MIT */

/* The sender that is hardest to catch: kill(2), then _exit(2), and no library to be torn down. Linked
 * statically, so that it is as small as a process gets.
 *
 * usage: bare-sender PID SIGNAL */

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
        if (argc != 3)
                return 64;
        _exit(kill((pid_t) atoi(argv[1]), atoi(argv[2])) < 0);
}
