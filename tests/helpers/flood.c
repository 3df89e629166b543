/* flood: writes lines to standard output as fast as they are taken. */
#include <err.h>
#include <string.h>
#include <unistd.h>

int
main(void)
{
	char lines[8192];
	size_t i;

	for (i = 0; i < sizeof(lines); i++)
		lines[i] = i % 64 == 63 ? '\n' : 'x';
	for (;;)
		if (write(STDOUT_FILENO, lines, sizeof(lines)) == -1)
			err(1, "write");
}
