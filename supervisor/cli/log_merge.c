#include <stdlib.h>
#include <string.h>

#include "cli/log_merge.h"

int
log_merge_add(struct log_merge *m, int logsdir, const char *name,
    const struct log_begin *begin)
{
	struct log_head *heads =
	    reallocarray(m->heads, m->n + 1, sizeof(*heads));

	if (heads == NULL)
		return -1;
	m->heads = heads;
	heads[m->n] = (struct log_head){ .stale = true };
	if (log_reader_open(&heads[m->n].reader, logsdir, name, begin) < 0) {
		log_reader_close(&heads[m->n].reader);
		return -1;
	}
	m->n++;
	return 0;
}

void
log_merge_close(struct log_merge *m)
{
	for (size_t i = 0; i < m->n; i++)
		log_reader_close(&m->heads[i].reader);
	free(m->heads);
	*m = (struct log_merge){ .last = -1 };
}

int
log_merge_find(const struct log_merge *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->heads[i].reader.name, name) == 0)
			return (int)i;
	return -1;
}

void
log_merge_refresh(struct log_merge *m, int index)
{
	for (size_t i = 0; i < m->n; i++)
		if (index < 0 || i == (size_t)index)
			m->heads[i].stale = true;
}

/* Reads the next line of each that has none and may have one. */
static int
fill(struct log_merge *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct log_head *head = &m->heads[i];
		int got;

		if (head->has_line || !head->stale)
			continue;
		got = log_reader_next(&head->reader, &head->line);
		if (got < 0)
			return -1;
		head->has_line = got > 0;
		head->stale = got > 0;
	}
	return 0;
}

int
log_merge_next(struct log_merge *m, struct line *ret, size_t *ret_index)
{
	struct log_head *first = NULL;

	/* Its text was the caller's until now. */
	if (m->last >= 0)
		m->heads[m->last].has_line = false;
	m->last = -1;
	if (fill(m) < 0)
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		struct log_head *head = &m->heads[i];

		if (head->has_line &&
		    (first == NULL ||
			memcmp(head->line.stamp, first->line.stamp,
			    sizeof(first->line.stamp)) < 0))
			first = head;
	}
	if (first == NULL)
		return 0;
	m->last = (int)(first - m->heads);
	*ret = first->line;
	*ret_index = (size_t)m->last;
	return 1;
}
