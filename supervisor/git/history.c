#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/texts.h"
#include "git/history.h"

/* The fields of struct history_commit between the bytes 0x1f. */
#define TRAILER(key) "%(trailers:key=" key ",valueonly,separator=%x2c)%x1f"
static const char format[] = "--format=%H%x1f" TRAILER("Loop") TRAILER("Test")
    TRAILER("Attempt") TRAILER("Reverts") "%an%x1f%s";

static const char *
next_field(char **record)
{
	const char *field = strsep(record, "\x1f");

	return field != NULL ? field : "";
}

static void
parse(char *record, struct history_commit *ret)
{
	ret->hash = next_field(&record);
	ret->loop = next_field(&record);
	ret->test = next_field(&record);
	ret->attempt = next_field(&record);
	ret->reverts = next_field(&record);
	ret->author = next_field(&record);
	ret->subject = record != NULL ? record : "";
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
		char *next = p + strlen(p) + 1;
		struct history_commit c;

		parse(p, &c);
		if (loop[0] != '\0' ? strcmp(c.loop, loop) == 0
				    : c.loop[0] != '\0')
			one(&c, argument);
		p = next;
	}
	free(output);
	return 0;
}

int
history_read(struct git *g, const char *commit,
    void (*one)(const struct history_commit *commit, void *argument),
    void *argument)
{
	char *output = NULL;
	const struct git_call call = { .ret_output = &output };
	struct history_commit c;

	if (git_must(g, &call,
		(const char *const[]){ "log", "-z", "-s", "-1",
		    "--no-show-signature", "--no-notes", format, commit, "--",
		    NULL }) < 0)
		return -1;
	parse(output, &c);
	one(&c, argument);
	free(output);
	return 0;
}

char **
history_between(struct git *g, const char *since, const char *tip)
{
	char *output = NULL, *rest, *line, range[2 * GIT_HASH_SIZE + 2];
	const struct git_call call = { .ret_output = &output };
	struct texts hashes = { 0 };

	(void)snprintf(range, sizeof(range), "%s..%s", since, tip);
	if (git_must(g, &call,
		(const char *const[]){ "rev-list", "--first-parent",
		    "--reverse", range, "--", NULL }) < 0)
		return NULL;
	rest = output;
	while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0')
		(void)texts_add(&hashes, line);
	free(output);
	return texts_take(&hashes);
}
