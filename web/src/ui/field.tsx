// A labelled input with its hint and, when something is wrong, what that is.
import { CircleAlert } from 'lucide-react'
import { useId, type InputHTMLAttributes, type ReactNode, type Ref } from 'react'

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string
  hint?: ReactNode
  fault?: string | null
  ref?: Ref<HTMLInputElement>
  'data-autofocus'?: boolean
}

export function Fault({ id, children }: { id?: string; children: ReactNode }) {
  return (
    <p className="fault" id={id}>
      <CircleAlert size={14} aria-hidden />
      <span>{children}</span>
    </p>
  )
}

export function Field({ label, hint, fault = null, className, ...input }: FieldProps) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        className={`input ${className ?? ''}`}
        aria-invalid={fault !== null || undefined}
        aria-describedby={fault !== null ? `${id}-fault` : hint !== undefined ? `${id}-hint` : undefined}
      />
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
