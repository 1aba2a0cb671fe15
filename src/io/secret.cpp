// Random numbers, proofs and comparing; see secret.hpp. Thread: any.
#include "io/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <climits>

#include "io/crypto.hpp"

namespace reflow::io {

bool same_secret(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<void> fill_random(std::span<unsigned char> to) {
    if (getrandom(to.data(), to.size(), 0) == static_cast<ssize_t>(to.size())) return {};
    return Failure(REFLOW_ERROR_IO, "the system has no random numbers");
}

String to_hex(std::span<const unsigned char> data) {
    static constexpr char digits[] = "0123456789abcdef";
    String text;
    text.reserve(2 * data.size());
    for (unsigned char byte : data) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

Result<String> hmac_sha256(std::string_view key, std::string_view text) {
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const auto* data = reinterpret_cast<const unsigned char*>(text.data());
    begin_crypto();
    if (key.size() > INT_MAX || HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data,
                                     text.size(), code, &size) == nullptr) {
        return Failure(REFLOW_ERROR_OUT_OF_MEMORY, "a proof cannot be computed");
    }
    return to_hex({code, size});
}

}  // namespace reflow::io
