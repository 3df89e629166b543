/* lock and unlock: files that a worker, or anybody else, is about to change,
 * and that others are to leave alone. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/interrupts.h"
#include "cli/options.h"
#include "cli/print.h"
#include "store/alive.h"
#include "store/claims.h"
#include "store/edges.h"
#include "store/guard.h"
#include "store/locks.h"

#define LOOK_MS 100
/* What it waits for is written again long before that is over. */
#define RENEW_MS (LOCK_EDGE_MS / 3)

struct locking {
	struct cli *cli;
	struct store *store;
	struct lock_request request;
	struct lock_answer answer;
	int64_t wait_ms;
	int64_t version;  /* of the database at the last try */
	int64_t renew_ms; /* the next try, without a change */
	char text[1024];  /* who is in the way */
};

static void
note_holder(const struct locks_conflict *c, void *argument)
{
	struct locking *l = argument;
	int64_t age_ms = print_age_ms(c->locked_at);
	size_t len = strlen(l->text);
	char since[DURATION_SIZE];
	struct buf b;

	duration_format(since, age_ms > 0 ? age_ms : 0);
	buf_init(&b, l->text + len, sizeof(l->text) - len);
	buf_addf(&b, "%s%s is locked by %s%s%s%s%s", len > 0 ? "; " : "",
	    c->path, c->loop_id, c->test_id[0] != '\0' ? " for " : "",
	    c->test_id, age_ms >= 0 ? " since " : "", age_ms >= 0 ? since : "");
}

/* Tries once. Returns 0, or -1 with errno of store.h. */
static int
try(struct locking *l)
{
	int error;

	l->text[0] = '\0';
	l->renew_ms = clock_ms() + RENEW_MS;
	if (locks_take(l->store, &l->request, note_holder, l, &l->answer) < 0) {
		error = errno;
		(void)snprintf(
		    l->text, sizeof(l->text), "%s", store_error(l->store));
		errno = error;
		return -1;
	}
	l->request.has_waited = l->request.waits;
	l->request.mark = l->answer.mark;
	return 0;
}

/* Whether it is worth another try: it is time, or nobody is in the way now.
 * Looking wakes nobody. 1, 0, -1. */
static int
is_news(struct locking *l)
{
	int64_t version;
	int n;

	if (clock_ms() >= l->renew_ms)
		return 1;
	if (claims_version(l->store, &version) < 0)
		return -1;
	if (version == l->version)
		return 0;
	l->version = version;
	l->text[0] = '\0';
	n = locks_of_others(
	    l->store, l->request.by, l->request.paths, note_holder, l);
	return n < 0 ? -1 : n == 0;
}

/* Whoever is busy with the database now may not be soon. */
static int
passing(int result)
{
	return result < 0 && errno == EBUSY ? 0 : result;
}

/* Until it has them, may not have them, or has waited long enough. Returns 0,
 * or -1 with errno of store.h. */
static int
wait_for(struct locking *l, const struct interrupts *interrupts)
{
	int64_t until_ms = clock_ms() + l->wait_ms;
	int news = 0;

	while (l->answer.result == LOCK_REFUSED && clock_ms() < until_ms &&
	    !interrupts_came(interrupts)) {
		(void)poll(NULL, 0, LOOK_MS);
		if (guard_is_wanted_released(
			l->cli->state_directory, l->text, sizeof(l->text)) > 0)
			return 0;
		news = passing(is_news(l));
		if (news > 0)
			news = passing(try(l));
		if (news < 0)
			return -1;
	}
	return 0;
}

static void
print_paths(const struct locking *l, const char *verb)
{
	printf("%s: %s", l->request.by, verb);
	for (size_t i = 0; l->request.paths[i] != NULL; i++)
		printf("%s %s", i > 0 ? "," : "", l->request.paths[i]);
}

static int
say_taken(const struct locking *l)
{
	char ttl[DURATION_SIZE];

	print_paths(l, "locked");
	duration_format(ttl, LOCK_TTL_MS);
	if (l->request.attempt_id != NULL)
		printf(" until its attempt ends\n");
	else if (l->request.renewed)
		printf(" as long as it lives\n");
	else
		printf(" for %s: lock again to prolong that\n", ttl);
	return CLI_DONE;
}

