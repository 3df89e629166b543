#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/texts.h"

const char *
texts_own(struct texts *t, char *text)
{
	char **items = t->items;
	size_t used = t->n + 1; /* with the NULL */

	/* Room is a power of two, and full when so many are used. */
	if (text != NULL && (used & t->n) == 0)
		items = reallocarray(items, 2 * used, sizeof(*items));
	if (text == NULL || items == NULL) {
		free(text);
		t->failed = true;
		return NULL;
	}
	t->items = items;
	items[t->n++] = text;
	items[t->n] = NULL;
	return text;
}

const char *
texts_add(struct texts *t, const char *text)
{
	return texts_own(t, strdup(text));
}

void
texts_addf(struct texts *t, const char *format, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	(void)texts_own(t, n < 0 ? NULL : text);
}

char **
texts_take(struct texts *t)
{
	char **list = t->items;

	if (t->failed) {
		texts_free(list);
		list = NULL;
	} else if (list == NULL) {
		list = calloc(1, sizeof(*list));
	}
	*t = (struct texts){ 0 };
	if (list == NULL)
		errno = ENOMEM;
	return list;
}

void
texts_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

size_t
texts_count(char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}
