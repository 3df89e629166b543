/* What a loop looks at between two claims: whether there is news, and how much
 * is left. */
#include "store/claims.h"
#include "store/statement.h"

int
claims_version(struct store *s, int64_t *ret)
{
	return statement_get(s, "PRAGMA data_version", ">i", ret) == 1 ? 0 : -1;
}

int
claims_count(struct store *s, const char *loop_id, struct claim_counts *ret)
{
	/* One number per status, from an index alone. */
	return statement_get(s,
		   "SELECT sum(n) FILTER (WHERE status = 'passed'),"
		   " sum(n) FILTER (WHERE status IN ('failed', 'blocked')),"
		   " sum(n) FILTER (WHERE status = 'pending'),"
		   " sum(n) FILTER (WHERE status = 'in_progress'),"
		   " sum(n) FILTER (WHERE status = 'skipped')"
		   " FROM (SELECT status, count(*) AS n FROM tests"
		   " WHERE loop_id = ?1 GROUP BY status)",
		   "t>iiiii", loop_id, &ret->passed, &ret->failed,
		   &ret->pending, &ret->in_progress, &ret->skipped) == 1
	    ? 0
	    : -1;
}
