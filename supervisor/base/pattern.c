#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "base/pattern.h"

/* With a slash at its end: everything below, from the folder at path on. */
static bool
is_below(const char *pattern, size_t len, const char *path)
{
	return strncmp(pattern, path, len) == 0;
}

bool
pattern_matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);
	const char *slash;

	if (len == 0)
		return false;
	if (strchr(pattern, '/') == NULL) {
		slash = strrchr(path, '/');
		return fnmatch(pattern, slash != NULL ? slash + 1 : path, 0) ==
		    0;
	}
	if (pattern[0] == '/')
		return pattern[len - 1] == '/'
		    ? is_below(pattern + 1, len - 1, path)
		    : fnmatch(pattern + 1, path, 0) == 0;
	for (;;) {
		if (pattern[len - 1] == '/' ? is_below(pattern, len, path)
					    : fnmatch(pattern, path, 0) == 0)
			return true;
		slash = strchr(path, '/');
		if (slash == NULL)
			return false;
		path = slash + 1;
	}
}

bool
pattern_any(char *const *patterns, const char *path)
{
	for (size_t i = 0; patterns != NULL && patterns[i] != NULL; i++)
		if (pattern_matches(patterns[i], path))
			return true;
	return false;
}
