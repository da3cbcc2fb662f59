// Lets xterm work under a policy without inline style elements. It makes three <style> elements and fills them with
// text; here they become constructed stylesheets, which the policy counts as the page's own code.

// An inert element that takes style text the way xterm writes it.
function styleElement(): HTMLElement {
  const sheet = new CSSStyleSheet()
  const element = nativeCreate('template')
  Object.defineProperty(element, 'textContent', {
    get: () => [...sheet.cssRules].map((rule) => rule.cssText).join('\n'),
    set: (text: string) => {
      sheet.replaceSync(text)
      if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet)
    },
  })
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((adopted) => adopted !== sheet)
    Element.prototype.remove.call(element)
  }
  return element
}

const nativeCreate = (name: string): HTMLElement => Document.prototype.createElement.call(document, name)

// Runs synchronous code during which document.createElement('style') gives such an element.
export function withoutInlineStyles<T>(work: () => T): T {
  document.createElement = ((name: string, options?: ElementCreationOptions) =>
    name.toLowerCase() === 'style'
      ? styleElement()
      : Document.prototype.createElement.call(document, name, options)) as typeof document.createElement
  try {
    return work()
  } finally {
    delete (document as { createElement?: unknown }).createElement
  }
}
