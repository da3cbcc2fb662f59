// Shows words in what is on the page, without changing it: the browser paints ranges of the text (CSS highlights). Browsers that
// cannot do that show the hit's row alone.

const kName = 'transcript-match'
// Of one look: what is in view has fewer.
const kMaxRanges = 500

function rangesIn(root: Element, words: string, most = kMaxRanges): Range[] {
  const ranges: Range[] = []
  const wanted = words.toLowerCase()
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null && ranges.length < most; node = walker.nextNode()) {
    const text = (node.nodeValue ?? '').toLowerCase()
    // Letters whose lower case is longer would shift what follows.
    if (text.length !== node.nodeValue?.length) continue
    for (let at = text.indexOf(wanted); at >= 0 && ranges.length < most; at = text.indexOf(wanted, at + wanted.length)) {
      const range = new Range()
      range.setStart(node, at)
      range.setEnd(node, at + wanted.length)
      ranges.push(range)
    }
  }
  return ranges
}

export function paintMatches(root: Element | null, words: string): void {
  if (typeof Highlight === 'undefined' || !('highlights' in CSS)) return
  if (root === null || words === '') CSS.highlights.delete(kName)
  else CSS.highlights.set(kName, new Highlight(...rangesIn(root, words)))
}

// Where the first match in this part of the page is, within the window.
export function firstMatch(root: Element, words: string): DOMRect | null {
  return rangesIn(root, words, 1)[0]?.getBoundingClientRect() ?? null
}
