// The terminal's sixteen colours, for a light and a dark page. xterm adjusts each to at least 4.5:1 against its ground.
import type { ISearchDecorationOptions } from '@xterm/addon-search'
import type { ITheme } from '@xterm/xterm'

export const kDark: ITheme = {
  background: '#0d1014',
  foreground: '#e3e7ec',
  cursor: '#7fe3da',
  cursorAccent: '#0d1014',
  selectionBackground: '#2f5a66',
  selectionInactiveBackground: '#28404a',
  black: '#1d232b',
  red: '#f0837c',
  green: '#86d49a',
  yellow: '#e6c274',
  blue: '#82b4f5',
  magenta: '#cfa2f2',
  cyan: '#73d3d3',
  white: '#c9d1d9',
  brightBlack: '#7d8896',
  brightRed: '#ff9f97',
  brightGreen: '#a5e8b4',
  brightYellow: '#f5d68f',
  brightBlue: '#a6ccff',
  brightMagenta: '#e0bdff',
  brightCyan: '#97e8e6',
  brightWhite: '#f6f8fa',
  overviewRulerBorder: '#0d1014',
  scrollbarSliderBackground: '#7d889655',
  scrollbarSliderHoverBackground: '#7d889688',
  scrollbarSliderActiveBackground: '#7d8896aa',
}

export const kLight: ITheme = {
  background: '#fcfdfd',
  foreground: '#1f2730',
  cursor: '#0f6f72',
  cursorAccent: '#fcfdfd',
  selectionBackground: '#b4dde0',
  selectionInactiveBackground: '#d3e8ea',
  black: '#1f2730',
  red: '#b3261e',
  green: '#1f7a3f',
  yellow: '#875a00',
  blue: '#1f5fb8',
  magenta: '#8338a8',
  cyan: '#0d7377',
  white: '#5d6875',
  brightBlack: '#59636f',
  brightRed: '#c8362d',
  brightGreen: '#26834a',
  brightYellow: '#956500',
  brightBlue: '#2b6ecb',
  brightMagenta: '#9447ba',
  brightCyan: '#128085',
  brightWhite: '#3d4651',
  overviewRulerBorder: '#fcfdfd',
  scrollbarSliderBackground: '#59636f44',
  scrollbarSliderHoverBackground: '#59636f77',
  scrollbarSliderActiveBackground: '#59636f99',
}

export const kFoundDark: ISearchDecorationOptions = {
  matchBackground: '#4a3f16',
  matchBorder: '#8f7420',
  matchOverviewRuler: '#c9a227',
  activeMatchBackground: '#8a5a0c',
  activeMatchBorder: '#f3b65b',
  activeMatchColorOverviewRuler: '#f3b65b',
}

export const kFoundLight: ISearchDecorationOptions = {
  matchBackground: '#f6e7b0',
  matchBorder: '#d2ad3a',
  matchOverviewRuler: '#b8921f',
  activeMatchBackground: '#f7c56b',
  activeMatchBorder: '#9a6400',
  activeMatchColorOverviewRuler: '#9a6400',
}
