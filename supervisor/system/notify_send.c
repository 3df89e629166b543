#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "system/notify_send.h"

/* Returns the address's length, or 0 with errno. */
static socklen_t
parse_address(const char *text, struct sockaddr_un *ret)
{
	size_t len = strlen(text);

	if (text[0] != '/' && text[0] != '@') {
		errno = EAFNOSUPPORT;
		return 0;
	}
	if (len < 2 || len >= sizeof(ret->sun_path)) {
		errno = EINVAL;
		return 0;
	}
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)memcpy(ret->sun_path, text, len + 1);
	if (text[0] == '@') { /* abstract: its length is exact, without a NUL */
		ret->sun_path[0] = '\0';
		return (
		    socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	}
	return sizeof(*ret);
}

int
notify_send(const char *state)
{
	return notify_send_to(getenv("NOTIFY_SOCKET"), state);
}

int
notify_send_to(const char *path, const char *state)
{
	struct sockaddr_un address;
	socklen_t len;
	ssize_t n;
	int fd;

	if (path == NULL || path[0] == '\0')
		return 0;
	len = parse_address(path, &address);
	if (len == 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	n = sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&address, len);
	io_close(&fd);
	return n < 0 ? -1 : 1;
}

int64_t
notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	int64_t n;

	if (usec == NULL || text_parse_int(usec, 1, INT64_MAX, &n) < 0)
		return 0;
	if (pid != NULL) {
		int64_t meant;

		if (text_parse_int(pid, 1, INT32_MAX, &meant) < 0 ||
		    meant != getpid())
			return 0;
	}
	return n / 2000 > 0 ? n / 2000 : 1;
}
