#!/bin/sh
# Fills the folder that the recorded programs run in: files to show, a small git history. $1 is the folder, $2 this script's folder.
set -eu
demo=$1
scripts=$2
cd "$demo"
mkdir -p src docs "archive/2024" "文書"
cp "$scripts/record_progress.sh" progress.sh
chmod +x progress.sh
cat >src/main.c <<'C'
// A small program to edit.
#include <stdio.h>
#include <string.h>

static int count_words(const char *text) {
	int words = 0, inside = 0;
	for (; *text; ++text) {
		if (*text == ' ' || *text == '\n' || *text == '\t') inside = 0;
		else if (!inside) inside = 1, ++words;
	}
	return words;
}

int main(int argc, char **argv) {
	for (int i = 1; i < argc; ++i)
		printf("%-20s %4d words, %4zu bytes\n", argv[i], count_words(argv[i]), strlen(argv[i]));
	return argc > 1 ? 0 : 1;
}
C
cat >docs/notes.md <<'M'
# Notes

Grüße, naïve café, Ελληνικά, Кириллица, עברית, العربية, हिन्दी, ไทย.

| name | 名前 | emoji |
|---|---|---|
| one | 一 | 😀 |
| two | 二 | 👩‍👩‍👧‍👦 |
| three | 三 | 🇩🇪🇯🇵 |
M
i=0
while [ $i -lt 400 ]; do
  i=$((i + 1))
  echo "$i: The quick brown fox jumps over the lazy dog, then walks home; $((i * 7919 % 1000)) steps, line $i of the text that less pages through."
done >long.txt
touch archive/old.tar archive/2024/a.zip "a file with blanks.txt" 文書/説明.txt picture.png sound.ogg
ln -s src/main.c link
mkfifo pipe
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null HOME="$demo"
git init -q -b main repository
cd repository
git config user.name "Demo Author"
git config user.email demo@example.org
n=0
commit() {
  n=$((n + 1))
  date="2024-01-$(printf %02d $((n / 24 + 1)))T$(printf %02d $((n % 24))):00:00Z"
  echo "$1" >>"$2"
  git add "$2"
  GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date git commit -q -m "$1"
}
merge() {
  n=$((n + 1))
  date="2024-01-$(printf %02d $((n / 24 + 1)))T$(printf %02d $((n % 24))):00:00Z"
  GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date git merge -q --no-ff -m "Merge $1" "$1"
}
commit "The first commit" readme
for topic in parser grid snapshot widths; do
  git checkout -q -b "$topic"
  for step in one two three; do commit "$topic: step $step, mit Umlauten äöü und 日本語" "$topic.txt"; done
  git checkout -q main
  commit "main goes on while $topic is worked on" readme
  git checkout -q -b "$topic-fix" "$topic"
  commit "$topic: a fix" "$topic-fix.txt"
  git checkout -q main
  merge "$topic"
  merge "$topic-fix"
  git tag "with-$topic"
done
