#include <errno.h>

#include "pocket.h"

long
pocket_split(char *text, char separator, char **parts, size_t max)
{
	(void)text;
	(void)separator;
	(void)parts;
	(void)max;
	errno = ENOSYS;
	return -1;
}
