// What a plot of usage needs, and figures in words.
import { expect, test } from 'vitest'
import type { UsageRow } from '../wire/usage.ts'
import { daysBefore, dollars, duration, kOthers, seriesOf, short, stacked, today } from './usage_series.ts'

const row = (key: string, then: string, cost: number): UsageRow => ({
  key,
  name: '',
  then,
  input: 1,
  output: 2,
  cache_read: 3,
  cache_write: 4,
  messages: 1,
  cost_usd: cost,
  lines_added: 0,
  lines_removed: 0,
  working_seconds: 3600,
  waiting_seconds: 0,
})

test('every day has a value, also one without usage', () => {
  const rows = [row('2026-02-27', 'a', 1), row('2026-03-01', 'a', 2)]
  const { days, groups } = seriesOf(rows, '2026-02-26', '2026-03-01', 'cost', 5)
  expect(days).toEqual(['2026-02-26', '2026-02-27', '2026-02-28', '2026-03-01'])
  expect(groups).toEqual([{ name: 'a', values: [0, 1, 0, 2] }])
})

test('the largest groups keep their names, the rest is one', () => {
  const rows = [row('2026-01-01', 'small', 1), row('2026-01-01', 'big', 9), row('2026-01-01', 'tiny', 0.5)]
  const { groups } = seriesOf(rows, '2026-01-01', '2026-01-01', 'cost', 1)
  expect(groups).toEqual([
    { name: 'big', values: [9] },
    { name: kOthers, values: [1.5] },
  ])
  expect(stacked(groups)).toEqual([[9], [10.5]])
})

test('days outside of the range are left out', () => {
  expect(seriesOf([row('2025-12-31', 'a', 1)], '2026-01-01', '2026-01-02', 'tokens', 5).groups).toEqual([])
})

test('days are counted over months and by the clock on the wall', () => {
  expect(daysBefore('2026-03-01', 1)).toBe('2026-02-28')
  expect(today(new Date(2026, 0, 5, 23, 59))).toBe('2026-01-05')
})

test('figures are short', () => {
  expect([0, 999, 1000, 12_345, 999_999, 1_234_567].map(short)).toEqual(['0', '999', '1.00k', '12.3k', '1.00M', '1.23M'])
  expect([0, 0.0123, 0.5, 1.234].map(dollars)).toEqual(['$0.00', '$0.012', '$0.500', '$1.23'])
  expect([12, 90, 3600, 5400].map(duration)).toEqual(['12 s', '2 min', '1 h 0 min', '1 h 30 min'])
})
