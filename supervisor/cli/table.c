#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

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

struct table_row *
table_add(struct table *t)
{
	struct table_row *row;

	if (t->nrows == t->size) {
		size_t size = t->size == 0 ? 16 : 2 * t->size;
		void *rows = reallocarray(t->rows, size, sizeof(t->rows[0]));

		if (rows == NULL)
			return NULL;
		t->rows = rows;
		t->size = size;
	}
	row = &t->rows[t->nrows++];
	(void)memset(row, 0, sizeof(*row));
	return row;
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

/* The last cell with something in it: no blanks are printed after it. */
static size_t
last_cell(const struct table *t, const struct table_row *row)
{
	size_t last = 0;

	for (size_t i = 0; i < t->ncolumns; i++)
		if (!is_hidden(t, i) && row->cells[i][0] != '\0')
			last = i;
	return last;
}

static void
print_row(const struct table *t, const struct table_row *row, const int *widths)
{
	size_t last = last_cell(t, row);

	for (size_t i = 0; i <= last; i++)
		if (!is_hidden(t, i))
			print_cell(row->cells[i], widths[i], i == last,
			    t->colour, row->colours[i]);
	(void)putchar('\n');
	if (row->note[0] != '\0')
		printf("  %s\n", row->note);
}

void
table_print(const struct table *t)
{
	struct table_row titles = { .note = "" };
	int widths[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < t->ncolumns; i++) {
		(void)strlcpy(titles.cells[i], t->titles[i], TABLE_CELL_SIZE);
		widths[i] = columns_of(t->titles[i]);
		for (size_t r = 0; r < t->nrows; r++) {
			int width = columns_of(t->rows[r].cells[i]);

			if (width > widths[i])
				widths[i] = width;
		}
	}
	print_row(t, &titles, widths);
	for (size_t r = 0; r < t->nrows; r++)
		print_row(t, &t->rows[r], widths);
}

void
table_free(struct table *t)
{
	free(t->rows);
	*t = (struct table){ 0 };
}
