#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/paste.h"

static const char plain[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "0123456789_./:,@%+=-";

void
paste_word(struct buf *b, const char *word)
{
	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		buf_add(b, word);
		return;
	}
	buf_add(b, "'");
	for (; *word != '\0'; word++)
		if (*word == '\'')
			buf_add(b, "'\\''");
		else
			buf_add_bytes(b, word, 1);
	buf_add(b, "'");
}

/* Whether the shell names the file already. */
static bool
is_known(const struct cli *cli)
{
	const char *file = getenv("LOOPKEEPER_CONFIG");
	char known[PATH_MAX], meant[PATH_MAX];

	return file != NULL && realpath(file, known) != NULL &&
	    realpath(cli->config_path, meant) != NULL &&
	    strcmp(known, meant) == 0;
}

void
paste_begin(struct buf *b, const struct cli *cli)
{
	buf_add(b, "loopkeeper ");
	if (cli->config_option == NULL || is_known(cli))
		return;
	buf_add(b, "-c ");
	paste_word(b, cli->config_option);
	buf_add(b, " ");
}
