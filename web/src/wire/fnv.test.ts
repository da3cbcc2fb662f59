// The running hash that tests compare with the log.
import { expect, it } from 'vitest'
import { Fnv1a64 } from './fnv.ts'

const hash = (...parts: string[]) => {
  const fnv = new Fnv1a64()
  for (const part of parts) fnv.update(new TextEncoder().encode(part))
  return fnv.hex()
}

// The reference vectors of the FNV specification.
it.each([
  ['', 'cbf29ce484222325'],
  ['a', 'af63dc4c8601ec8c'],
  ['b', 'af63df4c8601f1a5'],
  ['foobar', '85944171f73967e8'],
])('FNV-1a 64 of %j', (text, expected) => {
  expect(hash(text)).toBe(expected)
})

it('FNV-1a 64 does not depend on how the bytes were cut', () => {
  expect(hash('foo', 'ba', 'r')).toBe(hash('foobar'))
})