static int
say(const struct locking *l)
{
	char waited[DURATION_SIZE];

	if (l->answer.result == LOCK_TAKEN)
		return say_taken(l);
	if (l->answer.result == LOCK_LOST)
		return cli_error(CLI_FAILED,
		    "%s had to let go: %s; nothing was locked%s", l->request.by,
		    l->answer.why,
		    l->request.attempt_id != NULL
			? ", and the worker is stopped; its work is kept"
			: "");
	if (l->wait_ms == 0)
		return cli_error(CLI_FAILED,
		    "%s: nothing was locked; --wait 5m waits for it", l->text);
	duration_format_exact(waited, l->wait_ms);
	return cli_error(CLI_FAILED,
	    "%s: nothing was locked (waited %s at most)", l->text, waited);
}

static int
lock(struct locking *l)
{
	struct interrupts interrupts;
	int result;

	if (interrupts_hold(&interrupts) < 0)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	result = try(l);
	if (l->request.waits && passing(result) == 0) {
		result = 0;
		if (claims_version(l->store, &l->version) == 0)
			result = wait_for(l, &interrupts);
		/* What can't be ended now ends by its time. */
		if (l->answer.result != LOCK_TAKEN && l->store->db != NULL &&
		    passing(edges_end(
			l->store, l->request.by, l->request.paths)) < 0)
			result = -1;
	}
	if (result < 0)
		(void)database_error(l->store);
	store_close(l->store);
	interrupts_release(&interrupts);
	return result < 0 ? CLI_FAILED : say(l);
}

static int64_t
parse_wait(const char *text)
{
	int64_t ms = 0;

	if (text != NULL && duration_parse(text, &ms) < 0)
		cli_fail(
		    CLI_USAGE, "--wait %s: no duration like 5m or 30s", text);
	return ms;
}

int
lock_run(struct cli *cli, int argc, char **argv)
{
	const char *as = NULL, *reason = NULL, *wait = NULL;
	const struct option_spec specs[] = {
		{ .name = "wait", .letter = 'w', .value = &wait },
		{ .name = "reason", .letter = 'r', .value = &reason },
		{ .name = "as", .value = &as },
	};
	struct caller caller;
	struct store s;
	struct locking l = { .cli = cli, .store = &s };
	int n = options_parse(cli, argc, argv, specs, 3, 1, INT_MAX), code;
	char **paths;

	caller_find(as, &caller);
	l.wait_ms = parse_wait(wait);
	paths = caller_paths(&argv[1], (size_t)n);
	database_open(cli, &s, STORE_WRITE);
	l.request = (struct lock_request){ .by = caller.name,
		.attempt_id = caller.attempt_id,
		.paths = paths,
		.reason = reason,
		.renewed = alive_by_record(cli->state_directory, caller.name) ==
		    ALIVE_YES,
		.waits = l.wait_ms > 0 };
	code = lock(&l);
	texts_free(paths);
	return code;
}

static int
unlock(struct store *s, const struct caller *caller, char *const *paths)
{
	int n = locks_release(s, caller->name, caller->attempt_id, paths);

	if (n < 0)
		return database_error(s);
	if (n == 0)
		printf("%s: nothing of that was locked\n", caller->name);
	else
		printf("%s: unlocked %d file%s\n", caller->name, n,
		    n > 1 ? "s" : "");
	return CLI_DONE;
}

int
unlock_run(struct cli *cli, int argc, char **argv)
{
	const char *as = NULL;
	const struct option_spec specs[] = {
		{ .name = "as", .value = &as },
	};
	int n = options_parse(cli, argc, argv, specs, 1, 0, INT_MAX), code;
	char **paths = NULL;
	struct caller caller;
	struct store s;

	caller_find(as, &caller);
	if (n > 0)
		paths = caller_paths(&argv[1], (size_t)n);
	database_open(cli, &s, STORE_WRITE);
	code = unlock(&s, &caller, paths);
	store_close(&s);
	texts_free(paths);
	return code;
}
