#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agents/common/patterns.h"
#include "agents/loop/changes.h"
#include "base/pattern.h"
#include "base/text.h"

/* While two commits are compared. */
struct reading {
	struct changes *c;
	const struct runner *r;
	struct texts test_files; /* patterns, of the test alone */
	json_t *json;
};

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
	bool is_test;

	c->ndeleted += change->status == 'D';
	/* A path may be any bytes; JSON has none but UTF-8. */
	(void)json_array_append_new(in->json, json_string(change->path));
	is_test = !in->r->claim.allow_test_changes &&
	    (pattern_any(in->r->config->test_files, change->path) ||
		pattern_any(in->test_files.items, change->path));
	if (is_test && change->status == 'A')
		(void)texts_add(&c->added_tests, change->path);
	else
		(void)texts_add(&c->paths, change->path);
	if (is_test && change->status != 'A')
		add_gamed(c, change);
}

int
changes_read(struct changes *c, struct runner *r)
{
	struct reading in = { .c = c, .r = r, .json = json_array() };
	struct git *g = &r->place.git;
	int n;

	*c = (struct changes){ 0 };
	patterns_read(&in.test_files, r->claim.test_files);
	n = repository_changes(g, r->base, r->snapshot, read_one, &in);
	free(r->changed_json);
	r->changed_json = json_dumps(in.json, JSON_COMPACT);
	if (n >= 0 &&
	    (in.test_files.failed || c->paths.failed || c->added_tests.failed ||
		r->changed_json == NULL))
		n = git_fail(g, ENOMEM, "out of memory");
	json_decref(in.json);
	texts_free(in.test_files.items);
	if (n < 0)
		changes_free(c);
	return n < 0 ? -1 : 0;
}

static void
note_one(const struct repository_change *change, void *argument)
{
	(void)json_array_append_new(argument, json_string(change->path));
}

int
changes_note(struct runner *r)
{
	struct git *g = &r->place.git;
	json_t *json = json_array();
	int n = repository_changes(g, r->onto, r->candidate, note_one, json);

	free(r->changed_json);
	r->changed_json = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (n >= 0 && r->changed_json == NULL)
		n = git_fail(g, ENOMEM, "out of memory");
	return n < 0 ? -1 : 0;
}

void
changes_free(struct changes *c)
{
	texts_free(c->paths.items);
	texts_free(c->added_tests.items);
	*c = (struct changes){ 0 };
}
