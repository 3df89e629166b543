#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "store/guard.h"
#include "store/schema.h"
#include "store/statement.h"
#include "store/store.h"

void
store_set_busy(struct store *s, int busy_ms)
{
	s->busy_ms = busy_ms;
	if (s->db != NULL)
		(void)sqlite3_busy_timeout(s->db, busy_ms);
}

/*
 * Switching to WAL needs the file alone for a moment and doesn't wait for it,
 * whatever the busy timeout: when several open a new database at once, all but
 * one get "locked".
 */
static int
switch_to_wal(struct store *s)
{
	int64_t give_up_ms = clock_ms() + s->busy_ms;
	char mode[16] = "";

	for (;;) {
		if (statement_get(s, "PRAGMA journal_mode = WAL", ">s", mode,
			sizeof(mode)) >= 0 &&
		    strcmp(mode, "wal") == 0)
			return 0;
		if (mode[0] != '\0') {
			return store_refuse(s, ENOTSUP,
			    "%s: cannot switch to WAL (journal_mode is %s): "
			    "the file system must be a local one",
			    s->path, mode);
		}
		if (errno != EBUSY || clock_ms() >= give_up_ms)
			return -1;
		(void)nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
}

static int
configure(struct store *s)
{
	static const char *const pragmas[] = {
		"PRAGMA foreign_keys = ON",
		/* Every commit is on disk: an outcome is never lost. */
		"PRAGMA synchronous = FULL",
		/* WAL is cut to this after a checkpoint, so that one burst
		 * doesn't stay. */
		"PRAGMA journal_size_limit = 4194304",
		/* In KiB: the fleet's agents each have one open, and the
		 * kernel caches too. */
		"PRAGMA cache_size = -1024",
	};

	store_set_busy(s, s->busy_ms);
	if (switch_to_wal(s) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++)
		if (statement_run(s, pragmas[i], "") < 0)
			return -1;
	return 0;
}

/* The file itself, 0600 when we make it: SQLite would go by the umask. */
static int
make_file(struct store *s)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		s->created = true;
	else if (errno != EEXIST)
		return -1;
	io_close(&fd);
	return 0;
}

static int
open_file(struct store *s)
{
	int rc;

	if (s->mode == STORE_CREATE && make_file(s) < 0)
		return store_refuse(
		    s, errno, "%s: %s", s->path, strerror(errno));
	/*
	 * Readers open it for writing too: a read-only opener that closes last
	 * leaves -wal and -shm behind.
	 */
	rc = sqlite3_open_v2(
	    s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		(void)store_fail(s, rc, "open");
		return errno != ENOENT
		    ? -1
		    : store_refuse(s, ENOENT,
			  "%s: there is no database; 'loopkeeper up' or "
			  "'loopkeeper recover' makes one",
			  s->path);
	}
	return 0;
}

/* An epoch is good for the one file that it was made for. */
static void
format_inode(const struct store *s, char ret[static 24])
{
	struct stat st = { 0 };

	(void)stat(s->path, &st);
	(void)snprintf(ret, 24, "%ju", (uintmax_t)st.st_ino);
}

/* 1 when the epoch in the database was made for this very file. */
static int
read_epoch(struct store *s)
{
	char inode[24] = "", now[24];
	int found = store_meta(s, "epoch", s->epoch, sizeof(s->epoch));

	if (found <= 0 ||
	    store_meta(s, "epoch_inode", inode, sizeof(inode)) < 0)
		return found == 0 ? 0 : -1;
	format_inode(s, now);
	return strcmp(now, inode) == 0;
}

/* A new database, or a copy that was put in its place, gets a new epoch. */
static int
ensure_epoch(struct store *s)
{
	int valid = s->replaced ? 0 : read_epoch(s);

	if (valid != 0)
		return valid < 0 ? -1 : 0;
	if (statement_run(s, "BEGIN IMMEDIATE", "") < 0)
		return -1;
	valid = s->replaced ? 0 : read_epoch(s);
	return store_end(s, valid == 0 ? store_new_epoch(s) : valid);
}

int
store_new_epoch(struct store *s)
{
	char epoch[UUID_SIZE], inode[24];

	uuid_new(epoch);
	format_inode(s, inode);
	if (store_set_meta(s, "epoch", epoch) < 0 ||
	    store_set_meta(s, "epoch_inode", inode) < 0)
		return -1;
	(void)memcpy(s->epoch, epoch, sizeof(epoch));
	return 0;
}

/* Everything after the lock. Leaves closing to the caller. */
static int
open_locked(struct store *s)
{
	if (open_file(s) < 0 || configure(s) < 0 || schema_extend(s) < 0 ||
	    ensure_epoch(s) < 0)
		return -1;
	return s->mode == STORE_READ
	    ? statement_run(s, "PRAGMA query_only = ON", "")
	    : 0;
}

