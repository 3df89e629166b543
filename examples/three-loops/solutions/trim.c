#include <ctype.h>
#include <string.h>

#include "pocket.h"

long
pocket_trim(char *text)
{
	char *from = text;
	size_t len;

	while (isspace((unsigned char)*from))
		from++;
	len = strlen(from);
	while (len > 0 && isspace((unsigned char)from[len - 1]))
		len--;
	memmove(text, from, len);
	text[len] = '\0';
	return (long)len;
}
