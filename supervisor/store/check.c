#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "base/texts.h"
#include "store/alerts.h"
#include "store/check.h"
#include "store/expiry.h"
#include "store/guard.h"
#include "store/note.h"
#include "store/recovery.h"
#include "store/statement.h"

#define STRANGERS_SIZE 4096

struct run {
	const struct check *c;
	struct store *s;
	bool released;	/* it was, and is taken back here */
	bool replaced;	/* another file lay there: a new epoch */
	bool exclusive; /* the lock is held so */
	int loop_fd;	/* the lock of a loop whose work is being kept; or -1 */
	struct alive_watch watch;
	char damage[256]; /* what is wrong with the file; "" nothing */
};

static void
say(const struct run *run, const char *line)
{
	run->c->say(line, run->c->argument);
}

/*
 * The lock: exclusively where nobody has the database open, so that strays
 * can be moved aside; else as any opener. Returns it, -1 with EAGAIN for
 * "as any opener", or -1.
 */
static int
take(struct run *run)
{
	const char *state = run->c->state_directory;
	int fd = run->c->lock_fd, replaced;

	if (fd < 0)
		fd = guard_take(state);
	if (fd < 0)
		return -1;
	replaced = guard_check(fd, state, &run->released);
	if (replaced < 0) {
		io_close(&fd);
		return -1;
	}
	run->replaced = replaced == 1;
	run->exclusive = true;
	return fd;
}

/* 0, 1 damaged (run->damage says how), -1. */
static int
look_through(struct run *run)
{
	char result[sizeof(run->damage)] = "";

	if (statement_get(run->s, "PRAGMA quick_check(1)", ">s", result,
		sizeof(result)) < 0) {
		if (errno != EUCLEAN)
			return -1;
		(void)snprintf(result, sizeof(result), "%s",
		    strrchr(store_error(run->s), ':') + 2);
	}
	if (strcmp(result, "ok") == 0)
		return 0;
	(void)snprintf(run->damage, sizeof(run->damage), "%s", result);
	text_clean(run->damage);
	return 1;
}

/* Opens what lies there. 0, 1 damaged, -1. */
static int
open_store(struct run *run)
{
	enum store_mode mode = run->c->dry_run ? STORE_WRITE : STORE_CREATE;
	int fd = take(run), result;

	if (fd >= 0 && !run->c->dry_run)
		result = store_open_held(run->s, run->c->state_directory, fd);
	else if (fd >= 0 || errno == EAGAIN) {
		io_close(&fd);
		run->exclusive = false;
		result = store_open(run->s, run->c->state_directory, mode);
	} else {
		return store_refuse(run->s, errno, "%s/database.lock: %s",
		    run->c->state_directory, strerror(errno));
	}
	if (result < 0) {
		if (errno != EUCLEAN)
			return -1;
		(void)snprintf(
		    run->damage, sizeof(run->damage), "it is no database");
		return 1;
	}
	run->replaced |= run->s->replaced;
	return look_through(run);
}

/* The damaged one goes aside, a fresh one is made. 0 or -1. */
static int
replace(struct run *run)
{
	char line[PATH_SIZE + 512], aside[PATH_SIZE] = "";

	if (run->c->dry_run) {
		store_close(run->s);
		(void)store_refuse(run->s, EUCLEAN,
		    "the database is damaged (%s): would be moved aside",
		    run->damage);
		say(run, store_error(run->s));
		return -1;
	}
	/* Whoever is writing is through first, and whoever begins later sees
	 * that it has moved. Where that much is damaged nobody writes. */
	if (run->s->db != NULL &&
	    statement_run(run->s, "BEGIN IMMEDIATE", "") < 0 && errno == EBUSY)
		return -1;
	if (guard_set_aside(run->c->state_directory, true, "damaged", aside) <
	    0)
		return store_refuse(run->s, errno,
		    "cannot move the damaged database aside: %s",
		    strerror(errno));
	store_close(run->s);
	if (store_open(run->s, run->c->state_directory, STORE_CREATE) < 0)
		return -1;
	run->exclusive = false;
	(void)snprintf(line, sizeof(line),
	    "THE DATABASE WAS DAMAGED (%s): moved aside to %s, a fresh one was "
	    "made",
	    run->damage, aside);
	say(run, line);
	return note_event(run->s, run->c->by, "database_damaged", "ttt",
	    "component", "recorder", "detail", run->damage, "moved_to", aside);
}

/* A new epoch for a file that the inode alone doesn't show to be another. */
static int
renew_epoch(struct run *run)
{
	if (!run->replaced || run->c->dry_run)
		return 0;
	if (note_begin(run->s) < 0)
		return -1;
	return store_end(run->s, store_new_epoch(run->s));
}

static bool
is_alive(const char *loop_id, void *argument)
{
	const struct run *run = argument;
	enum alive known = run->c->known(loop_id, run->c->argument);

	if (alive_left_outcome(run->c->state_directory, loop_id))
		return true;
	return known == ALIVE_UNKNOWN ? alive_watch_moved(&run->watch, loop_id)
				      : known == ALIVE_YES;
}

static void
say_finding(const char *line, void *argument)
{
	say(argument, line);
}

/* Whether nobody else will look after what that attempt left. Its loop isn't
 * begun meanwhile: until another one is asked for its lock is ours. */
static bool
take_left(const char *attempt, char *ret_loop, size_t size, void *argument)
{
	struct run *run = argument;
	const struct check *c = run->c;

	io_close(&run->loop_fd);
	if (statement_get(run->s, "SELECT loop_id FROM attempts WHERE id = ?1",
		"t>s", attempt, ret_loop, size) != 1 ||
	    c->will_run(ret_loop, c->argument) ||
	    c->known(ret_loop, c->argument) == ALIVE_YES)
		return false;
	if (c->dry_run)
		return true;
	run->loop_fd = alive_lock(c->state_directory, ret_loop);
	return run->loop_fd >= 0;
}

