/* What there is to roll back, and the commits that do it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "cli/database.h"
#include "cli/print.h"
#include "cli/rollback.h"
#include "git/history.h"

#define SHORT_HASH 12

struct planning {
	struct rolling *r;
	/* What the commits that came before undo, newest first. */
	char (*reverts)[GIT_HASH_SIZE];
	size_t nreverts;
	bool failed; /* out of memory */
	int code;    /* of the one commit that is no loop's */
};

static bool
note_revert(struct planning *p, const char *hash)
{
	void *more =
	    reallocarray(p->reverts, p->nreverts + 1, sizeof(*p->reverts));

	if (more == NULL)
		return false;
	p->reverts = more;
	(void)strlcpy(p->reverts[p->nreverts++], hash, sizeof(*p->reverts));
	return true;
}

static bool
is_reverted(const struct planning *p, const char *hash)
{
	for (size_t i = 0; i < p->nreverts; i++)
		if (strcmp(p->reverts[i], hash) == 0)
			return true;
	return false;
}

/* Whether one of the n newest commits stands and passed it. */
static bool
is_passed(const struct rolling *r, size_t n, const char *test)
{
	for (size_t i = 0; i < n; i++)
		if (!r->commits[i].reverted &&
		    strcmp(r->commits[i].test, test) == 0)
			return true;
	return false;
}

static bool
note_commit(struct planning *p, const struct history_commit *commit)
{
	struct rolling *r = p->r;
	struct rollback_commit *c =
	    reallocarray(r->commits, r->ncommits + 1, sizeof(*r->commits));

	if (c == NULL)
		return false;
	r->commits = c;
	c += r->ncommits;
	*c = (struct rollback_commit){ 0 };
	c->subject = texts_add(&r->subjects, commit->subject);
	if (c->subject == NULL)
		return false;
	(void)strlcpy(c->hash, commit->hash, sizeof(c->hash));
	(void)strlcpy(c->test, commit->test, sizeof(c->test));
	c->reverted = is_reverted(p, c->hash);
	c->passed_since = c->reverted && is_passed(r, r->ncommits, c->test);
	r->ncommits++;
	r->nreverts += !c->reverted;
	return true;
}

static void
note(const struct history_commit *commit, void *argument)
{
	struct planning *p = argument;

	if (p->failed)
		return;
	if (commit->reverts[0] == '\0')
		p->failed = !note_commit(p, commit);
	else if (!is_reverted(p, commit->hash)) /* else it was undone */
		p->failed = !note_revert(p, commit->reverts);
}

/* The last rollback of the one commit is what counts. */
static void
note_rollback(const struct history_commit *commit, void *argument)
{
	struct planning *p = argument;

	if (p->failed || commit->reverts[0] == '\0')
		return;
	p->failed = strcmp(commit->reverts, p->r->undo) != 0
	    ? !note_revert(p, commit->reverts)
	    : p->r->ncommits == 0 && !note_commit(p, commit);
}

/* A rollback that died between its two halves. */
static int
find_left(struct rolling *r)
{
	for (size_t i = 0; i < r->ncommits; i++) {
		struct rollback_commit *c = &r->commits[i];
		int passing = !c->reverted || c->test[0] == '\0'
		    ? 0
		    : rollbacks_is_passing(r->store, c->test, c->hash);

		if (passing < 0)
			return database_error(r->store);
		c->left = passing > 0;
		r->nleft += c->left;
	}
	return CLI_DONE;
}

/* Whether there is a rollback to undo, and the test waits for nothing else. */
static int
check_undo(struct rolling *r)
{
	struct rollback_commit *c = r->commits;
	int passed, passing;

	if (r->ncommits == 0)
		return cli_error(CLI_FAILED,
		    "%.*s wasn't rolled back from %s as one of %s", SHORT_HASH,
		    r->undo, r->config->integration_branch, r->config->name);
	passed = rollbacks_has_passed(r->store, c->test);
	passing = rollbacks_is_passing(r->store, c->test, r->undo);
	if (passed < 0 || passing < 0)
		return database_error(r->store);
	if (passed > 0 && !c->reverted)
		return cli_error(CLI_FAILED,
		    "%s has passed anew since %.*s was rolled back: roll that "
		    "back first ('loopkeeper rollback %s --only %s')",
		    c->test, SHORT_HASH, r->undo, r->config->name, c->test);
	c->left = c->reverted && c->test[0] != '\0' && passed + passing == 0;
	r->nleft = c->left;
	return CLI_DONE;
}

