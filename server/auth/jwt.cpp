#include "auth/jwt.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/encoding.hpp"

namespace ccd::auth {

namespace json = boost::json;

namespace {

constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"at+jwt"})";
constexpr std::size_t kMaxMembers = 16;  // of a header or a set of claims; ours have 2 and 9

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorKind::unauthorized, "token: " + std::string(why));
}

using Value = std::variant<std::string, std::int64_t>;
using Members = std::vector<std::pair<std::string, Value>>;

// Takes a flat JSON object of strings and integers. A document parser would keep the last of two equal names, and so read
// another token than the next program does; this stops at the second one, and at anything nested.
struct FlatObject {
  static constexpr std::size_t max_object_size = kMaxMembers;
  static constexpr std::size_t max_array_size = 0;
  static constexpr std::size_t max_key_size = 64;
  static constexpr std::size_t max_string_size = kMaxTokenBytes;
  using Code = boost::system::error_code;

  Members members;
  std::string part;  // of a name or a string that comes in pieces (it has escapes)
  bool open = false;
  bool whole = false;

  static bool stop(Code& ec) {
    ec = json::error::syntax;
    return false;
  }
  bool add(Value value) {
    members.back().second = std::move(value);
    return true;
  }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code& ec) { return std::exchange(open, true) ? stop(ec) : true; }
  bool on_object_end(std::size_t, Code&) { return whole = true; }
  bool on_array_begin(Code& ec) { return stop(ec); }
  bool on_array_end(std::size_t, Code& ec) { return stop(ec); }
  bool on_key_part(std::string_view text, std::size_t, Code&) {
    part += text;
    return true;
  }
  bool on_key(std::string_view text, std::size_t, Code& ec) {
    part += text;
    const auto same = [this](const auto& member) { return member.first == part; };
    if (std::any_of(members.begin(), members.end(), same)) return stop(ec);
    members.emplace_back(std::exchange(part, {}), std::int64_t{0});
    return true;
  }
  bool on_string_part(std::string_view text, std::size_t, Code& ec) {
    if (!open) return stop(ec);
    part += text;
    return true;
  }
  bool on_string(std::string_view text, std::size_t, Code& ec) {
    if (!open) return stop(ec);
    part += text;
    return add(std::exchange(part, {}));
  }
  bool on_number_part(std::string_view, Code&) { return true; }
  bool on_int64(std::int64_t value, std::string_view, Code& ec) { return open ? add(value) : stop(ec); }
  bool on_uint64(std::uint64_t, std::string_view, Code& ec) { return stop(ec); }
  bool on_double(double, std::string_view, Code& ec) { return stop(ec); }
  bool on_bool(bool, Code& ec) { return stop(ec); }
  bool on_null(Code& ec) { return stop(ec); }
  bool on_comment_part(std::string_view, Code& ec) { return stop(ec); }
  bool on_comment(std::string_view, Code& ec) { return stop(ec); }
};

std::optional<Members> parse_flat(std::string_view text) {
  json::basic_parser<FlatObject> parser{json::parse_options{}};
  boost::system::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (ec || used != text.size() || !parser.handler().whole) return std::nullopt;
  return std::move(parser.handler().members);
}

// Null when it is not there or of the other type.
template <class T>
const T* find(const Members& members, std::string_view name) {
  for (const auto& [key, value] : members)
    if (key == name) return std::get_if<T>(&value);
  return nullptr;
}

Result<> check_header(std::string_view header) {
  const auto members = parse_flat(header);
  if (!members) return refuse("the header is not a flat JSON object with each name once");
  static constexpr std::array<std::string_view, 4> kKnown{"alg", "typ", "cty", "kid"};
  for (const auto& [name, value] : *members) {
    // RFC 7515 4: what is not understood may be ignored, but crit, b64 and zip change the meaning, and jwk, jku, x5u and x5c
    // bring keys. None of ours has any.
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end())
      return refuse("the header has a name we do not use");
    if (!std::holds_alternative<std::string>(value)) return refuse("the header has a value that is not text");
  }
  const auto* alg = find<std::string>(*members, "alg");
  if (alg == nullptr || *alg != "HS256") return refuse("the algorithm is not HS256");
  return {};
}

