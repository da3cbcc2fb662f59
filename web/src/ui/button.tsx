// A button. With only an icon it still has a name, which is also its tooltip.
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'

export type ButtonKind = 'plain' | 'primary' | 'danger' | 'quiet'

type Attributes = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'>

interface ButtonProps extends Attributes {
  kind?: ButtonKind
  small?: boolean
  icon?: ReactNode
  // Under way: the button stays where it is and keeps the focus, but does nothing more.
  busy?: boolean
  children: ReactNode
  ref?: Ref<HTMLButtonElement>
  'data-autofocus'?: boolean | undefined
}

function classes(kind: ButtonKind, small: boolean, more: string): string {
  return `button ${kind === 'plain' ? '' : kind} ${small ? 'small' : ''} ${more}`
}

export function Button(props: ButtonProps) {
  const { kind = 'plain', small = false, icon, busy = false, children, className, ...rest } = props
  return (
    <button
      type="button"
      {...rest}
      className={classes(kind, small, className ?? '')}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : rest.onClick}
    >
      {icon}
      {children}
    </button>
  )
}

interface IconButtonProps extends Attributes {
  label: string
  // The keys that do the same, shown in the tooltip.
  keys?: string
  icon: ReactNode
  kind?: ButtonKind
  small?: boolean
  ref?: Ref<HTMLButtonElement>
}

export function IconButton({ label, keys, icon, kind = 'quiet', small = false, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={classes(kind, small, `icon ${className ?? ''}`)}
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys})`}
    >
      {icon}
    </button>
  )
}
