#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/common/patterns.h"
#include "agents/monitor/same_file.h"
#include "base/hash.h"
#include "base/pattern.h"
#include "base/texts.h"
#include "git/repository.h"
#include "git/snapshot.h"
#include "store/conflicts.h"

/* Room for one more; NULL when there is no memory. */
static void *
grow(void *list, size_t n, size_t *room, size_t size)
{
	size_t more = *room > 0 ? 2 * *room : 16;
	void *grown;

	if (n < *room)
		return list;
	grown = reallocarray(list, more, size);
	if (grown != NULL)
		*room = more;
	return grown;
}

void
same_file_add(struct same_file *w, struct changed *changed,
    const struct progress *attempt)
{
	struct same_file_side *side;

	if (w->agent->conf->monitor.same_file_within_ms == 0 ||
	    changed->n == 0 || attempt->base_commit[0] == '\0')
		return;
	side = grow(w->sides, w->nsides, &w->sides_room, sizeof(*w->sides));
	/* Whoever there is no memory for is looked at next time. */
	if (side == NULL)
		return;
	w->sides = side;
	side = &w->sides[w->nsides++];
	*side = (struct same_file_side){ .changed = changed };
	(void)snprintf(
	    side->test_id, sizeof(side->test_id), "%s", attempt->test_id);
	(void)snprintf(side->base_commit, sizeof(side->base_commit), "%s",
	    attempt->base_commit);
}

static void
read_scope(struct same_file *w, struct same_file_side *side)
{
	struct progress_scope scope = { 0 };
	int found;

	if (side->is_scoped)
		return;
	found = progress_scope(&w->agent->store, side->test_id, &scope);
	if (found < 0)
		agent_failed(w->agent, "reading the scope of a test");
	if (found > 0)
		patterns_read(&side->tests, scope.test_files);
	side->allows_tests = scope.allow_test_changes;
	side->is_scoped = true;
	progress_scope_free(&scope);
}

/* What a worker does to files of tests is never merged. */
static bool
is_work(const struct same_file_side *side, size_t i)
{
	const struct changed *c = side->changed;

	return side->allows_tests ||
	    !(pattern_any(c->config->test_files, c->files[i].path) ||
		pattern_any(side->tests.items, c->files[i].path));
}

/* Whether both merge into the same branch. */
static bool
is_beside(const struct same_file_side *a, const struct same_file_side *b)
{
	const struct loop_config *x = a->changed->config;
	const struct loop_config *y = b->changed->config;

	return strcmp(x->repository, y->repository) == 0 &&
	    strcmp(x->integration_branch, y->integration_branch) == 0;
}

static uint64_t
mix(uint64_t hash, const struct changed_file *file)
{
	hash = hash_bytes(hash, file->path, strlen(file->path) + 1);
	return hash_bytes(hash, &file->wall_ms, sizeof(file->wall_ms));
}

/* The files that both have changed within the time for it. Returns a hash of
 * how they are. */
static uint64_t
find_common(struct same_file *w, struct same_file_side *x,
    struct same_file_side *y, struct texts *ret)
{
	const struct changed *a = x->changed, *b = y->changed;
	int64_t within_ms = w->agent->conf->monitor.same_file_within_ms;
	uint64_t hash = HASH_INIT;

	read_scope(w, x);
	read_scope(w, y);
	for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
		int order = strcmp(a->files[i].path, b->files[j].path);

		if (order == 0 &&
		    llabs(a->files[i].wall_ms - b->files[j].wall_ms) <=
			within_ms &&
		    is_work(x, i) && is_work(y, j)) {
			(void)texts_add(ret, a->files[i].path);
			hash = mix(mix(hash, &a->files[i]), &b->files[j]);
		}
		i += order <= 0;
		j += order >= 0;
	}
	return hash != 0 ? hash : 1;
}

