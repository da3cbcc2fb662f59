// Search in a whole transcript.
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { useEffect, useRef, type KeyboardEvent } from 'react'
import { IconButton } from '../ui/button.tsx'
import { positionWords, type SearchView } from './search.ts'

interface SearchBarProps {
  view: SearchView
  onWords: (words: string) => void
  onStep: (by: 1 | -1) => void
  onClose: () => void
}

export function SearchBar({ view, onWords, onStep, onClose }: SearchBarProps) {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') onStep(event.shiftKey ? -1 : 1)
    else if (event.key === 'Escape') onClose()
    else return
    event.preventDefault()
  }
  const hit = view.hits[view.current]
  return (
    <div className="search-bar transcript-search" role="search" aria-label="Search the transcript">
      <input
        ref={input}
        className="input"
        aria-label="Search the transcript"
        placeholder="Search the transcript"
        spellCheck={false}
        autoCapitalize="off"
        defaultValue={view.words}
        onChange={(event) => onWords(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <output className="search-position" title={view.error ?? undefined}>
        {positionWords(view)}
        {hit !== undefined && (
          <span className="only-heard">
            {' '}
            {hit.before}
            {hit.match}
            {hit.after}
          </span>
        )}
      </output>
      <IconButton label="Previous match" keys="Shift Enter" small icon={<ArrowUp size={16} aria-hidden />} onClick={() => onStep(-1)} />
      <IconButton label="Next match" keys="Enter" small icon={<ArrowDown size={16} aria-hidden />} onClick={() => onStep(1)} />
      <IconButton label="Close search" keys="Escape" small icon={<X size={16} aria-hidden />} onClick={onClose} />
    </div>
  )
}
