#include "notify/curl_library.hpp"

#include <dlfcn.h>

#include "base/log.hpp"

namespace ccd::notify {

namespace {

// Of the interface that the headers describe: libcurl has kept it since 2006.
constexpr const char* kName = "libcurl.so.4";

class Loader {
 public:
  Loader() : handle_(::dlopen(kName, RTLD_NOW | RTLD_LOCAL)) {}

  template <class Function>
  void find(Function& function, const char* name) {
    function = handle_ == nullptr ? nullptr : reinterpret_cast<Function>(::dlsym(handle_, name));
    complete_ = complete_ && function != nullptr;
  }
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  void* handle_;  // never closed: its threads and what it has handed out go on
  bool complete_ = true;
};

struct Loaded {
  CurlLibrary functions{};
  bool complete = false;
};

Loaded load() {
  Loader loader;
  Loaded out;
  CurlLibrary& f = out.functions;
  decltype(&::curl_global_init) global_init = nullptr;
  loader.find(global_init, "curl_global_init");
  loader.find(f.easy_cleanup, "curl_easy_cleanup");
  loader.find(f.easy_getinfo, "curl_easy_getinfo");
  loader.find(f.easy_init, "curl_easy_init");
  loader.find(f.easy_setopt, "curl_easy_setopt");
  loader.find(f.easy_strerror, "curl_easy_strerror");
  loader.find(f.free, "curl_free");
  loader.find(f.multi_add_handle, "curl_multi_add_handle");
  loader.find(f.multi_cleanup, "curl_multi_cleanup");
  loader.find(f.multi_info_read, "curl_multi_info_read");
  loader.find(f.multi_init, "curl_multi_init");
  loader.find(f.multi_perform, "curl_multi_perform");
  loader.find(f.multi_poll, "curl_multi_poll");
  loader.find(f.multi_remove_handle, "curl_multi_remove_handle");
  loader.find(f.multi_wakeup, "curl_multi_wakeup");
  loader.find(f.slist_append, "curl_slist_append");
  loader.find(f.slist_free_all, "curl_slist_free_all");
  loader.find(f.url, "curl_url");
  loader.find(f.url_cleanup, "curl_url_cleanup");
  loader.find(f.url_get, "curl_url_get");
  loader.find(f.url_set, "curl_url_set");
  out.complete = loader.complete() && global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!out.complete) {
    const char* why = ::dlerror();
    log_error("notify", "libcurl cannot be used: nothing is sent",
              {{"library", kName}, {"error", why == nullptr ? "it refused to start" : why}});
  }
  return out;
}

}  // namespace

const CurlLibrary* curl_library() {
  static const Loaded loaded = load();
  return loaded.complete ? &loaded.functions : nullptr;
}

}  // namespace ccd::notify
