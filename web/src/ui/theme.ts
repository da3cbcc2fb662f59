// The chosen theme: the system's, light or dark. public/theme.js sets it before the first paint.
import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const kKey = 'ccd.theme'
const listeners = new Set<() => void>()
const system = window.matchMedia('(prefers-color-scheme: dark)')

export function currentTheme(): Theme {
  const theme = document.documentElement.dataset.theme
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    if (theme === 'system') localStorage.removeItem(kKey)
    else localStorage.setItem(kKey, theme)
  } catch {
    // It holds for this visit.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  system.addEventListener('change', listener)
  return () => {
    listeners.delete(listener)
    system.removeEventListener('change', listener)
  }
}

const isDark = () => (currentTheme() === 'system' ? system.matches : currentTheme() === 'dark')

export const useTheme = (): Theme => useSyncExternalStore(subscribe, currentTheme)
export const useIsDark = (): boolean => useSyncExternalStore(subscribe, isDark)
