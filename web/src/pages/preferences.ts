// What a person chose for this browser.
import { useSyncExternalStore } from 'react'

const kScreenReaderKey = 'ccd.screenReader'
const listeners = new Set<() => void>()

function read(): boolean {
  try {
    return localStorage.getItem(kScreenReaderKey) === '1'
  } catch {
    return false
  }
}

let screenReader = read()

// Whether terminals keep their text as elements a screen reader can walk through. It costs time for each line printed.
export function useScreenReader(): [boolean, (on: boolean) => void] {
  const value = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => screenReader,
  )
  const set = (on: boolean) => {
    screenReader = on
    try {
      if (on) localStorage.setItem(kScreenReaderKey, '1')
      else localStorage.removeItem(kScreenReaderKey)
    } catch {
      // It holds for this visit.
    }
    listeners.forEach((listener) => listener())
  }
  return [value, set]
}
