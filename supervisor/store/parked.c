#include "store/parked.h"
#include "store/statement.h"

int
parked_begin(struct store *s, const char *test_id, const char *id)
{
	return statement_change(s,
	    "UPDATE tests SET parked = ?2 WHERE id = ?1 AND parked IS NULL"
	    " AND status IN ('pending', 'in_progress')",
	    "tt", test_id, id);
}

int
parked_end(struct store *s, const char *id)
{
	return statement_change(
	    s, "UPDATE tests SET parked = NULL WHERE parked = ?1", "t", id);
}
