#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "base/uuid.h"
#include "system/notify.h"
#include "system/rundir.h"

static int
bind_abstract(struct notify *n)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char id[UUID_SIZE];
	int len;

	uuid_new(id);
	len = snprintf(n->path, sizeof(n->path), "@loopkeeper-%s", id);
	(void)memcpy(address.sun_path + 1, n->path + 1, (size_t)len - 1);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0)
		return -1;
	if (bind(n->fd, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
		    (size_t)len)) < 0)
		io_close(&n->fd);
	return n->fd < 0 ? -1 : 0;
}

int
notify_open(struct notify *n, int dirfd, const char *directory)
{
	int len = snprintf(n->path, sizeof(n->path), "%s/notify", directory);

	n->bad = 0;
	if (len < 0)
		return -1;
	if ((size_t)len >= sizeof(n->path)) {
		if (bind_abstract(n) < 0)
			return -1;
	} else {
		n->fd = rundir_listen(dirfd, "notify", SOCK_DGRAM, 0600);
		if (n->fd < 0)
			return -1;
	}
	if (setsockopt(
		n->fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0) {
		io_close(&n->fd);
		return -1;
	}
	return 0;
}

int
notify_give(const struct notify *n, int dirfd, uid_t uid, gid_t gid)
{
	if (n->path[0] == '@')
		return 0; /* has no file; the credentials are checked anyway */
	return fchownat(dirfd, "notify", uid, gid, AT_SYMLINK_NOFOLLOW);
}

void
notify_close(struct notify *n)
{
	io_close(&n->fd);
}

/* Takes credentials and descriptors out of a message's control data. Returns
 * how many descriptors came; all are closed, but a single one in *ret_fd. */
static size_t
take_control(struct msghdr *header, struct notify_message *m, int *ret_fd)
{
	size_t total = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL;
	     c = CMSG_NXTHDR(header, c)) {
		size_t nfds;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred peer;

			(void)memcpy(&peer, CMSG_DATA(c), sizeof(peer));
			m->pid = peer.pid;
			m->uid = peer.uid;
		}
		if (c->cmsg_type != SCM_RIGHTS)
			continue;
		nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < nfds; i++) {
			int fd;

			(void)memcpy(
			    &fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			io_close(ret_fd); /* one that isn't alone is closed */
			*ret_fd = fd;
		}
		total += nfds;
	}
	return total;
}

/* One message as it was received. Returns false if it was a bad one. */
static bool
take(struct msghdr *header, size_t len,
    void (*hear)(void *context, const struct notify_message *m), void *context)
{
	struct notify_message m = { .pid = 0 };
	int fd = -1;
	size_t nfds = take_control(header, &m, &fd);
	bool good;

	good = (header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
	    m.pid > 0 && notify_parse(header->msg_iov->iov_base, len, &m) &&
	    ((m.keys & NOTIFY_BARRIER) == 0 || nfds == 1);
	if (good && (m.keys & NOTIFY_BARRIER) == 0)
		hear(context, &m);
	io_close(&fd); /* which is the answer to a barrier */
	return good;
}

/* Reads at most want messages. Returns how many, 0 for none. */
static int
receive(struct notify *n, struct mmsghdr *headers, struct iovec *parts,
    unsigned want)
{
	int got;

	for (unsigned i = 0; i < want; i++) {
		parts[i] =
		    (struct iovec){ .iov_base = n->space->messages[i].text,
			    .iov_len = NOTIFY_TEXT_SIZE };
		headers[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = &parts[i],
			    .msg_iovlen = 1,
			    .msg_control = n->space->messages[i].control,
			    .msg_controllen = NOTIFY_CONTROL_SIZE }
		};
	}
	do
		got = recvmmsg(n->fd, headers, want,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	while (got < 0 && errno == EINTR);
	return got < 0 ? 0 : got;
}

size_t
notify_drain(struct notify *n, size_t max,
    void (*hear)(void *context, const struct notify_message *m), void *context)
{
	struct mmsghdr headers[NOTIFY_BATCH];
	struct iovec parts[NOTIFY_BATCH];
	unsigned want = 1; /* grows with the load, and so does the memory */
	size_t total = 0;
	int got;

	do {
		got = receive(n, headers, parts, want);
		for (int i = 0; i < got; i++)
			if (!take(&headers[i].msg_hdr, headers[i].msg_len, hear,
				context))
				n->bad++;
		total += (size_t)got;
		if ((unsigned)got < want)
			return total;
		want = want * 4 < NOTIFY_BATCH ? want * 4 : NOTIFY_BATCH;
	} while (total < max);
	return total;
}
