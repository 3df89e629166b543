#include <stdlib.h>

#include "cli/money.h"

void
money_add(struct buf *b, int64_t micros)
{
	bool small = micros != 0 && llabs(micros) < 10000;

	buf_addf(b, small ? "%.6f" : "%.2f", (double)micros / 1e6);
}

void
money_format(char buf[static MONEY_SIZE], const struct budget_sum *sum)
{
	struct buf b;

	buf_init(&b, buf, MONEY_SIZE);
	if (sum->known > 0 || sum->unknown == 0)
		money_add(&b, sum->micros);
	if (sum->known > 0 && sum->unknown > 0)
		buf_addf(&b, " + %lld unknown", (long long)sum->unknown);
	else if (sum->unknown > 0)
		buf_add(&b, "unknown");
}

void
money_format_tokens(char buf[static MONEY_SIZE], int64_t tokens)
{
	struct buf b;

	buf_init(&b, buf, MONEY_SIZE);
	if (tokens < 0)
		buf_add(&b, "unknown");
	else if (tokens < 1000)
		buf_addf(&b, "%lld", (long long)tokens);
	else if (tokens < 1000000)
		buf_addf(&b, "%lldk", (long long)(tokens / 1000));
	else
		buf_addf(&b, "%.1fM", (double)tokens / 1e6);
}
