// The one line above a session: state, name, where and what it runs, who is here, and what can be done with it.
import {
  ArrowLeft,
  CircleStop,
  Ellipsis,
  Eye,
  Folder,
  FolderX,
  Maximize2,
  PencilLine,
  Proportions,
  ScanText,
  Search,
  SquareTerminal,
} from 'lucide-react'
import { useState } from 'react'
import { useServices } from '../services.tsx'
import type { TerminalController } from '../terminal/controller.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { useTelling } from '../ui/feedback.tsx'
import { Field } from '../ui/field.tsx'
import { Menu, MenuItem, MenuLine } from '../ui/menu.tsx'
import { ConnectionLine, StateMark, type ConnectionName } from '../ui/states.tsx'
import { renameSession } from '../wire/api.ts'
import type { Size } from '../wire/channel.ts'
import type { Person, Session } from '../wire/types.ts'
import { People } from './people.tsx'
import { Link } from './router.tsx'
import { EndDialog, ForkDialog, HooksDialog, kForkIcon, kHooksIcon, kRestartIcon, RestartDialog, ResumeButton } from './session_life.tsx'
import { commandText, kNamePattern, kNameRule, mayHaveHooks, stateOf } from './session_words.ts'
import { RemoveTreeDialog } from './worktree_cleanup.tsx'
import { treeOf } from './worktree_words.ts'

function RenameDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const { http, wire } = useServices()
  const { tell } = useTelling()
  const [name, setName] = useState(session.name)
  const [fault, setFault] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const rename = async () => {
    if (busy) return
    if (!kNamePattern.test(name)) return setFault(kNameRule)
    if (name === session.name) return onClose()
    setBusy(true)
    try {
      await renameSession(http, session.id, name)
      const current = wire.fleet.current().sessions.find(({ id }) => id === session.id)
      if (current !== undefined) wire.fleet.upsert({ ...current, name })
      tell(`Renamed to ${name}.`, 'good')
      onClose()
    } catch (error) {
      setBusy(false)
      setFault(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <Dialog
      title={`Rename ${session.name}`}
      onClose={onClose}
      onSubmit={() => void rename()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy}>
            Rename
          </Button>
        </>
      }
    >
      <Field
        label="Name"
        value={name}
        fault={fault}
        hint={kNameRule}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        data-autofocus
        onFocus={(event) => event.target.select()}
        onChange={(event) => {
          setName(event.target.value)
          setFault(null)
        }}
      />
    </Dialog>
  )
}

interface SessionHeadProps {
  session: Session
  pane: Size
  connection: ConnectionName
  controller: TerminalController
  phone: boolean
  people: readonly Person[]
  // Not for who may only watch.
  mayType: boolean
}

function Facts({ session, pane }: { session: Session; pane: Size }) {
  const command = commandText(session)
  return (
    <ul className="session-facts">
      <li className="fact clip" title={`Project: ${session.project}`}>
        <Folder size={14} aria-hidden />
        <span className="clip clip-start">
          <bdi>{session.project || 'no project'}</bdi>
        </span>
      </li>
      <li className="fact clip" title={`Command: ${command}`}>
        <SquareTerminal size={14} aria-hidden />
        <span className="clip mono">{command}</span>
      </li>
      <li className="fact" title="Columns × rows of the pane">
        <Proportions size={14} aria-hidden />
        <span>
          {pane.cols}×{pane.rows}
        </span>
      </li>
    </ul>
  )
}

type DialogName = 'rename' | 'end' | 'restart' | 'hooks' | 'fork' | 'tree'

// What can be done with its life: the same in the menu of a desk and of a phone.
function LifeItems({ session, onChoose }: { session: Session; onChoose: (dialog: DialogName) => void }) {
  const active = session.status === 'active'
  return (
    <>
      {active && (
        <MenuItem icon={kRestartIcon} onSelect={() => onChoose('restart')}>
          Restart
        </MenuItem>
      )}
      {mayHaveHooks(session) && (
        <MenuItem icon={kHooksIcon} onSelect={() => onChoose('hooks')}>
          Restart with hooks
        </MenuItem>
      )}
      {session.kind === 'claude' && (
        <MenuItem icon={kForkIcon} onSelect={() => onChoose('fork')}>
          Fork
        </MenuItem>
      )}
      {!active && treeOf(session.project) !== null && (
        <MenuItem icon={<FolderX size={16} aria-hidden />} danger onSelect={() => onChoose('tree')}>
          Remove working tree
        </MenuItem>
      )}
    </>
  )
}

