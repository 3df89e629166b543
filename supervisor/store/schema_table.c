#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/schema_table.h"
#include "store/statement.h"

int
schema_run(struct store *s, const char *format, ...)
{
	char sql[2048];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(sql, sizeof(sql), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(sql))
		return store_refuse(s, EINVAL, "too long: %s", sql);
	return statement_run(s, sql, "");
}

int
schema_has(struct store *s, const char *table, const char *column)
{
	/* table_xinfo, unlike table_info, lists generated columns too. */
	return statement_get(s,
	    "SELECT 1 FROM pragma_table_xinfo(?1)"
	    " WHERE ?2 IS NULL OR name = ?2 COLLATE NOCASE LIMIT 1",
	    "tt>", table, column);
}

/*
 * Adds a column to a table that somebody else made, unless it is there. What
 * rows can't do without can't be added to them.
 */
static int
extend_column(struct store *s, const char *table, char *column)
{
	char name[32];
	char *expression = strstr(column, " DEFAULT (");
	int found;

	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(column, " "), column);
	found = schema_has(s, table, name);
	if (found != 0)
		return found < 0 ? -1 : 0;
	if (strstr(column, "PRIMARY KEY") != NULL ||
	    (strstr(column, "NOT NULL") != NULL &&
		strstr(column, "DEFAULT") == NULL))
		return store_refuse(s, EUCLEAN,
		    "%s: table %s has no column %s: it belongs to some other "
		    "program",
		    s->path, table, name);
	/* ALTER TABLE knows no default that is to be computed. */
	if (expression != NULL)
		*expression = '\0';
	return schema_run(s, "ALTER TABLE %s ADD COLUMN %s", table, column);
}

/* As far as the comma or the parenthesis that ends a column. */
static size_t
column_length(const char *p)
{
	size_t n = 0;

	for (int depth = 0; depth > 0 || (p[n] != ',' && p[n] != ')'); n++)
		depth += (p[n] == '(') - (p[n] == ')');
	return n;
}

int
schema_extend_table(struct store *s, const char *table)
{
	const char *p = table + strcspn(table, "(");
	char name[32], column[256];
	int found;

	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(table, " "), table);
	found = schema_has(s, name, NULL);
	if (found <= 0)
		return found < 0 ? -1 : schema_run(s, "CREATE TABLE %s", table);
	for (size_t n; *p != ')'; p += n) {
		p += strspn(p, "(, ");
		n = column_length(p);
		if (strncmp(p, "PRIMARY KEY", 11) == 0)
			continue;
		(void)snprintf(column, sizeof(column), "%.*s", (int)n, p);
		if (extend_column(s, name, column) < 0)
			return -1;
	}
	return 0;
}
