// A text field with suggestions: what is typed counts, also when it is none of them.
import { ChevronDown } from 'lucide-react'
import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { Fault } from './field.tsx'

export interface Suggestion {
  value: string
  title: string
  detail: string
  icon: ReactNode
}

interface ComboboxProps {
  label: string
  value: string
  suggestions: readonly Suggestion[]
  onChange: (value: string) => void
  fault?: string | null
  hint?: ReactNode
  placeholder?: string
  autoFocus?: boolean
}

// More would be nobody's reading; typing narrows them.
const kShown = 60

function matching(suggestions: readonly Suggestion[], words: string): readonly Suggestion[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  const fits = (suggestion: Suggestion) => {
    const text = `${suggestion.title} ${suggestion.value}`.toLowerCase()
    return wanted.every((word) => text.includes(word))
  }
  return suggestions.filter(fits).slice(0, kShown)
}

export function Combobox(props: ComboboxProps) {
  const { label, value, suggestions, onChange, fault = null, hint, placeholder, autoFocus } = props
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  // Until something is typed all are offered, also those the present value would hide.
  const [typed, setTyped] = useState(false)
  const shown = open ? matching(suggestions, typed ? value : '') : []

  const show = () => {
    setOpen(true)
    setTyped(false)
    setActive(-1)
  }
  const choose = (suggestion: Suggestion) => {
    onChange(suggestion.value)
    setOpen(false)
    input.current?.focus()
  }
  const move = (to: number) => {
    setActive(to)
    document.getElementById(`${id}-${to}`)?.scrollIntoView({ block: 'nearest' })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      if (!open) return show()
      const step = event.key === 'ArrowDown' ? 1 : -1
      if (shown.length > 0) move((active + step + shown.length) % shown.length)
    } else if (event.key === 'Enter' && open && shown[active] !== undefined) {
      event.preventDefault()
      choose(shown[active])
    } else if (event.key === 'Escape' && open) {
      // The list closes first, the dialog around it with the next Escape.
      event.preventDefault()
      event.stopPropagation()
      setOpen(false)
    }
  }

  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="combobox">
        <input
          ref={input}
          id={id}
          className="input"
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={open && shown.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={shown[active] !== undefined ? `${id}-${active}` : undefined}
          aria-invalid={fault !== null || undefined}
          aria-describedby={fault !== null ? `${id}-fault` : hint === undefined ? undefined : `${id}-hint`}
          autoComplete="off"
          spellCheck={false}
          placeholder={placeholder}
          data-autofocus={autoFocus || undefined}
          value={value}
          onChange={(event) => {
            onChange(event.target.value)
            setTyped(true)
            setOpen(true)
            setActive(-1)
          }}
          onClick={() => !open && show()}
          onKeyDown={onKeyDown}
          onBlur={() => setOpen(false)}
        />
        <button
          type="button"
          className="button quiet icon small"
          tabIndex={-1}
          aria-label="Show all suggestions"
          onPointerDown={(event) => {
            event.preventDefault()
            input.current?.focus()
            if (open) setOpen(false)
            else show()
          }}
        >
          <ChevronDown size={16} aria-hidden />
        </button>
        <ul className="combobox-list" id={`${id}-list`} role="listbox" aria-label="Suggestions" hidden={shown.length === 0}>
          {shown.map((suggestion, index) => (
            <li
              key={suggestion.value}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === active}
              onPointerDown={(event) => event.preventDefault()}
              onPointerMove={() => setActive(index)}
              onClick={() => choose(suggestion)}
            >
              {suggestion.icon}
              <span className="clip">
                {suggestion.title}
                <small className="clip mono">{suggestion.detail}</small>
              </span>
            </li>
          ))}
        </ul>
      </div>
      {fault !== null ? (
        <Fault id={`${id}-fault`}>{fault}</Fault>
      ) : (
        hint !== undefined && (
          <p className="hint" id={`${id}-hint`}>
            {hint}
          </p>
        )
      )}
    </div>
  )
}
