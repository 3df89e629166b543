#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/fault.h"
#include "conf/source.h"

struct fault {
	struct place at;
	size_t sequence; /* keeps the order within a line */
	char *text;
};

void
fault_add(struct faults *f, struct place at, const char *format, ...)
{
	struct fault *list = f->list;
	char *text;
	va_list ap;
	int n;

	if (f->n == f->room) {
		size_t room = f->room * 2 + 16;

		list = reallocarray(f->list, room, sizeof(*list));
		if (list == NULL) {
			f->no_memory = true;
			return;
		}
		f->list = list;
		f->room = room;
	}
	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		f->no_memory = true;
		return;
	}
	text_clean(text);
	list[f->n] = (struct fault){ .at = at, .sequence = f->n, .text = text };
	f->n++;
}

bool
fault_any(const struct faults *f)
{
	return f->n > 0 || f->no_memory;
}

/* What concerns no file comes first. */
static unsigned
order_of(const struct fault *fault)
{
	return fault->at.source != NULL ? fault->at.source->order + 1 : 0;
}

static int
compare(const void *a, const void *b)
{
	const struct fault *x = a, *y = b;

	if (order_of(x) != order_of(y))
		return order_of(x) < order_of(y) ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	return x->sequence < y->sequence ? -1 : 1;
}

/* A fault of `defaults` is found once for every component. */
static bool
is_repeated(const struct faults *f, size_t i)
{
	for (size_t j = i; j-- > 0;) {
		if (f->list[j].at.source != f->list[i].at.source ||
		    f->list[j].at.line != f->list[i].at.line)
			break;
		if (strcmp(f->list[j].text, f->list[i].text) == 0)
			return true;
	}
	return false;
}

void
fault_print(struct faults *f, FILE *out)
{
	if (out == NULL)
		return;
	if (f->n > 0)
		qsort(f->list, f->n, sizeof(*f->list), compare);
	for (size_t i = 0; i < f->n; i++) {
		const struct fault *fault = &f->list[i];

		if (is_repeated(f, i))
			continue;
		if (fault->at.source != NULL)
			(void)fprintf(out, "%s:", fault->at.source->shown);
		if (fault->at.line > 0)
			(void)fprintf(out, "%u:", fault->at.line);
		(void)fprintf(out, "%s%s\n",
		    fault->at.source != NULL ? " " : "", fault->text);
	}
	if (f->no_memory)
		(void)fputs("not enough memory to check everything\n", out);
}

void
fault_free(struct faults *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->list[i].text);
	free(f->list);
	*f = (struct faults){ 0 };
}
