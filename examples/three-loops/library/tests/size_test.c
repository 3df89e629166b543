#include "check.h"

static void
shows(unsigned long long bytes, const char *text)
{
	char buf[32];

	CHECK(pocket_size(buf, sizeof(buf), bytes) == (int)strlen(text));
	CHECK(strcmp(buf, text) == 0);
}

int
main(void)
{
	shows(0, "0 B");
	shows(1023, "1023 B");
	shows(1024, "1.0 kB");
	shows(1536ULL * 1024, "1.5 MB");
	shows(3ULL << 30, "3.0 GB");
	shows(5000ULL << 40, "5000.0 TB");
	return 0;
}
