#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "git/history.h"

/* The fields of struct history_commit between the bytes 0x1f. */
#define TRAILER(key) "%(trailers:key=" key ",valueonly,separator=%x2c)%x1f"
static const char format[] =
    "--format=%H%x1f" TRAILER("Loop") TRAILER("Test") TRAILER("Reverts") "%s";

static const char *
next_field(char **record)
{
	const char *field = strsep(record, "\x1f");

	return field != NULL ? field : "";
}

int
history_each(struct git *g, const char *tip, const char *since,
    const char *loop,
    void (*one)(const struct history_commit *commit, void *argument),
    void *argument)
{
	char *output = NULL, range[2 * GIT_REF_SIZE], grep[128];
	size_t len = 0;
	const struct git_call call = { .ret_output = &output, .ret_len = &len };

	(void)snprintf(range, sizeof(range), "%s%s%s", since,
	    since[0] != '\0' ? ".." : "", tip);
	/* It may find more, and is much faster than to read all. */
	(void)snprintf(grep, sizeof(grep), "--grep=^Loop: *%s", loop);
	if (git_must(g, &call,
		(const char *const[]){ "log", "-z", "-s", "--first-parent",
		    "--no-show-signature", "--no-notes", "--basic-regexp",
		    format, grep, range, "--", NULL }) < 0)
		return -1;
	for (char *p = output, *end = output + len; p < end;) {
		char *next = p + strlen(p) + 1, *record = p;
		struct history_commit c;

		c.hash = next_field(&record);
		c.loop = next_field(&record);
		c.test = next_field(&record);
		c.reverts = next_field(&record);
		c.subject = record != NULL ? record : "";
		if (loop[0] != '\0' ? strcmp(c.loop, loop) == 0
				    : c.loop[0] != '\0')
			one(&c, argument);
		p = next;
	}
	free(output);
	return 0;
}
