// Fields that are not a line of text: a choice of few, a longer text, a switch, and a part that is folded until it is wanted.
import { ChevronRight } from 'lucide-react'
import { useId, type ReactNode, type TextareaHTMLAttributes } from 'react'
import { Fault } from './field.tsx'

interface AroundProps {
  id: string
  label: string
  hint?: ReactNode
  fault: string | null
  children: ReactNode
}

function Around({ id, label, hint, fault, children }: AroundProps) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
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

const describedBy = (id: string, fault: string | null, hint: ReactNode) =>
  fault !== null ? `${id}-fault` : hint !== undefined ? `${id}-hint` : undefined

interface SelectProps {
  label: string
  value: string
  choices: readonly { value: string; label: string }[]
  hint?: ReactNode
  fault?: string | null
  onChange: (value: string) => void
}

export function SelectField({ label, value, choices, hint, fault = null, onChange }: SelectProps) {
  const id = useId()
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      <select
        id={id}
        className="input"
        value={value}
        aria-invalid={fault !== null || undefined}
        aria-describedby={describedBy(id, fault, hint)}
        onChange={(event) => onChange(event.target.value)}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </Around>
  )
}

interface TextAreaProps extends Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'onChange'> {
  label: string
  hint?: ReactNode
  fault?: string | null
  onChange: (value: string) => void
}

export function TextAreaField({ label, hint, fault = null, className, onChange, ...rest }: TextAreaProps) {
  const id = useId()
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      <textarea
        {...rest}
        id={id}
        className={`input ${className ?? ''}`}
        aria-invalid={fault !== null || undefined}
        aria-describedby={describedBy(id, fault, hint)}
        onChange={(event) => onChange(event.target.value)}
      />
    </Around>
  )
}

interface CheckProps {
  label: ReactNode
  checked: boolean
  hint?: ReactNode
  onChange: (checked: boolean) => void
}

export function CheckField({ label, checked, hint, onChange }: CheckProps) {
  const id = useId()
  return (
    <div className="field check">
      <label htmlFor={id}>
        <input
          id={id}
          type="checkbox"
          checked={checked}
          aria-describedby={hint !== undefined ? `${id}-hint` : undefined}
          onChange={(event) => onChange(event.target.checked)}
        />
        <span>{label}</span>
      </label>
      {hint !== undefined && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

// `open`: something in it is not as usual, so it is not hidden.
export function Folded({ title, open, children }: { title: string; open: boolean; children: ReactNode }) {
  return (
    <details className="folded" open={open || undefined}>
      <summary>
        <ChevronRight size={16} aria-hidden />
        {title}
      </summary>
      <div>{children}</div>
    </details>
  )
}
