#include <errno.h>

#include "pocket.h"

long
pocket_wrap(char *text, size_t width)
{
	(void)text;
	(void)width;
	errno = ENOSYS;
	return -1;
}
