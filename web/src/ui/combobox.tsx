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
  fault: string | null
  hint: ReactNode
  placeholder: string
  // It gets the focus when its dialog opens.
  focused?: boolean
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

interface ListProps {
  id: string
  shown: readonly Suggestion[]
  active: number
  onActive: (index: number) => void
  onChoose: (suggestion: Suggestion) => void
}

// The focus stays in the field; the active suggestion is told by aria-activedescendant.
function Suggestions({ id, shown, active, onActive, onChoose }: ListProps) {
  return (
    <ul className="combobox-list" id={`${id}-list`} role="listbox" aria-label="Suggestions" hidden={shown.length === 0}>
      {shown.map((suggestion, index) => (
        <li
          key={suggestion.value}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === active}
          onPointerDown={(event) => event.preventDefault()}
          onPointerMove={() => onActive(index)}
          onClick={() => onChoose(suggestion)}
        >
          {suggestion.icon}
          <span className="clip">
            {suggestion.title}
            <small className="clip mono">{suggestion.detail}</small>
          </span>
        </li>
      ))}
    </ul>
  )
}

function useSuggestions(id: string, { value, suggestions, onChange }: ComboboxProps) {
  const input = useRef<HTMLInputElement>(null)
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  // Until something is typed all are offered, also those the present value would hide.
  const [typed, setTyped] = useState(false)
  const shown = open ? matching(suggestions, typed ? value : '') : []

  const show = (because: 'typed' | 'asked') => {
    setOpen(true)
    setTyped(because === 'typed')
    setActive(-1)
  }
  const hide = () => setOpen(false)
  const choose = (suggestion: Suggestion) => {
    onChange(suggestion.value)
    hide()
    input.current?.focus()
  }
  const move = (step: 1 | -1) => {
    if (shown.length === 0) return
    const to = active < 0 && step < 0 ? shown.length - 1 : (active + step + shown.length) % shown.length
    setActive(to)
    document.getElementById(`${id}-${to}`)?.scrollIntoView({ block: 'nearest' })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const suggestion = shown[active]
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (open) move(event.key === 'ArrowDown' ? 1 : -1)
      else show('asked')
    } else if (event.key === 'Enter' && suggestion !== undefined) {
      choose(suggestion)
    } else if (event.key === 'Escape' && shown.length > 0) {
      // The list closes first, the dialog around it with the next Escape.
      event.stopPropagation()
      hide()
    } else {
      return
    }
    event.preventDefault()
  }
  return { input, open, shown, active, setActive, show, hide, choose, onKeyDown }
}

export function Combobox(props: ComboboxProps) {
  const { label, value, onChange, fault, hint, placeholder, focused = true } = props
  const id = useId()
  const list = useSuggestions(id, props)
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="combobox">
        <input
          ref={list.input}
          id={id}
          className="input"
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={list.shown.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={list.shown[list.active] !== undefined ? `${id}-${list.active}` : undefined}
          aria-invalid={fault !== null || undefined}
          aria-describedby={fault !== null ? `${id}-fault` : `${id}-hint`}
          autoComplete="off"
          spellCheck={false}
          placeholder={placeholder}
          data-autofocus={focused || undefined}
          value={value}
          onChange={(event) => {
            onChange(event.target.value)
            list.show('typed')
          }}
          onClick={() => !list.open && list.show('asked')}
          onKeyDown={list.onKeyDown}
          onBlur={list.hide}
        />
        <button
          type="button"
          className="button quiet icon small"
          tabIndex={-1}
          aria-label="Show all suggestions"
          onPointerDown={(event) => {
            event.preventDefault()
            list.input.current?.focus()
            if (list.open) list.hide()
            else list.show('asked')
          }}
        >
          <ChevronDown size={16} aria-hidden />
        </button>
        <Suggestions id={id} shown={list.shown} active={list.active} onActive={list.setActive} onChoose={list.choose} />
      </div>
      {fault !== null ? (
        <Fault id={`${id}-fault`}>{fault}</Fault>
      ) : (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}
