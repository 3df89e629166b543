#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "daemon/memory.h"

#define HEAD 64 /* keeps what follows aligned */

void *
memory_new(size_t n, size_t size)
{
	size_t whole, *head;

	if (__builtin_mul_overflow(n, size, &whole) ||
	    __builtin_add_overflow(whole, HEAD, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	head = mmap(NULL, whole, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (head == MAP_FAILED)
		return NULL;
	/* Refused or not, it is ours. */
	(void)madvise(head, whole, MADV_DONTFORK);
	*head = whole;
	return (char *)head + HEAD;
}

void
memory_free(void *p)
{
	int saved = errno;
	void *head;

	if (p == NULL)
		return;
	head = (char *)p - HEAD;
	(void)munmap(head, *(size_t *)head);
	errno = saved;
}
