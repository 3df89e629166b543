/*
 * force-unlock: somebody's locks are taken from him. A loop that works on a
 * test loses that first: its worker is stopped and the work saved before
 * anybody else may change the files.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/print.h"
#include "git/repository.h"
#include "store/alive.h"
#include "store/force.h"
#include "store/health.h"
#include "store/queries_locks.h"
#include "store/recovery.h"

#define LOOK_MS	    100
#define PATIENCE_MS 30000 /* for a worker to end and its work to be saved */
#define WHY	    "force-unlock"

/* What was said of one before it was asked. */
struct shown {
	bool any; /* there is something to be taken from it */
	struct force_work work;
};

struct unlocking {
	struct cli *cli;
	struct store *store;
	struct names names;  /* whose locks they are */
	struct shown *shown; /* of each of them; owned */
	bool dry_run;
	bool yes;
	/* While they are looked at. */
	const char *name;
	struct force_work *work;
	int64_t locks;
	int64_t waits;
	bool works; /* one of them does */
};

/* Who isn't of the fleet tells it by the database, if at all. */
static bool
lives(const struct unlocking *u, const char *name)
{
	switch (alive_by_record(u->cli->state_directory, name)) {
	case ALIVE_YES: return true;
	case ALIVE_NO: return false;
	case ALIVE_UNKNOWN: break;
	}
	return health_beats(u->store, name) > 0;
}

/* For a repair: who has left an outcome isn't done with it. */
static bool
is_alive(const char *name, void *argument)
{
	const struct unlocking *u = argument;

	return lives(u, name) ||
	    alive_left_outcome(u->cli->state_directory, name);
}

static int
count(const struct lock_row *row, void *argument)
{
	struct unlocking *u = argument;

	u->locks += strcmp(row->locked_by, u->name) == 0;
	return 0;
}

static int
count_waiter(const char *name, void *argument)
{
	struct unlocking *u = argument;

	u->waits += strcmp(name, u->name) == 0;
	return 0;
}

static void
print_cost(const struct unlocking *u, const struct work_row *row)
{
	if (row->cost_usd < 0)
		printf(", cost unknown");
	else
		printf(", %.2f USD", row->cost_usd);
	printf(" so far): its worker %s stopped, what it has done kept as %s, "
	       "and the test pending again\n",
	    u->dry_run ? "would be" : "is",
	    row->snapshot_ref[0] != '\0' ? row->snapshot_ref : "a snapshot");
}

/* Of another program nobody knows what it runs. */
static void
print_foreign(const struct unlocking *u)
{
	bool is_component =
	    alive_by_record(u->cli->state_directory, u->name) == ALIVE_YES;

	printf("): it is another program's loop and goes on with that");
	if (is_component)
		printf(" until 'loopkeeper restart %s'", u->name);
	printf(", but the test %s pending again\n",
	    u->dry_run ? "would be" : "is");
}

/* What it costs, before anything is changed. */
static int
print_work(const struct work_row *row, void *argument)
{
	struct unlocking *u = argument;
	int64_t age_ms = print_age_ms(row->started_at);
	char since[DURATION_SIZE];

	force_keep_work(u->work, row);
	if (!lives(u, u->name))
		return 0;
	u->works = true;
	duration_format(since, age_ms > 0 ? age_ms : 0);
	printf("%s works on %s (attempt %lld", u->name, row->test_id,
	    (long long)row->attempt);
	if (row->max_attempts > 0)
		printf(" of %lld", (long long)row->max_attempts);
	printf(", for %s", since);
	if (row->is_ours)
		print_cost(u, row);
	else
		print_foreign(u);
	return 0;
}

/* Whether there is anything to be taken from one. 0, or -1 with errno. */
static int
look(struct unlocking *u, const char *name, struct shown *ret)
{
	u->name = name;
	u->work = &ret->work;
	u->locks = u->waits = 0;
	if (queries_each_lock(u->store, count, u) < 0 ||
	    queries_each_holder(u->store, count_waiter, u) < 0)
		return -1;
	if (u->waits == 0) {
		printf("%s: has locked nothing and waits for nobody\n", name);
		return 0;
	}
	if (u->dry_run)
		printf("would unlock %lld file%s of %s\n", (long long)u->locks,
		    u->locks == 1 ? "" : "s", name);
	ret->any = true;
	return queries_work(u->store, name, print_work, u);
}

/* Until a loop has let go, or has died: then it is repaired. */
static int
await(struct unlocking *u, const char *name)
{
	int64_t until_ms = clock_ms() + PATIENCE_MS;
	int left;

	while ((left = force_left(u->store, name)) > 0 && lives(u, name) &&
	    clock_ms() < until_ms)
		(void)poll(NULL, 0, LOOK_MS);
	if (left < 0)
		return database_error(u->store);
	if (left > 0 && lives(u, name))
		return cli_error(CLI_FAILED,
		    "%s has not let go of %d file%s within %d s: they stay "
		    "locked until it does; 'loopkeeper restart %s' ends it",
		    name, left, left == 1 ? "" : "s", PATIENCE_MS / 1000, name);
	return CLI_DONE;
}