export function SessionHead(props: SessionHeadProps) {
  const { session, pane, connection, controller, phone, people, mayType } = props
  const [dialog, setDialog] = useState<DialogName | null>(null)
  const active = session.status === 'active'
  return (
    <header className="session-head">
      <Link className="button quiet icon small" href="/" aria-label="Back to the fleet" title="Back to the fleet">
        <ArrowLeft size={18} aria-hidden />
      </Link>
      <h1 className="clip">{session.name}</h1>
      <StateMark state={stateOf(session)} />
      {!phone && <Facts session={session} pane={pane} />}
      {!mayType && (
        <span className="watching" title="You may watch this session, not type in it or end it.">
          <Eye size={14} aria-hidden />
          watching
        </span>
      )}
      <span className="session-push" />
      <People session={session} people={people} />
      {active && <ConnectionLine connection={connection} />}
      {mayType && !active && <ResumeButton session={session} />}
      {mayType && !phone && mayHaveHooks(session) && (
        <Button small icon={kHooksIcon} onClick={() => setDialog('hooks')} title="It was started by hand and reports nothing by itself">
          Restart with hooks
        </Button>
      )}
      {phone ? (
        <Menu
          label="Session"
          trigger={<IconButton label="More" small icon={<Ellipsis size={18} aria-hidden />} />}
        >
          {mayType && (
            <MenuItem icon={<Maximize2 size={16} aria-hidden />} onSelect={() => controller.fit()}>
              Fit to me
            </MenuItem>
          )}
          <MenuItem icon={<Search size={16} aria-hidden />} onSelect={() => controller.startFind()}>
            Search the terminal
          </MenuItem>
          <MenuItem icon={<ScanText size={16} aria-hidden />} onSelect={() => controller.showText()}>
            Text of the terminal
          </MenuItem>
          {mayType && <MenuLine />}
          {mayType && (
            <MenuItem icon={<PencilLine size={16} aria-hidden />} onSelect={() => setDialog('rename')}>
              Rename
            </MenuItem>
          )}
          {mayType && <LifeItems session={session} onChoose={setDialog} />}
          {mayType && active && (
            <MenuItem icon={<CircleStop size={16} aria-hidden />} danger onSelect={() => setDialog('end')}>
              End session
            </MenuItem>
          )}
        </Menu>
      ) : mayType ? (
        <>
          <Button small kind="quiet" icon={<PencilLine size={16} aria-hidden />} onClick={() => setDialog('rename')}>
            Rename
          </Button>
          {active && (
            <Button small kind="quiet" icon={<CircleStop size={16} aria-hidden />} onClick={() => setDialog('end')}>
              End session
            </Button>
          )}
          {(active || session.kind === 'claude' || treeOf(session.project) !== null) && (
            <Menu label="Session" trigger={<IconButton label="More" small icon={<Ellipsis size={18} aria-hidden />} />}>
              <LifeItems session={session} onChoose={setDialog} />
            </Menu>
          )}
        </>
      ) : null}
      {dialog === 'rename' && <RenameDialog session={session} onClose={() => setDialog(null)} />}
      {dialog === 'end' && <EndDialog session={session} onClose={() => setDialog(null)} />}
      {dialog === 'restart' && <RestartDialog session={session} onClose={() => setDialog(null)} />}
      {dialog === 'hooks' && <HooksDialog session={session} onClose={() => setDialog(null)} />}
      {dialog === 'fork' && <ForkDialog session={session} onClose={() => setDialog(null)} />}
      {dialog === 'tree' && <RemoveTreeDialog session={session} onClose={() => setDialog(null)} />}
    </header>
  )
}
