// Colours of cells outside of xterm.
import { describe, expect, it } from 'vitest'
import { contrast, lookOf } from './cell_colours.ts'
import { kDark, kLight } from './theme.ts'

const look = (foreground: number, background = 0, attributes = 0, theme = kDark) =>
  lookOf({ foreground, background, attributes }, theme)
const rgb = (hex: string): [number, number, number] => {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

describe('cell colours', () => {
  it('are the theme’s own where nothing else is said', () => {
    expect(look(0)).toEqual({ foreground: kDark.foreground, background: null })
    expect(look(0, 0, 0, kLight)).toEqual({ foreground: kLight.foreground, background: null })
  })

  it.each([
    ['one of the sixteen', (1 << 24) | 2, kDark.green],
    ['one of the sixteen by palette', (2 << 24) | 2, kDark.green],
    ['of the cube', (2 << 24) | 231, '#ffffff'],
    ['of the greys', (2 << 24) | 250, '#bcbcbc'],
    ['true', (3 << 24) | 0xabcdef, '#abcdef'],
  ])('are right when they are %s', (_, value, expected) => {
    expect(look(value).foreground).toBe(expected)
  })

  it('are exchanged by reverse, bright by bold', () => {
    expect(look(0, 0, 16)).toEqual({ foreground: kDark.background, background: kDark.foreground })
    expect(look((1 << 24) | 1, 0, 1).foreground).toBe(kDark.brightRed)
  })

  it.each([kDark, kLight])('can always be read', (theme) => {
    for (const foreground of [0x000000, 0x101010, 0xffff00, 0xffffff, 0x888888, 0x0000ff]) {
      for (const background of [0, (3 << 24) | 0x777777, (3 << 24) | 0xffffff, (3 << 24) | 0x000000]) {
        const { foreground: text, background: ground } = look((3 << 24) | foreground, background, 0, theme)
        expect(contrast(rgb(text), rgb(ground ?? (theme.background as string)))).toBeGreaterThanOrEqual(4.5)
      }
    }
  })
})
