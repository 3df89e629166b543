#include "store/failures.h"
#include "base/clock.h"
#include "store/statement.h"

#define HOUR_MS (60 * 60 * 1000)

int
failures_may_claim(
    struct store *s, const char *loop_id, int max, int64_t *ret_until_ms)
{
	int64_t now_ms = clock_wall_ms(), ended_ms;
	char since[CLOCK_ISO_SIZE], now[CLOCK_ISO_SIZE], ended[CLOCK_ISO_SIZE];
	int found;

	clock_format_iso(since, now_ms - HOUR_MS);
	/* A clock that was put back doesn't make an hour longer. */
	clock_format_iso(now, now_ms);
	found = statement_get(s,
	    "SELECT ended_at FROM attempts WHERE loop_id = ?1"
	    " AND outcome <> 'passed' AND ended_at > ?2 AND ended_at <= ?3"
	    " ORDER BY ended_at DESC LIMIT 1 OFFSET ?4 - 1",
	    "ttti>s", loop_id, since, now, (int64_t)max, ended, sizeof(ended));
	if (found <= 0)
		return found < 0 ? -1 : 1;
	if (clock_parse_iso(ended, &ended_ms) < 0)
		ended_ms = now_ms;
	*ret_until_ms = ended_ms + HOUR_MS;
	return 0;
}
