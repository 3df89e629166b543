#include <string.h>

#include "conf/resolve.h"

int
resolve_path(
    char ret[static PATH_SIZE], const char *directory, const char *path)
{
	size_t len = strlen(directory);

	if (path[0] == '/')
		return path_format(ret, "%s", path);
	for (;;) {
		if (strcmp(path, ".") == 0 || strcmp(path, "..") == 0 ||
		    strncmp(path, "./", 2) == 0 ||
		    strncmp(path, "../", 3) == 0) {
			if (path[1] == '.')
				while (len > 0 && directory[--len] != '/')
					;
			path += strcspn(path, "/");
			path += strspn(path, "/");
		} else {
			break;
		}
	}
	if (path[0] == '\0')
		return path_format(
		    ret, "%.*s", len > 0 ? (int)len : 1, directory);
	return path_format(ret, "%.*s%s%s", (int)len, directory,
	    len > 0 && directory[len - 1] == '/' ? "" : "/", path);
}
