#include <errno.h>
#include <stdlib.h>

#include "store/attempts.h"
#include "store/note.h"
#include "store/queries_queue.h"
#include "store/statement.h"
#include "store/stranded.h"

#define FACT(name)                         \
	"CASE WHEN json_valid(h.metadata)" \
	" THEN json_extract(h.metadata, '$." name "') END"
#define FACTS FACT("state") ", " FACT("wanted") ", " FACT("circuit")

int
stranded_queues(struct store *s, struct queue **ret, size_t *ret_n)
{
	struct sqlite3_stmt *q;
	struct queue *list, *one;
	int64_t max;
	int more;

	if (statement_get(s, "SELECT count(*) FROM loops", ">i", &max) != 1)
		return -1;
	list = one = calloc((size_t)max + 1, sizeof(*list));
	if (list == NULL)
		return store_refuse(s, ENOMEM, "out of memory");
	q = statement_query(s,
	    "SELECT l.id, ifnull(p.n, 0), l.status, " FACTS
	    " FROM loops l LEFT JOIN (SELECT loop_id, count(*) AS n FROM tests"
	    " WHERE status = 'pending' GROUP BY loop_id) p ON p.loop_id = l.id"
	    " LEFT JOIN component_health h ON h.component = l.id"
	    " ORDER BY ifnull(l.priority, 1000), l.id LIMIT ?1",
	    "i", max);
	while ((more = statement_row(s, q, "sissss", one->loop_id,
		    sizeof(one->loop_id), &one->pending, one->status,
		    sizeof(one->status), one->state, sizeof(one->state),
		    one->wanted, sizeof(one->wanted), one->circuit,
		    sizeof(one->circuit))) == 1)
		one++;
	statement_end(q);
	if (more < 0) {
		free(list);
		return -1;
	}
	*ret = list;
	*ret_n = (size_t)(one - list);
	return 0;
}

/* As a shell takes it for one word: ids of other programs may be anything. */
#define WORD                                                  \
	"CASE WHEN id GLOB '*[^-A-Za-z0-9_./:,@%+=]*'"        \
	" THEN '''' || replace(id, '''', '''\\''''') || ''''" \
	" ELSE id END"

int
stranded_list(struct store *s, const char *loop_id, int limit, char *ret,
    size_t size, int *ret_n)
{
	return statement_get(s,
		   "SELECT group_concat(word, ' '), count(*) FROM (SELECT word,"
		   " sum(length(CAST(word AS BLOB)) + 1) OVER (ORDER BY place,"
		   " id) AS len FROM (SELECT id, " WORD " AS word,"
		   " ifnull(sort_order, 0) AS place FROM tests"
		   " WHERE loop_id = ?1 AND status = 'pending'"
		   " ORDER BY sort_order, id LIMIT ?2)) WHERE len <= ?3",
		   "tii>sn", loop_id, (int64_t)limit, (int64_t)size, ret, size,
		   ret_n) < 0
	    ? -1
	    : 0;
}

static struct queue *
shortest(struct queue *const *targets, size_t n)
{
	struct queue *found = targets[0];

	for (size_t i = 1; i < n; i++)
		if (targets[i]->pending < found->pending)
			found = targets[i];
	return found;
}

static int
move_first(struct store *s, const char *loop_id, struct queue *const *targets,
    size_t n, const char *by)
{
	char id[ATTEMPT_TEST_SIZE];
	int found = 0, moved = 0;

	while (moved < STRANDED_MOVE_MAX &&
	    (found = statement_get(s,
		 "SELECT id FROM tests WHERE loop_id = ?1"
		 " AND status = 'pending' AND " ATTEMPT_TEST_FITS(
		     "id") " ORDER BY sort_order, id LIMIT 1",
		 "t>s", loop_id, id, sizeof(id))) == 1) {
		struct queue *to = shortest(targets, n);

		if (queries_move(s, id, to->loop_id, by) < 0)
			return -1;
		to->pending++;
		moved++;
	}
	return found < 0 ? -1 : moved;
}

int
stranded_move(struct store *s, const char *loop_id,
    struct queue *const *targets, size_t n, const char *by)
{
	return note_begin(s) < 0
	    ? -1
	    : store_end(s, move_first(s, loop_id, targets, n, by));
}
