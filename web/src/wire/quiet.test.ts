// Quiet hours over midnight and over clock changes.
import { expect, it } from 'vitest'
import { isQuiet } from './quiet.ts'

const night = { on: true, from: '22:00', to: '07:00', zone: 'Europe/Berlin' }

it.each([
  ['2026-11-28T20:59:59Z', false],
  ['2026-11-28T21:00:00Z', true],
  ['2026-11-29T05:59:59Z', true],
  ['2026-11-29T06:00:00Z', false],
  // The day on which the clocks go forward.
  ['2026-03-29T04:59:59Z', true],
  ['2026-03-29T05:00:00Z', false],
])('%s: %s', (at, quiet) => {
  expect(isQuiet(night, new Date(at))).toBe(quiet)
})

it('within a day, off, and in no known zone', () => {
  const noon = new Date('2026-11-28T12:30:00Z')
  expect(isQuiet({ on: true, from: '12:00', to: '13:00', zone: 'UTC' }, noon)).toBe(true)
  expect(isQuiet({ on: true, from: '13:00', to: '12:00', zone: 'UTC' }, noon)).toBe(false)
  expect(isQuiet({ on: false, from: '12:00', to: '13:00', zone: 'UTC' }, noon)).toBe(false)
  expect(isQuiet({ on: true, from: '12:00', to: '13:00', zone: 'Mars/Olympus' }, noon)).toBe(false)
})
