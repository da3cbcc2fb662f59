// What sessions, projects and models took, as tables that can be sorted.
import { ArrowDown } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { lastPart } from '../ui/text.ts'
import type { Amounts, GroupBy, UsageRow } from '../wire/usage.ts'
import { addressOf, Link } from './router.tsx'
import { dollars, duration, short, tokensOf } from './usage_series.ts'

interface Column {
  name: string
  value: (row: Amounts) => number
  text: (row: Amounts) => string
  // On a phone only what matters most is shown.
  wide?: boolean
}

const kColumns: readonly Column[] = [
  { name: 'Cost', value: (row) => row.cost_usd, text: (row) => dollars(row.cost_usd) },
  { name: 'Tokens', value: tokensOf, text: (row) => short(tokensOf(row)) },
  { name: 'Input', value: (row) => row.input, text: (row) => short(row.input), wide: true },
  { name: 'Output', value: (row) => row.output, text: (row) => short(row.output), wide: true },
  { name: 'Cache read', value: (row) => row.cache_read, text: (row) => short(row.cache_read), wide: true },
  { name: 'Cache written', value: (row) => row.cache_write, text: (row) => short(row.cache_write), wide: true },
  {
    name: 'Lines',
    value: (row) => row.lines_added + row.lines_removed,
    text: (row) => `+${short(row.lines_added)} −${short(row.lines_removed)}`,
    wide: true,
  },
  { name: 'Working', value: (row) => row.working_seconds, text: (row) => duration(row.working_seconds) },
  { name: 'Waiting for you', value: (row) => row.waiting_seconds, text: (row) => duration(row.waiting_seconds), wide: true },
]

function Name({ by, row }: { by: GroupBy; row: UsageRow }): ReactNode {
  switch (by) {
    case 'session':
      return row.name === '' ? (
        <span className="faint">a session that is gone</span>
      ) : (
        <Link href={addressOf({ kind: 'session', name: row.name, tab: 'terminal', path: null })}>{row.name}</Link>
      )
    case 'project':
      return row.key === '' ? 'no project' : <span title={row.key}>{lastPart(row.key)}</span>
    case 'model':
      return row.key === '' ? 'not known' : row.key
    case 'day':
      return row.key
  }
}

const kFirstRows = 12

export function UsageTable({ by, title, rows }: { by: GroupBy; title: string; rows: readonly UsageRow[] }) {
  const [order, setOrder] = useState('Cost')
  const [all, setAll] = useState(false)
  const column = kColumns.find(({ name }) => name === order) ?? kColumns[0]
  if (rows.length === 0 || column === undefined) return null
  const sorted = by === 'day' ? rows.toReversed() : rows.toSorted((a, b) => column.value(b) - column.value(a) || tokensOf(b) - tokensOf(a))
  const shown = all ? sorted : sorted.slice(0, kFirstRows)
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <div className="usage-table" tabIndex={0} role="group" aria-label={`Table: ${title}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{by === 'day' ? 'Day' : title.replace(/^By /, '')}</th>
              {kColumns.map(({ name, wide }) => (
                <th key={name} scope="col" className={wide ? 'wide' : undefined} aria-sort={by !== 'day' && name === order ? 'descending' : undefined}>
                  {by === 'day' ? (
                    name
                  ) : (
                    <button type="button" className="usage-sort" onClick={() => setOrder(name)}>
                      {name}
                      {name === order && <ArrowDown size={12} aria-hidden />}
                    </button>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.key}>
                <th scope="row" className="clip">
                  <Name by={by} row={row} />
                </th>
                {kColumns.map(({ name, text, wide }) => (
                  <td key={name} className={wide ? 'wide' : undefined}>
                    {text(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {sorted.length > shown.length && (
        <button type="button" className="button quiet small" onClick={() => setAll(true)}>
          Show all {sorted.length}
        </button>
      )}
    </section>
  )
}