/* Leaves out all commits but the one. Of a test that is the last one that
 * stands, with those that were undone halfway. */
static void
narrow(struct rolling *r)
{
	size_t n = 0;

	r->nreverts = r->nleft = 0;
	for (size_t i = 0; i < r->ncommits; i++) {
		struct rollback_commit *c = &r->commits[i];
		bool is_wanted = r->only[0] != '\0'
		    ? strcmp(c->test, r->only) == 0 &&
			(c->left || (!c->reverted && r->nreverts == 0))
		    : strcmp(c->hash, r->commit) == 0;

		if (!is_wanted)
			continue;
		/* What isn't rolled back may have done it anew. */
		if (r->commit[0] != '\0' && c->test[0] != '\0')
			c->passed_since = is_passed(r, i, c->test);
		r->nreverts += !c->reverted;
		r->nleft += c->left;
		r->commits[n++] = *c;
	}
	r->ncommits = n;
}

static void
note_other(const struct history_commit *commit, void *argument)
{
	struct planning *p = argument;

	if (commit->reverts[0] != '\0')
		p->code = cli_error(CLI_FAILED,
		    "%.*s is a rollback itself: 'loopkeeper rollback %s "
		    "--undo %.*s' takes it back",
		    SHORT_HASH, commit->hash, commit->loop, SHORT_HASH,
		    commit->reverts);
	else if (commit->loop[0] != '\0')
		p->code = cli_error(CLI_FAILED,
		    "%.*s was made by %s: 'loopkeeper rollback %s --commit "
		    "%.*s'",
		    SHORT_HASH, commit->hash, commit->loop, commit->loop,
		    SHORT_HASH, commit->hash);
	else
		p->failed = !note_commit(p, commit);
}

/* One that no loop has made may be rolled back alone. */
static int
add_other(struct planning *p)
{
	struct rolling *r = p->r;

	for (size_t i = 0; i < r->ncommits; i++)
		if (strcmp(r->commits[i].hash, r->commit) == 0)
			return CLI_DONE;
	if (history_read(&r->git, r->commit, note_other, p) < 0)
		return cli_error(CLI_FAILED, "%s", r->git.error);
	return p->code;
}

int
rollback_plan(struct rolling *r)
{
	struct planning p = { .r = r, .code = CLI_DONE };
	int code = CLI_DONE;

	bool undo = r->undo[0] != '\0';

	if (history_each(&r->git, r->tip, r->since, r->config->name,
		undo ? note_rollback : note, &p) < 0)
		code = cli_error(CLI_FAILED, "%s", r->git.error);
	if (code == CLI_DONE && r->commit[0] != '\0')
		code = add_other(&p);
	free(p.reverts);
	if (code == CLI_DONE && p.failed)
		code = cli_error(CLI_FAILED, "out of memory");
	if (code == CLI_DONE)
		code = undo ? check_undo(r) : find_left(r);
	if (code == CLI_DONE && (r->only[0] != '\0' || r->commit[0] != '\0'))
		narrow(r);
	return code;
}

void
rollback_forget(struct rolling *r)
{
	texts_free(r->subjects.items);
	r->subjects = (struct texts){ 0 };
	free(r->commits);
	r->commits = NULL;
	r->ncommits = r->nreverts = r->nleft = 0;
}

void
rollback_print(const struct rolling *r)
{
	for (size_t i = 0; i < r->ncommits; i++) {
		const struct rollback_commit *c = &r->commits[i];

		if (c->reverted && !c->left)
			continue;
		printf("  %.*s  %s  ", SHORT_HASH, c->hash,
		    c->test[0] != '\0' ? c->test : "-");
		print_clean(c->subject);
		printf("%s\n", c->left ? "  (reverted already)" : "");
	}
}

