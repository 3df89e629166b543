#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/message.h"

union control_space {
	struct cmsghdr header; /* for its alignment */
	char space[CMSG_SPACE(sizeof(int) * MESSAGE_DESCRIPTORS)];
};

struct message
message_new(enum message_type type)
{
	return (struct message){ .version = MESSAGE_VERSION, .type = type };
}

static int
send_packet(int fd, const struct msghdr *header)
{
	ssize_t n;

	do
		n = sendmsg(fd, header, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

int
message_send(
    int fd, const struct message *m, const void *tail, size_t tail_size)
{
	struct message copy = *m;
	union {
		const void *in;
		void *out;
	} base = { .in = tail }; /* sendmsg(2) only reads it */
	struct iovec parts[2] = {
		{ .iov_base = &copy, .iov_len = sizeof(copy) },
		{ .iov_base = base.out, .iov_len = tail_size },
	};
	struct msghdr header = { .msg_iov = parts,
		.msg_iovlen = tail_size > 0 ? 2 : 1 };

	return send_packet(fd, &header);
}

int
message_send_descriptors(
    int fd, const struct message *m, const int *fds, size_t nfds)
{
	struct message copy = *m;
	struct iovec part = { .iov_base = &copy, .iov_len = sizeof(copy) };
	union control_space control = { 0 };
	struct msghdr header = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_SPACE(sizeof(int) * nfds) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	if (c == NULL || nfds < 1 || nfds > MESSAGE_DESCRIPTORS) {
		errno = EINVAL;
		return -1;
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
	(void)memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	return send_packet(fd, &header);
}

/* Takes the descriptors that came along. Returns how many. */
static size_t
take_descriptors(struct msghdr *header, int fds[static MESSAGE_DESCRIPTORS])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL;
	     c = CMSG_NXTHDR(header, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		(void)memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		return n;
	}
	return 0;
}

static ssize_t
receive(int fd, struct message *ret, void *tail, size_t size, int *fds,
    size_t *nfds)
{
	struct message m;
	struct iovec parts[2] = {
		{ .iov_base = &m, .iov_len = sizeof(m) },
		{ .iov_base = tail, .iov_len = size },
	};
	union control_space control;
	struct msghdr header = { .msg_iov = parts,
		.msg_iovlen = size > 0 ? 2 : 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t n;

	do
		n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	*nfds = take_descriptors(&header, fds);
	if (n == 0)
		errno = EPIPE;
	else if ((header.msg_flags & MSG_TRUNC) != 0)
		errno = EMSGSIZE;
	else if ((size_t)n < sizeof(m) || m.version != MESSAGE_VERSION)
		errno = EPROTO;
	else {
		*ret = m;
		return n - (ssize_t)sizeof(m);
	}
	return -1;
}

static void
close_descriptors(const int *fds, size_t n)
{
	int saved = errno;

	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	errno = saved;
}

ssize_t
message_receive(int fd, struct message *ret, void *tail, size_t size,
    int fds[static MESSAGE_DESCRIPTORS], size_t *nfds)
{
	ssize_t n;

	*nfds = 0;
	n = receive(fd, ret, tail, size, fds, nfds);
	if (n < 0) {
		close_descriptors(fds, *nfds);
		*nfds = 0;
	}
	return n;
}

int
message_receive_descriptors(int fd, struct message *ret,
    int fds[static MESSAGE_DESCRIPTORS], size_t *nfds)
{
	return message_receive(fd, ret, NULL, 0, fds, nfds) < 0 ? -1 : 0;
}

/* Whether the peer had gid among its supplementary groups when it connected:
 * SO_PEERCRED tells only the primary one. */
static int
has_group(int fd, gid_t gid)
{
	gid_t groups[256];
	socklen_t size = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return 0;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return 1;
	return 0;
}

int
message_peer_allowed(int fd, gid_t gid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	if (peer.uid == 0 || peer.uid == geteuid())
		return 1;
	return gid != (gid_t)-1 && (peer.gid == gid || has_group(fd, gid));
}
