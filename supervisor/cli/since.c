#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/since.h"

/* Local time in one of the forms; -1 for none of them. */
static int
parse_local(const char *text, int64_t now_ms, int64_t *ret_wall_ms)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M:%S",
		"%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
		"%H:%M:%S", "%H:%M" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		time_t now = (time_t)(now_ms / 1000), then;
		struct tm tm;
		const char *end;

		if (localtime_r(&now, &tm) == NULL)
			return -1;
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		tm.tm_isdst = -1;
		end = strptime(text, forms[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		then = mktime(&tm);
		if (then == (time_t)-1)
			return -1;
		*ret_wall_ms = (int64_t)then * 1000;
		return 0;
	}
	return -1;
}

int
since_parse(const char *text, int64_t *ret_wall_ms)
{
	int64_t ago_ms, now_ms = clock_wall_ms();

	if (strcmp(text, "boot") == 0) {
		*ret_wall_ms = now_ms - clock_boot_ms();
		return 0;
	}
	if (duration_parse(text, &ago_ms) == 0) {
		*ret_wall_ms = now_ms - ago_ms;
		return 0;
	}
	if (parse_local(text, now_ms, ret_wall_ms) == 0)
		return 0;
	if (strchr(text, 'T') != NULL)
		return clock_parse_iso(text, ret_wall_ms);
	errno = EINVAL;
	return -1;
}
