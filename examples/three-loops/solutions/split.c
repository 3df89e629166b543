#include <errno.h>
#include <string.h>

#include "pocket.h"

long
pocket_split(char *text, char separator, char **parts, size_t max)
{
	size_t n = 0;

	if (max == 0) {
		errno = EINVAL;
		return -1;
	}
	for (;;) {
		char *end = strchr(text, separator);

		if (end != NULL)
			*end = '\0';
		pocket_trim(text);
		if (n < max)
			parts[n] = text;
		n++;
		if (end == NULL)
			return (long)n;
		text = end + 1;
	}
}
