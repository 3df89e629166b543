/*
 * libconfig's words, one after the other. libconfig itself only says "syntax
 * error" and a line; whoever wants to say more, or to read a file that is
 * otherwise broken, looks at the words.
 */
#ifndef LOOPKEEPER_CONF_SCAN_H
#define LOOPKEEPER_CONF_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_STRING, /* len includes the quotes */
	TOKEN_NUMBER,
	TOKEN_BOOL,
	TOKEN_MARK,    /* one of = : , ; { } [ ] ( ) */
	TOKEN_GARBAGE, /* a character that begins nothing */
	TOKEN_OPEN,    /* a string or comment that never ends */
};

struct token {
	enum token_kind kind;
	const char *start; /* into the text */
	size_t len;
	unsigned line;	   /* where it begins */
	unsigned end_line; /* where it ends: a string may have many lines */
};

struct scan {
	const char *p;
	unsigned line;
};

/* Starts at the head of text, which must outlive the scan. */
void scan_init(struct scan *s, const char *text);

/* The next word; TOKEN_END again and again at the end. */
struct token scan_next(struct scan *s);

/* Whether the token is that mark. */
bool token_is(const struct token *t, char mark);

#endif
