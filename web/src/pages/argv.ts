// A typed command line to separate arguments. There is no shell: quotes group, a backslash takes the next character
// as it is, and nothing else has a meaning.

export interface Argv {
  argv: string[]
  // Why it is not complete, or null.
  fault: string | null
}

export function parseArgv(line: string): Argv {
  const argv: string[] = []
  let current: string | null = null
  let quote: string | null = null
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] as string
    if (char === '\\' && quote !== "'") {
      at += 1
      if (at === line.length) return { argv, fault: 'Something must follow the backslash.' }
      current = (current ?? '') + line[at]
    } else if (quote !== null) {
      if (char === quote) quote = null
      else current = (current ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      current ??= ''
    } else if (/\s/.test(char)) {
      if (current !== null) argv.push(current)
      current = null
    } else {
      current = (current ?? '') + char
    }
  }
  if (current !== null) argv.push(current)
  return { argv, fault: quote === null ? null : `The quote ${quote} is not closed.` }
}
