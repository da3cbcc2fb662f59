// How a terminal of a given size fits into the room on the page. Pure; lengths in CSS pixels.
import type { Size } from '../wire/channel.ts'

// Smaller letters are not read but guessed: below this the terminal is panned instead.
export const kSmallestFont = 6
const kSmallest: Size = { cols: 20, rows: 5 }
const kLargest: Size = { cols: 500, rows: 200 }

export interface Cell {
  width: number
  height: number
}

export interface Room {
  width: number
  height: number
}

// The size that fills the room.
export function filling(room: Room, cell: Cell): Size {
  const within = (value: number, low: number, high: number) => Math.min(Math.max(Math.floor(value), low), high)
  return {
    cols: within(room.width / cell.width, kSmallest.cols, kLargest.cols),
    rows: within(room.height / cell.height, kSmallest.rows, kLargest.rows),
  }
}

// The font size at which a pane of another's size is seen whole, never larger than the page's own.
export function fontFor(pane: Size, room: Room, cell: Cell, font: number): number {
  const scale = Math.min(1, room.width / (pane.cols * cell.width), room.height / (pane.rows * cell.height))
  return Math.max(kSmallestFont, Math.floor(font * scale * 4) / 4)
}

// Before there is a terminal to measure: what the window will roughly hold.
export function estimated(room: Room, font: number): Size {
  return filling(room, { width: font * 0.6, height: font * 1.3 })
}
