// The way from place to place: at the side of a desk's screen, at the foot of a phone's.
import {
  Accessibility,
  Bell,
  ChartColumn,
  CircleUserRound,
  FolderTree,
  History,
  Inbox,
  Keyboard,
  LayoutGrid,
  LogOut,
  MessageSquareText,
  Monitor,
  Moon,
  Sun,
  Zap,
  type LucideIcon,
} from 'lucide-react'
import { useServices } from '../services.tsx'
import { useTelling } from '../ui/feedback.tsx'
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine, MenuToggle } from '../ui/menu.tsx'
import { setTheme, useTheme } from '../ui/theme.ts'
import type { User } from '../wire/types.ts'
import { useWaitingCount } from './attention.tsx'
import { useIsPhone } from './hooks.ts'
import { Mark } from './mark.tsx'
import { useEcho, useScreenReader } from './preferences.ts'
import { addressOf, go, Link, type Place } from './router.tsx'

const kNotifications = addressOf({ kind: 'notifications' })

const kThemes = [
  { value: 'system', label: 'As the system', icon: <Monitor size={16} aria-hidden /> },
  { value: 'light', label: 'Light', icon: <Sun size={16} aria-hidden /> },
  { value: 'dark', label: 'Dark', icon: <Moon size={16} aria-hidden /> },
] as const

function RailLink({ href, icon: Icon, label, here }: { href: string; icon: LucideIcon; label: string; here: boolean }) {
  return (
    <Link className="rail-item" href={href} aria-current={here ? 'page' : undefined}>
      <Icon size={20} aria-hidden />
      <span>{label}</span>
    </Link>
  )
}

function InboxLink({ here }: { here: boolean }) {
  const waiting = useWaitingCount()
  return (
    <Link className="rail-item" href="/inbox" aria-current={here ? 'page' : undefined}>
      <Inbox size={20} aria-hidden />
      <span>Inbox</span>
      {waiting > 0 && (
        <span className="rail-count">
          {waiting}
          <span className="only-heard"> waiting for you</span>
        </span>
      )}
    </Link>
  )
}

function AccountMenu({ user, onHelp }: { user: User; onHelp: () => void }) {
  const { auth } = useServices()
  const { tell } = useTelling()
  const theme = useTheme()
  const [screenReader, setScreenReader] = useScreenReader()
  const [echo, setEcho] = useEcho()
  const phone = useIsPhone()
  const logout = () => {
    auth.logout().catch((error: unknown) => tell(error instanceof Error ? error.message : String(error), 'danger'))
  }
  const trigger = (
    <button type="button" className="rail-item" aria-label={`Account: ${user.name}`}>
      <CircleUserRound size={20} aria-hidden />
      <span className="clip">{user.name}</span>
    </button>
  )
  return (
    <Menu trigger={trigger} label="Account" side={phone ? 'top' : 'right'}>
      <MenuLabel>
        {user.name} · {user.role}
      </MenuLabel>
      <MenuLine />
      <MenuChoice label="Theme" value={theme} choices={kThemes} onChange={setTheme} />
      <MenuLine />
      <MenuToggle
        icon={<Accessibility size={16} aria-hidden />}
        checked={screenReader}
        onChange={setScreenReader}
      >
        Screen reader in terminals
      </MenuToggle>
      <MenuToggle
        icon={<Zap size={16} aria-hidden />}
        checked={echo === 'automatic'}
        onChange={(on) => setEcho(on ? 'automatic' : 'off')}
      >
        Instant echo on slow lines
      </MenuToggle>
      <MenuItem icon={<Bell size={16} aria-hidden />} onSelect={() => go(kNotifications)}>
        Notifications
      </MenuItem>
      <MenuItem icon={<Keyboard size={16} aria-hidden />} end={<kbd>?</kbd>} onSelect={onHelp}>
        Keyboard
      </MenuItem>
      <MenuLine />
      <MenuItem icon={<LogOut size={16} aria-hidden />} onSelect={logout}>
        Log out
      </MenuItem>
    </Menu>
  )
}

export function Rail({ place, user, onHelp }: { place: Place; user: User; onHelp: () => void }) {
  return (
    <nav className="rail" aria-label="Places">
      <span className="rail-mark">
        <Mark size={32} />
      </span>
      <RailLink href="/" icon={LayoutGrid} label="Fleet" here={place.kind === 'fleet' || place.kind === 'session'} />
      <InboxLink here={place.kind === 'inbox'} />
      <RailLink href="/prompts" icon={MessageSquareText} label="Prompts" here={place.kind === 'prompts'} />
      {user.role !== 'viewer' && (
        <RailLink href="/conversations" icon={History} label="Past" here={place.kind === 'conversations'} />
      )}
      <RailLink href="/files" icon={FolderTree} label="Files" here={place.kind === 'files'} />
      <RailLink href="/usage" icon={ChartColumn} label="Usage" here={place.kind === 'usage'} />
      <span className="rail-gap" />
      <AccountMenu user={user} onHelp={onHelp} />
    </nav>
  )
}
