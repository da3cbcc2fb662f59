// What is said to whom about push messages.
import { expect, it } from 'vitest'
import { kSupportWords, pushSupport, type PushEnvironment } from './push_support.ts'

const desk: PushEnvironment = {
  secure: true,
  capable: true,
  permission: 'default',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  touchPoints: 0,
  standalone: false,
}
const iPhone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15'
const iPad = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15'

it.each([
  ['a desk', {}, 'ready'],
  ['one that allowed it', { permission: 'granted' as const }, 'ready'],
  ['plain http', { secure: false, capable: false }, 'insecure'],
  ['a blocked page', { permission: 'denied' as const }, 'denied'],
  ['a private window', { capable: false }, 'unsupported'],
  ['an iPhone in Safari', { userAgent: iPhone, capable: false }, 'home_screen'],
  ['an iPhone on the home screen', { userAgent: iPhone, standalone: true }, 'ready'],
  ['an old iPhone on the home screen', { userAgent: iPhone, standalone: true, capable: false }, 'unsupported'],
  ['an iPad that says Macintosh', { userAgent: iPad, touchPoints: 5 }, 'home_screen'],
  ['a Mac', { userAgent: iPad }, 'ready'],
] as const)('%s', (_what, difference, support) => {
  expect(pushSupport({ ...desk, ...difference })).toBe(support)
  if (support !== 'ready') expect(kSupportWords[support].words).not.toBe('')
})
