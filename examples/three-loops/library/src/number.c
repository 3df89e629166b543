#include <errno.h>

#include "pocket.h"

int
pocket_number(const char *text, long min, long max, long *ret)
{
	(void)text;
	(void)min;
	(void)max;
	(void)ret;
	errno = ENOSYS;
	return -1;
}
