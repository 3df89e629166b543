/*
 * Locks on files. A claim takes those of its test's files (claims.h); the
 * command `lock` takes more, for an attempt or for anybody else. One of an
 * attempt ends with it; any other one ends by its time, unless somebody
 * prolongs it: its holder by taking it again or, where it is marked so
 * (renewed), the recorder while its holder lives.
 */
#ifndef LOOPKEEPER_STORE_LOCKS_H
#define LOOPKEEPER_STORE_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* A lock is good for so long without being renewed. */
#define LOCK_TTL_MS (5 * 60 * 1000)

/* What a command waits for is written anew more often than it ends by itself:
 * so long after the command has been killed it is none of a cycle any more. */
#define LOCK_EDGE_MS (15 * 1000)

/*
 * Inside store/, of a row l of file_locks: it counts at the time `now`, ISO.
 * The wall clock may have been put forward: work that goes on keeps its locks.
 */
#define LOCK_IS_LIVE(now)                                          \
	"(ifnull(julianday(l.expires_at) > julianday(" now "), 1)" \
	" OR EXISTS (SELECT 1 FROM attempts a"                     \
	" WHERE a.loop_id = l.locked_by AND a.test_id = l.test_id" \
	" AND a.ended_at IS NULL))"

/* Inside store/: what comes before the values of a lock, and after them; one
 * of somebody else that doesn't count any more is written over. What an attempt
 * of the same loop has stays the attempt's. */
#define LOCK_INSERT                                                \
	"INSERT INTO file_locks (file_path, locked_by, locked_at," \
	" lock_reason, expires_at, test_id, attempt_id, renewed)"
#define LOCK_REPLACE                                                       \
	"ON CONFLICT (file_path) DO UPDATE SET"                            \
	" locked_by = excluded.locked_by, locked_at = excluded.locked_at," \
	" lock_reason = excluded.lock_reason,"                             \
	" expires_at = excluded.expires_at, test_id = excluded.test_id,"   \
	" attempt_id = excluded.attempt_id, renewed = excluded.renewed"    \
	" WHERE excluded.attempt_id IS NOT NULL OR NOT EXISTS (SELECT 1"   \
	" FROM attempts a WHERE a.id = file_locks.attempt_id"              \
	" AND a.loop_id = excluded.locked_by AND a.ended_at IS NULL)"

/* A path, and the lock that forbids it. Texts live until found() returns, are
 * never NULL and "" where nothing is set. */
struct locks_conflict {
	const char *path;      /* of those that were asked about */
	const char *pattern;   /* what is locked */
	const char *loop_id;   /* who holds it, */
	const char *test_id;   /* and for what */
	const char *locked_at; /* as it is stored */
};

/*
 * Calls found for each of the paths (NULL-ended) that a lock of anybody but
 * loop_id may mean, once for a path; with NULL for each of these locks, path
 * being its pattern. A lock that has expired counts only
 * while the attempt it belongs to goes on. found must not use the store.
 * Returns how many there are, or -1 with errno of store.h.
 */
int locks_of_others(struct store *s, const char *loop_id, char *const *paths,
    void (*found)(const struct locks_conflict *conflict, void *argument),
    void *argument);

/* What a caller wants. Texts are the caller's. */
struct lock_request {
	const char *by;		/* a loop, another component, or anybody */
	const char *attempt_id; /* of the loop; NULL: for none */
	char *const *paths;	/* NULL-ended, at least one; or patterns */
	const char *reason;	/* or NULL */
	bool renewed;		/* without an attempt: see above */
	bool waits;	 /* if it can't have them: this is written, and whoever
			    waits in a circle is made to let go (deadlocks.h) */
	bool has_waited; /* it did so before, */
	int64_t mark;	 /* with this in its answer */
};

enum lock_result {
	LOCK_TAKEN,
	LOCK_REFUSED, /* others have one of them: nothing was taken */
	LOCK_LOST,    /* the attempt isn't the caller's any more, or he was
			 made to let go of everything: why says it */
};

struct lock_answer {
	enum lock_result result;
	int64_t mark;
	char why[STORE_ERROR_SIZE];
};

/*
 * Takes all of the paths or none, in one transaction. For each that another's
 * lock forbids found is called as by locks_of_others(). To be called again
 * until it is LOCK_TAKEN, with has_waited, at least every LOCK_EDGE_MS; and
 * edges_end() when the caller gives up. Returns 0, or -1 with errno of store.h.
 */
int locks_take(struct store *s, const struct lock_request *request,
    void (*found)(const struct locks_conflict *conflict, void *argument),
    void *argument, struct lock_answer *ret);

/*
 * Gives back what `by` has locked, for that attempt or, with NULL, for none:
 * these paths, or all (NULL). Locks on the files of the attempt's test stay:
 * they are its claim's. Returns how many, or -1; ESTALE the attempt isn't his
 * any more, and its loop gives back what it had.
 */
int locks_release(struct store *s, const char *by, const char *attempt_id,
    char *const *paths);

/* Prolongs the locks that are renewed for those of whom is_alive() says that
 * they live. Returns 0 or -1. */
int locks_renew_living(struct store *s,
    bool (*is_alive)(const char *name, void *argument), void *argument);

/* Removes locks and edges whose time is over. Returns how many, or -1. */
int locks_sweep(struct store *s);

#endif
