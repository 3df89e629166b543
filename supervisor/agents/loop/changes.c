#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agents/loop/changes.h"
#include "base/pattern.h"
#include "base/text.h"

/* While two commits are compared. */
struct reading {
	struct changes *c;
	const struct runner *r;
	char **test_files; /* of the test alone; owned */
	json_t *json;
	bool failed; /* out of memory */
};

static bool
append(char ***list, size_t *n, const char *path)
{
	char **more = realloc(*list, (*n + 2) * sizeof(**list));

	if (more == NULL)
		return false;
	*list = more;
	more[*n] = text_copy(path);
	more[*n + 1] = NULL;
	return more[(*n)++] != NULL;
}

static void
add_gamed(struct changes *c, const struct repository_change *change)
{
	if (c->ngamed++ > 0)
		return;
	(void)snprintf(c->gamed, sizeof(c->gamed), "%s", change->path);
	text_clean(c->gamed);
	c->gamed_status = change->status;
}

static void
read_one(const struct repository_change *change, void *argument)
{
	struct reading *in = argument;
	struct changes *c = in->c;

	if (!append(&c->paths, &c->npaths, change->path))
		in->failed = true;
	/* A path may be any bytes; JSON has none but UTF-8. */
	(void)json_array_append_new(in->json, json_string(change->path));
	if (in->r->claim.allow_test_changes ||
	    (!pattern_any(in->r->config->test_files, change->path) &&
		!pattern_any(in->test_files, change->path)))
		return;
	if (change->status != 'A')
		add_gamed(c, change);
	else if (!append(&c->added_tests, &c->nadded_tests, change->path))
		in->failed = true;
}

/* The patterns of the test's own column; what is no JSON is none. */
static char **
read_patterns(const char *text)
{
	json_t *json = json_loads(text, 0, NULL), *item;
	char **patterns = NULL;
	size_t n = 0, i;

	json_array_foreach(json, i, item)
	{
		if (json_is_string(item) &&
		    !append(&patterns, &n, json_string_value(item)))
			break;
	}
	json_decref(json);
	return patterns;
}

static void
free_list(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

int
changes_read(struct changes *c, struct runner *r)
{
	struct reading in = { .c = c,
		.r = r,
		.test_files = read_patterns(r->claim.test_files),
		.json = json_array() };
	struct git *g = &r->place.git;
	int n;

	*c = (struct changes){ 0 };
	n = repository_changes(g, r->base, r->snapshot, read_one, &in);
	if (n >= 0 && in.failed)
		n = git_fail(g, ENOMEM, "out of memory");
	free(r->changed_json);
	r->changed_json = json_dumps(in.json, JSON_COMPACT);
	if (n >= 0 && r->changed_json == NULL)
		n = git_fail(g, ENOMEM, "out of memory");
	json_decref(in.json);
	free_list(in.test_files);
	if (n < 0)
		changes_free(c);
	return n < 0 ? -1 : 0;
}

void
changes_free(struct changes *c)
{
	free_list(c->paths);
	free_list(c->added_tests);
	*c = (struct changes){ 0 };
}
