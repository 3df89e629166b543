#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/statement.h"

static int
bind_all(sqlite3_stmt *statement, const char *types, va_list *ap)
{
	int rc = SQLITE_OK;

	for (int i = 1; *types != '\0' && *types != '>' && rc == SQLITE_OK;
	     i++, types++) {
		if (*types == 't')
			rc = sqlite3_bind_text(statement, i,
			    va_arg(*ap, const char *), -1, SQLITE_TRANSIENT);
		else if (*types == 'i')
			rc = sqlite3_bind_int64(
			    statement, i, va_arg(*ap, int64_t));
		else if (*types == 'd')
			rc = sqlite3_bind_double(
			    statement, i, va_arg(*ap, double));
		else
			rc = SQLITE_MISUSE;
	}
	return rc;
}

/* Takes a prepared statement over; NULL: prepares one. */
static sqlite3_stmt *
query(struct store *s, sqlite3_stmt *statement, const char *sql,
    const char *types, va_list *ap)
{
	int rc = statement != NULL ? SQLITE_OK : SQLITE_MISUSE;

	if (statement == NULL && s->db != NULL)
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

static int
step(struct store *s, sqlite3_stmt *statement)
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

static const char *
text_of(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text != NULL ? (const char *)text : "";
}

static int
read_column(sqlite3_stmt *q, int column, char type, va_list *ap)
{
	char *buffer, **copy;

	switch (type) {
	case 't': *va_arg(*ap, const char **) = text_of(q, column); break;
	case 's':
		buffer = va_arg(*ap, char *);
		(void)snprintf(
		    buffer, va_arg(*ap, size_t), "%s", text_of(q, column));
		break;
	case 'm':
		copy = va_arg(*ap, char **);
		*copy = strdup(text_of(q, column));
		return *copy != NULL ? SQLITE_OK : SQLITE_NOMEM;
	case 'i':
		*va_arg(*ap, int64_t *) = sqlite3_column_int64(q, column);
		break;
	case 'n':
		*va_arg(*ap, int *) = (int)sqlite3_column_int64(q, column);
		break;
	case 'b':
		*va_arg(*ap, bool *) = sqlite3_column_int64(q, column) != 0;
		break;
	case 'd':
		*va_arg(*ap, double *) = sqlite3_column_double(q, column);
		break;
	default: return SQLITE_MISUSE;
	}
	return SQLITE_OK;
}

static int
row(struct store *s, sqlite3_stmt *q, const char *types, va_list *ap)
{
	int found = step(s, q), rc = SQLITE_OK;

	for (int i = 0; found == 1 && types[i] != '\0' && rc == SQLITE_OK; i++)
		rc = read_column(q, i, types[i], ap);
	return rc == SQLITE_OK ? found : store_fail(s, rc, sqlite3_sql(q));
}

struct sqlite3_stmt *
statement_query(struct store *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement;
	va_list ap;

	va_start(ap, types);
	statement = query(s, NULL, sql, types, &ap);
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
	rc = bind_all(statement, types, &ap);
	va_end(ap);
	return rc == SQLITE_OK ? 0 : store_fail(s, rc, sqlite3_sql(statement));
}

int
statement_row(
    struct store *s, struct sqlite3_stmt *statement, const char *types, ...)
{
	va_list ap;
	int found;

	va_start(ap, types);
	found = row(s, statement, types, &ap);
	va_end(ap);
	return found;
}

void
statement_end(struct sqlite3_stmt *statement)
{
	int saved = errno;

	/* Repeats the error of the last step, which has been told. */
	(void)sqlite3_finalize(statement);
	errno = saved;
}

/* What many rows are written with, one by one, is prepared once: with triggers
 * that is most of the work. */
static sqlite3_stmt *
take_kept(struct store *s, const char *sql)
{
	sqlite3_stmt *kept = s->kept;

	if (kept == NULL || strcmp(sqlite3_sql(kept), sql) != 0)
		return NULL;
	s->kept = NULL;
	return kept;
}

static void
keep(struct store *s, sqlite3_stmt *statement)
{
	int saved = errno;

	/* Repeats the error of the last step, as statement_end(). */
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	statement_end(s->kept);
	s->kept = statement;
	errno = saved;
}

static int
run(struct store *s, const char *sql, const char *types, va_list *ap)
{
	sqlite3_stmt *statement = query(s, take_kept(s, sql), sql, types, ap);
	int more;

	do
		more = step(s, statement);
	while (more == 1);
	if (statement != NULL)
		keep(s, statement);
	return more;
}

int
statement_run(struct store *s, const char *sql, const char *types, ...)
{
	va_list ap;
	int result;

	va_start(ap, types);
	result = run(s, sql, types, &ap);
	va_end(ap);
	return result;
}

int
statement_change(struct store *s, const char *sql, const char *types, ...)
{
	int64_t before = s->db != NULL ? sqlite3_total_changes64(s->db) : 0;
	va_list ap;
	int result;

	va_start(ap, types);
	result = run(s, sql, types, &ap);
	va_end(ap);
	/* changes() would repeat the last count after what changes nothing. */
	if (result == 0 && sqlite3_total_changes64(s->db) != before)
		result = sqlite3_changes(s->db);
	return result;
}

int
statement_get(struct store *s, const char *sql, const char *types, ...)
{
	const char *out = strchr(types, '>');
	sqlite3_stmt *statement;
	va_list ap;
	int found;

	va_start(ap, types);
	statement = query(s, NULL, sql, types, &ap);
	found = row(s, statement, out != NULL ? out + 1 : "", &ap);
	va_end(ap);
	statement_end(statement);
	return found;
}
