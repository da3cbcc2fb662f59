// Numbers and paths as people read them.

const kUnits = ['bytes', 'kB', 'MB', 'GB', 'TB']

// Decimal units, one digit below ten.
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1_000 && unit < kUnits.length - 1) {
    value /= 1_000
    unit += 1
  }
  const digits = unit > 0 && value < 10 ? 1 : 0
  return unit === 0 && bytes === 1 ? '1 byte' : `${value.toFixed(digits)} ${kUnits[unit]}`
}

export function lastPart(path: string): string {
  return path.split('/').filter(Boolean).at(-1) ?? path
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
