#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/paste.h"
#include "cli/print.h"

#define TEXT_LENGTH 1024

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
	buf_add_word(b, cli->config_option);
	buf_add(b, " ");
}

json_t *
paste_item(const char *command, const char *format, ...)
{
	char text[TEXT_LENGTH];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_clean(text);
	return json_pack("{s:o,s:o}", "text", print_json_text(text), "command",
	    command != NULL ? print_json_text(command) : json_null());
}

void
paste_set(json_t *item, const char *key, const char *text)
{
	(void)json_object_set_new(item, key, print_json_set(text));
}
