#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "system/status.h"

struct slot {
	uint64_t counter; /* 0: never written */
	uint64_t checksum;
	struct status_record record;
};

static uint64_t
checksum(const struct slot *s)
{
	uint64_t hash = hash_bytes(HASH_INIT, &s->counter, sizeof(s->counter));

	return hash_bytes(hash, &s->record, sizeof(s->record));
}

/* Reads slot i whole. Returns false when it isn't a valid one. */
static bool
read_slot(int fd, int i, struct slot *ret)
{
	ssize_t n =
	    pread(fd, ret, sizeof(*ret), (off_t)((size_t)i * sizeof(*ret)));

	return n == sizeof(*ret) && ret->counter != 0 &&
	    ret->checksum == checksum(ret);
}

int
status_open(struct status_writer *w, int dirfd)
{
	struct slot s;

	w->counter = 0;
	w->fd = openat(dirfd, "status", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (w->fd < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (read_slot(w->fd, i, &s) && s.counter > w->counter)
			w->counter = s.counter;
	return 0;
}

int
status_write(struct status_writer *w, const struct status_record *r)
{
	struct slot s = { .counter = w->counter + 1, .record = *r };
	off_t at = (off_t)(s.counter % 2 * sizeof(s));
	ssize_t n;

	s.checksum = checksum(&s);
	do
		n = pwrite(w->fd, &s, sizeof(s), at);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(s)) {
		if (n >= 0)
			errno = ENOSPC;
		return -1;
	}
	w->counter = s.counter;
	return 0;
}

void
status_close(struct status_writer *w)
{
	io_close(&w->fd);
}

/* What is wrong with a file that has no valid slot: written by another
 * version, whose slots have another size, or damaged. */
static int
diagnose(int fd)
{
	uint32_t version;

	/* The version is the record's first field in every version. */
	for (off_t at = 0; at <= (off_t)sizeof(struct slot);
	     at += (off_t)sizeof(struct slot))
		if (pread(fd, &version, sizeof(version),
			at + (off_t)offsetof(struct slot, record)) ==
			sizeof(version) &&
		    version != 0 && version != STATUS_VERSION)
			return EPROTO;
	return EBADMSG;
}

int
status_read(int dirfd, struct status_record *ret)
{
	int fd = openat(dirfd, "status", O_RDONLY | O_CLOEXEC);
	uint64_t best = 0;

	if (fd < 0)
		return -1;
	/* Both slots may be under the pen between two reads of them, but not
	 * twice in a row. */
	for (int try = 0; try < 3 && best == 0; try++) {
		for (int i = 0; i < 2; i++) {
			struct slot s;

			if (!read_slot(fd, i, &s) || s.counter <= best)
				continue;
			best = s.counter;
			*ret = s.record;
		}
	}
	if (best == 0)
		errno = diagnose(fd);
	else if (ret->version != STATUS_VERSION || ret->size != sizeof(*ret))
		errno = EPROTO;
	else
		errno = 0;
	if (errno != 0) {
		io_close(&fd);
		return -1;
	}
	io_close(&fd);
	return 0;
}
