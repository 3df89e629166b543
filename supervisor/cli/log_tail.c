#include <stdlib.h>
#include <string.h>

#include "cli/log_tail.h"

int
log_tail_add(struct log_tail *tail, const struct line *line, size_t index)
{
	struct log_kept *kept = malloc(sizeof(*kept) + line->len + 1);

	if (kept == NULL)
		return -1;
	kept->line = *line;
	kept->line.text = kept->text;
	kept->index = index;
	(void)memcpy(kept->text, line->text, line->len);
	kept->text[line->len] = '\0';
	TAILQ_INSERT_TAIL(tail, kept, entry);
	return 0;
}

void
log_tail_remove(struct log_tail *tail, struct log_kept *kept)
{
	TAILQ_REMOVE(tail, kept, entry);
	free(kept);
}

void
log_tail_free(struct log_tail *tail)
{
	struct log_kept *kept, *next;

	TAILQ_FOREACH_SAFE (kept, tail, entry, next)
		free(kept);
	TAILQ_INIT(tail);
}