Result<Claims> parse_claims(std::string_view payload) {
  const auto members = parse_flat(payload);
  if (!members) return refuse("the claims are not a flat JSON object with each name once");
  Claims claims;
  struct Text {
    std::string_view name;
    std::string* to;
  };
  struct Number {
    std::string_view name;
    std::int64_t* to;
  };
  const std::array texts{Text{"sub", &claims.sub}, Text{"sid", &claims.sid}, Text{"role", &claims.role},
                         Text{"jti", &claims.jti}, Text{"iss", &claims.iss}, Text{"aud", &claims.aud}};
  const std::array numbers{Number{"iat", &claims.iat}, Number{"nbf", &claims.nbf}, Number{"exp", &claims.exp}};
  if (members->size() != texts.size() + numbers.size()) return refuse("the claims are not the nine we sign");
  for (const Text& text : texts) {
    const auto* value = find<std::string>(*members, text.name);
    if (value == nullptr || value->empty()) return refuse("a claim is missing or not text");
    *text.to = *value;
  }
  for (const Number& number : numbers) {
    const auto* value = find<std::int64_t>(*members, number.name);
    if (value == nullptr || *value < 0) return refuse("a time is missing or not a number");
    *number.to = *value;
  }
  return claims;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), mac.data(), &size);
  return {reinterpret_cast<const char*>(mac.data()), mac.size()};
}

std::string sha256(std::string_view message) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data());
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string sign(const Claims& claims, std::string_view key) {
  const json::object body{{"iss", claims.iss}, {"aud", claims.aud},   {"sub", claims.sub},
                          {"sid", claims.sid}, {"role", claims.role}, {"iat", claims.iat},
                          {"nbf", claims.nbf}, {"exp", claims.exp},   {"jti", claims.jti}};
  std::string token = base64url_encode(as_bytes(kHeader)) + '.' + base64url_encode(as_bytes(json::serialize(body)));
  const std::string mac = hmac_sha256(key, token);
  return token + '.' + base64url_encode(as_bytes(mac));
}

Result<Jws> verify_jws(std::string_view token, std::string_view key) {
  if (key.size() < kMinKeyBytes) return fail(ErrorKind::internal, "token: the key is shorter than 32 bytes");
  if (token.size() > kMaxTokenBytes) return refuse("it is longer than 4096 bytes");
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return refuse("it does not have three parts");
  const auto header = base64url_decode(token.substr(0, first));
  const auto payload = base64url_decode(token.substr(first + 1, second - first - 1));
  const auto mac = base64url_decode(token.substr(second + 1));
  if (!header || !payload || !mac) return refuse("a part is not base64url");
  Jws jws{std::string(as_text(*header)), std::string(as_text(*payload))};
  TRY(check_header(jws.header));
  if (!equal_constant_time(as_text(*mac), hmac_sha256(key, token.substr(0, second))))
    return refuse("the signature is wrong");
  return jws;
}

Result<Claims> verify(std::string_view token, std::string_view key, std::int64_t now_seconds,
                      const Expected& expected) {
  const Jws jws = TRY(verify_jws(token, key));
  if (jws.header != kHeader) return refuse("the header is not exactly ours");
  Claims claims = TRY(parse_claims(jws.payload));
  if (claims.iss != expected.issuer) return refuse("the issuer is another");
  if (claims.aud != expected.audience) return refuse("the audience is another");
  if (now_seconds >= claims.exp) return refuse("it has expired");
  if (now_seconds + kNotBeforeLeewaySeconds < claims.nbf) return refuse("it is not valid yet");
  return claims;
}

}  // namespace ccd::auth
