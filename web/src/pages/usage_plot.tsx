// The plot of a measure by day, one colour a group, on a canvas. What it shows stands in the table below it too, for who cannot see it.
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useIsDark } from '../ui/theme.ts'
import { inWords, stacked, type Measure, type Series } from './usage_series.ts'

const kHeight = 220
const kNarrowHeight = 180
const kNarrow = 480
// In the order of the groups; tokens of the stylesheet, so that they fit light and dark.
export const kGroupColours = ['--plot-1', '--plot-2', '--plot-3', '--plot-4', '--plot-5', '--plot-6'] as const

// What a colour token is here and now: a canvas knows no custom properties.
function resolved(probe: HTMLElement, token: string): string {
  probe.style.color = `var(${token})`
  return getComputedStyle(probe).color
}

function optionsFor(host: HTMLElement, series: Series, measure: Measure): uPlot.Options {
  const line = resolved(host, '--line')
  const muted = resolved(host, '--muted')
  const bars = uPlot.paths.bars?.({ size: [0.7, 48], align: 0 })
  const width = host.clientWidth
  const axis: uPlot.Axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: '12px system-ui' }
  const groups = series.groups.map(({ name }, index): uPlot.Series => {
    const colour = resolved(host, kGroupColours[index % kGroupColours.length] ?? kGroupColours[0])
    return { label: name, fill: colour, stroke: colour, width: 0, points: { show: false }, ...(bars !== undefined && { paths: bars }) }
  })
  host.style.color = ''
  return {
    width,
    height: width < kNarrow ? kNarrowHeight : kHeight,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] } },
    // The tallest is drawn first, those below over it.
    series: [{}, ...groups.toReversed()],
    axes: [
      { ...axis, grid: { show: false }, values: '{MMM} {D}', space: 64 },
      { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => inWords(tick, measure)) },
    ],
  }
}

export function UsagePlot({ series, measure, label }: { series: Series; measure: Measure; label: string }) {
  const host = useRef<HTMLDivElement>(null)
  const dark = useIsDark()
  useEffect(() => {
    const at = host.current
    if (at === null) return
    const seconds = series.days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000)
    const data: uPlot.AlignedData = [seconds, ...stacked(series.groups).toReversed()]
    const plot = new uPlot(optionsFor(at, series, measure), data, at)
    const observer = new ResizeObserver(() => {
      const width = at.clientWidth
      if (width > 0) plot.setSize({ width, height: width < kNarrow ? kNarrowHeight : kHeight })
    })
    observer.observe(at)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [series, measure, dark])
  return <div className="usage-plot" ref={host} role="img" aria-label={label} />
}
