#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/logger/journal.h"
#include "base/io.h"
#include "base/path.h"
#include "system/lock.h"
#include "system/process.h"

#define MAGIC	   0x4c4b4a31U
#define SIZE_LIMIT (256 * 1024) /* after it the file is cut */

static_assert(sizeof(struct journal_head) <= JOURNAL_HEAD,
    "the head must lie in one page: it is written in one piece");

static int
write_head(const struct journal *j, const struct journal_head *head)
{
	ssize_t n = pwrite(j->fd, head, sizeof(*head), 0);

	return n == (ssize_t)sizeof(*head) ? 0 : -1;
}

/* Notes that no chunk is on its way. Even a full file system lets a head be
 * overwritten. */
static int
forget_chunk(struct journal *j)
{
	j->head.chunk = (struct journal_chunk){ 0 };
	return write_head(j, &j->head);
}

static void
add_debt(struct journal_head *head, uint64_t pipe, uint64_t bytes)
{
	struct journal_debt *free = &head->debts[0];

	for (size_t i = 0; i < JOURNAL_DEBTS; i++)
		if (head->debts[i].bytes == 0) {
			free = &head->debts[i];
			break;
		}
	*free = (struct journal_debt){ .pipe = pipe, .bytes = bytes };
}

/*
 * Whether the whole chunk is in its log: 1 or 0, -1 with errno. A torn one is
 * cut off; then, and when the log is gone, all of it is still in the pipe.
 */
static int
is_written(const struct journal_chunk *chunk, int logsdir)
{
	char path[PATH_SIZE];
	struct stat st;
	int64_t end = chunk->log_size + (int64_t)chunk->written;
	int fd, result = 0;

	if (path_format(path, "%s.log", chunk->name) < 0)
		return -1;
	fd = openat(logsdir, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		result = -1;
	else if (st.st_ino == chunk->log && st.st_size >= end)
		result = 1;
	else if (st.st_ino == chunk->log && st.st_size > chunk->log_size)
		result = ftruncate(fd, chunk->log_size);
	io_close(&fd);
	return result;
}

/* Turns the chunk of a dead logger into a debt. */
static int
recover(struct journal *j, int logsdir)
{
	const struct journal_chunk chunk = j->head.chunk;
	uint64_t taken =
	    j->size > chunk.at ? (uint64_t)(j->size - chunk.at) : 0;
	int written = 1;

	if (chunk.pipe == 0)
		return 0;
	if (taken == 0 && chunk.log != 0)
		written = is_written(&chunk, logsdir);
	if (written < 0)
		return -1;
	if (written == 1 && taken < chunk.taken)
		add_debt(&j->head, chunk.pipe, chunk.taken - taken);
	return forget_chunk(j);
}

/* Reads the head; one of another boot or form begins anew. */
static int
load(struct journal *j)
{
	struct journal_head fresh = { .magic = MAGIC };
	struct stat st;

	if (process_boot_id(fresh.boot_id) < 0 || fstat(j->fd, &st) < 0)
		return -1;
	j->size = st.st_size;
	if (j->size >= JOURNAL_HEAD &&
	    pread(j->fd, &j->head, sizeof(j->head), 0) ==
		(ssize_t)sizeof(j->head) &&
	    j->head.magic == MAGIC &&
	    memcmp(j->head.boot_id, fresh.boot_id, sizeof(fresh.boot_id)) == 0)
		return 0;
	j->head = fresh;
	j->size = JOURNAL_HEAD;
	if (ftruncate(j->fd, 0) < 0 || ftruncate(j->fd, JOURNAL_HEAD) < 0)
		return -1;
	return write_head(j, &j->head);
}

int
journal_open(struct journal *j, int rundir, int logsdir)
{
	*j = (struct journal){ .fd = lock_take(rundir, "logger"), .null = -1 };
	if (j->fd < 0)
		return -1;
	j->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (j->null < 0 || load(j) < 0 || recover(j, logsdir) < 0) {
		journal_close(j);
		return -1;
	}
	return 0;
}

void
journal_close(struct journal *j)
{
	io_close(&j->fd);
	io_close(&j->null);
}

void
journal_begin(struct journal *j, const struct journal_chunk *chunk)
{
	struct journal_head head = j->head;

	head.chunk = *chunk;
	head.chunk.at = j->size;
	if (write_head(j, &head) == 0)
		j->head = head;
	else
		(void)forget_chunk(j);
}

void
journal_discard(const struct journal *j, int fd, uint64_t bytes)
{
	while (bytes > 0) {
		ssize_t n =
		    splice(fd, NULL, j->null, NULL, bytes, SPLICE_F_NONBLOCK);

		if (n <= 0)
			return;
		bytes -= (uint64_t)n;
	}
}

void
journal_take(struct journal *j, int fd, uint64_t bytes)
{
	while (bytes > 0 && j->head.chunk.pipe != 0) {
		off_t at = j->size;
		ssize_t n =
		    splice(fd, NULL, j->fd, &at, bytes, SPLICE_F_NONBLOCK);

		if (n == 0 || (n < 0 && errno == EAGAIN))
			return; /* the keeper dropped what we had seen */
		if (n < 0) {
			if (errno != EINTR)
				(void)forget_chunk(j);
			continue;
		}
		j->size += n;
		bytes -= (uint64_t)n;
	}
	journal_discard(j, fd, bytes);
	/* The chunk is forgotten first: its end is told by the length. */
	if (j->size > SIZE_LIMIT && forget_chunk(j) == 0 &&
	    ftruncate(j->fd, JOURNAL_HEAD) == 0)
		j->size = JOURNAL_HEAD;
}

void
journal_pay(struct journal *j, int fd, uint64_t pipe)
{
	for (size_t i = 0; i < JOURNAL_DEBTS; i++) {
		struct journal_debt debt = j->head.debts[i];

		if (debt.bytes == 0 || debt.pipe != pipe)
			continue;
		/* One write of the head makes the debt the chunk on its way. */
		j->head.debts[i] = (struct journal_debt){ 0 };
		journal_begin(j,
		    &(struct journal_chunk){
			.pipe = pipe, .taken = debt.bytes });
		journal_take(j, fd, debt.bytes);
	}
}
