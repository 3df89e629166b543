#include <stdlib.h>
#include <string.h>

#include "agents/monitor/findings.h"
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
has(const struct findings *f, const char *cause)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].cause, cause) == 0)
			return true;
	return false;
}

struct gone {
	const struct findings *now;
	char **causes; /* copies */
	size_t n;
};

/* What there is no memory for is gone at the next look, too. */
static void
note_gone(const char *cause, void *argument)
{
	struct gone *gone = argument;
	char **causes;

	if (has(gone->now, cause))
		return;
	causes = reallocarray(gone->causes, gone->n + 1, sizeof(*causes));
	if (causes == NULL)
		return;
	gone->causes = causes;
	causes[gone->n] = strdup(cause);
	if (causes[gone->n] != NULL)
		gone->n++;
}

/* What stands without a cause is cleared. */
static int
sweep(const struct findings *f, struct store *s, const char *source)
{
	struct gone gone = { .now = f };
	int result = alerts_each_standing(s, source, note_gone, &gone);

	for (size_t i = 0; i < gone.n; i++) {
		if (result == 0 && alerts_clear(s, source, gone.causes[i]) < 0)
			result = -1;
		free(gone.causes[i]);
	}
	free(gone.causes);
	return result;
}

int
findings_publish(const struct findings *f, struct store *s, const char *source)
{
	int result = 0;

	for (size_t i = 0; i < f->n && result == 0; i++) {
		const struct finding *n = &f->list[i];
		struct alert alert = { .cause = n->cause,
			.severity = "warning",
			.type = n->type,
			.source = source,
			.message = n->message,
			.loop_id = n->loop_id[0] != '\0' ? n->loop_id : NULL,
			.test_id = n->test_id[0] != '\0' ? n->test_id : NULL };

		if (n->type != NULL &&
		    alerts_raise(s, &alert, "stuck_detected") < 0)
			result = -1;
	}
	return result == 0 ? sweep(f, s, source) : -1;
}

void
findings_finish(struct findings *f)
{
	free(f->list);
	*f = (struct findings){ 0 };
}
