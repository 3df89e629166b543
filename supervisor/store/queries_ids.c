#include <stdio.h>

#include "store/queries_ids.h"
#include "store/statement.h"

static const char *const tables[] = {
	[QUERIES_TEST] = "tests",
	[QUERIES_LOOP] = "loops",
	[QUERIES_DECISION] = "decisions",
	[QUERIES_ALERT] = "alerts",
	[QUERIES_CHECKPOINT] = "checkpoints",
};

static const char *
select_from(enum queries_kind kind, const char *where, char sql[static 256])
{
	(void)snprintf(sql, 256, "SELECT id FROM %s %s", tables[kind], where);
	return sql;
}

int
queries_id(struct store *s, enum queries_kind kind, const char *word, char *ret,
    size_t size)
{
	char sql[256];
	/* Mostly it is written as it is; else all are looked through. */
	int found = statement_get(
	    s, select_from(kind, "WHERE id = ?1", sql), "t>s", word, ret, size);

	return found != 0
	    ? found
	    : statement_get(s,
		  select_from(kind,
		      "WHERE id = ?1 COLLATE NOCASE ORDER BY id LIMIT 1", sql),
		  "t>s", word, ret, size);
}

int
queries_find_id(struct store *s, enum queries_kind kind, const char *word,
    char *ret, size_t size)
{
	int found = queries_id(s, kind, word, ret, size);
	struct sqlite3_stmt *q;
	char sql[256];

	if (found != 0 || word[0] == '\0')
		return found;
	q = statement_query(s,
	    select_from(kind,
		"WHERE substr(id, 1, length(?1)) = ?1 COLLATE NOCASE"
		" ORDER BY id LIMIT 2",
		sql),
	    "t", word);
	found = statement_row(s, q, "s", ret, size);
	if (found == 1 && (found = statement_row(s, q, "")) >= 0)
		found++;
	statement_end(q);
	return found;
}

int
queries_each_id(struct store *s, enum queries_kind kind,
    int (*each)(const char *id, void *argument), void *argument)
{
	char sql[256];
	struct sqlite3_stmt *q =
	    statement_query(s, select_from(kind, "", sql), "");
	const char *id;
	int result;

	while ((result = statement_row(s, q, "t", &id)) == 1 &&
	    (result = each(id, argument)) == 0)
		continue;
	statement_end(q);
	return result;
}
