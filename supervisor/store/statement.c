#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/statement.h"

static int
bind_all(sqlite3_stmt *statement, const char *types, va_list ap)
{
	int rc = SQLITE_OK;

	for (int i = 1; *types != '\0' && rc == SQLITE_OK; i++, types++) {
		if (*types == 't')
			rc = sqlite3_bind_text(statement, i,
			    va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
		else if (*types == 'i')
			rc = sqlite3_bind_int64(
			    statement, i, va_arg(ap, int64_t));
		else if (*types == 'd')
			rc = sqlite3_bind_double(
			    statement, i, va_arg(ap, double));
		else
			rc = SQLITE_MISUSE;
	}
	return rc;
}

static sqlite3_stmt *
query(struct store *s, const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *statement = NULL;
	int rc = SQLITE_MISUSE;

	if (s->db != NULL)
		rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
	if (rc == SQLITE_OK)
		rc = bind_all(statement, types, ap);
	if (rc != SQLITE_OK) {
		(void)store_fail(s, rc, sql);
		statement_end(statement);
		return NULL;
	}
	return statement;
}

struct sqlite3_stmt *
statement_query(struct store *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement;
	va_list ap;

	va_start(ap, types);
	statement = query(s, sql, types, ap);
	va_end(ap);
	return statement;
}

int
statement_bind(
    struct store *s, struct sqlite3_stmt *statement, const char *types, ...)
{
	va_list ap;
	int rc;

	(void)sqlite3_reset(statement);
	va_start(ap, types);
	rc = bind_all(statement, types, ap);
	va_end(ap);
	return rc == SQLITE_OK ? 0 : store_fail(s, rc, sqlite3_sql(statement));
}

int
statement_step(struct store *s, struct sqlite3_stmt *statement)
{
	int rc;

	if (statement == NULL)
		return -1;
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0
				 : store_fail(s, rc, sqlite3_sql(statement));
}

const char *
statement_text(struct sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text != NULL ? (const char *)text : "";
}

int64_t
statement_int(struct sqlite3_stmt *statement, int column)
{
	return sqlite3_column_int64(statement, column);
}

double
statement_double(struct sqlite3_stmt *statement, int column)
{
	return sqlite3_column_double(statement, column);
}

bool
statement_is_null(struct sqlite3_stmt *statement, int column)
{
	return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

void
statement_end(struct sqlite3_stmt *statement)
{
	int saved = errno;

	/* Repeats the error of the last step, which has been told. */
	(void)sqlite3_finalize(statement);
	errno = saved;
}

int
statement_run(struct store *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement;
	int64_t before;
	va_list ap;
	int more;

	va_start(ap, types);
	statement = query(s, sql, types, ap);
	va_end(ap);
	if (statement == NULL)
		return -1;
	before = sqlite3_total_changes64(s->db);
	do
		more = statement_step(s, statement);
	while (more == 1);
	statement_end(statement);
	if (more < 0)
		return -1;
	/* changes() would repeat the last count after what changes nothing. */
	return sqlite3_total_changes64(s->db) != before ? sqlite3_changes(s->db)
							: 0;
}

int
statement_int_of(
    struct store *s, int64_t *ret, const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement;
	va_list ap;
	int found;

	va_start(ap, types);
	statement = query(s, sql, types, ap);
	va_end(ap);
	found = statement_step(s, statement);
	if (found == 1)
		*ret = statement_int(statement, 0);
	statement_end(statement);
	return found;
}

int
statement_text_of(struct store *s, char *ret, size_t size, const char *sql,
    const char *types, ...)
{
	sqlite3_stmt *statement;
	va_list ap;
	int found;

	va_start(ap, types);
	statement = query(s, sql, types, ap);
	va_end(ap);
	found = statement_step(s, statement);
	if (found == 1)
		(void)snprintf(ret, size, "%s", statement_text(statement, 0));
	statement_end(statement);
	return found;
}
