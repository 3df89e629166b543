#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "store/guard.h"
#include "system/wanted.h"

#define POLL_NS 20000000L

enum mark_kind { MARK_OPEN, MARK_CLOSED, MARK_RELEASED };

static const char *const mark_names[] = {
	[MARK_OPEN] = "open",
	[MARK_CLOSED] = "closed",
	[MARK_RELEASED] = "released",
};

struct mark {
	enum mark_kind kind;
	unsigned long long inode; /* 0: no file, or no mark */
	long long size;		  /* as mtime_ns not of an open one */
	long long mtime_ns;
};

static int
open_lock(const char *state_directory)
{
	char path[PATH_SIZE];
	int fd;

	if (path_format(path, "%s/database.lock", state_directory) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd;
}

/* What lies at coordination.db now. */
static int
look(const char *state_directory, struct mark *ret)
{
	char path[PATH_SIZE];
	struct stat st;

	*ret = (struct mark){ 0 };
	if (path_format(path, "%s/coordination.db", state_directory) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	ret->inode = st.st_ino;
	ret->size = st.st_size;
	ret->mtime_ns =
	    (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return 0;
}

/* An empty or foreign text reads as no mark. */
static int
read_mark(int fd, struct mark *ret)
{
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -1;
	text[n] = '\0';
	*ret = (struct mark){ 0 };
	for (enum mark_kind kind = MARK_OPEN; kind <= MARK_RELEASED; kind++) {
		size_t len = strlen(mark_names[kind]);

		if (strncmp(text, mark_names[kind], len) == 0 &&
		    sscanf(text + len, "%llu %lld %lld", &ret->inode,
			&ret->size, &ret->mtime_ns) > 0)
			ret->kind = kind;
	}
	return 0;
}

static int
write_mark(int fd, const struct mark *m)
{
	char text[128];
	int n = m->kind == MARK_OPEN
	    ? snprintf(text, sizeof(text), "open %llu\n", m->inode)
	    : snprintf(text, sizeof(text), "%s %llu %lld %lld\n",
		  mark_names[m->kind], m->inode, m->size, m->mtime_ns);

	if (pwrite(fd, text, (size_t)n, 0) != n || ftruncate(fd, n) < 0)
		return -1;
	return fsync(fd);
}

static bool
same_file(const struct mark *m, const struct mark *now)
{
	return m->inode == now->inode &&
	    (m->kind == MARK_OPEN ||
		(m->size == now->size && m->mtime_ns == now->mtime_ns));
}

/* "since 02:14, by olaf"; the local time, as the operator's clock shows. */
static void
describe_release(const struct wanted_entry *e, char *ret, size_t size)
{
	char when[24] = "?";
	int64_t wall_ms;
	struct tm tm;

	if (e->since != NULL && clock_parse_iso(e->since, &wall_ms) == 0) {
		time_t seconds = (time_t)(wall_ms / 1000);
		bool today = clock_wall_ms() - wall_ms < 20 * 3600 * 1000;

		if (localtime_r(&seconds, &tm) != NULL)
			(void)strftime(when, sizeof(when),
			    today ? "%H:%M" : "%Y-%m-%d %H:%M", &tm);
	}
	(void)snprintf(ret, size,
	    "paused: the database is released (since %s, by %s); resume first",
	    when, e->by);
}

int
guard_is_wanted_released(const char *state_directory, char *text, size_t size)
{
	const struct wanted_entry *e;
	struct wanted wanted;
	int released;

	if (wanted_read(state_directory, &wanted) < 0)
		return -1;
	e = wanted_find(&wanted, WANTED_DATABASE);
	released = e != NULL && e->state == WANTED_RELEASED;
	if (released)
		describe_release(e, text, size);
	wanted_free(&wanted);
	return released;
}

/*
 * Holds the shared lock, and the recorder has taken the database back if it
 * was ever released. -1 with EAGAIN: not yet.
 */
static int
try_share(struct store *s, struct mark *m)
{
	*m = (struct mark){ 0 };
	if (flock(s->lock_fd, LOCK_SH | LOCK_NB) < 0 ||
	    read_mark(s->lock_fd, m) < 0)
		return -1;
	if (m->kind != MARK_RELEASED)
		return 0;
	(void)flock(s->lock_fd, LOCK_UN);
	errno = EAGAIN;
	return -1;
}

static int
refuse_late(struct store *s, bool released)
{
	if (!released)
		return store_refuse(s, EBUSY,
		    "%s: is being checked; try again in a moment", s->path);
	return store_refuse(s, ESHUTDOWN,
	    "%s: was released by a pause and is not back in use yet; "
	    "`loopkeeper up` or `loopkeeper recover` takes it back",
	    s->path);
}

static int
wait_share(struct store *s, struct mark *m)
{
	int64_t give_up_ms = clock_ms() + s->busy_ms;

	for (;;) {
		int shared = try_share(s, m), saved = errno;
		int released = guard_is_wanted_released(
		    s->state_directory, s->error, sizeof(s->error));

		if (released < 0)
			return store_refuse(s, errno, "%s/wanted: %s",
			    s->state_directory, strerror(errno));
		if (released > 0) {
			errno = ESHUTDOWN;
			return -1;
		}
		errno = saved;
		if (shared == 0 || errno != EAGAIN)
			return shared;
		if (clock_ms() >= give_up_ms)
			return refuse_late(s, m->kind == MARK_RELEASED);
		(void)nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	}
}

/* Only one opener at a time decides what a file without a mark is: F_WRLCK,
 * and F_UNLCK when it is decided. */
static int
lock_mark(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
	int result;

	do
		result = fcntl(fd, F_SETLKW, &lock);
	while (result < 0 && errno == EINTR);
	return result;
}

/* SQLite's bytes for locks, sqlite.org/fileformat2.html 1.3. */
#define LOCK_BYTES_AT  0x40000000
#define LOCK_BYTES_LEN 512

/* Unless another program has the database open, as SQLite's lock on it tells:
 * then its -wal is in use. Returns -1 with errno. */
static int
set_stray_aside(const char *state_directory)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BYTES_AT,
		.l_len = LOCK_BYTES_LEN };
	char path[PATH_SIZE];
	int fd, known;

	if (path_format(path, "%s/coordination.db", state_directory) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	known = fd >= 0 ? fcntl(fd, F_GETLK, &lock) : -1;
	io_close(&fd);
	return known == 0 && lock.l_type != F_UNLCK
	    ? 0
	    : guard_set_aside(state_directory, false, "stray", NULL);
}

/* The mark doesn't match: 1 with the mark locked, 0 another opener was faster,
 * -1. */
static int
meet_another(struct store *s)
{
	struct mark m, now;

	/* Whoever may not write here can't move anything aside either. */
	if ((fcntl(s->lock_fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return 0;
	if (lock_mark(s->lock_fd, F_WRLCK) < 0 ||
	    read_mark(s->lock_fd, &m) < 0 || look(s->state_directory, &now) < 0)
		return -1;
	if (m.kind == MARK_OPEN && m.inode != 0 && same_file(&m, &now)) {
		(void)lock_mark(s->lock_fd, F_UNLCK);
		return 0;
	}
	s->replaced = m.inode != 0 && !same_file(&m, &now);
	return s->replaced && set_stray_aside(s->state_directory) < 0 ? -1 : 1;
}

int
guard_enter(struct store *s)
{
	struct mark m, now;
	int result;

	s->error[0] = '\0';
	s->lock_fd = open_lock(s->state_directory);
	if (s->lock_fd < 0 || wait_share(s, &m) < 0 ||
	    look(s->state_directory, &now) < 0)
		result = -1;
	else if (m.kind == MARK_OPEN && m.inode != 0 && same_file(&m, &now))
		result = 0;
	else
		result = meet_another(s);
	if (result < 0 && s->error[0] == '\0')
		return store_refuse(s, errno, "%s/database.lock: %s",
		    s->state_directory, strerror(errno));
	return result;
}

int
guard_note(struct store *s)
{
	struct mark now;

	if (look(s->state_directory, &now) < 0 ||
	    write_mark(s->lock_fd, &now) < 0)
		return store_refuse(s, errno,
		    "%s/database.lock: cannot write: %s", s->state_directory,
		    strerror(errno));
	(void)lock_mark(s->lock_fd, F_UNLCK);
	return 0;
}

/*
 * Whoever closes last and finds no -wal notes how the file was left, so that
 * it is noticed when another one is copied over it. After a crash there is a
 * -wal: it belongs to the file, and the next opener brings it in.
 */
static void
note_closed(int fd, const char *state_directory)
{
	char wal[PATH_SIZE];
	struct mark m, now;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0 ||
	    path_format(wal, "%s/coordination.db-wal", state_directory) < 0 ||
	    access(wal, F_OK) == 0)
		return;
	if (read_mark(fd, &m) < 0 || look(state_directory, &now) < 0 ||
	    m.kind != MARK_OPEN || m.inode == 0 || !same_file(&m, &now))
		return;
	now.kind = MARK_CLOSED;
	/* Not to be written: then it is looked at as after a crash. */
	(void)write_mark(fd, &now);
}

void
guard_leave(struct store *s)
{
	if (s->lock_fd >= 0)
		note_closed(s->lock_fd, s->state_directory);
	io_close(&s->lock_fd);
}

int
guard_take(const char *state_directory)
{
	int fd = open_lock(state_directory);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		io_close(&fd);
	return fd;
}

int
guard_share(int fd)
{
	return flock(fd, LOCK_SH);
}

int
guard_release(int fd, const char *state_directory)
{
	struct mark now;

	if (look(state_directory, &now) < 0)
		return -1;
	now.kind = MARK_RELEASED;
	return write_mark(fd, &now);
}

int
guard_check(int fd, const char *state_directory, bool *ret_released)
{
	struct mark m, now;

	if (read_mark(fd, &m) < 0 || look(state_directory, &now) < 0)
		return -1;
	*ret_released = m.kind == MARK_RELEASED;
	if (m.inode == 0 || same_file(&m, &now))
		return 0;
	return set_stray_aside(state_directory) < 0 ? -1 : 1;
}

int
guard_set_aside(
    const char *state_directory, bool whole, const char *reason, char *ret)
{
	/* The database last: who opens it in between still finds the old one,
	 * and not a new one beside an old -wal. */
	static const char *const suffixes[] = { "-wal", "-shm", "" };
	char from[PATH_SIZE], to[PATH_SIZE], now[CLOCK_ISO_SIZE];
	int moved = 0;

	/* "20260107T021400.123Z": not all programs like colons in names. */
	clock_format_iso(now, clock_wall_ms());
	for (char *p; (p = strpbrk(now, "-:")) != NULL;)
		(void)memmove(p, p + 1, strlen(p));
	for (size_t i = 0; i < (whole ? 3 : 2); i++) {
		if (path_format(from, "%s/coordination.db%s", state_directory,
			suffixes[i]) < 0 ||
		    path_format(to, "%s/coordination.db.%s-%s%s",
			state_directory, reason, now, suffixes[i]) < 0)
			return -1;
		/* Never over what an earlier one left. */
		if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) <
		    0) {
			if (errno == ENOENT)
				continue;
			return -1;
		}
		moved++;
		if (ret != NULL)
			(void)path_format(ret, "%s", to);
	}
	return moved;
}
