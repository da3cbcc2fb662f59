// The colours of cells outside of xterm (thumbnails, the reading view), as xterm would show them: the theme's sixteen,
// the palette, true colour, and never less contrast than text needs. Pure.
import type { ITheme } from '@xterm/xterm'
import { Attribute, colourOf, type Colour } from '../wire/runs.ts'

type Rgb = readonly [red: number, green: number, blue: number]

// What text needs to be read: the same as the terminal's own setting.
const kMinimumContrast = 4.5
const kDimShare = 0.6
const kContrastSteps = 20

const kNames = [
  'black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white',
  'brightBlack', 'brightRed', 'brightGreen', 'brightYellow', 'brightBlue', 'brightMagenta', 'brightCyan', 'brightWhite',
] as const satisfies readonly (keyof ITheme)[]

const fromNumber = (value: number): Rgb => [value >> 16, (value >> 8) & 255, value & 255]
const fromHex = (hex: string): Rgb => fromNumber(Number.parseInt(hex.slice(1, 7), 16))
const toCss = ([red, green, blue]: Rgb): string =>
  `#${((red << 16) | (green << 8) | blue).toString(16).padStart(6, '0')}`

// xterm's 256 colours: the theme's sixteen, a cube of six steps a side, 24 greys.
function paletteRgb(index: number, theme: ITheme): Rgb {
  const name = kNames[index]
  if (name !== undefined) return fromHex(theme[name] as string)
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10
    return [grey, grey, grey]
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40)
  const at = index - 16
  return [level(Math.floor(at / 36)), level(Math.floor(at / 6) % 6), level(at % 6)]
}

function rgbOf(colour: Colour, own: string, theme: ITheme): Rgb {
  switch (colour.kind) {
    case 'default':
      return fromHex(own)
    case 'palette':
      return paletteRgb(colour.index, theme)
    case 'rgb':
      return fromNumber(colour.value)
  }
}

const mix = (a: Rgb, b: Rgb, share: number): Rgb => [
  Math.round(a[0] + (b[0] - a[0]) * share),
  Math.round(a[1] + (b[1] - a[1]) * share),
  Math.round(a[2] + (b[2] - a[2]) * share),
]

function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((value) => {
    const share = value / 255
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as unknown as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

// As WCAG counts it, 1 to 21.
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((one, other) => other - one) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

// The colour itself, or as much of black or white in it as it takes.
function readable(foreground: Rgb, background: Rgb): Rgb {
  if (contrast(foreground, background) >= kMinimumContrast) return foreground
  const towards: Rgb = luminance(background) > 0.18 ? [0, 0, 0] : [255, 255, 255]
  for (let step = 1; step < kContrastSteps; step += 1) {
    const mixed = mix(foreground, towards, step / kContrastSteps)
    if (contrast(mixed, background) >= kMinimumContrast) return mixed
  }
  return towards
}

export interface CellLook {
  foreground: string
  // Null: the ground of the place it is drawn in.
  background: string | null
}

// Bold text in one of the first eight colours takes the bright one, as in the terminal.
function brightened(colour: Colour, attributes: number): Colour {
  const low = colour.kind === 'palette' && colour.index < 8
  return low && attributes & Attribute.bold ? { kind: 'palette', index: colour.index + 8 } : colour
}

function compute(run: Looks, theme: ITheme): CellLook {
  const own = { foreground: theme.foreground as string, background: theme.background as string }
  const { attributes } = run
  let foreground = rgbOf(brightened(colourOf(run.foreground), attributes), own.foreground, theme)
  let background = rgbOf(colourOf(run.background), own.background, theme)
  const reversed = (attributes & Attribute.reverse) !== 0
  if (reversed) [foreground, background] = [background, foreground]
  foreground = readable(foreground, background)
  if (attributes & Attribute.dim) foreground = readable(mix(background, foreground, kDimShare), background)
  const plain = !reversed && colourOf(run.background).kind === 'default'
  return { foreground: toCss(foreground), background: plain ? null : toCss(background) }
}

export interface Looks {
  foreground: number
  background: number
  attributes: number
}

// A screen has few looks and many runs.
const kMaxKnown = 4_096
const kLookBits = Attribute.bold | Attribute.dim | Attribute.reverse
const known = new WeakMap<ITheme, Map<string, CellLook>>()

export function lookOf(run: Looks, theme: ITheme): CellLook {
  let looks = known.get(theme)
  if (looks === undefined || looks.size > kMaxKnown) known.set(theme, (looks = new Map()))
  const key = `${run.foreground} ${run.background} ${run.attributes & kLookBits}`
  let look = looks.get(key)
  if (look === undefined) looks.set(key, (look = compute(run, theme)))
  return look
}
