#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"

int
path_format(char buf[static PATH_SIZE], const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf, PATH_SIZE, format, ap);
	va_end(ap);
	if (n < 0 || n >= PATH_SIZE) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
path_resolve(char buf[static PATH_SIZE], const char *base, const char *path)
{
	if (path[0] == '/')
		return path_format(buf, "%s", path);
	return path_format(buf, "%s/%s", base, path);
}

int
path_dirname(char buf[static PATH_SIZE], const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return path_format(buf, ".");
	if (slash == path)
		return path_format(buf, "/");
	return path_format(buf, "%.*s", (int)(slash - path), path);
}

int
path_make(const char *path, unsigned mode)
{
	char buf[PATH_SIZE];

	if (path_format(buf, "%s", path) < 0)
		return -1;
	for (char *p = buf + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(buf, mode) < 0 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return mkdir(buf, mode) < 0 && errno != EEXIST ? -1 : 0;
}
