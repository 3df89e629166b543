/* What failed, as an errno and as a text for people. */
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"

static int
errno_of(const struct store *s, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return EUCLEAN;
	case SQLITE_FULL: return ENOSPC;
	case SQLITE_READONLY: return EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH: return EACCES;
	case SQLITE_NOMEM: return ENOMEM;
	case SQLITE_CONSTRAINT: return EEXIST;
	case SQLITE_CANTOPEN:
		if (s->db != NULL && sqlite3_system_errno(s->db) != 0)
			return sqlite3_system_errno(s->db);
		return ENOENT;
	case SQLITE_MISUSE: return s->db == NULL ? EBADF : EINVAL;
	case SQLITE_ERROR:
	case SQLITE_SCHEMA: return EINVAL;
	default: return EIO;
	}
}

int
store_fail(struct store *s, int rc, const char *what)
{
	const char *text = s->db != NULL && rc != SQLITE_MISUSE
	    ? sqlite3_errmsg(s->db)
	    : sqlite3_errstr(rc);
	int error = errno_of(s, rc);

	/* SQLite says only that it can't. */
	if ((rc & 0xff) == SQLITE_CANTOPEN)
		text = strerror(error);
	/* A locked or damaged file is the same whatever was tried. */
	if (error == EINVAL || error == EEXIST)
		return store_refuse(
		    s, error, "%s: %s (%.200s)", s->path, text, what);
	return store_refuse(s, error, "%s: %s", s->path, text);
}

int
store_refuse(struct store *s, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(s->error, sizeof(s->error), format, ap);
	va_end(ap);
	errno = error;
	return -1;
}

const char *
store_error(const struct store *s)
{
	return s->error;
}
