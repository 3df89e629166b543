#include <errno.h>
#include <poll.h>
#include <sys/pidfd.h>

#include "base/io.h"
#include "system/pidfd.h"
#include "system/process.h"

int
pidfd_get(pid_t pid)
{
	return pidfd_open(pid, 0); /* close-on-exec by nature */
}

int
pidfd_get_checked(pid_t pid, uint64_t start)
{
	int pidfd = pidfd_get(pid);

	/* Only now the number can't change hands any more. */
	if (pidfd >= 0 && !process_is(pid, start)) {
		io_close(&pidfd);
		errno = ESRCH;
	}
	return pidfd;
}

int
pidfd_signal(int pidfd, int signal)
{
	return pidfd_send_signal(pidfd, signal, NULL, 0);
}

bool
pidfd_is_over(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}
