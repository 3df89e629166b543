#include <string.h>

#include "pocket.h"

long
pocket_wrap(char *text, size_t width)
{
	char *line = text, *space = NULL;
	long lines = 1;

	if (pocket_trim(text) == 0)
		return 0;
	for (char *p = text; *p != '\0'; p++) {
		size_t word = strcspn(p, " ");

		if (space != NULL && (size_t)(p + word - line) > width) {
			*space = '\n';
			line = p;
			lines++;
		}
		p += word;
		if (*p == '\0')
			break;
		space = p;
	}
	return lines;
}
