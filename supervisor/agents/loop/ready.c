#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/ready.h"
#include "agents/loop/setup.h"
#include "agents/loop/trouble.h"
#include "base/io.h"
#include "base/texts.h"
#include "git/leftover.h"

/* The repository can't be worked on for now. */
static bool
refuse(struct runner *r, int64_t now_ms)
{
	if (errno == EAGAIN || errno == ECANCELED) {
		r->not_before_ms = now_ms + 100; /* another loop is at it */
		return false;
	}
	trouble_note(r, now_ms, "repository", "%s", r->place.git.error);
	return false;
}

/*
 * The marker names the attempt whose work lies in the worktree: its process
 * died before it could save it. Only then is it taken away.
 */
static int
rescue(struct runner *r)
{
	struct git *g = &r->place.git;
	const struct worktree *w = &r->place.trees[TREE_WORK];
	char commit[GIT_HASH_SIZE];
	struct leftover l;
	int found = leftover_read(g, r->marker_path, &l);

	if (found <= 0)
		return found;
	if (leftover_keep(g, w, &l, r->config->name, r->place.provision.own,
		r->place.aside, commit) < 0 ||
	    provision_doubt(g, &r->place.provision, w, commit) < 0)
		return -1;
	log_line(&r->agent.log, "kept what an earlier run left as %s", l.ref);
	if (unlink(r->marker_path) < 0)
		return git_fail(
		    g, errno, "%s: %s", r->marker_path, strerror(errno));
	return 0;
}

/* Asked as whoever is to work in it would. */
static int
prove(struct runner *r, enum workplace_tree tree)
{
	const bool works = tree == TREE_WORK;
	const struct worker w = { .hooks = &r->hooks };
	struct workplace *place = &r->place;
	char **envp;
	int result;

	if (place->is_proven[tree])
		return 0;
	envp = worker_environment(r->config, NULL, works ? &w : NULL);
	if (envp == NULL)
		return git_fail(&place->git, ENOMEM, "out of memory");
	result = worktree_prove(&place->git, &place->trees[tree], envp,
	    works ? r->config->branch : NULL, r->base);
	place->is_proven[tree] = result == 0;
	texts_free(envp);
	return result;
}

static bool
make_tree(struct runner *r, enum workplace_tree tree, int64_t now_ms)
{
	int due;

	if (workplace_reset(&r->place, tree, r->base) < 0 || prove(r, tree) < 0)
		return refuse(r, now_ms);
	due = provision_is_due(
	    &r->place.git, &r->place.provision, &r->place.trees[tree], r->base);
	if (due < 0)
		return refuse(r, now_ms);
	if (due == 0)
		return true;
	r->setup_tree = tree;
	if (setup_open_log(r) < 0 || setup_start(r, PHASE_SETUP) < 0) {
		io_close(&r->transcript_fd);
		trouble_note(r, now_ms, "setup", "setup can't be started: %s",
		    strerror(errno));
	}
	return false;
}

bool
ready_make(struct runner *r, int64_t now_ms)
{
	char what[PATH_SIZE];

	if (workplace_open(&r->place, r->base) < 0)
		return refuse(r, now_ms);
	if (r->place.aside[0] != '\0')
		log_line(&r->agent.log, "set aside what a dead git left: %s",
		    r->place.aside);
	if (rescue(r) < 0)
		return refuse(r, now_ms);
	if (hooks_write(&r->hooks, what) < 0) {
		trouble_note(
		    r, now_ms, "hooks", "%s: %s", what, strerror(errno));
		return false;
	}
	if (!r->place.is_proven[TREE_WORK] &&
	    hooks_set_worktree_config(
		&r->place.git, &r->place.trees[TREE_WORK], &r->hooks) < 0)
		return refuse(r, now_ms);
	return make_tree(r, TREE_WORK, now_ms) &&
	    make_tree(r, TREE_VERIFY, now_ms);
}

void
ready_set_up(struct runner *r, int64_t now_ms)
{
	char text[192];

	io_close(&r->transcript_fd);
	runner_enter(r, PHASE_IDLE);
	if (r->agent.stopping)
		return;
	if (r->job.cause != JOB_EXITED || r->job.code != 0) {
		job_describe(&r->job, text, sizeof(text));
		trouble_note(r, now_ms, "setup",
		    "setup: %s: see %s/logs/setup.log", text, r->specs);
	} else if (provision_done(&r->place.git, &r->place.provision,
		       &r->place.trees[r->setup_tree], r->base,
		       r->setup_tree == TREE_VERIFY) < 0) {
		(void)refuse(r, now_ms);
	} else {
		r->look = true;
	}
}
