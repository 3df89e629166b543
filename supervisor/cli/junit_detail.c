#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/text.h"
#include "cli/junit_detail.h"

#define CUT "\n[cut]"

void
junit_detail_begin(struct junit_detail *d)
{
	d->failed = d->in_failure = d->has_text = false;
	buf_init(&d->output, d->output_data, sizeof(d->output_data));
	buf_init(&d->all, d->all_data, sizeof(d->all_data) - strlen(CUT));
}

void
junit_detail_begin_failure(struct junit_detail *d, const char *message)
{
	d->failed = d->in_failure = true;
	if (strlcpy(d->message_data, message, sizeof(d->message_data)) >=
	    sizeof(d->message_data))
		d->all.cut = true;
	buf_init(&d->text, d->text_data, sizeof(d->text_data));
}

void
junit_detail_add(struct junit_detail *d, const char *text, size_t n)
{
	buf_add_bytes(d->in_failure ? &d->text : &d->output, text, n);
}

/* Whether the character of n bytes may stand in a text of many lines. */
static bool
is_fit(const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;

	if (n == 2 && c[0] == 0xc2 && c[1] < 0xa0)
		return false; /* U+0080 to U+009F are control characters too */
	return n > 1 ||
	    (n == 1 && (*c == '\n' || *c == '\t' || (*c >= ' ' && *c != 0x7f)));
}

/* Takes out what isn't fit, also the rest of a character that was cut; and
 * blanks at both ends. Returns where the text begins. */
static char *
clean(char *text)
{
	char *to = text, *p = text;

	while (*p != '\0') {
		size_t n = text_utf8_len(p);

		if (is_fit(p, n)) {
			(void)memmove(to, p, n);
			to += n;
		}
		p += n > 0 ? n : 1;
	}
	while (to > text && isspace((unsigned char)to[-1]))
		to--;
	*to = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

void
junit_detail_end_failure(struct junit_detail *d)
{
	const char *message, *text;

	if (!d->in_failure)
		return;
	d->in_failure = false;
	message = clean(d->message_data);
	text = clean(d->text_data);
	d->has_text = d->has_text || text[0] != '\0';
	if (d->all.len > 0)
		buf_add(&d->all, "\n\n");
	/* Most writers begin the text with the message. */
	if (strncmp(text, message, strlen(message)) != 0)
		buf_addf(&d->all, "%s%s", message, text[0] != '\0' ? "\n" : "");
	buf_add(&d->all, text);
	d->all.cut = d->all.cut || d->text.cut;
}

const char *
junit_detail_end(struct junit_detail *d)
{
	char *text;

	if (!d->has_text) {
		if (d->all.len > 0)
			buf_add(&d->all, "\n");
		buf_add(&d->all, clean(d->output_data));
		d->all.cut = d->all.cut || d->output.cut;
	}
	text = clean(d->all_data);
	if (d->all.cut)
		(void)strlcat(text, CUT,
		    sizeof(d->all_data) - (size_t)(text - d->all_data));
	return text;
}
