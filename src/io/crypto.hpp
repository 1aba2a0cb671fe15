// OpenSSL, begun in such a way that it lasts as long as the process. Left to itself it ends by atexit, and a
// thread of links that goes on while the process exits (a host may call exit at any moment) would use what
// has gone. Thread: any.
#pragma once

#include <openssl/crypto.h>

namespace reflow::io {

// To be called before anything else of OpenSSL. It does nothing where the host has begun it already; doing
// it again costs a look at a flag.
inline void begin_crypto() noexcept { (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr); }

}  // namespace reflow::io
