#include "git/config.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace ccd::git {

namespace {

// How files are compared with the index and written out; none of them can name a program or another file.
constexpr std::array<std::string_view, 11> kCore{
    "filemode",   "symlinks",  "ignorecase",       "precomposeunicode", "autocrlf",          "eol",
    "trustctime", "checkstat", "bigfilethreshold", "sparsecheckout",    "sparsecheckoutcone"};
// Extensions that change nothing for what is asked here, or that are taken over.
constexpr std::array<std::string_view, 6> kExtensions{"worktreeconfig", "partialclone",    "noop",
                                                      "noop-v1",        "preciousobjects", "relativeworktrees"};

struct Setting {
  std::string_view section;
  std::string_view subsection;
  std::string_view key;
  std::string_view value;
  bool has_value = false;
};

// "section.key\nvalue" or "section.sub.section.key\nvalue"; a setting without "= value" has no line end.
std::optional<Setting> read_setting(std::string_view entry) {
  const std::size_t end = entry.find('\n');
  const std::string_view name = entry.substr(0, end);
  const std::size_t first = name.find('.');
  const std::size_t last = name.rfind('.');
  if (first == std::string_view::npos) return std::nullopt;
  Setting out;
  out.section = name.substr(0, first);
  if (last > first) out.subsection = name.substr(first + 1, last - first - 1);
  out.key = name.substr(last + 1);
  out.has_value = end != std::string_view::npos;
  if (out.has_value) out.value = entry.substr(end + 1);
  return out;
}

template <class List>
bool has(const List& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

bool is_true(const Setting& setting) {
  return !setting.has_value || setting.value == "true" || setting.value == "yes" || setting.value == "on" ||
         setting.value == "1";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void write(std::string& out, const Setting& setting) {
  out += "[" + std::string(setting.section);
  if (!setting.subsection.empty()) out += " " + quoted(setting.subsection);
  out += "]\n\t" + std::string(setting.key) + " = " + quoted(setting.has_value ? setting.value : "true") + "\n";
}

bool taken_over(const Setting& setting) {
  if (setting.section == "core") return setting.subsection.empty() && has(kCore, setting.key);
  // A line end in a subsection cannot be written, and git does not let anybody write one.
  if (setting.subsection.empty() || setting.subsection.find('\n') != std::string_view::npos) return false;
  if (setting.section == "branch") return setting.key == "remote" || setting.key == "merge";
  return setting.section == "remote" && setting.key == "fetch";
}

}  // namespace

Result<SafeConfig> safe_config(std::string_view listed) {
  SafeConfig out;
  std::string settings;
  std::string format;
  while (!listed.empty()) {
    const std::size_t end = std::min(listed.find('\0'), listed.size());
    const auto setting = read_setting(listed.substr(0, end));
    listed.remove_prefix(std::min(end + 1, listed.size()));
    if (!setting) continue;
    if (setting->section == "core" && setting->key == "bare" && setting->subsection.empty())
      out.bare = is_true(*setting);
    if (setting->section == "extensions") {
      if (setting->key == "objectformat" && (setting->value == "sha1" || setting->value == "sha256"))
        format = setting->value;
      else if (!has(kExtensions, setting->key) && !(setting->key == "refstorage" && setting->value == "files"))
        return fail(ErrorKind::unavailable, "the repository uses git's extension `" + std::string(setting->key) +
                                                "`, which the dashboard does not know");
    }
    if (taken_over(*setting)) write(settings, *setting);
  }
  out.text =
      "[core]\n\trepositoryformatversion = " + std::string(format == "sha256" ? "1" : "0") + "\n\tbare = false\n";
  if (format == "sha256") out.text += "[extensions]\n\tobjectformat = sha256\n";
  out.text += settings;
  return out;
}

}  // namespace ccd::git
