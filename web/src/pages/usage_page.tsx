// Usage: what agents took and cost by day, model, project and session; and the budgets.
import { useQuery } from '@tanstack/react-query'
import { ChartColumn, Download } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useConnection, useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { Empty, Notice, Waiting } from '../ui/feedback.tsx'
import { ConnectionLine } from '../ui/states.tsx'
import type { User } from '../wire/types.ts'
import { readUsage, usageAddress, type Amounts, type GroupBy, type Usage } from '../wire/usage.ts'
import { Budgets } from './budgets.tsx'
import { useTitle } from './hooks.ts'
import { kGroupColours, UsagePlot } from './usage_plot.tsx'
import { daysBefore, dollars, duration, inWords, measured, seriesOf, short, today, tokensOf, type Measure } from './usage_series.ts'
import { UsageTable } from './usage_tables.tsx'
import './usage.css'

const kRanges = [
  { days: 7, label: '7 days' },
  { days: 30, label: '30 days' },
  { days: 90, label: '90 days' },
  { days: 365, label: 'A year' },
] as const
const kMeasures = [
  { value: 'cost', label: 'Cost' },
  { value: 'tokens', label: 'Tokens' },
  { value: 'time', label: 'Time working' },
] as const
const kTables: readonly { by: GroupBy; title: string }[] = [
  { by: 'session', title: 'By session' },
  { by: 'project', title: 'By project' },
  { by: 'model', title: 'By model' },
  { by: 'day', title: 'By day' },
]
// What runs adds to it: looked at again this often while the page is open.
const kAgainMs = 30_000

function Choice<T extends string | number>(props: {
  label: string
  value: T
  choices: readonly { value: T; label: string }[]
  onChange: (value: T) => void
}) {
  return (
    <div className="usage-choice" role="group" aria-label={props.label}>
      {props.choices.map(({ value, label }) => (
        <Button key={value} small aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {label}
        </Button>
      ))}
    </div>
  )
}

function Figure({ label, value, more }: { label: string; value: string; more?: string }) {
  return (
    <div className="usage-figure">
      <dt>{label}</dt>
      <dd>
        {value}
        {more !== undefined && <span>{more}</span>}
      </dd>
    </div>
  )
}

function Totals({ total }: { total: Amounts }) {
  return (
    <dl className="usage-figures">
      <Figure label="Cost" value={dollars(total.cost_usd)} />
      <Figure label="Tokens" value={short(tokensOf(total))} more={`${short(total.output)} written`} />
      <Figure label="Lines changed" value={`+${short(total.lines_added)} −${short(total.lines_removed)}`} />
      <Figure label="Working" value={duration(total.working_seconds)} />
      <Figure label="Waiting for you" value={duration(total.waiting_seconds)} />
    </dl>
  )
}

function useUsage(from: string, to: string, by: GroupBy, then?: GroupBy) {
  const { http } = useServices()
  return useQuery({
    queryKey: ['usage', from, to, by, then],
    queryFn: () => readUsage(http, then === undefined ? { from, to, by } : { from, to, by, then }),
    refetchInterval: kAgainMs,
    placeholderData: (before: Usage | undefined) => before,
  })
}

function Table({ from, to, by, title }: { from: string; to: string; by: GroupBy; title: string }) {
  const { data, error } = useUsage(from, to, by)
  if (error !== null && data === undefined) return <Notice tone="danger">{title} could not be read. {error.message}</Notice>
  return data === undefined ? null : <UsageTable by={by} title={title} rows={data.rows} />
}

function Plot({ data, measure }: { data: Usage; measure: Measure }) {
  const series = useMemo(() => seriesOf(data.rows, data.from, data.to, measure, kGroupColours.length - 1), [data, measure])
  const word = kMeasures.find(({ value }) => value === measure)?.label ?? ''
  const total = inWords(measured(data.total, measure), measure)
  return (
    <section aria-label={`${word} by day and model`} className="usage-plot-box">
      <UsagePlot series={series} measure={measure} label={`${word} by day from ${data.from} to ${data.to}: ${total} in all. The tables below have the figures.`} />
      <ul className="usage-legend">
        {series.groups.map(({ name }, index) => (
          <li key={name}>
            <span className={`usage-swatch s${index + 1}`} aria-hidden />
            {name === '' ? 'model not known' : name}
          </li>
        ))}
      </ul>
    </section>
  )
}

export function UsagePage({ user }: { user: User }) {
  const connection = useConnection()
  const [days, setDays] = useState<number>(30)
  const [measure, setMeasure] = useState<Measure>('cost')
  const to = today(new Date())
  const from = daysBefore(to, days - 1)
  const { data, error, refetch } = useUsage(from, to, 'day', 'model')
  useTitle('Usage')
  const empty = data !== undefined && data.rows.length === 0
  return (
    <div className="usage-page">
      <header className="page-head">
        <h1>Usage</h1>
        <ConnectionLine connection={connection.word} />
        <a className="button push" href={usageAddress({ from, to, by: 'day', then: 'session' }, 'csv')} download={`usage-${from}-${to}.csv`}>
          <Download size={16} aria-hidden />
          CSV
        </a>
      </header>
      <div className="usage-body">
        <div className="usage-choices">
          <Choice label="Time" value={days} choices={kRanges.map(({ days: value, label }) => ({ value, label }))} onChange={setDays} />
          <Choice label="Measure" value={measure} choices={kMeasures} onChange={setMeasure} />
        </div>
        {error !== null && (
          <Notice tone="danger" actions={<Button small onClick={() => void refetch()}>Try again</Button>}>
            Usage could not be read. {error.message}
          </Notice>
        )}
        {data === undefined && error === null && <Waiting what="the usage of all agents" />}
        {empty && (
          <Empty icon={<ChartColumn size={28} aria-hidden />} title="Nothing was used in this time">
            <p>Tokens and cost of Claude Code sessions appear here within half a minute of their first answer.</p>
          </Empty>
        )}
        {data !== undefined && !empty && (
          <>
            <Totals total={data.total} />
            <Plot data={data} measure={measure} />
            {kTables.map(({ by, title }) => (
              <Table key={by} from={from} to={to} by={by} title={title} />
            ))}
          </>
        )}
        <Budgets mayChange={user.role !== 'viewer'} />
        <p className="hint">
          Tokens come from the conversations’ own files. Cost is Claude Code’s own figure, in US dollars at list prices, and counts for
          the model that was in use; what you pay under a subscription may differ.
        </p>
      </div>
    </div>
  )
}
