#include <errno.h>
#include <stdlib.h>

#include "base/texts.h"
#include "store/locks.h"
#include "store/overlap.h"
#include "store/statement.h"

/* The wall clock may have been put forward: work that goes on keeps its
 * locks. */
static const char others[] =
    "SELECT l.file_path, l.locked_by, l.test_id, l.locked_at"
    " FROM file_locks l WHERE l.locked_by <> ?1"
    " AND (l.expires_at IS NULL"
    " OR julianday(l.expires_at) > julianday('now')"
    " OR EXISTS (SELECT 1 FROM attempts a WHERE a.loop_id = l.locked_by"
    " AND a.test_id = l.test_id AND a.ended_at IS NULL))"
    " ORDER BY l.file_path";

int
locks_of_others(struct store *s, const char *loop_id, char *const *paths,
    void (*found)(const struct locks_conflict *conflict, void *argument),
    void *argument)
{
	struct sqlite3_stmt *q;
	struct locks_conflict c;
	int more, n = 0;
	size_t npaths = paths == NULL ? 0 : texts_count(paths);
	bool *told;

	told = calloc(npaths + 1, sizeof(*told));
	if (told == NULL)
		return store_refuse(s, ENOMEM, "out of memory");
	q = statement_query(s, others, "t", loop_id);
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