/* NULL when there is no memory. */
static struct same_file_pair *
find_pair(struct same_file *w, const char *one, const char *other)
{
	struct same_file_pair *grown;

	for (size_t i = 0; i < w->npairs; i++)
		if (strcmp(w->pairs[i].attempts[0], one) == 0 &&
		    strcmp(w->pairs[i].attempts[1], other) == 0)
			return &w->pairs[i];
	grown = grow(w->pairs, w->npairs, &w->pairs_room, sizeof(*w->pairs));
	if (grown == NULL)
		return NULL;
	w->pairs = grown;
	grown = &w->pairs[w->npairs++];
	*grown = (struct same_file_pair){ 0 };
	(void)snprintf(grown->attempts[0], UUID_SIZE, "%s", one);
	(void)snprintf(grown->attempts[1], UUID_SIZE, "%s", other);
	return grown;
}

/* All the work that it has done, as it is now. */
static int
peek(const struct same_file_side *side, char ret[static GIT_HASH_SIZE])
{
	struct changed *c = side->changed;
	struct texts paths = { 0 };
	char **list;
	int result;

	for (size_t i = 0; i < c->n; i++)
		if (is_work(side, i))
			(void)texts_add(&paths, c->files[i].path);
	list = texts_take(&paths);
	if (list == NULL)
		return git_fail(&c->git, ENOMEM, "out of memory");
	result = snapshot_peek(&c->git, &c->tree, side->base_commit, list, ret);
	texts_free(list);
	return result;
}

/* Whether what a stands on is older than what b does: 1, 0, -1. */
static int
is_older(struct git *g, const char *a, const char *b)
{
	int status = git_run(g, &(struct git_call){ 0 },
	    (const char *const[]){ "merge-base", "--is-ancestor", a, b, NULL });

	return status < 0 ? -1 : status == 0;
}

/* Sees to it that a stands on what is as old as what b does, or older. Returns
 * 1, 0 where there is no telling, -1. */
static int
put_in_order(const struct same_file_side **a, const struct same_file_side **b)
{
	const struct same_file_side *x = *a, *y = *b;
	struct git *g = &x->changed->git;
	int older = is_older(g, x->base_commit, y->base_commit);

	if (older != 0)
		return older;
	*a = y;
	*b = x;
	return is_older(g, y->base_commit, x->base_commit);
}

/* Puts what was done on one commit on another. Where that doesn't apply it is
 * no matter between the two attempts. Returns 1, 0, or -1. */
static int
move(struct git *g, const char *base, const char *onto,
    char work[static GIT_HASH_SIZE])
{
	char moved[GIT_HASH_SIZE], conflicts[128];
	int applies;

	if (strcmp(base, onto) == 0)
		return 1;
	applies = repository_rebase(
	    g, work, onto, "Moved\n", moved, conflicts, sizeof(conflicts));
	if (applies == 1)
		(void)snprintf(work, GIT_HASH_SIZE, "%s", moved);
	return applies;
}

/* Merges what they have done. Returns 1 with the files in which it doesn't go
 * together, to be freed by texts_free(); 0 where there is no telling; -1. */
static int
merge(const struct same_file_side *a, const struct same_file_side *b,
    char ***ret_conflicts)
{
	char one[GIT_HASH_SIZE], other[GIT_HASH_SIZE], tree[GIT_HASH_SIZE];
	int told = 1;

	if (strcmp(a->base_commit, b->base_commit) != 0)
		told = put_in_order(&a, &b);
	if (told == 1)
		told = peek(a, one) < 0 || peek(b, other) < 0 ? -1 : 1;
	if (told == 1)
		told =
		    move(&a->changed->git, a->base_commit, b->base_commit, one);
	if (told != 1)
		return told;
	*ret_conflicts = repository_merge(&a->changed->git, other, one, tree);
	return *ret_conflicts != NULL ? 1 : -1;
}

static bool
is_strict(const struct same_file_side *side)
{
	return side->changed->config->on_same_file == ON_SAME_FILE_PAUSE;
}

