#include <errno.h>

#include "pocket.h"

long
pocket_trim(char *text)
{
	(void)text;
	errno = ENOSYS;
	return -1;
}