static int
set_paths(struct store *s, const char *state_directory)
{
	if (path_format(s->state_directory, "%s", state_directory) < 0)
		return -1;
	return path_format(s->path, "%s/coordination.db", state_directory);
}

/* Opens at s->state_directory; busy_ms, mode and paths are set. */
static int
open_guarded(struct store *s)
{
	int entered;

	s->created = s->replaced = false;
	entered = guard_enter(s);
	if (entered >= 0 && open_locked(s) == 0 &&
	    (entered == 0 || guard_note(s) == 0))
		return 0;
	store_close(s);
	return -1;
}

int
store_open(struct store *s, const char *state_directory, enum store_mode mode)
{
	return store_open_within(s, state_directory, mode, STORE_BUSY_MS);
}

int
store_open_within(struct store *s, const char *state_directory,
    enum store_mode mode, int busy_ms)
{
	*s = (struct store){ .lock_fd = -1, .mode = mode, .busy_ms = busy_ms };
	if (set_paths(s, state_directory) < 0)
		return -1;
	return open_guarded(s);
}

int
store_open_held(struct store *s, const char *state_directory, int lock_fd)
{
	*s = (struct store){ .lock_fd = lock_fd,
		.mode = STORE_CREATE,
		.busy_ms = STORE_BUSY_MS };
	if (set_paths(s, state_directory) == 0 && open_locked(s) == 0 &&
	    guard_note(s) == 0)
		return 0;
	store_close(s);
	return -1;
}

void
store_rest(struct store *s)
{
	if (s->db != NULL)
		(void)sqlite3_db_release_memory(s->db);
}

void
store_close(struct store *s)
{
	int saved = errno;

	if (s->db != NULL) {
		/* close_v2 would only mark it closed while statements live,
		 * and the lock must not go before the file. */
		sqlite3_stmt *left;

		while ((left = sqlite3_next_stmt(s->db, NULL)) != NULL)
			(void)sqlite3_finalize(left);
		s->kept = NULL;
		(void)sqlite3_close(s->db);
		s->db = NULL;
	}
	guard_leave(s);
	errno = saved;
}

bool
store_has_moved(struct store *s)
{
	int moved = 0;

	(void)sqlite3_file_control(
	    s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	return moved != 0;
}

/* Gone may mean half-way through being replaced: none is made here. */
static int
reopen(struct store *s)
{
	enum store_mode mode = s->mode;
	int result;

	store_close(s);
	s->mode = mode == STORE_CREATE ? STORE_WRITE : mode;
	result = open_guarded(s);
	s->mode = mode;
	return result;
}

int
store_begin(struct store *s)
{
	char epoch[UUID_SIZE] = "";

	if (s->db == NULL)
		return store_fail(s, SQLITE_MISUSE, "begin");
	if (store_has_moved(s))
		return reopen(s) < 0 ? -1 : 1;
	if (statement_run(s, "BEGIN IMMEDIATE", "") < 0)
		return -1;
	/* Now nobody moves it any more (check.c). */
	if (store_has_moved(s))
		return reopen(s) < 0 ? -1 : 1;
	if (store_meta(s, "epoch", epoch, sizeof(epoch)) < 0)
		return store_end(s, -1);
	if (strcmp(epoch, s->epoch) == 0)
		return 0;
	store_rollback(s);
	(void)memcpy(s->epoch, epoch, sizeof(epoch));
	return 1;
}

int
store_commit(struct store *s)
{
	return store_end(s, 0);
}

int
store_end(struct store *s, int result)
{
	if (result >= 0 && statement_run(s, "COMMIT", "") == 0)
		return result;
	store_rollback(s);
	return -1;
}

void
store_rollback(struct store *s)
{
	char error[STORE_ERROR_SIZE];
	int saved = errno;

	/* Some errors have rolled it back already: then this one fails, and
	 * the first error is the one to tell. */
	(void)memcpy(error, s->error, sizeof(error));
	if (s->db != NULL && sqlite3_get_autocommit(s->db) == 0)
		(void)statement_run(s, "ROLLBACK", "");
	(void)memcpy(s->error, error, sizeof(error));
	errno = saved;
}

int
store_checkpoint(struct store *s)
{
	int rc = sqlite3_wal_checkpoint_v2(
	    s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_fail(s, rc, "checkpoint");
}

int
store_meta(struct store *s, const char *key, char *ret_value, size_t size)
{
	return statement_get(s, "SELECT value FROM meta WHERE key = ?1", "t>s",
	    key, ret_value, size);
}

int
store_set_meta(struct store *s, const char *key, const char *value)
{
	return value == NULL
	    ? statement_run(s, "DELETE FROM meta WHERE key = ?1", "t", key)
	    : statement_run(s,
		  "INSERT INTO meta (key, value) VALUES (?1, ?2)"
		  " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		  "tt", key, value);
}
