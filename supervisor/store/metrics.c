#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/metrics.h"
#include "store/schema.h"
#include "store/statement.h"

int
metrics_events(struct store *s, const char *type, int64_t last_ms, int64_t max)
{
	int64_t now_ms = clock_wall_ms();
	char from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE];
	int n;

	clock_format_iso(from, now_ms - last_ms);
	clock_format_iso(to, now_ms);
	return statement_get(s,
		   "SELECT count(*) FROM (SELECT 1 FROM events"
		   " WHERE event_type = ?1 AND " SCHEMA_EVENT_TIME " > ?2"
		   " AND " SCHEMA_EVENT_TIME " <= ?3 LIMIT ?4)",
		   "ttti>n", type, from, to, max, &n) < 0
	    ? -1
	    : n;
}

int
metrics_decisions(struct store *s, int64_t *ret_pending, int64_t *ret_oldest_ms)
{
	return statement_get(s,
		   "SELECT count(*), CAST(ifnull((julianday('now')"
		   " - min(julianday(requested_at))) * 86400000, 0) AS INTEGER)"
		   " FROM decisions WHERE status = 'pending'",
		   ">ii", ret_pending, ret_oldest_ms) < 0
	    ? -1
	    : 0;
}

int
metrics_database_size(const struct store *s, int64_t *ret)
{
	char path[PATH_SIZE];
	struct stat st;

	if (stat(s->path, &st) < 0)
		return -1;
	*ret = st.st_size;
	if (path_format(path, "%s-wal", s->path) < 0)
		return -1;
	if (stat(path, &st) == 0)
		*ret += st.st_size;
	else if (errno != ENOENT)
		return -1;
	return 0;
}
