#include <stdio.h>

#include "pocket.h"

int
pocket_size(char *buf, size_t size, unsigned long long bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 1024 && i < sizeof(units) / sizeof(units[0]) - 1) {
		value /= 1024;
		i++;
	}
	return snprintf(buf, size, "%.*f %s", i > 0, value, units[i]);
}
