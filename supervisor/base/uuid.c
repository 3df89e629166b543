#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/uuid.h"

void
uuid_new(char buf[static UUID_SIZE])
{
	uint8_t r[16];

	/* Neither fails nor is interrupted for so few bytes. arc4random(3)
	 * would cost every process 12 kB. */
	(void)!getrandom(r, sizeof(r), 0);
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	(void)snprintf(buf, UUID_SIZE,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
	    r[11], r[12], r[13], r[14], r[15]);
}
