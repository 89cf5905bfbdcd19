#include "common/hash/sha256.hpp"

#include <openssl/evp.h>

#include <new>

#include "common/base/check.hpp"

namespace fairlead {

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }

  void begin() {
    if (EVP_DigestInit_ex(evp, EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  if (context_->evp == nullptr) throw std::bad_alloc();
  context_->begin();
}

Sha256::~Sha256() = default;

// After EVP_DigestInit_ex() a digest allocates nothing, so it cannot fail.
void Sha256::update(Bytes bytes) {
  FAIRLEAD_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

Sha256::Digest Sha256::finish() {
  std::array<unsigned char, 32> raw{};
  unsigned int size = 0;
  FAIRLEAD_CHECK(EVP_DigestFinal_ex(context_->evp, raw.data(), &size) == 1 && size == raw.size());
  context_->begin();
  Digest digest{};
  for (std::size_t i = 0; i < raw.size(); ++i) digest[i] = static_cast<char>(raw[i]);
  return digest;
}

}  // namespace fairlead
