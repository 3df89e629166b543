#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/cli.h"
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
		if (forms[i][1] == 'H' && then > now) { /* yesterday's */
			tm.tm_mday--;
			tm.tm_isdst = -1;
			then = mktime(&tm);
		}
		if (then == (time_t)-1)
			return -1;
		*ret_wall_ms = (int64_t)then * 1000;
		return 0;
	}
	return -1;
}

int64_t
since_parse(const char *text)
{
	int64_t ms, now_ms = clock_wall_ms();

	if (strcmp(text, "boot") == 0)
		return now_ms - clock_boot_ms();
	if (duration_parse(text, &ms) == 0)
		return now_ms - ms;
	if (parse_local(text, now_ms, &ms) == 0 ||
	    (strchr(text, 'T') != NULL && clock_parse_iso(text, &ms) == 0))
		return ms;
	cli_fail(CLI_USAGE,
	    "--since %s: it is written 1h, 8h, 2026-01-07, "
	    "'2026-01-07 02:14', 02:14 or boot",
	    text);
}
