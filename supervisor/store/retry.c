#include <string.h>
#include <sys/random.h>

#include <bsd/string.h>

#include "store/attempts.h"
#include "store/expiry.h"
#include "store/retry.h"
#include "store/statement.h"

/* 90 to 110 %: tests that failed for one reason aren't all tried at once. */
static int64_t
jitter(int64_t ms)
{
	uint16_t r = 0;

	(void)!getrandom(&r, sizeof(r), 0);
	return ms * (900 + r % 201) / 1000;
}

static int64_t
at_most(int64_t ms)
{
	return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

void
retry_format(struct store *s, char buf[static CLOCK_ISO_SIZE], int64_t delay_ms,
    int attempt)
{
	int64_t in_ms = at_most(delay_ms);

	buf[0] = '\0';
	if (in_ms <= 0)
		return;
	for (int i = 1; i < attempt && in_ms < RETRY_MAX_MS; i++)
		in_ms *= 2;
	expiry_format(s, buf, at_most(jitter(at_most(in_ms))));
}

int
retry_next(struct store *s, const char *loop_id, char *ret_test_id, size_t size,
    int64_t *ret_in_ms)
{
	char now[CLOCK_ISO_SIZE];

	expiry_format(s, now, 0);
	return statement_get(s,
	    "SELECT t.id, CAST((julianday(t.retry_at) - julianday(?2))"
	    " * 86400000 AS INTEGER) + 1"
	    " FROM tests t INDEXED BY tests_retry WHERE t.loop_id = ?1"
	    " AND t.retry_at IS NOT NULL AND t.status = 'pending'"
	    " AND t.waiting = 0 AND ifnull(t.automatable, 1) <> 0"
	    " AND NOT " RETRY_IS_DUE(
		"?2") " ORDER BY julianday(t.retry_at) LIMIT 1",
	    "tt>si", loop_id, now, ret_test_id, size, ret_in_ms);
}

int
retry_was_in_vain(struct store *s, const char *test_id, int used, bool *ret_now)
{
	struct sqlite3_stmt *q;
	char later[ATTEMPT_FINGERPRINT_SIZE] = "";
	enum attempt_outcome outcome;
	const char *name, *print;
	int more = 0, n = 0;
	bool same = false;

	*ret_now = false;
	if (used < 2)
		return 0;
	q = statement_query(s,
	    "SELECT outcome, fingerprint FROM attempts WHERE test_id = ?1"
	    " AND state = 'failed' ORDER BY fence DESC",
	    "t", test_id);
	while (!same && n < used &&
	    (more = statement_row(s, q, "tt", &name, &print)) == 1) {
		if (!attempt_outcome_parse(name, &outcome) ||
		    !attempt_outcome_counts(outcome))
			continue;
		same = print[0] != '\0' && strcmp(print, later) == 0;
		(void)strlcpy(later, print, sizeof(later));
		n++;
	}
	statement_end(q);
	*ret_now = same && n == 2;
	return more < 0 ? -1 : same;
}
