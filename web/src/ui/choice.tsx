// Fields that are not a line of text: a choice of few, a longer text, a switch, and a part that is folded until it is wanted.
import { ChevronRight } from 'lucide-react'
import { useId, type ReactNode, type TextareaHTMLAttributes } from 'react'
import { described, Labelled } from './field.tsx'

interface SelectProps<T extends string> {
  label: string
  value: T
  choices: readonly { value: T; label: string }[]
  hint?: ReactNode
  fault?: string | null
  onChange: (value: T) => void
}

export function SelectField<T extends string>({ label, value, choices, hint, fault = null, onChange }: SelectProps<T>) {
  const id = useId()
  return (
    <Labelled id={id} label={label} hint={hint} fault={fault}>
      <select
        {...described(id, fault, hint)}
        className="input"
        value={value}
        onChange={(event) => onChange(choices.find((choice) => choice.value === event.target.value)?.value ?? value)}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </Labelled>
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
    <Labelled id={id} label={label} hint={hint} fault={fault}>
      <textarea
        {...rest}
        {...described(id, fault, hint)}
        className={`input ${className ?? ''}`}
        onChange={(event) => onChange(event.target.value)}
      />
    </Labelled>
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
