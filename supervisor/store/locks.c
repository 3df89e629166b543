#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/texts.h"
#include "store/expiry.h"
#include "store/locks.h"
#include "store/overlap.h"
#include "store/statement.h"

static const char others[] =
    "SELECT l.file_path, l.locked_by, l.test_id, l.locked_at"
    " FROM file_locks l WHERE l.locked_by <> ?1 AND " LOCK_IS_LIVE(
	"?2") " ORDER BY l.file_path";

int
locks_of_others(struct store *s, const char *loop_id, char *const *paths,
    void (*found)(const struct locks_conflict *conflict, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q;
	struct locks_conflict c;
	int more, n = 0;
	size_t npaths = paths == NULL ? 0 : texts_count(paths);
	char now[CLOCK_ISO_SIZE];
	bool *told;

	told = calloc(npaths + 1, sizeof(*told));
	if (told == NULL)
		return store_refuse(s, ENOMEM, "out of memory");
	expiry_format(s, now, 0);
	q = statement_query(s, others, "tt", loop_id, now);
	while ((more = statement_row(s, q, "tttt", &c.pattern, &c.loop_id,
		    &c.test_id, &c.locked_at)) == 1) {
		if (paths == NULL) {
			c.path = c.pattern;
			found(&c, argument);
			n++;
		}
		for (size_t i = 0; i < npaths; i++) {
			if (told[i] || !overlap_patterns(c.pattern, paths[i]))
				continue;
			told[i] = true;
			c.path = paths[i];
			found(&c, argument);
			n++;
		}
	}
	statement_end(q);
	free(told);
	return more < 0 ? -1 : n;
}
