#include <errno.h>
#include <string.h>

#include "agents/common/patterns.h"
#include "agents/loop/refusal.h"
#include "base/buf.h"
#include "base/text.h"
#include "git/repository.h"
#include "store/overlap.h"

/* As locks are compared: what may be changed is what is locked for it. */
static bool
is_inside(const struct texts *scope, const char *path)
{
	for (size_t i = 0; i < scope->n; i++)
		if (overlap_patterns(scope->items[i], path))
			return true;
	return false;
}

/* How many changed files are outside the scope; the first of them in first. */
static size_t
count_outside(
    const struct changes *c, const struct texts *scope, const char **first)
{
	size_t n = 0;

	for (size_t i = 0; i < c->paths.n; i++)
		if (!is_inside(scope, c->paths.items[i]) && n++ == 0)
			*first = c->paths.items[i];
	return n;
}

static void
tell_outside(
    struct buf *b, const struct texts *scope, const char *first, size_t n)
{
	buf_addf(b, "it changed %s", first);
	if (n > 1)
		buf_addf(b, " and %zu other file%s", n - 1, n > 2 ? "s" : "");
	buf_addf(b, ", which %s outside its files (", n > 1 ? "are" : "is");
	for (size_t i = 0; i < scope->n; i++)
		buf_addf(b, "%s%s", i > 0 ? ", " : "", scope->items[i]);
	buf_add(b, ")");
}

static int
find_outside(struct runner *r, const struct changes *c, struct buf *b)
{
	struct texts scope = { 0 };
	const char *first = NULL;
	size_t n = 0;
	int result;

	patterns_read(&scope, r->claim.files);
	if (scope.n > 0)
		n = count_outside(c, &scope, &first);
	if (n > 0)
		tell_outside(b, &scope, first, n);
	result = scope.failed ? git_fail(&r->place.git, ENOMEM, "out of memory")
			      : n > 0;
	texts_free(scope.items);
	return result;
}

static int
find_deletions(struct runner *r, const struct changes *c, struct buf *b)
{
	int max = r->config->max_deleted, n;

	if (max == 0 || c->ndeleted <= max)
		return 0;
	n = repository_deletions(&r->place.git, r->base, r->candidate);
	if (n < 0)
		return -1;
	if (n > max)
		buf_addf(b, "it deleted %d files, more than %d (max_deleted)",
		    n, max);
	return n > max;
}

static int
find_conflict(struct runner *r, struct buf *b)
{
	char where[128];
	int found = repository_conflict_left(
	    &r->place.git, r->base, r->candidate, where, sizeof(where));

	if (found > 0)
		buf_addf(b, "it left a conflict marker: %s", where);
	return found;
}

int
refusal_find(struct runner *r, const struct changes *c,
    char ret[static ATTEMPT_DETAIL_SIZE])
{
	struct buf b;
	int found;

	buf_init(&b, ret, ATTEMPT_DETAIL_SIZE);
	found = find_outside(r, c, &b);
	if (found == 0)
		found = find_deletions(r, c, &b);
	if (found == 0)
		found = find_conflict(r, &b);
	text_clean(ret);
	return found;
}
