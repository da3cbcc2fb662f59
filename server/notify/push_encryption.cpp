#include "notify/push_encryption.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "notify/encrypted_content.hpp"

namespace ccd::notify {

namespace {

constexpr std::uint32_t kRecordSize = 4096;

}  // namespace

Result<std::string> encrypt_push(const Receiver& receiver, const P256Key& sender, std::span<const std::byte> salt,
                                 std::string_view text, std::size_t padding) {
  if (receiver.auth.size() != kAuthBytes) return fail(ErrorKind::invalid, "a subscription's secret has 16 bytes");
  if (text.size() + padding > kMaxPushText) return fail(ErrorKind::too_large, "a push message has at most 3993 bytes");
  const auto agreed = TRY(sender.agree(receiver.key));
  // RFC 8291 3.4: the secret of the content coding is bound to both keys and to the subscription.
  std::string info("WebPush: info");
  info += '\0';
  info += as_text(receiver.key);
  info += as_text(sender.public_point());
  const auto secret = TRY(hkdf(agreed, receiver.auth, info, 32));
  const std::array records{Record{.text = text, .padding = padding}};
  return seal_content(secret, salt, as_text(sender.public_point()), kRecordSize, records);
}

std::size_t push_padding(std::size_t text_bytes) {
  const std::size_t rest = text_bytes % kPushPadding;
  const std::size_t wanted = rest == 0 ? 0 : kPushPadding - rest;
  return std::min(wanted, kMaxPushText - std::min(text_bytes, kMaxPushText));
}

}  // namespace ccd::notify
