/*
 * The coordination database, STATE/coordination.db: opening it safely,
 * transactions, errors. One file per group of tables lies beside this one;
 * they share struct store and the helpers of statement.h. Nothing outside
 * store/ includes sqlite3.h.
 *
 * While a store is open it holds a shared flock(2) on STATE/database.lock, so
 * that `pause all` can prove that nobody has the database open: keep a store
 * open only as long as it is used, or stop when you are told to.
 *
 * Errors: -1 with errno, and a text for people in store_error():
 *   EBUSY      somebody else holds the database longer than busy_ms
 *   EUCLEAN    the file is damaged or no database
 *   ENOENT     there is none (STORE_READ, STORE_WRITE)
 *   ESHUTDOWN  released by `pause all`; the text says since when and by whom
 *   EPROTO     a newer loopkeeper made it
 *   EEXIST     a constraint (unique, foreign key) forbids the row
 *   ENOSPC, EROFS, EACCES, ENOMEM, EIO
 */
#ifndef LOOPKEEPER_STORE_STORE_H
#define LOOPKEEPER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/path.h"
#include "base/uuid.h"

struct sqlite3;
struct sqlite3_stmt;

#define STORE_ERROR_SIZE 512
#define STORE_BUSY_MS	 5000 /* how long a lock of others is waited for */

enum store_mode {
	STORE_READ,   /* no row can be changed */
	STORE_WRITE,  /* an existing one */
	STORE_CREATE, /* made when there is none */
};

struct store {
	struct sqlite3 *db;	   /* NULL while closed */
	struct sqlite3_stmt *kept; /* of statement.c; NULL: none */
	int lock_fd;		   /* STATE/database.lock; -1 while closed */
	enum store_mode mode;
	int busy_ms;
	bool created;	       /* store_open() made the file */
	bool extended;	       /* it was another version's, or was torn */
	bool replaced;	       /* it found another file than the last opener */
	char epoch[UUID_SIZE]; /* as the database said last */
	char state_directory[PATH_SIZE];
	char path[PATH_SIZE]; /* of coordination.db */
	char error[STORE_ERROR_SIZE];
};

/*
 * Opens the database, extends its schema where needed and reads the epoch.
 * May block for STORE_BUSY_MS. Returns 0, or -1 as above; s then needs no
 * store_close(), but store_error(s) stays readable.
 */
int
store_open(struct store *s, const char *state_directory, enum store_mode mode);

/* The same, but waits busy_ms at most: for those who can go on without. */
int store_open_within(struct store *s, const char *state_directory,
    enum store_mode mode, int busy_ms);

/*
 * As store_open(STORE_CREATE) for a caller that holds STATE/database.lock
 * (release.h) by lock_fd and has looked at the file; lock_fd is taken over,
 * on failure too.
 */
int store_open_held(struct store *s, const char *state_directory, int lock_fd);

/* Gives the pages that were read back; a zeroed or closed store is fine. For
 * whoever has the file open for days and works on it now and then. */
void store_rest(struct store *s);

/* Closes and gives the lock back. A zeroed or closed store is fine. */
void store_close(struct store *s);

/* Changes how long locks of others are waited for. */
void store_set_busy(struct store *s, int busy_ms);

/* What the last failed call failed of: "coordination.db: database is locked".
 * Belongs to s. */
const char *store_error(const struct store *s);

/*
 * Begins a transaction that will write (BEGIN IMMEDIATE). Returns
 *   0   begun;
 *   1   the file has been replaced, or its epoch has changed: s is open on
 *       what lies there now and s->epoch is its epoch; NO transaction is
 *       begun. The caller forgets what it believed and begins again;
 *  -1   errno; after ESHUTDOWN and ENOENT the store is closed.
 * No statement may live across this call.
 */
int store_begin(struct store *s);

/* Whether the file that s is open on was renamed or unlinked: what is read from
 * it or written to it is of no use. */
bool store_has_moved(struct store *s);

/*
 * Ends the transaction that result was reached in: commits it, or rolls it
 * back when result is negative. Returns result, or -1 when it wasn't committed.
 */
int store_end(struct store *s, int result);
int store_commit(struct store *s);    /* store_end(s, 0) */
void store_rollback(struct store *s); /* keeps errno and store_error() */

/*
 * Brings everything from the -wal into the database and empties it. Returns 0,
 * or -1: EBUSY while somebody reads what would be overwritten.
 */
int store_checkpoint(struct store *s);

/* A value of table meta. Returns 1, 0 when there is no such key, -1. */
int store_meta(struct store *s, const char *key, char *ret_value, size_t size);

/* Sets it (NULL: deletes it), inside a transaction or not. Returns 0 or -1. */
int store_set_meta(struct store *s, const char *key, const char *value);

/* A new epoch, inside a transaction: what leases, workers and spool lines of
 * the old one believe is void. Returns 0 or -1. */
int store_new_epoch(struct store *s);

/* Used inside store/: notes why SQLite's code rc came back from doing what,
 * sets errno; returns -1. */
int store_fail(struct store *s, int rc, const char *what);

/* The same for what SQLite doesn't know of: notes the text, sets errno to
 * error, returns -1. */
int store_refuse(struct store *s, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
