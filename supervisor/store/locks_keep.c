/* Locks are prolonged, or end by their time. */
#include <errno.h>

#include "base/clock.h"
#include "base/texts.h"
#include "store/expiry.h"
#include "store/locks.h"
#include "store/note.h"
#include "store/statement.h"

static int
list_renewed(struct store *s, struct texts *names)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT DISTINCT locked_by FROM file_locks WHERE renewed = 1", "");
	const char *name;
	int more;

	while ((more = statement_row(s, q, "t", &name)) == 1)
		(void)texts_add(names, name);
	statement_end(q);
	return names->failed ? store_refuse(s, ENOMEM, "out of memory") : more;
}

static int
renew(struct store *s, const struct texts *names,
    bool (*is_alive)(const char *name, void *argument), void *argument)
{
	char expires[CLOCK_ISO_SIZE];

	expiry_format(s, expires, LOCK_TTL_MS);
	for (size_t i = 0; i < names->n; i++)
		if (is_alive(names->items[i], argument) &&
		    statement_run(s,
			"UPDATE file_locks SET expires_at = ?2"
			" WHERE locked_by = ?1 AND renewed = 1",
			"tt", names->items[i], expires) < 0)
			return -1;
	return 0;
}

int
locks_renew_living(struct store *s,
    bool (*is_alive)(const char *name, void *argument), void *argument)
{
	struct texts names = { 0 };
	int result = list_renewed(s, &names);

	if (result == 0 && names.n > 0)
		result = note_begin(s) < 0
		    ? -1
		    : store_end(s, renew(s, &names, is_alive, argument));
	texts_free(names.items);
	return result;
}

#define DEAD_LOCKS "FROM file_locks AS l WHERE NOT " LOCK_IS_LIVE("?1")
#define DEAD_EDGES \
	"FROM wait_graph WHERE julianday(expires_at) <= julianday(?1)"

static int
sweep(struct store *s, const char *now)
{
	int locks = statement_change(s, "DELETE " DEAD_LOCKS, "t", now);
	int edges = statement_change(s, "DELETE " DEAD_EDGES, "t", now);

	return locks < 0 || edges < 0 ? -1 : locks + edges;
}

int
locks_sweep(struct store *s)
{
	char now[CLOCK_ISO_SIZE];
	int any;

	expiry_format(s, now, 0);
	/* Whoever waits for news isn't woken for nothing. */
	any = statement_get(s,
	    "SELECT 1 WHERE EXISTS (SELECT 1 " DEAD_LOCKS
	    ") OR EXISTS (SELECT 1 " DEAD_EDGES ")",
	    "t>", now);
	if (any <= 0)
		return any;
	return note_begin(s) < 0 ? -1 : store_end(s, sweep(s, now));
}