/* Returns 0, or -1 with errno of store.h. */
static int
tell(struct same_file *w, const struct same_file_side *a,
    const struct same_file_side *b, char *const *conflicts, char *const *common)
{
	const char *one = a->changed->attempt_id;
	const char *other = b->changed->attempt_id;
	struct agent *agent = w->agent;
	bool is_clean = conflicts[0] == NULL;
	int told;

	if (is_clean && !is_strict(a) && !is_strict(b))
		return conflicts_note_clean(
			   &agent->store, one, other, common, agent->name) < 0
		    ? -1
		    : 0;
	told = conflicts_open(&agent->store, one, other,
	    is_clean ? common : conflicts, agent->name);
	if (told > 0)
		log_line(&agent->log, "%s and %s both change %s%s",
		    a->changed->config->name, b->changed->config->name,
		    is_clean ? common[0] : conflicts[0],
		    is_clean ? "" : ", and it doesn't go together");
	return told < 0 ? -1 : 0;
}

/* What git says of a file that changes just now isn't said again before it has
 * changed once more. */
static bool
try_merge(struct same_file *w, const struct same_file_side *a,
    const struct same_file_side *b, char ***ret_conflicts)
{
	struct git *one = &a->changed->git, *other = &b->changed->git;
	int told;

	one->error[0] = other->error[0] = '\0';
	told = merge(a, b, ret_conflicts);
	if (told < 0)
		log_line(&w->agent->log, "%s and %s: %s",
		    a->changed->config->name, b->changed->config->name,
		    one->error[0] != '\0' ? one->error : other->error);
	return told > 0;
}

/* Returns whether it needs no other look as long as these files stay so. */
static bool
judge(struct same_file *w, const struct same_file_side *a,
    const struct same_file_side *b, char *const *common)
{
	struct agent *agent = w->agent;
	char **conflicts = NULL;
	int known = conflicts_known(
	    &agent->store, a->changed->attempt_id, b->changed->attempt_id);

	if (known == 0 && try_merge(w, a, b, &conflicts) && conflicts != NULL)
		known = tell(w, a, b, conflicts, common);
	texts_free(conflicts);
	if (known < 0)
		agent_failed(agent, "telling of a conflict");
	return known >= 0;
}

static void
look_at_pair(
    struct same_file *w, struct same_file_side *a, struct same_file_side *b)
{
	struct texts texts = { 0 };
	uint64_t hash = find_common(w, a, b, &texts);
	struct same_file_pair *p = NULL;
	char **common = texts_take(&texts);

	if (common != NULL && common[0] != NULL)
		p = find_pair(
		    w, a->changed->attempt_id, b->changed->attempt_id);
	if (p != NULL) {
		p->is_there = true;
		if (p->looked != hash && judge(w, a, b, common))
			p->looked = hash;
	}
	texts_free(common);
}

/* Of attempts that go on only what is known of them now counts. */
static void
forget_others(struct same_file *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->npairs; i++) {
		if (!w->pairs[i].is_there)
			continue;
		w->pairs[n] = w->pairs[i];
		w->pairs[n++].is_there = false;
	}
	w->npairs = n;
}

static void
forget_sides(struct same_file *w)
{
	for (size_t i = 0; i < w->nsides; i++)
		texts_free(w->sides[i].tests.items);
	w->nsides = 0;
}

void
same_file_look(struct same_file *w)
{
	for (size_t i = 0; i < w->nsides; i++)
		for (size_t j = i + 1; j < w->nsides; j++)
			if (is_beside(&w->sides[i], &w->sides[j]))
				look_at_pair(w, &w->sides[i], &w->sides[j]);
	forget_sides(w);
	forget_others(w);
}

void
same_file_finish(struct same_file *w)
{
	forget_sides(w);
	free(w->sides);
	free(w->pairs);
	*w = (struct same_file){ 0 };
}
