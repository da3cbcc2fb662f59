// Fuzzes auth/jwt: under a fixed key nothing verifies but what was signed, and what is signed is read as any JSON
// reader reads it.
//
// Input: a token; and, cut at its first LF, a header and a payload that are given a right signature to reach what
// stands behind it.
#include "auth/jwt.hpp"

#include <boost/json.hpp>
#include <set>
#include <string>

#include "base/encoding.hpp"
#include "support.hpp"

namespace ccd::auth {
namespace {

namespace json = boost::json;

constexpr std::string_view kKey = "fuzzing key, 32 bytes or more: 0123456789";
constexpr std::int64_t kNow = 1'800'000'000;

std::string encoded(std::string_view text) { return base64url_encode(as_bytes(text)); }

const Claims& claims() {
  static const Claims ours{
      .sub = "u1", .sid = "s1", .role = "admin", .jti = "j1", .iat = kNow, .nbf = kNow, .exp = kNow + 600};
  return ours;
}

const std::string& valid_token() {
  static const std::string token = sign(claims(), kKey);
  return token;
}

bool same(const Claims& a, const Claims& b) {
  return a.sub == b.sub && a.sid == b.sid && a.role == b.role && a.jti == b.jti && a.iat == b.iat && a.nbf == b.nbf &&
         a.exp == b.exp && a.iss == b.iss && a.aud == b.aud;
}

void check_unsigned(std::string_view token) {
  const auto jws = verify_jws(token, kKey);
  const auto verified = verify(token, kKey, kNow);
  CHECK(!verified || token == valid_token());
  CHECK(!jws || token == valid_token());
  if (!jws) CHECK(jws.error().kind == ErrorKind::unauthorized);
  if (!jws && token.find('.') != std::string_view::npos) CHECK(jws.error().message.find(token) == std::string::npos);
}

// The valid token with one part or one byte of the input's in it.
void check_mutated(std::string_view text) {
  const std::string& token = valid_token();
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  const std::string part(text);
  check_unsigned(part + token.substr(first));
  check_unsigned(token.substr(0, first + 1) + part + token.substr(second));
  check_unsigned(token.substr(0, second + 1) + part);
  check_unsigned(token + part);
  if (text.size() < 2) return;
  std::string changed = token;
  changed[static_cast<unsigned char>(text[0]) * token.size() / 256] = text[1];
  check_unsigned(changed);
}

// One JSON object of texts and whole numbers, as a reader of documents sees it; fails the check for anything else.
json::object flat(std::string_view text, std::size_t members) {
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  CHECK(!ec && value.is_object());
  // Two equal names would leave one behind.
  CHECK(value.get_object().size() == members);
  return value.get_object();
}

void check_signed(std::string_view header, std::string_view payload) {
  const std::string content = encoded(header) + '.' + encoded(payload);
  const std::string token = content + '.' + encoded(hmac_sha256(kKey, content));
  const auto jws = verify_jws(token, kKey);
  if (jws) {
    CHECK(jws->header == header && jws->payload == payload);
    boost::system::error_code ec;
    const json::object fields = json::parse(header, ec).as_object();
    CHECK(!ec && fields.at("alg").as_string() == "HS256");
    for (const auto& [name, value] : fields)
      CHECK((name == "alg" || name == "typ" || name == "cty" || name == "kid") && value.is_string());
  }
  const auto verified = verify(token, kKey, kNow);
  if (!verified) {
    CHECK(verified.error().kind == ErrorKind::unauthorized);
    return;
  }
  CHECK(jws && header == R"({"alg":"HS256","typ":"at+jwt"})");
  CHECK(verified->exp > kNow && verified->nbf <= kNow + kNotBeforeLeewaySeconds && verified->iss == kTokenIssuer &&
        verified->aud == kTokenAudience);
  const json::object fields = flat(payload, 9);
  CHECK(fields.at("sub").as_string() == verified->sub && fields.at("sid").as_string() == verified->sid);
  CHECK(fields.at("role").as_string() == verified->role && fields.at("jti").as_string() == verified->jti);
  CHECK(fields.at("iat").as_int64() == verified->iat && fields.at("nbf").as_int64() == verified->nbf &&
        fields.at("exp").as_int64() == verified->exp);
  const auto again = verify(sign(*verified, kKey), kKey, kNow);
  CHECK(again && same(*again, *verified));
  CHECK(!verify(token, kKey, verified->exp) && !verify(token, kKey, kNow, {.audience = "another"}));
}

}  // namespace
}  // namespace ccd::auth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::auth;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  static const bool valid = verify(valid_token(), kKey, kNow).has_value();
  CHECK(valid);
  check_unsigned(text);
  CHECK(!verify(text, "another key that is long enough, too 123", kNow) && !verify(text, "short key", kNow));
  check_mutated(text);
  std::string_view payload = text;
  const std::string_view header = ccd::fuzz::take(payload);
  check_signed(header, payload);
  check_signed(R"({"alg":"HS256","typ":"at+jwt"})", text);
  return 0;
}
