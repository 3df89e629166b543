/*
 * What a component may send to its notify socket: any bytes. Whatever was
 * taken from them must be fit to print and to act on.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "system/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notify_message m = { 0 };

	if (!notify_parse((const char *)data, size, &m))
		return 0;
	assert(size > 0 && memchr(data, '\0', size) == NULL);
	if (m.keys & NOTIFY_STATUS) {
		assert(memchr(m.status, '\0', sizeof(m.status)) != NULL);
		for (const char *p = m.status; *p != '\0'; p++)
			assert((unsigned char)*p >= ' ' && *p != 0x7f);
	}
	if (m.keys & NOTIFY_MAINPID)
		assert(m.main_pid > 0);
	if (m.keys & NOTIFY_WATCHDOG_USEC)
		assert(m.watchdog_usec >= 0);
	if (m.keys & NOTIFY_EXTEND)
		assert(m.extend_usec >= 0);
	return 0;
}