/* What the dead left, if it is dead. */
static int
repair(struct unlocking *u, const char *name, int64_t *ret_locks)
{
	const struct recovery recovery = { .is_alive = is_alive,
		.is_merged = repository_was_merged,
		.argument = u,
		.by = database_user() };
	struct recovery_counts counts = { 0 };
	int result;

	while ((result = recovery_run(u->store, &recovery, name, &counts)) == 1)
		continue;
	*ret_locks = counts.locks;
	return result;
}

static int
unlock(struct unlocking *u, const char *name, const struct force_work *shown)
{
	struct force_released released;
	int64_t repaired, more, unlocked;
	int code;

	/* A merge that only lacks its end is found before all else. */
	if (repair(u, name, &repaired) < 0)
		return database_error(u->store);
	code = force_release(u->store, name, database_user(), WHY,
	    u->yes ? NULL : shown, &released);
	if (code < 0)
		return database_error(u->store);
	if (code == 1)
		return cli_error(CLI_FAILED,
		    "%s works on something else by now: it keeps that and its "
		    "locks; 'loopkeeper force-unlock %s' asks again",
		    name, name);
	if (released.left > 0 &&
	    alive_left_outcome(u->cli->state_directory, name) &&
	    !lives(u, name))
		return cli_error(CLI_FAILED,
		    "%s has an outcome to write first; 'loopkeeper start %s' "
		    "does that",
		    name, name);
	code = await(u, name);
	if (code != CLI_DONE)
		return code;
	if (repair(u, name, &more) < 0)
		return database_error(u->store);
	unlocked = repaired + released.locks + released.left;
	printf("%s: unlocked %lld file%s", name, (long long)unlocked,
	    unlocked == 1 ? "" : "s");
	if (released.test_id[0] != '\0')
		printf("; %s is pending again", released.test_id);
	(void)putchar('\n');
	return CLI_DONE;
}

static int
unlock_all(struct unlocking *u)
{
	int code = CLI_DONE, one;

	u->shown = calloc(u->names.n + 1, sizeof(u->shown[0]));
	if (u->shown == NULL)
		return cli_error(CLI_FAILED, "out of memory");
	for (size_t i = 0; i < u->names.n; i++)
		if (look(u, u->names.items[i], &u->shown[i]) < 0)
			return database_error(u->store);
	if (u->works && !u->dry_run)
		code = confirm("Do that, and unlock", u->yes);
	for (size_t i = 0; code == CLI_DONE && !u->dry_run && i < u->names.n;
	     i++) {
		if (!u->shown[i].any)
			continue;
		one = unlock(u, u->names.items[i], &u->shown[i].work);
		if (one != CLI_DONE)
			code = one;
	}
	return code;
}

static int
add_holder(const char *name, void *argument)
{
	return names_add_new(argument, name);
}

/* The loop that word means, or anybody else who has locked something. */
static int
find(struct unlocking *u, const char *word)
{
	struct names all;
	const char *found = NULL, *nearest;
	int code = CLI_DONE;

	if (ids_list(u->cli, u->store, IDS_LOOP, &all) < 0 ||
	    queries_each_holder(u->store, add_holder, &all) < 0) {
		code = database_error(u->store);
	} else if (names_match(&all, word, &found) != NAMES_ONE) {
		nearest = names_nearest(&all, word);
		code = cli_error(CLI_FAILED,
		    "there is no loop %s, and nobody of that name has locked "
		    "anything%s%s%s",
		    word, nearest != NULL ? "; did you mean " : "",
		    nearest != NULL ? nearest : "",
		    nearest != NULL ? "?" : "; 'loopkeeper locks' shows who");
	} else if (names_add(&u->names, found) < 0) {
		code = cli_error(CLI_FAILED, "%s", strerror(errno));
	}
	names_free(&all);
	return code;
}

static int
find_all(struct unlocking *u)
{
	if (queries_each_holder(u->store, add_holder, &u->names) < 0)
		return database_error(u->store);
	if (u->names.n == 0)
		printf("no file is locked, and nobody waits\n");
	return CLI_DONE;
}

int
force_unlock_run(struct cli *cli, int argc, char **argv)
{
	bool all = strcmp(argv[0], "force-unlock-all") == 0;
	struct store s;
	struct unlocking u = { .cli = cli, .store = &s };
	const struct option_spec specs[] = {
		{ .name = "all", .letter = 'a', .flag = &all },
		{ .name = "yes", .letter = 'y', .flag = &u.yes },
		{ .name = "dry-run", .letter = 'n', .flag = &u.dry_run },
	};
	int n = options_parse(cli, argc, argv, specs, 3, 0, 1), code;

	if ((n == 0) != all)
		cli_usage("force-unlock");
	database_open(cli, &s, u.dry_run ? STORE_READ : STORE_WRITE);
	code = all ? find_all(&u) : find(&u, argv[1]);
	if (code == CLI_DONE)
		code = unlock_all(&u);
	free(u.shown);
	names_free(&u.names);
	store_close(&s);
	return code;
}
