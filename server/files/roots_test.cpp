// Roots: which are refused at start, and which paths are located below them.
#include "files/roots.hpp"

#include <gmock/gmock.h>

#include "files/open.hpp"
#include "files/test_tree.hpp"

namespace ccd::files {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::string& root) {
  const auto roots = Roots::open({root});
  if (roots) return "accepted";
  EXPECT_EQ(roots.error().kind, ErrorKind::invalid);
  return roots.error().message;
}

TEST(Roots, RefusalNamesTheRootAndWhatIsWrong) {
  const TestTree tree;
  tree.file("file");
  EXPECT_THAT(refusal(tree.in("nope")), HasSubstr("/srv/app/nope\" does not exist"));
  EXPECT_THAT(refusal(tree.in("file")), HasSubstr("is not a folder"));
  EXPECT_THAT(refusal("srv/app"), HasSubstr("\"srv/app\" is not an absolute path"));
  EXPECT_THAT(refusal(""), HasSubstr("is not an absolute path"));
  EXPECT_THAT(refusal("~/projects"), HasSubstr("is not an absolute path"));
  EXPECT_THAT(refusal("/"), HasSubstr("is too wide"));
  EXPECT_THAT(refusal("//./"), HasSubstr("is too wide"));
  EXPECT_THAT(refusal(tree.in("..")), HasSubstr("\"..\""));
  EXPECT_THAT(refusal("/proc"), HasSubstr("the kernel's state"));
  EXPECT_THAT(refusal("/proc/self/fd"), HasSubstr("the kernel's state"));
  EXPECT_THAT(refusal("/sys"), HasSubstr("the kernel's state"));
  EXPECT_THAT(refusal("/" + std::string(5000, 'a')), HasSubstr("is longer than 4095 bytes"));
  EXPECT_THAT(refusal("/tmp/a\nb"), HasSubstr("\"/tmp/a\\nb\""));
  tree.link("/", "slash");
  EXPECT_THAT(refusal(tree.in("slash")), HasSubstr("too wide"));
  tree.link("loop", "loop");
  EXPECT_THAT(refusal(tree.in("loop")), HasSubstr("loop of links"));
}

TEST(Roots, TooManyAreRefused) {
  const TestTree tree;
  const auto roots = Roots::open(std::vector<std::string>(kMaxRoots + 1, tree.root().string()));
  ASSERT_FALSE(roots);
  EXPECT_THAT(roots.error().message, HasSubstr("65 roots"));
}

TEST(Roots, NoRootsMeansEverythingIsOutside) {
  const auto roots = Roots::open({}).value();
  EXPECT_FALSE(roots.locate("/tmp"));
}

TEST(Roots, LocateTidiesAndComparesWholeComponents) {
  const TestTree tree;
  TestTree::write(tree.top() / "srv/app-evil/file", kCanary);
  const auto roots = tree.roots();
  const auto relative = [&](std::string_view tail) {
    const auto path = roots.locate(tree.root().string() + std::string(tail));
    return path ? path->relative() : path.error().message;
  };
  EXPECT_EQ(relative(""), "");
  EXPECT_EQ(relative("/"), "");
  EXPECT_EQ(relative("//a/./b///c/"), "a/b/c");
  EXPECT_EQ(relative("/..."), "...");
  EXPECT_EQ(relative("/a\\..\\b"), "a\\..\\b");  // a backslash is a byte like any other
  EXPECT_EQ(relative("/%2e%2e"), "%2e%2e");      // nothing is decoded here
  EXPECT_EQ(relative("/" + std::string(255, 'x')), std::string(255, 'x'));
  for (const std::string& tail :
       {std::string("-evil/file"), std::string("-evil"), std::string("/../app/a"), std::string("/a/.."),
        std::string("/.."), std::string("/../app-evil/file"), std::string("/a\0b", 4), "/" + std::string(256, 'x')}) {
    EXPECT_EQ(relative(tail), kOutsideMessage) << tail;
  }
  std::string deep;
  while (deep.size() < 4096) deep += "/a";
  EXPECT_EQ(relative(deep), kOutsideMessage);
}

TEST(Roots, RefusalSaysNothingAboutExistence) {
  const TestTree tree;
  const auto roots = tree.roots();
  for (const char* path : {"/etc/passwd", "/etc/no-such-file", "", "relative", "./x", "..", "/", "/srv", "~root"}) {
    const auto located = roots.locate(path);
    ASSERT_FALSE(located) << path;
    EXPECT_EQ(located.error().kind, ErrorKind::forbidden);
    EXPECT_EQ(located.error().message, kOutsideMessage);
    EXPECT_EQ(located.error().sys, 0);
  }
}

TEST(Roots, BothSpellingsOfARootAreAcceptedAndTheCanonicalOneIsShown) {
  const TestTree tree;
  tree.file("file");
  std::filesystem::create_symlink(tree.root(), tree.top() / "alias");
  const auto roots = Roots::open({(tree.top() / "alias").string(), tree.root().string(), tree.in(".")}).value();
  EXPECT_THAT(roots.paths(), ElementsAre(tree.root().string()));
  EXPECT_EQ(roots.locate((tree.top() / "alias/file").string()).value().display(), tree.in("file"));
  EXPECT_EQ(roots.locate(tree.in("file")).value().display(), tree.in("file"));
}

TEST(Roots, NestedRootIsShownAndOpenedFromTheOuterOne) {
  const TestTree tree;
  tree.file("one/file");
  tree.link("../one/file", "two/link");
  const auto two = tree.in("two");
  for (const auto& order : {std::vector{two, tree.root().string()}, std::vector{tree.root().string(), two}}) {
    const auto roots = Roots::open(order).value();
    EXPECT_EQ(roots.paths(), order);
    const auto path = roots.locate(two + "/link").value();
    EXPECT_EQ(path.relative(), "two/link");
    EXPECT_TRUE(open_confined(path, Kind::file));
  }
  const auto alone = Roots::open({two}).value();
  EXPECT_FALSE(open_confined(alone.locate(two + "/link").value(), Kind::file));
}

TEST(Roots, RootReachedThroughALinkInsideAnotherRootKeepsItsOwnDescriptor) {
  const TestTree tree;
  tree.link(tree.top() / "canary", "mine");
  const auto path = tree.in("mine/file");
  EXPECT_FALSE(open_confined(tree.roots().locate(path).value(), Kind::file));
  const auto both = Roots::open({tree.root().string(), tree.in("mine")}).value();
  EXPECT_TRUE(open_confined(both.locate(path).value(), Kind::file));
}

TEST(Roots, StaysOnTheFolderItWasOpenedOn) {
  const TestTree tree;
  tree.file("file");
  const auto roots = tree.roots();
  std::filesystem::rename(tree.root(), tree.top() / "srv/old");
  std::filesystem::create_symlink(tree.top() / "canary", tree.root());
  const auto opened = open_confined(roots.locate(tree.in("file")).value(), Kind::file);
  ASSERT_TRUE(opened) << opened.error().message;
  char bytes[6] = {};
  ASSERT_EQ(::read(opened->fd.get(), bytes, 6), 6);
  EXPECT_EQ(std::string_view(bytes, 6), kInside);
}

TEST(ConfinedPath, ChildIsOneComponent) {
  const TestTree tree;
  const auto root = tree.roots().locate(tree.root().string()).value();
  EXPECT_EQ(root.child("a b").value().child("c").value().relative(), "a b/c");
  for (const auto& name : {std::string(""), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
                           std::string("a\0", 2), std::string(256, 'x')}) {
    EXPECT_FALSE(root.child(name)) << name;
  }
}

}  // namespace
}  // namespace ccd::files
