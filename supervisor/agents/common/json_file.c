#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agents/common/json_file.h"
#include "base/io.h"

int
json_file_replace(const char *path, json_t *json, bool sync)
{
	char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
	int result;

	json_decref(json);
	if (text == NULL) {
		errno = EINVAL;
		return -1;
	}
	result = io_replace_file(AT_FDCWD, path, text, strlen(text), sync);
	free(text);
	return result;
}
