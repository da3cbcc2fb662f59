// libcurl, loaded when something is first sent or an address first looked at: with the twenty libraries that it brings it takes 5 MiB, and most
// dashboards send nothing.
//
// Any thread. Once loaded it stays.
#pragma once

#include <curl/curl.h>

namespace ccd::notify {

// Its functions that this room uses, under their own names without "curl_".
struct CurlLibrary {
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_free) free;
  decltype(&::curl_multi_add_handle) multi_add_handle;
  decltype(&::curl_multi_cleanup) multi_cleanup;
  decltype(&::curl_multi_info_read) multi_info_read;
  decltype(&::curl_multi_init) multi_init;
  decltype(&::curl_multi_perform) multi_perform;
  decltype(&::curl_multi_poll) multi_poll;
  decltype(&::curl_multi_remove_handle) multi_remove_handle;
  decltype(&::curl_multi_wakeup) multi_wakeup;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_url) url;
  decltype(&::curl_url_cleanup) url_cleanup;
  decltype(&::curl_url_get) url_get;
  decltype(&::curl_url_set) url_set;
};

// Null where it is not installed: an ERROR says so, once. The first call takes some 20 ms.
const CurlLibrary* curl_library();

// What to tell whoever wanted something sent.
inline constexpr const char* kNoCurl = "libcurl is not installed on the dashboard's machine: apt-get install libcurl4";

}  // namespace ccd::notify
