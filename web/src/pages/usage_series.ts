// From rows of usage to what a plot needs: one value for each day and group, none left out; and figures in words.
import type { Amounts, UsageRow } from '../wire/usage.ts'

export type Measure = 'cost' | 'tokens' | 'time'

export const tokensOf = (row: Amounts) => row.input + row.output + row.cache_read + row.cache_write

export function measured(row: Amounts, measure: Measure): number {
  switch (measure) {
    case 'cost':
      return row.cost_usd
    case 'tokens':
      return tokensOf(row)
    case 'time':
      return row.working_seconds / 3600
  }
}

const kDayMs = 86_400_000
const dayMs = (day: string) => Date.parse(`${day}T00:00:00Z`)

// The day so many days before another.
export function daysBefore(day: string, days: number): string {
  return new Date(dayMs(day) - days * kDayMs).toISOString().slice(0, 10)
}

// Today where the person is.
export function today(now: Date): string {
  const pad = (value: number) => String(value).padStart(2, '0')
  return `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`
}

export interface Series {
  // Every day from the first to the last.
  days: string[]
  // The largest groups first; the rest is one group, `others`.
  groups: { name: string; values: number[] }[]
}

export const kOthers = 'others'

export function seriesOf(rows: readonly UsageRow[], from: string, to: string, measure: Measure, most: number): Series {
  const days: string[] = []
  for (let at = dayMs(from); at <= dayMs(to); at += kDayMs) days.push(new Date(at).toISOString().slice(0, 10))
  const place = new Map(days.map((day, index) => [day, index]))
  const byGroup = new Map<string, number[]>()
  for (const row of rows) {
    const index = place.get(row.key)
    const value = measured(row, measure)
    if (index === undefined || value === 0) continue
    const values = byGroup.get(row.then) ?? days.map(() => 0)
    values[index] = (values[index] ?? 0) + value
    byGroup.set(row.then, values)
  }
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
  const groups = [...byGroup]
    .map(([name, values]) => ({ name, values }))
    .sort((a, b) => total(b.values) - total(a.values) || a.name.localeCompare(b.name))
  const rest = groups.splice(most)
  if (rest.length > 0) {
    groups.push({ name: kOthers, values: days.map((_, i) => total(rest.map(({ values }) => values[i] ?? 0))) })
  }
  return { days, groups }
}

// Each group on top of those before it, as a stacked plot draws them: the last is the sum of all.
export function stacked(groups: readonly { values: readonly number[] }[]): number[][] {
  const out: number[][] = []
  let below: readonly number[] = []
  for (const { values } of groups) {
    const sum = values.map((value, i) => value + (below[i] ?? 0))
    out.push(sum)
    below = sum
  }
  return out
}

const kLetters = ['', 'k', 'M', 'G', 'T']

// 1234567 as "1.23M".
export function short(value: number): string {
  let step = 0
  let left = value
  while (left >= 999.5 && step < kLetters.length - 1) {
    left /= 1000
    step += 1
  }
  const digits = step === 0 ? 0 : left >= 100 ? 0 : left >= 10 ? 1 : 2
  return `${left.toFixed(digits)}${kLetters[step]}`
}

export const dollars = (value: number) => `$${value.toFixed(value !== 0 && Math.abs(value) < 0.995 ? 3 : 2)}`

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export function inWords(value: number, measure: Measure): string {
  switch (measure) {
    case 'cost':
      return dollars(value)
    case 'tokens':
      return short(value)
    case 'time':
      return duration(value * 3600)
  }
}
