#include "store/queries_ids.h"
#include "store/statement.h"

static const struct {
	const char *find;
	const char *list;
} kinds[] = {
	[QUERIES_TEST] = { "SELECT id FROM tests WHERE id = ?1 COLLATE NOCASE "
			   "ORDER BY id <> ?1 LIMIT 1",
	    "SELECT id FROM tests" },
	[QUERIES_LOOP] = { "SELECT id FROM loops WHERE id = ?1 COLLATE NOCASE "
			   "ORDER BY id <> ?1 LIMIT 1",
	    "SELECT id FROM loops" },
	[QUERIES_DECISION] = { "SELECT id FROM decisions WHERE id = ?1 "
			       "COLLATE NOCASE ORDER BY id <> ?1 LIMIT 1",
	    "SELECT id FROM decisions" },
	[QUERIES_ALERT] = { "SELECT id FROM alerts WHERE id = ?1 "
			    "COLLATE NOCASE ORDER BY id <> ?1 LIMIT 1",
	    "SELECT id FROM alerts" },
};

int
queries_id(struct store *s, enum queries_kind kind, const char *word, char *ret,
    size_t size)
{
	return statement_text_of(s, ret, size, kinds[kind].find, "t", word);
}

int
queries_each_id(struct store *s, enum queries_kind kind,
    int (*each)(const char *id, void *argument), void *argument)
{
	struct sqlite3_stmt *q = statement_query(s, kinds[kind].list, "");
	int result;

	while ((result = statement_step(s, q)) == 1) {
		result = each(statement_text(q, 0), argument);
		if (result != 0)
			break;
	}
	statement_end(q);
	return result;
}
