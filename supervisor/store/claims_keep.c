/* A claim is kept: prolonged, or seen to be lost. */
#include "store/claims.h"
#include "store/expiry.h"
#include "store/locks.h"
#include "store/statement.h"

int
claims_renew(struct store *s, const struct attempt_key *key)
{
	int begun = store_begin(s), renewed;
	char lease[CLOCK_ISO_SIZE], expires[CLOCK_ISO_SIZE];

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	expiry_format(s, lease, CLAIM_LEASE_MS);
	expiry_format(s, expires, LOCK_TTL_MS);
	renewed = statement_change(s,
	    "UPDATE attempts SET lease_until = ?4 WHERE " ATTEMPT_IS_HELD,
	    "ttit", key->id, key->epoch, key->fence, lease);
	if (renewed > 0 &&
	    statement_run(s,
		"UPDATE file_locks SET expires_at = ?3"
		" WHERE test_id = ?1 AND locked_by = ?2",
		"ttt", key->test_id, key->loop_id, expires) < 0)
		renewed = -1;
	return store_end(s, renewed);
}

int
claims_held(struct store *s, const struct attempt_key *key)
{
	return statement_get(s, "SELECT 1 FROM attempts WHERE " ATTEMPT_IS_HELD,
	    "tti>", key->id, key->epoch, key->fence);
}
