// How much of a session's scrollback this page has, and when it asks for more. Pure.

// Each step is quick to send and to parse for what it gives: most people read the last screens only.
const kSteps = [200, 2_000, 10_000] as const
// An answer that takes longer is not coming: the next scrolling to the top asks again.
export const kAnswerWithinMs = 8_000

export interface Scrollback {
  // What the last snapshot held and the server keeps; null before the first one.
  readonly told: { readonly lines: number; readonly kept: number } | null
  // Lines asked for and not yet here, and when.
  readonly asked: { readonly lines: number; readonly at: number } | null
  // What was last asked for gave no more lines than there were.
  readonly exhausted: boolean
}

export const kNoScrollback: Scrollback = { told: null, asked: null, exhausted: false }

// The lines to ask for when somebody is at the top of `have` lines; null when there are no more, or they are on the way.
export function wanted(scrollback: Scrollback, have: number, now: number): number | null {
  const { told, asked, exhausted } = scrollback
  if (told === null || exhausted || told.kept <= told.lines) return null
  if (asked !== null && now - asked.at < kAnswerWithinMs) return null
  return kSteps.find((lines) => lines > have) ?? null
}

export function asking(scrollback: Scrollback, lines: number, now: number): Scrollback {
  return { ...scrollback, asked: { lines, at: now } }
}

// Whether a snapshot with so many lines is the answer.
export function answers(scrollback: Scrollback, lines: number, have: number): boolean {
  return scrollback.asked !== null && (lines >= scrollback.asked.lines || lines > have)
}

export function told(scrollback: Scrollback, lines: number, kept: number): Scrollback {
  const { asked, told: before } = scrollback
  const complete = asked !== null && (lines >= asked.lines || lines >= kept)
  const more = before === null || lines > before.lines
  return {
    told: { lines, kept },
    asked: complete ? null : asked,
    exhausted: complete && !more,
  }
}

// A new socket answers nothing that was asked on the old one.
export function reopened(scrollback: Scrollback): Scrollback {
  return { ...scrollback, asked: null }
}