static char *
message_for(const struct rolling *r, const struct rollback_commit *c)
{
	char *text;
	int n = asprintf(&text,
	    "Revert \"%s\"\n\nThis reverts commit %s.\n\nLoop: %s\n%s%s%s"
	    "Reverts: %s\n",
	    c->subject, c->hash, r->config->name,
	    c->test[0] != '\0' ? "Test: " : "", c->test,
	    c->test[0] != '\0' ? "\n" : "", c->hash);

	return n < 0 ? NULL : text;
}

int
rollback_make(struct rolling *r)
{
	char conflicts[1024], next[GIT_HASH_SIZE];

	(void)strlcpy(r->new, r->tip, sizeof(r->new));
	for (size_t i = 0; i < r->ncommits; i++) {
		const struct rollback_commit *c = &r->commits[i];
		char *message;
		int made;

		if (c->reverted)
			continue;
		message = message_for(r, c);
		if (message == NULL)
			return cli_error(CLI_FAILED, "out of memory");
		made = repository_revert(&r->git, c->hash, r->new, message,
		    next, conflicts, sizeof(conflicts));
		free(message);
		if (made < 0)
			return cli_error(CLI_FAILED, "%s", r->git.error);
		if (made == 0)
			return cli_error(CLI_FAILED,
			    "%.*s (%s) can't be undone: later work has "
			    "changed the same lines of %s; nothing was "
			    "changed%s",
			    SHORT_HASH, c->hash,
			    c->test[0] != '\0' ? c->test : c->subject,
			    conflicts,
			    r->ncommits > 1 ? ". --to a later checkpoint goes "
					      "back less far"
					    : "");
		(void)strlcpy(r->new, next, sizeof(r->new));
	}
	return CLI_DONE;
}

/* Within the transaction: without the database nothing moves. */
static int
move_branch(void *argument)
{
	struct rolling *r = argument;
	int moved = strcmp(r->new, r->tip) == 0
	    ? 1
	    : repository_move_ref(
		  &r->git, r->ref, r->new, r->tip, "loopkeeper: rollback");

	if (moved == 0)
		errno = ESTALE;
	return moved > 0 ? 0 : -1;
}

static int
write_undo(struct rolling *r)
{
	return rollbacks_undo(r->store,
	    &(struct rollback_undo){ .loop_id = r->config->name,
		.test_id = r->commits[0].test,
		.commit = r->undo,
		.tip = r->new,
		.by = database_user() },
	    move_branch, r);
}

static int
write_rollback(struct rolling *r)
{
	struct rollback rollback = { .loop_id = r->config->name,
		.git_ref = r->since[0] != '\0' ? r->since : NULL,
		.test_id = r->only[0] != '\0' ? r->only
		    : r->commit[0] != '\0'    ? r->commits[0].test
					      : NULL,
		.by = database_user() };
	struct rollback_row *rows = calloc(r->ncommits + 1, sizeof(*rows));
	int n;

	if (rows == NULL)
		return store_refuse(r->store, ENOMEM, "out of memory");
	for (size_t i = 0; i < r->ncommits; i++) {
		const struct rollback_commit *c = &r->commits[i];

		if ((c->reverted && !c->left) || c->test[0] == '\0')
			continue;
		rows[rollback.nrows++] =
		    (struct rollback_row){ c->test, c->hash, !c->passed_since };
	}
	rollback.rows = rows;
	n = rollbacks_write(r->store, &rollback, move_branch, r);
	free(rows);
	return n;
}

int
rollback_write(struct rolling *r)
{
	int n, error;

	r->git.error[0] = '\0';
	n = r->undo[0] != '\0' ? write_undo(r) : write_rollback(r);
	error = errno;
	if (n < 0 && r->git.error[0] != '\0' && error != ESTALE)
		(void)cli_error(CLI_FAILED, "%s", r->git.error);
	else if (n < 0 && error != ESTALE)
		(void)database_error(r->store);
	errno = error;
	return n;
}
