#include "actors/app/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "actors/secret_file.hpp"

namespace aicache::app {

namespace {

using content = config::found_certificate::content;

template <auto release>
struct releasing {
  template <class T>
  void operator()(T* p) const {
    release(p);
  }
};
using file_of_pem = std::unique_ptr<BIO, releasing<BIO_free>>;
using certificate = std::unique_ptr<X509, releasing<X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, releasing<EVP_PKEY_free>>;

// Nobody is asked for the pass phrase of a key: either a file holds it, or a node cannot use the key.
int pass_phrase(char* into, int room, int, void* from) {
  const auto* phrase = static_cast<const std::string*>(from);
  if (phrase == nullptr || phrase->size() > static_cast<std::size_t>(room)) return 0;
  return static_cast<int>(phrase->copy(into, phrase->size()));
}

certificate next_in(BIO* file) { return certificate(PEM_read_bio_X509(file, nullptr, pass_phrase, nullptr)); }

std::int64_t days_left(const X509* c) {
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(c)) != 1) return -1;
  return seconds < 0 ? days - 1 : days;
}

}  // namespace

config::found_certificate look_at_certificate(const std::string& file, const std::string& key_file,
                                              const std::string& passphrase_file) {
  config::found_certificate found;
  const file_of_pem in(BIO_new_file(file.c_str(), "r"));
  if (!in) return found;
  const certificate own = next_in(in.get());
  found.holds = own ? content::certificate : content::no_certificate;
  if (own) {
    found.days_left = days_left(own.get());
    const file_of_pem keys(BIO_new_file(key_file.c_str(), "r"));
    if (keys) {
      std::string phrase = passphrase_file.empty() ? "" : first_line(text_of_file(passphrase_file).value_or(""));
      const private_key key(PEM_read_bio_PrivateKey(keys.get(), nullptr, pass_phrase, &phrase));
      OPENSSL_cleanse(phrase.data(), phrase.size());
      found.fits_its_key = key && X509_check_private_key(own.get(), key.get()) == 1;
    }
  }
  ERR_clear_error();
  return found;
}

config::found_certificate look_at_certificates(const std::string& file) {
  config::found_certificate found;
  const file_of_pem in(BIO_new_file(file.c_str(), "r"));
  if (!in) return found;
  found.holds = content::no_certificate;
  while (const certificate authority = next_in(in.get())) {
    const std::int64_t left = days_left(authority.get());
    found.days_left = found.holds == content::certificate ? std::max(found.days_left, left) : left;
    found.holds = content::certificate;
  }
  ERR_clear_error();
  return found;
}

}  // namespace aicache::app
