// Search in what the terminal shows and in its scrollback.
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { IconButton } from '../ui/button.tsx'
import type { TerminalController } from './controller.ts'

interface SearchBarProps {
  controller: TerminalController
  found: { index: number; count: number }
}

function position(words: string, { index, count }: { index: number; count: number }): string {
  if (words === '') return ''
  if (count === 0) return 'nothing found'
  return index < 0 ? `${count} found` : `${index + 1} of ${count}`
}

export function SearchBar({ controller, found }: SearchBarProps) {
  const input = useRef<HTMLInputElement>(null)
  const [words, setWords] = useState('')
  useEffect(() => input.current?.focus(), [])
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') controller.find(words, event.shiftKey)
    else if (event.key === 'Escape') controller.endFind()
    else return
    event.preventDefault()
  }
  return (
    <div className="search-bar" role="search" aria-label="Search the terminal">
      <input
        ref={input}
        className="input"
        aria-label="Search the terminal"
        placeholder="Search the terminal"
        spellCheck={false}
        autoCapitalize="off"
        value={words}
        onChange={(event) => {
          setWords(event.target.value)
          controller.find(event.target.value, false, true)
        }}
        onKeyDown={onKeyDown}
      />
      <output className="search-position">{position(words, found)}</output>
      <IconButton
        label="Previous match"
        keys="Shift Enter"
        small
        icon={<ArrowUp size={16} aria-hidden />}
        onClick={() => controller.find(words, true)}
      />
      <IconButton
        label="Next match"
        keys="Enter"
        small
        icon={<ArrowDown size={16} aria-hidden />}
        onClick={() => controller.find(words)}
      />
      <IconButton
        label="Close search"
        keys="Escape"
        small
        icon={<X size={16} aria-hidden />}
        onClick={() => controller.endFind()}
      />
    </div>
  )
}