/* Worktrees of loops that were taken out of the configuration. */
struct strangers {
	struct run *run;
	const char *repository;
	struct buf commands; /* that remove them */
	size_t n;
};

static void
note_stranger(const char *path, const char *loop, void *argument)
{
	struct strangers *o = argument;
	const struct check *c = o->run->c;
	char copies[PATH_SIZE];
	int64_t one;

	if (c->has_loop(loop, c->argument) ||
	    c->known(loop, c->argument) == ALIVE_YES ||
	    statement_get(o->run->s, "SELECT 1 FROM loops WHERE id = ?1", "t>i",
		loop, &one) != 1)
		return;
	buf_addf(&o->commands, "%sgit -C '%s' worktree remove --force '%s'",
	    o->n++ > 0 ? "; " : "", o->repository, path);
	/* Copies of what setup made there, of which git knows nothing. */
	if (path_format(copies, "%s.setup", path) == 0 &&
	    access(copies, F_OK) == 0)
		buf_addf(&o->commands, "; rm -r '%s'", copies);
}

/* They aren't deleted, but told of as long as they are there. */
static int
tell_strangers(struct run *run, char *const *repositories)
{
	const struct check *c = run->c;
	char commands[STRANGERS_SIZE], message[STRANGERS_SIZE + 128];
	const struct alert alert = { .cause = "strangers",
		.severity = "info",
		.type = "worktrees_left",
		.source = "recorder",
		.message = message };
	struct strangers o = { .run = run };

	buf_init(&o.commands, commands, sizeof(commands));
	for (; *repositories != NULL; repositories++) {
		o.repository = *repositories;
		c->trees(*repositories, c->state_directory, note_stranger, &o);
	}
	if (c->dry_run)
		return 0;
	(void)snprintf(message, sizeof(message),
	    "%zu worktree%s of loops that are no more in the configuration: %s",
	    o.n, o.n == 1 ? "" : "s", commands);
	return (o.n > 0 ? alerts_raise(run->s, &alert, NULL)
			: alerts_clear(run->s, alert.source, alert.cause)) < 0
	    ? -1
	    : 0;
}

/* What is kept first is there when its attempt is closed. */
static int
save_left(struct run *run)
{
	const struct check *c = run->c;
	struct sqlite3_stmt *rows;
	const char *repository;
	struct texts list = { 0 };
	char **all;
	int more;

	if (c->save == NULL || c->will_run == NULL)
		return 0;
	rows = statement_query(run->s,
	    "SELECT DISTINCT repository FROM attempts"
	    " WHERE repository IS NOT NULL",
	    "");
	while ((more = statement_row(run->s, rows, "t", &repository)) == 1)
		(void)texts_add(&list, repository);
	statement_end(rows);
	all = texts_take(&list);
	for (size_t i = 0; more == 0 && all != NULL && all[i] != NULL; i++)
		c->save(all[i], c->state_directory, take_left, say_finding,
		    c->dry_run, run);
	io_close(&run->loop_fd);
	if (more == 0 && all != NULL)
		more = tell_strangers(run, all);
	texts_free(all);
	return more;
}

static int
recover(struct run *run)
{
	struct recovery r = { .is_alive = is_alive,
		.is_merged = run->c->is_merged,
		.say = say_finding,
		.argument = run,
		.by = run->c->by,
		.dry_run = run->c->dry_run };
	int64_t jump_ms;
	int result;

	if (!r.dry_run && expiry_follow(run->s, &jump_ms) < 0)
		return -1;
	if (save_left(run) < 0)
		return -1;
	if (alive_watch(run->s, run->c->known, run->c->argument, CHECK_WATCH_MS,
		&run->watch) < 0)
		return -1;
	do
		result = recovery_run(run->s, &r, NULL, NULL);
	while (result == 1);
	alive_watch_free(&run->watch);
	return result;
}

static int
run_all(struct run *run)
{
	int opened = open_store(run);

	if (opened < 0)
		return -1;
	/* Longer than opening takes it is held only for what was released:
	 * there nobody may be sooner than the new epoch. */
	if (opened == 0 && run->exclusive && !run->released &&
	    guard_share(run->s->lock_fd) < 0)
		return -1;
	if (opened == 1 && replace(run) < 0)
		return -1;
	/* Whoever opens it does that. */
	if (run->c->dry_run && run->s->extended)
		say(run,
		    "the tables were another version's: they are this one's "
		    "now, as after any other command");
	if (run->s->created)
		say(run, "made a new database");
	else if (run->replaced)
		say(run, "the database file was replaced: it has a new epoch");
	if (renew_epoch(run) < 0 || recover(run) < 0)
		return -1;
	return run->exclusive ? guard_share(run->s->lock_fd) : 0;
}

int
check_run(const struct check *c, struct store *s)
{
	struct run run = { .c = c, .s = s, .loop_fd = -1 };
	int released;

	*s = (struct store){ .lock_fd = -1 };
	released = c->lock_fd >= 0
	    ? 0
	    : guard_is_wanted_released(
		  c->state_directory, s->error, sizeof(s->error));
	if (released < 0)
		return store_refuse(s, errno, "%s/wanted: %s",
		    c->state_directory, strerror(errno));
	if (released > 0) {
		errno = ESHUTDOWN;
		return -1;
	}
	if (run_all(&run) < 0) {
		store_close(s);
		return -1;
	}
	return 0;
}
