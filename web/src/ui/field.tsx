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

interface LabelledProps {
  id: string
  label: string
  hint?: ReactNode
  fault: string | null
  children: ReactNode
}

// Around one control with this id: its label, and below it its hint or its fault.
export function Labelled({ id, label, hint, fault, children }: LabelledProps) {
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

// What a control in Labelled says of itself.
export const described = (id: string, fault: string | null, hint: ReactNode) => ({
  id,
  'aria-invalid': fault !== null || undefined,
  'aria-describedby': fault !== null ? `${id}-fault` : hint !== undefined ? `${id}-hint` : undefined,
})

export function Field({ label, hint, fault = null, className, ...input }: FieldProps) {
  const id = useId()
  return (
    <Labelled id={id} label={label} hint={hint} fault={fault}>
      <input {...input} {...described(id, fault, hint)} className={`input ${className ?? ''}`} />
    </Labelled>
  )
}
