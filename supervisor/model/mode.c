#include <stddef.h>
#include <string.h>

#include "model/mode.h"

static const char *const names[MODE_COUNT] = {
	[MODE_NORMAL] = "normal",
	[MODE_SLOW] = "slow",
	[MODE_CONSERVATIVE] = "conservative",
	[MODE_FILE_BASED] = "file-based",
};

const char *
mode_name(enum mode mode)
{
	return names[mode];
}

bool
mode_parse(const char *name, enum mode *ret)
{
	for (size_t i = 0; i < MODE_COUNT; i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum mode)i;
			return true;
		}
	}
	return false;
}
