#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

void
buf_init(struct buf *b, char *data, size_t size)
{
	*b = (struct buf){ .data = data, .size = size };
	data[0] = '\0';
}

void
buf_add_bytes(struct buf *b, const void *bytes, size_t n)
{
	size_t room = b->size - b->len - 1;

	if (n > room) {
		n = room;
		b->cut = true;
	}
	(void)memcpy(b->data + b->len, bytes, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_add(struct buf *b, const char *text)
{
	buf_add_bytes(b, text, strlen(text));
}

void
buf_addf(struct buf *b, const char *format, ...)
{
	size_t room = b->size - b->len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(b->data + b->len, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		b->cut = true;
		b->len = strlen(b->data);
	} else {
		b->len += (size_t)n;
	}
}

/* Adds one ASCII character as it must stand inside a JSON string. */
static void
add_escaped(struct buf *b, unsigned char c)
{
	static const char named[] = { ['\b'] = 'b',
		['\f'] = 'f',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't',
		['"'] = '"',
		['\\'] = '\\' };

	if (c < sizeof(named) && named[c] != '\0')
		buf_addf(b, "\\%c", named[c]);
	else if (c < 0x20 || c == 0x7f)
		buf_addf(b, "\\u%04x", c);
	else
		buf_add_bytes(b, &c, 1);
}

void
buf_add_json(struct buf *b, const char *text)
{
	buf_add(b, "\"");
	while (*text != '\0') {
		size_t n = text_utf8_len(text);

		if (n == 1) {
			add_escaped(b, (unsigned char)*text);
		} else if (n == 0) {
			buf_add(b, "\\ufffd");
			n = 1;
		} else {
			buf_add_bytes(b, text, n);
		}
		text += n;
	}
	buf_add(b, "\"");
}

void
buf_add_word(struct buf *b, const char *text)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_./:,@%+=-";

	if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
		buf_add(b, text);
		return;
	}
	buf_add(b, "'");
	for (; *text != '\0'; text++)
		if (*text == '\'')
			buf_add(b, "'\\''");
		else
			buf_add_bytes(b, text, 1);
	buf_add(b, "'");
}
