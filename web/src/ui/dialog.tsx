// A modal dialog on the browser's own <dialog>: it keeps the focus inside, makes the rest inert, closes on Escape and
// gives the focus back to where it was. The element marked data-autofocus gets it first.
import { X } from 'lucide-react'
import { useId, useLayoutEffect, useRef, type FormEvent, type ReactNode } from 'react'
import { Button, IconButton } from './button.tsx'

interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
  footer?: ReactNode
  wide?: boolean
  // With it the dialog is a form, sent by Enter.
  onSubmit?: () => void
}

export function Dialog({ title, onClose, children, footer, wide = false, onSubmit }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  // Closed while still in the document: only then the browser gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    if (element === null || element.open) return
    element.showModal()
    element.querySelector<HTMLElement>('[data-autofocus]')?.focus()
    return () => element.close()
  }, [])
  const frame = (
    <>
      <header>
        <h2 id={titleId}>{title}</h2>
        <IconButton label="Close" icon={<X size={18} aria-hidden />} small onClick={onClose} />
      </header>
      <div className="dialog-body">{children}</div>
      {footer !== undefined && <footer>{footer}</footer>}
    </>
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit?.()
  }
  return (
    <dialog
      ref={dialog}
      className={`dialog ${wide ? 'wide' : ''}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        // React takes it away; closing itself would leave an empty shell behind.
        event.preventDefault()
        onClose()
      }}
    >
      {onSubmit === undefined ? (
        <div className="dialog-frame">{frame}</div>
      ) : (
        <form className="dialog-frame" onSubmit={submit} noValidate>
          {frame}
        </form>
      )}
    </dialog>
  )
}

interface ConfirmProps {
  title: string
  // What will happen, and what will be lost.
  children: ReactNode
  confirm: string
  kind?: 'primary' | 'danger'
  busy?: boolean
  onConfirm: () => void
  onClose: () => void
}

export function Confirm(props: ConfirmProps) {
  const { title, children, confirm, kind = 'primary', busy = false, onConfirm, onClose } = props
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose} data-autofocus={kind === 'danger' || undefined}>
            Cancel
          </Button>
          <Button kind={kind} busy={busy} onClick={onConfirm} data-autofocus={kind !== 'danger' || undefined}>
            {confirm}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  )
}
