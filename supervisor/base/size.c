#include <inttypes.h>
#include <stdio.h>

#include "base/size.h"

void
size_format_exact(char buf[static SIZE_TEXT_SIZE], int64_t bytes)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	size_t unit = 0;

	while (unit < 4 && bytes > 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	(void)snprintf(
	    buf, SIZE_TEXT_SIZE, "%" PRId64 "%s", bytes, units[unit]);
}
