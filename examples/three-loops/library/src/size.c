#include <errno.h>

#include "pocket.h"

int
pocket_size(char *buf, size_t size, unsigned long long bytes)
{
	(void)buf;
	(void)size;
	(void)bytes;
	errno = ENOSYS;
	return -1;
}
