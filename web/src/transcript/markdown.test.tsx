// Markdown as elements: what people write looks right, and nothing in it is ever more than text.
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { decoded, Markdown, safeAddress } from './markdown.tsx'

const html = (text: string) => renderToStaticMarkup(<Markdown text={text} />)
// Without the frame and the buttons of code blocks.
const inner = (text: string) => html(text).replace(/^<div class="markdown">|<\/div>$/g, '').replace(/<button[\s\S]*?<\/button>/g, '')

describe('Markdown', () => {
  it.each([
    ['**bold** and *slanted* and ~~gone~~', '<p><strong>bold</strong> and <em>slanted</em> and <s>gone</s></p>'],
    ['`a < b`', '<p><code>a &lt; b</code></p>'],
    ['## Two', '<h3 data-depth="2">Two</h3>'],
    ['one\ntwo', '<p>one\ntwo</p>'],
    ['> said', '<blockquote><p>said</p></blockquote>'],
    ['3. c\n4. d', '<ol start="3"><li>c</li><li>d</li></ol>'],
    ['a &amp; b &lt;c&gt; &#8230; &nope;', '<p>a &amp; b &lt;c&gt; … &amp;nope;</p>'],
    ['\\*not slanted\\*', '<p>*not slanted*</p>'],
    ['---', '<hr/>'],
  ])('%j', (text, expected) => expect(inner(text)).toBe(expected))

  it('has tasks, tables and code', () => {
    expect(inner('- [x] done\n- [ ] open')).toMatch(/<li class="task"><input type="checkbox"[^>]* aria-label="done" checked=""\/>done<\/li>/)
    expect(inner('| a | b |\n|---|--:|\n| 1 | 2 |')).toContain('<td style="text-align:right">2</td>')
    expect(inner('```ts extra\nlet a = "<b>"\n```')).toContain('<span class="code-language">ts</span><pre tabindex="0"><code>let a = &quot;&lt;b&gt;&quot;</code></pre>')
  })

  it('links to the web only, in a page of its own that is told nothing', () => {
    expect(inner('[a](https://x.example/?q=1&r=2)')).toBe(
      '<p><a href="https://x.example/?q=1&amp;r=2" target="_blank" rel="noopener noreferrer" title="https://x.example/?q=1&amp;r=2">a</a></p>',
    )
    for (const bad of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'java&#115;cript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', '//x.example', '/api/x', 'blob:x', ' javascript:x', 'jav\tascript:x']) {
      expect(html(`[click](<${bad}>)`)).not.toContain('<a')
    }
    expect(safeAddress('https://a b')).toBeNull()
  })

  it('loads no images', () => {
    const shown = html('![cat](https://x.example/cat.png) ![](javascript:x)')
    expect(shown).not.toContain('<img')
    expect(shown).toContain('image: cat')
  })

  it('shows HTML as it was written', () => {
    for (const evil of ['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', 'a <b onclick=x>b</b>', '<!-- c -->', '<iframe srcdoc="x">', '<svg/onload=x>', '<style>*{}</style>']) {
      const shown = html(evil)
      expect(shown).not.toMatch(/<(script|img|b|iframe|svg|style|!--)/)
      expect(shown).toContain('&lt;')
    }
  })

  it('survives whatever is nested or left open', () => {
    for (const odd of ['>'.repeat(5_000), '['.repeat(5_000), '*'.repeat(5_000), '- '.repeat(2_000), '`'.repeat(999), '|'.repeat(3_000), '\u0000\ud800', '&#x110000;&#0;&#xd800;', '[a]: b\n[a]']) {
      expect(() => html(odd)).not.toThrow()
    }
    expect(html('x'.repeat(200_000))).toMatch(/^<p class="as-written">/)
  })

  it('reads character references as HTML has them', () => {
    expect(decoded('&#x41;&#66;&quot;&copy;&unknown;&constructor;')).toBe('AB"©&unknown;&constructor;')
  })
})
