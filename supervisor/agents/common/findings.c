#include <stdlib.h>
#include <string.h>

#include "agents/common/findings.h"
#include "store/alerts.h"

struct finding *
findings_add(struct findings *f)
{
	if (f->n == f->room) {
		size_t room = f->room > 0 ? 2 * f->room : 16;
		struct finding *list =
		    reallocarray(f->list, room, sizeof(*list));

		if (list == NULL) {
			f->failed = true;
			return NULL;
		}
		f->list = list;
		f->room = room;
	}
	f->list[f->n] = (struct finding){ 0 };
	return &f->list[f->n++];
}

static bool
has(const char *cause, void *argument)
{
	const struct findings *f = argument;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].cause, cause) == 0)
			return true;
	return false;
}

int
findings_publish(struct findings *f, struct store *s, const char *source)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct finding *n = &f->list[i];
		struct alert alert = { .cause = n->cause,
			.severity =
			    n->severity != NULL ? n->severity : "warning",
			.type = n->type,
			.source = source,
			.message = n->message,
			.loop_id = n->loop_id[0] != '\0' ? n->loop_id : NULL,
			.test_id = n->test_id[0] != '\0' ? n->test_id : NULL };

		if (n->type != NULL && alerts_raise(s, &alert, n->event) < 0)
			return -1;
	}
	return f->prefix != NULL
	    ? alerts_sweep_causes(s, source, f->prefix, has, f)
	    : alerts_sweep(s, source, has, f);
}

void
findings_finish(struct findings *f)
{
	free(f->list);
	*f = (struct findings){ 0 };
}
