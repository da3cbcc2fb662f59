// What a person chose for this browser.
import { useSyncExternalStore } from 'react'

// One choice among a few words, kept in the browser. What is stored is checked: it may be from another version.
class Choice<T extends string> {
  private readonly listeners = new Set<() => void>()
  private value: T

  constructor(
    private readonly key: string,
    private readonly values: readonly [T, ...T[]],
  ) {
    this.value = this.read()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
  readonly current = (): T => this.value

  readonly choose = (value: T): void => {
    this.value = value
    try {
      // The first is what holds when nothing was chosen.
      if (value === this.values[0]) localStorage.removeItem(this.key)
      else localStorage.setItem(this.key, value)
    } catch {
      // It holds for this visit.
    }
    for (const listener of this.listeners) listener()
  }

  private read(): T {
    try {
      const stored = localStorage.getItem(this.key)
      return this.values.find((value) => value === stored) ?? this.values[0]
    } catch {
      return this.values[0]
    }
  }
}

function useChoice<T extends string>(choice: Choice<T>): [T, (value: T) => void] {
  return [useSyncExternalStore(choice.subscribe, choice.current), choice.choose]
}

const screenReader = new Choice('ccd.screenReader', ['0', '1'])

// Whether terminals keep their text as elements a screen reader can walk through. It costs time for each line printed.
export function useScreenReader(): [boolean, (on: boolean) => void] {
  const [value, choose] = useChoice(screenReader)
  return [value === '1', (on) => choose(on ? '1' : '0')]
}

const kLeftAlone = 'ccd.leftAlone'
// More than a fleet; the oldest are forgotten first.
const kMostLeftAlone = 500

// Lost sessions that somebody does not want to be asked about again in this browser.
export function readLeftAlone(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(kLeftAlone) ?? '[]')
    return Array.isArray(stored) ? stored.filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}

export function leaveAlone(ids: readonly string[]): string[] {
  const all = [...new Set([...readLeftAlone(), ...ids])].slice(-kMostLeftAlone)
  try {
    localStorage.setItem(kLeftAlone, JSON.stringify(all))
  } catch {
    // It holds for this visit.
  }
  return all
}

export type FleetLook = 'cards' | 'list'
const fleetLook = new Choice<FleetLook>('ccd.fleet', ['cards', 'list'])
export const useFleetLook = () => useChoice(fleetLook)

export type Reading = 'terminal' | 'reading'
const reading = new Choice<Reading>('ccd.reading', ['terminal', 'reading'])
// Whether sessions are shown as a terminal or as text to read.
export const useReading = () => useChoice(reading)

export type Echo = 'automatic' | 'off'
const echo = new Choice<Echo>('ccd.echo', ['automatic', 'off'])
// Whether what is typed is shown before the program's own echo of it arrives.
export const useEcho = () => useChoice(echo)

export type Split = 'alone' | 'beside'
const split = new Choice<Split>('ccd.split', ['alone', 'beside'])
// Whether the transcript stands beside the terminal where there is room for both.
export const useSplit = () => useChoice(split)
