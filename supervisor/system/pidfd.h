/* Processes held by a descriptor: their number can't be taken by another. */
#ifndef LOOPKEEPER_SYSTEM_PIDFD_H
#define LOOPKEEPER_SYSTEM_PIDFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A pidfd (close-on-exec), readable when pid has ended; -1 with errno. */
int pidfd_get(pid_t pid);

/* As pidfd_get(), if the process that it holds began at start; else -1 with
 * ESRCH. */
int pidfd_get_checked(pid_t pid, uint64_t start);

/* Returns 0, or -1 with errno: ESRCH it has ended, EPERM. */
int pidfd_signal(int pidfd, int signal);

/* Whether the process has ended (it may still be a zombie). */
bool pidfd_is_over(int pidfd);

#endif
