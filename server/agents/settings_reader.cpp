// Reads what a project brings, for people to see and for the digest: every byte that can start something is in it, or it is said that it is not.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "agents/trust.hpp"
#include "base/encoding.hpp"
#include "claude/transcript_line.hpp"
#include "files/listing.hpp"
#include "files/open.hpp"
#include "files/projects.hpp"
#include "files/read.hpp"

namespace ccd::agents {

namespace {

// Deeper than any layout of commands and skills; links can lead around in circles.
constexpr int kDepth = 8;
constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;
// Of all findings together, and of all shown texts.
constexpr std::size_t kMaxFindingsBytes = std::size_t{1} * 1024 * 1024;
constexpr std::size_t kMaxShownBytes = std::size_t{2} * 1024 * 1024;
constexpr std::size_t kMaxGaps = 20;
// What says something may go on where others are left out.
constexpr std::size_t kMaxTellingFiles = 2 * kMaxSettingsFiles;

class Hash {
 public:
  Hash() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), out.data(), &size);
    return hex_encode(std::as_bytes(std::span(out).first(size)));
  }
  static std::string of(std::string_view text) {
    Hash hash;
    hash.add(text);
    return hash.hex();
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

std::string trouble_of(const Error& error) {
  return error.message == files::kOutsideMessage ? "it is a link that leads out of the allowed folders" : error.message;
}

class Reader {
 public:
  Reader(const files::Roots& roots, std::string folder) : roots_(roots) { out_.folder = std::move(folder); }

  ProjectSettings read() {
    // First what starts things, of all folders: many words must not hide it.
    for_each_folder([this](const std::string& folder) {
      for (const std::string_view name : claude::kProjectFiles) read_file(folder, std::string(name));
      for (const std::string_view name : claude::kActingFolders) read_below(folder, std::string(name), kDepth);
    });
    for_each_folder([this](const std::string& folder) {
      for (const std::string_view name : claude::kWordFiles) read_words(folder, std::string(name));
      for (const std::string_view name : claude::kWordFolders) list_words(folder, std::string(name), kDepth);
    });
    std::string all;
    for (const std::string& part : digested_) all += part;
    out_.digest = Hash::of(all);
    return std::move(out_);
  }

 private:
  template <class Do>
  void for_each_folder(const Do& act) const {
    std::string folder = out_.folder;
    while (roots_.locate(folder)) {
      act(folder);
      const std::size_t slash = folder.rfind('/');
      if (slash == 0 || slash == std::string::npos) break;
      folder.resize(slash);
    }
  }

  static std::string hash_of(const std::string& name, const std::string& what) { return Hash::of(name + '\0' + what); }

  void gap(std::string words) {
    out_.complete = false;
    if (out_.gaps.size() < kMaxGaps) out_.gaps.push_back(std::move(words));
  }

  void read_below(const std::string& folder, const std::string& name, int depth) {
    const std::string path = folder + "/" + name;
    if (depth == 0) return gap(path + " lies deeper than is looked");
    const auto place = roots_.locate(path);
    if (!place) return gap(path + " has too long a path");
    if (entries_left_ == 0) return gap(path + " is behind more files than are looked at");
    const auto listing = files::list_folder(*place, entries_left_);
    if (!listing && listing.error().kind == ErrorKind::not_found) return;
    // A link that leads out, or something else in a folder's place: read_file() says what.
    if (!listing) return read_file(folder, name);
    entries_left_ -= std::min(entries_left_, listing->entries.size());
    for (const files::Entry& entry : listing->entries) {
      const bool is_folder = entry.kind == files::EntryKind::folder || entry.target == files::LinkTarget::folder;
      if (is_folder) read_below(folder, name + "/" + entry.name, depth - 1);
      else read_file(folder, name + "/" + entry.name);
    }
    if (listing->truncated) gap(path + " has more files than are looked at");
  }

  struct Content {
    std::string hash{};       // of the whole
    std::string beginning{};  // at most kMaxSettingsFile
    std::uint64_t bytes = 0;
  };
  // To its end, wherever that is by now; too_large when it is behind what may be read in all.
  Result<Content> content_of(const files::OpenFile& file) {
    Content content;
    Hash hash;
    for (;;) {
      const std::string piece = TRY(files::read_range(file.fd.get(), content.bytes, kPieceBytes));
      if (piece.empty()) break;
      if (piece.size() > bytes_left_)
        return fail(ErrorKind::too_large, "it and the files before it have more than " +
                                              std::to_string(kMaxDigestedBytes >> 20U) + " MiB together");
      bytes_left_ -= piece.size();
      hash.add(piece);
      content.bytes += piece.size();
      content.beginning.append(piece, 0, kMaxSettingsFile - content.beginning.size());
    }
    content.hash = hash.hex();
    return content;
  }

  void read_file(const std::string& folder, const std::string& name) {
    SettingsFile file{.path = folder + "/" + name, .name = name};
    const auto opened = open(file.path);
    if (!opened && opened.error().kind == ErrorKind::not_found) return;
    const auto content = opened ? content_of(*opened) : tl::unexpected(opened.error());
    if (opened) file.bytes = opened->size;
    if (!content) {
      // What is in it, the client may read; that it changes cannot be seen from here.
      out_.complete = false;
      file.trouble = trouble_of(content.error());
      file.hash = hash_of(name, file.trouble + std::to_string(file.bytes));
    } else {
      file.bytes = content->bytes;
      const bool whole = content->bytes <= kMaxSettingsFile;
      file.hash = hash_of(name, whole ? Hash::of(claude::lasting_part(name, content->beginning)) : content->hash);
      if (!whole) file.trouble = "it has more than 1 MiB";
      else file.findings = claude::findings(name, content->beginning);
      show(file, content->beginning);
    }
    digested_.insert(file.hash);
    add(std::move(file));
  }

  void read_words(const std::string& folder, const std::string& name) {
    SettingsFile file{.path = folder + "/" + name, .name = name, .words = true};
    const auto opened = open(file.path);
    if (!opened && opened.error().kind == ErrorKind::not_found) return;
    const auto read =
        opened ? files::read_range(opened->fd.get(), 0, kMaxShownFile + 1) : tl::unexpected(opened.error());
    if (opened) file.bytes = opened->size;
    if (read) show(file, *read);
    else file.trouble = trouble_of(read.error());
    add(std::move(file));
  }

  void list_words(const std::string& folder, const std::string& name, int depth) {
    const auto place = roots_.locate(folder + "/" + name);
    if (!place || depth == 0) return;
    const auto listing = files::list_folder(*place, kMaxSettingsFiles);
    if (!listing) return;
    for (const files::Entry& entry : listing->entries) {
      const std::string below = name + "/" + entry.name;
      if (out_.files.size() >= kMaxSettingsFiles) ++out_.left_out;
      else if (entry.kind == files::EntryKind::folder) list_words(folder, below, depth - 1);
      else add({.path = folder + "/" + below, .name = below, .words = true, .bytes = entry.size});
    }
    if (listing->truncated) ++out_.left_out;
  }

  void show(SettingsFile& file, std::string_view text) {
    const std::size_t room = std::min(kMaxShownFile, kMaxShownBytes - shown_);
    file.text = claude::clipped(text, room);
    file.cut = text.size() > room;
    shown_ += std::min(file.text.size(), room);
  }

  void add(SettingsFile file) {
    for (const claude::Finding& finding : file.findings) findings_ += finding.where.size() + finding.text.size();
    if (findings_ > kMaxFindingsBytes && !file.findings.empty()) {
      file.findings.clear();
      gap(file.path + " holds more settings than can be listed");
    }
    const bool telling = !file.findings.empty() || (!file.trouble.empty() && !file.words);
    if (out_.files.size() < (telling ? kMaxTellingFiles : kMaxSettingsFiles))
      return out_.files.push_back(std::move(file));
    ++out_.left_out;
    if (telling) gap(file.path + " is behind more files than can be shown");
  }

  Result<files::OpenFile> open(const std::string& path) const {
    const files::ConfinedPath place = TRY(roots_.locate(path));
    return files::open_file(place, 0);
  }

  const files::Roots& roots_;
  ProjectSettings out_{};
  std::size_t entries_left_ = kMaxDigestedEntries;
  std::uint64_t bytes_left_ = kMaxDigestedBytes;
  std::size_t shown_ = 0;
  std::size_t findings_ = 0;
  std::set<std::string> digested_{};  // sorted, each once: copies in working trees make no difference
};

}  // namespace

Result<ProjectSettings> read_project_settings(const files::Roots& roots, const std::string& folder) {
  const auto opened = TRY(files::open_project_folder(roots, folder));
  return Reader(roots, opened.path).read();
}

}  // namespace ccd::agents
