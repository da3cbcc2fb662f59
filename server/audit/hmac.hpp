// HMAC-SHA256 over length-prefixed fields, so that no two different rows have the same encoding.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "audit/key.hpp"

namespace ccd::audit {

class Hmac {
 public:
  explicit Hmac(const Key& key);
  Hmac(Hmac&&) noexcept;
  ~Hmac();

  // One message; fields are added in order. The process ends if OpenSSL has no SHA-256.
  class Message {
   public:
    Message(const Hmac& hmac, std::string_view domain);
    ~Message();
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    Message& add(std::string_view text);
    Message& add(std::int64_t number);
    // 64 hex digits; ends the message.
    std::string hex();

   private:
    void* context_;
  };

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> keyed_;  // an EVP_MAC_CTX that every message starts as a copy of
};

}  // namespace ccd::audit
