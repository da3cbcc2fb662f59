// A menu under a button. Radix brings the keyboard and the roles.
import { Check } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'

interface MenuProps {
  trigger: ReactNode
  label: string
  children: ReactNode
  side?: 'bottom' | 'right' | 'top'
}

// Not modal: a modal menu would need inline style elements, which the page's policy does not allow.
export function Menu({ trigger, label, children, side = 'bottom' }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Content
        className="menu"
        aria-label={label}
        side={side}
        align="end"
        sideOffset={6}
        collisionPadding={8}
      >
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  )
}

interface MenuItemProps {
  icon: ReactNode
  children: ReactNode
  end?: ReactNode
  danger?: boolean
  onSelect: () => void
}

export function MenuItem({ icon, children, end, danger = false, onSelect }: MenuItemProps) {
  return (
    <DropdownMenu.Item className={`menu-item ${danger ? 'danger' : ''}`} onSelect={onSelect}>
      {icon}
      <span>{children}</span>
      {end !== undefined && <span className="end">{end}</span>}
    </DropdownMenu.Item>
  )
}

export function MenuToggle({ icon, children, checked, onChange }: {
  icon: ReactNode
  children: ReactNode
  checked: boolean
  onChange: (checked: boolean) => void
}) {
  return (
    <DropdownMenu.CheckboxItem
      className="menu-item"
      checked={checked}
      onCheckedChange={onChange}
      onSelect={(event) => event.preventDefault()}
    >
      {icon}
      <span>{children}</span>
      <DropdownMenu.ItemIndicator className="end">
        <Check size={16} aria-hidden />
      </DropdownMenu.ItemIndicator>
    </DropdownMenu.CheckboxItem>
  )
}

interface MenuChoiceProps<T extends string> {
  label: string
  value: T
  choices: readonly { value: T; label: string; icon: ReactNode }[]
  onChange: (value: T) => void
}

export function MenuChoice<T extends string>({ label, value, choices, onChange }: MenuChoiceProps<T>) {
  return (
    <>
      <DropdownMenu.Label className="menu-label">{label}</DropdownMenu.Label>
      <DropdownMenu.RadioGroup value={value} onValueChange={(next) => onChange(next as T)}>
        {choices.map((choice) => (
          <DropdownMenu.RadioItem
            key={choice.value}
            value={choice.value}
            className="menu-item"
            onSelect={(event) => event.preventDefault()}
          >
            {choice.icon}
            <span>{choice.label}</span>
            <DropdownMenu.ItemIndicator className="end">
              <Check size={16} aria-hidden />
            </DropdownMenu.ItemIndicator>
          </DropdownMenu.RadioItem>
        ))}
      </DropdownMenu.RadioGroup>
    </>
  )
}

export function MenuLine() {
  return <DropdownMenu.Separator className="menu-line" />
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="menu-label">{children}</DropdownMenu.Label>
}
