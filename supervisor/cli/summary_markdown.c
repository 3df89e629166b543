/* The summary to pass on: all of it, in Markdown. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/money.h"
#include "cli/print.h"
#include "cli/summary.h"

/* A text of others in a line of Markdown: nothing of it is taken for more. */
static void
print_escaped(const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("\\`*_{}[]<>#|", *text) != NULL)
			(void)putchar('\\');
		(void)putchar(*text);
	}
}

/* In backquotes, of which it may have some itself. */
static void
print_code(const char *code)
{
	const char *quotes = strchr(code, '`') != NULL ? "``" : "`";

	printf("%s%s%s", quotes, code, quotes);
}

static void
print_list(const char *title, const json_t *list)
{
	json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	printf("\n## %s\n\n", title);
	json_array_foreach(list, i, item)
	{
		const char *command = print_json_get(item, "command");
		const char *merge = print_json_get(item, "merge");

		printf("- ");
		print_escaped(print_json_get(item, "text"));
		if (command[0] != '\0') {
			printf(": ");
			print_code(command);
		}
		if (merge[0] != '\0') {
			printf(", ");
			print_code(merge);
		}
		(void)putchar('\n');
	}
}

static void
print_row(const char *name, const struct summary_loop *loop, int64_t done_ms)
{
	char done[REPORT_DONE_SIZE], usd[MONEY_SIZE], tokens[MONEY_SIZE];

	report_format_done(done, done_ms);
	money_format(usd, &loop->spent);
	money_format_tokens(tokens, loop->spent.tokens);
	printf("| ");
	print_escaped(name);
	printf(" | %lld | %lld | %lld | %lld | %s%s | %s | %s |\n",
	    (long long)loop->passed, (long long)loop->failed,
	    (long long)loop->blocked, (long long)loop->left,
	    done[0] != '\0' ? "~" : "-", done, usd,
	    loop->spent.tokens < 0 ? "-" : tokens);
}

static void
print_loops(const struct report *r)
{
	printf("\n| loop | passed | failed | blocked | left | done by | USD | "
	       "tokens |\n|---|--:|--:|--:|--:|---|--:|--:|\n");
	for (size_t i = 0; i < r->sum.n; i++)
		print_row(r->sum.loops[i].id, &r->sum.loops[i],
		    summary_done_ms(&r->sum, &r->sum.loops[i]));
	print_row("all", &r->all, r->done_ms);
}

int
report_print_markdown(const struct report *r)
{
	char since[CLOCK_LOCAL_SIZE], text[512];
	struct buf b;

	clock_format_local(since, r->sum.since_ms);
	printf("# ");
	print_escaped(r->verdict);
	printf("\n\nSince %s.\n", since);
	print_loops(r);
	buf_init(&b, text, sizeof(text));
	report_add_cost(&b, r);
	printf("\nCost: %s.\n", text);
	buf_init(&b, text, sizeof(text));
	report_add_lost(&b, r);
	printf("\nLost: %s.\n", text);
	print_list("Commits that wait", r->commits);
	print_list("Decided meanwhile", r->decided);
	print_list("Regressions and rollbacks", r->broken);
	print_list("What waits for you", r->waiting);
	print_list("What to do", r->next);
	return CLI_DONE;
}
