#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/table.h"

void
table_init(
    struct table *t, const char *const *titles, size_t ncolumns, bool colour)
{
	*t = (struct table){
		.titles = titles, .ncolumns = ncolumns, .colour = colour
	};
}

void
table_begin_row(struct table *t)
{
	void *rows = reallocarray(t->rows, t->nrows + 1, sizeof(t->rows[0]));

	if (rows == NULL) {
		t->exhausted = true;
		return;
	}
	t->rows = rows;
	t->rows[t->nrows++] = (struct table_row){ .note = NULL };
}

static struct table_row *
last_row(struct table *t)
{
	return t->exhausted || t->nrows == 0 ? NULL : &t->rows[t->nrows - 1];
}

void
table_set(struct table *t, size_t column, const char *format, ...)
{
	struct table_row *row = last_row(t);
	va_list ap;

	if (row == NULL)
		return;
	free(row->cells[column]);
	va_start(ap, format);
	if (vasprintf(&row->cells[column], format, ap) < 0) {
		row->cells[column] = NULL;
		t->exhausted = true;
	} else {
		text_clean(row->cells[column]);
	}
	va_end(ap);
}

void
table_colour(struct table *t, size_t column, enum print_colour colour)
{
	struct table_row *row = last_row(t);

	if (row != NULL)
		row->colours[column] = colour;
}

void
table_note(struct table *t, const char *text)
{
	struct table_row *row = last_row(t);

	if (row == NULL || text[0] == '\0')
		return;
	free(row->note);
	row->note = strdup(text);
	t->exhausted = t->exhausted || row->note == NULL;
}

/* Characters, not bytes. */
static int
columns_of(const char *text)
{
	int n = 0;

	while (*text != '\0') {
		size_t len = text_utf8_len(text);

		text += len > 0 ? len : 1;
		n++;
	}
	return n;
}

static void
print_cell(const char *text, int width, bool last, bool colour,
    enum print_colour which)
{
	int pad = last ? 0 : width - columns_of(text) + 2;

	printf("%s%s%s%*s", print_begin(colour, which), text,
	    print_end(colour, which), pad, "");
}

static bool
is_hidden(const struct table *t, size_t column)
{
	return (t->hidden >> column & 1) != 0;
}

static const char *
cell(const struct table_row *row, size_t column)
{
	return row->cells[column] != NULL ? row->cells[column] : "";
}

/* The last cell with something in it: no blanks are printed after it. */
static size_t
last_cell(const struct table *t, const struct table_row *row)
{
	size_t last = 0;

	for (size_t i = 0; i < t->ncolumns; i++)
		if (!is_hidden(t, i) && cell(row, i)[0] != '\0')
			last = i;
	return last;
}

static void
print_row(const struct table *t, const struct table_row *row, const int *widths)
{
	size_t last = last_cell(t, row);
	int left = print_width();
	char cut[512];

	for (size_t i = 0; i <= last; i++) {
		if (is_hidden(t, i))
			continue;
		print_cut(cut, sizeof(cut), cell(row, i), left);
		print_cell(i == last ? cut : cell(row, i), widths[i], i == last,
		    t->colour, row->colours[i]);
		left -= widths[i] + 2;
	}
	(void)putchar('\n');
	if (row->note != NULL)
		printf("  %s\n", row->note);
}

static void
print_titles(const struct table *t, const int *widths)
{
	size_t last = t->ncolumns - 1;

	while (is_hidden(t, last))
		last--;
	for (size_t i = 0; i <= last; i++)
		if (!is_hidden(t, i))
			print_cell(t->titles[i], widths[i], i == last, false,
			    PRINT_PLAIN);
	(void)putchar('\n');
}

static void
measure(const struct table *t, int widths[static TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < t->ncolumns; i++) {
		widths[i] = columns_of(t->titles[i]);
		for (size_t r = 0; r < t->nrows; r++) {
			int width = columns_of(cell(&t->rows[r], i));

			if (width > widths[i])
				widths[i] = width;
		}
	}
}

int
table_width(const struct table *t)
{
	int widths[TABLE_COLUMNS_MAX], sum = 0;

	measure(t, widths);
	for (size_t i = 0; i < t->ncolumns; i++)
		if (!is_hidden(t, i))
			sum += widths[i] + (sum > 0 ? 2 : 0);
	return sum;
}

int
table_print(const struct table *t)
{
	int widths[TABLE_COLUMNS_MAX] = { 0 };

	if (t->exhausted) {
		errno = ENOMEM;
		return -1;
	}
	measure(t, widths);
	print_titles(t, widths);
	for (size_t r = 0; r < t->nrows; r++)
		print_row(t, &t->rows[r], widths);
	return 0;
}

void
table_free(struct table *t)
{
	for (size_t r = 0; r < t->nrows; r++) {
		for (size_t i = 0; i < t->ncolumns; i++)
			free(t->rows[r].cells[i]);
		free(t->rows[r].note);
	}
	free(t->rows);
	*t = (struct table){ 0 };
}
