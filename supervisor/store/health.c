#include "store/health.h"
#include "store/note.h"
#include "store/statement.h"

int
health_set(struct store *s, const char *component, const char *status,
    const char *last_heartbeat, const char *metadata)
{
	return statement_run(s,
	    "INSERT INTO component_health"
	    " (component, status, last_heartbeat, metadata)"
	    " VALUES (?1, ifnull(?2, 'unknown'), ?3, ?4)"
	    " ON CONFLICT (component) DO UPDATE SET status = ifnull(?2, "
	    "status),"
	    " last_heartbeat = ifnull(?3, last_heartbeat),"
	    " metadata = ifnull(?4, metadata)"
	    " WHERE status IS NOT ifnull(?2, status)"
	    " OR last_heartbeat IS NOT ifnull(?3, last_heartbeat)"
	    " OR metadata IS NOT ifnull(?4, metadata)",
	    "tttt", component, status, last_heartbeat, metadata);
}

int
health_heartbeat(struct store *s, const char *component, char *ret, size_t size)
{
	return statement_get(s,
	    "SELECT last_heartbeat FROM component_health"
	    " WHERE component = ?1 AND last_heartbeat IS NOT NULL",
	    "t>s", component, ret, size);
}

int
health_beats(struct store *s, const char *component)
{
	return statement_get(s,
	    "SELECT 1 FROM component_health WHERE component = ?1"
	    " AND julianday(last_heartbeat) > julianday('now') - 600 / 86400.0"
	    " AND NOT ifnull(json_valid(metadata)"
	    " AND json_extract(metadata, '$.by') = 'loopkeeper', 0)",
	    "t>", component);
}

int
health_set_loop(
    struct store *s, const char *loop_id, const char *status, int64_t pid)
{
	return statement_run(s,
	    "UPDATE loops SET status = ?2, pid = nullif(?3, 0),"
	    " updated_at = " NOTE_NOW " WHERE id = ?1"
	    " AND (status IS NOT ?2 OR pid IS NOT nullif(?3, 0))",
	    "tti", loop_id, status, pid);
}

int
health_paused(
    struct store *s, const char *name, bool *ret_is_loop, bool *ret_paused)
{
	return statement_get(s,
		   "SELECT EXISTS (SELECT 1 FROM loops WHERE id = ?1),"
		   " EXISTS (SELECT 1 FROM loops WHERE id = ?1"
		   " AND status = 'paused') OR EXISTS (SELECT 1"
		   " FROM component_health WHERE component = ?1"
		   " AND status = 'paused')",
		   "t>bb", name, ret_is_loop, ret_paused) == 1
	    ? 0
	    : -1;
}

int
health_left_work(struct store *s, const char *loop_id)
{
	int left = 0;

	if (statement_get(s,
		"SELECT EXISTS (SELECT 1 FROM attempts WHERE loop_id = ?1"
		" AND ended_at IS NULL)"
		" OR EXISTS (SELECT 1 FROM tests WHERE loop_id = ?1"
		" AND status = 'in_progress')"
		" OR EXISTS (SELECT 1 FROM file_locks WHERE locked_by = ?1)"
		" OR EXISTS (SELECT 1 FROM wait_graph WHERE waiter = ?1"
		" OR holder = ?1)",
		"t>n", loop_id, &left) < 0)
		return -1;
	return left;
}
