/* event: what an agent in any language has to tell. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "system/spool.h"

#define LETTERS	 "abcdefghijklmnopqrstuvwxyz_"
#define KEY	 LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define DIGITS	 "0123456789"
#define TYPE_MAX 64
/* What has room in one event, as it is written there, */
#define ALL_MAX	  3000
#define VALUE_MAX 1023 /* and in one value */
/* A longer number isn't what was said any more when it was read. */
#define NUMBER_MAX 18

/* Past the digits that p begins with; NULL when there are none. */
static const char *
digits(const char *p)
{
	size_t n = strspn(p, DIGITS);

	return n > 0 ? p + n : NULL;
}

/* Whether JSON has it as a number, and every reader as the same: what begins
 * with a zero is somebody's id, what has an e in it may be a commit's. */
static bool
is_number(const char *text)
{
	const char *p = text + (text[0] == '-');
	bool zero = p[0] == '0';
	const char *end = digits(p);

	if (end == NULL || (zero && end > p + 1))
		return false;
	if (*end == '.')
		end = digits(end + 1);
	return end != NULL && *end == '\0' && end - p <= NUMBER_MAX;
}

static void
add(struct event *e, const char *key, const char *value)
{
	if (is_number(value))
		event_number(e, key, value);
	else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		event_bool(e, key, value[0] == 't');
	else
		event_text(e, key, value);
}

/* Whether one of the words gives that key. */
static bool
is_given(char *const *words, const char *key)
{
	size_t len = strlen(key);

	for (; *words != NULL; words++)
		if (strncmp(*words, key, len) == 0 && (*words)[len] == '=')
			return true;
	return false;
}

/* What the environment knows and the words don't say. */
static void
add_known(struct event *e, char *const *words, const struct caller *caller)
{
	const char *whose =
	    caller->attempt_id != NULL ? "loop_id" : "component";
	const char *attempt = getenv("LOOPKEEPER_ATTEMPT");

	if (!is_given(words, whose))
		event_text(e, whose, caller->name);
	if (caller->test_id == NULL)
		return;
	if (!is_given(words, "test_id"))
		event_text(e, "test_id", caller->test_id);
	if (attempt != NULL && !is_given(words, "attempt"))
		add(e, "attempt", attempt);
}

/* Bytes of a text in JSON, at most. */
static size_t
json_length(const char *text)
{
	size_t n = 0, len;

	for (; *text != '\0'; text += len > 0 ? len : 1) {
		len = text_utf8_len(text);
		if (len == 0 || (unsigned char)*text < ' ')
			n += sizeof("\\u0000") - 1;
		else
			n += len + (*text == '"' || *text == '\\');
	}
	return n;
}

static void
check(const char *type, char *const *words)
{
	size_t all = 0;

	if (type[strspn(type, LETTERS)] != '\0' || strlen(type) > TYPE_MAX)
		cli_fail(CLI_USAGE,
		    "'%s' is no type of an event: small letters and _, as in "
		    "human_message",
		    type);
	for (; *words != NULL; words++) {
		size_t len = strspn(*words, KEY);

		if (len == 0 || (*words)[len] != '=')
			cli_fail(CLI_USAGE,
			    "'%s': what an event tells is KEY=VALUE, as in "
			    "text=hello",
			    *words);
		if (strlen(*words + len + 1) > VALUE_MAX)
			cli_fail(CLI_USAGE,
			    "%.*s is too long: %zu bytes, %d are the most",
			    (int)len, *words, strlen(*words + len + 1),
			    VALUE_MAX);
		all += json_length(*words) + sizeof("\"\":\"\"");
	}
	if (all > ALL_MAX)
		cli_fail(CLI_USAGE, "too long: %zu bytes, %d are the most", all,
		    ALL_MAX);
}

/* The caller's folder, the fleet's, or the one for events that nobody can take
 * up now. */
static int
open_spool(const struct cli *cli, struct spool *ret)
{
	const char *own = getenv("LOOPKEEPER_SPOOL");
	char writer[32], path[PATH_SIZE];

	(void)snprintf(writer, sizeof(writer), "event-%d", (int)getpid());
	if (own != NULL && spool_open(ret, own, writer) == 0)
		return 0;
	if (path_format(path, "%s/run/spool", cli->state_directory) == 0 &&
	    spool_open(ret, path, writer) == 0)
		return 0;
	return path_format(path, "%s/spool", cli->state_directory) < 0 ||
		path_make(path, 0700) < 0
	    ? -1
	    : spool_open(ret, path, writer);
}

int
event_run(struct cli *cli, int argc, char **argv)
{
	const char *as = NULL;
	const struct option_spec specs[] = {
		{ .name = "as", .value = &as },
	};
	int n = options_parse(cli, argc, argv, specs, 1, 1, INT_MAX);
	char **words = &argv[2];
	struct caller caller;
	struct spool spool;
	struct event e;
	int result;

	argv[n + 1] = NULL;
	check(argv[1], words);
	caller_find(as, &caller);
	cli_locate(cli);
	event_begin(&e, caller.name, argv[1], NULL);
	for (char **word = words; *word != NULL; word++) {
		size_t len = strcspn(*word, "=");

		(*word)[len] = '\0';
		add(&e, *word, &(*word)[len + 1]);
		(*word)[len] = '=';
	}
	add_known(&e, words, &caller);
	if (open_spool(cli, &spool) < 0)
		return cli_error(CLI_FAILED, "the event is lost: %s: %s",
		    cli->state_directory, strerror(errno));
	result = spool_add(&spool, &e);
	spool_close(&spool);
	return result < 0
	    ? cli_error(CLI_FAILED, "the event is lost: %s", strerror(errno))
	    : CLI_DONE;
}
