#include <stdio.h>

#include "base/text.h"
#include "store/alerts.h"
#include "store/attempts.h"
#include "store/misfits.h"
#include "store/statement.h"

#define CAUSE "misfits"

int
misfits_tell(struct store *s, const char *by)
{
	char first[ATTEMPT_TEST_SIZE], loop_id[TEXT_NAME_MAX + 1];
	char message[ATTEMPT_TEST_SIZE + TEXT_NAME_MAX + 256];
	int n;

	if (statement_get(s,
		"SELECT count(*), min(id), loop_id FROM tests WHERE NOT "
		"(" ATTEMPT_TEST_FITS("id") ") AND status <> 'skipped'",
		">nss", &n, first, sizeof(first), loop_id,
		sizeof(loop_id)) != 1)
		return -1;
	if (n == 0)
		return alerts_clear(s, by, CAUSE) < 0 ? -1 : 0;
	(void)snprintf(message, sizeof(message),
	    "%d test%s of %d bytes or more: no loop claims such a test, nor is "
	    "it run again. Shorten the id in the database, or set the test's "
	    "status to skipped; the first is %s... of %s",
	    n, n == 1 ? " has an id" : "s have ids", ATTEMPT_TEST_SIZE, first,
	    loop_id);
	text_clean(message);
	return alerts_raise(s,
		   &(struct alert){ .cause = CAUSE,
		       .severity = "warning",
		       .type = "test_id_too_long",
		       .source = by,
		       .message = message },
		   NULL) < 0
	    ? -1
	    : 0;
}
