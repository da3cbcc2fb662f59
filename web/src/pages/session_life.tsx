// What can be done with a session's life, and what is asked before: resumed, restarted, forked, ended.
import { CirclePlay, GitFork, Radio, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { useFleet, useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { CheckField } from '../ui/choice.tsx'
import { Confirm, Dialog } from '../ui/dialog.tsx'
import { Notice, useTelling } from '../ui/feedback.tsx'
import { Field } from '../ui/field.tsx'
import { endSession } from '../wire/api.ts'
import { forkSession, giveHooks, removeWhenLeft, restartSession, resumeSession, type StartRequest, type Unseen } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'
import { useAttempt } from './attempt.ts'
import { openSession, paneSize } from './new_session.tsx'
import { commandText, kNamePattern, kNameRule, nameFor } from './session_words.ts'
import { ReviewDialog } from './settings_review.tsx'
import { PromptField } from './start_fields.tsx'
import { movedTo } from './start_form.ts'
import { kKeepTree, TreeChoice } from './worktree_cleanup.tsx'
import { treeOf } from './worktree_words.ts'

const isAgent = (session: Session) => session.kind === 'claude'

export function ResumeButton({ session }: { session: Session }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const resume = useAttempt(
    (accepted) => resumeSession(http, session.id, accepted?.digest),
    (now) => tell(`${now.name} goes on.`, 'good'),
  )
  return (
    <>
      <Button small kind="primary" busy={resume.busy} icon={<CirclePlay size={16} aria-hidden />} onClick={resume.start}>
        {isAgent(session) ? 'Resume' : 'Start again'}
      </Button>
      {resume.fault !== null && (
        <Dialog title={`${session.name} did not start`} onClose={resume.back} footer={<Button onClick={resume.back}>Close</Button>}>
          <Notice tone="danger">{resume.fault}</Notice>
        </Dialog>
      )}
      {resume.unseen !== null && (
        <ReviewDialog unseen={resume.unseen} busy={resume.busy} verb="Accept and resume" onAccept={resume.accept} onBack={resume.back} onClose={resume.back} />
      )}
    </>
  )
}

interface DialogProps {
  session: Session
  onClose: () => void
}

export function RestartDialog({ session, onClose }: DialogProps) {
  const { http } = useServices()
  const { tell } = useTelling()
  const restart = useAttempt(
    (accepted) => restartSession(http, session.id, accepted?.digest),
    (now) => {
      tell(`${now.name} was restarted.`, 'good')
      onClose()
    },
  )
  if (restart.unseen !== null) {
    return <ReviewDialog unseen={restart.unseen} busy={restart.busy} verb="Accept and restart" onAccept={restart.accept} onBack={restart.back} onClose={onClose} />
  }
  return (
    <Confirm title={`Restart ${session.name}?`} confirm="Restart" busy={restart.busy} onConfirm={restart.start} onClose={onClose}>
      <p>
        {isAgent(session)
          ? 'Claude Code is ended and started again with the same conversation, in the same folder. What it is doing right now is broken off.'
          : 'The program is ended and started again in the same folder. What it has not saved is lost.'}
      </p>
      {restart.fault !== null && <Notice tone="danger">{restart.fault}</Notice>}
    </Confirm>
  )
}

export function HooksDialog({ session, onClose }: DialogProps) {
  const { http } = useServices()
  const { tell } = useTelling()
  const give = useAttempt(
    (accepted) => giveHooks(http, session.id, accepted?.digest),
    (now) => {
      tell(`${now.name} reports what it does now.`, 'good')
      onClose()
      if (now.id !== session.id) openSession(now)
    },
  )
  if (give.unseen !== null) {
    return <ReviewDialog unseen={give.unseen} busy={give.busy} verb="Accept and restart" onAccept={give.accept} onBack={give.back} onClose={onClose} />
  }
  return (
    <Confirm title={`Restart ${session.name} with hooks?`} confirm="Restart with hooks" busy={give.busy} onConfirm={give.start} onClose={onClose}>
      <p>
        This agent was started by hand, without the dashboard’s hooks: what it does is guessed from its title, and its requests can only be
        answered in the terminal.
      </p>
      <p>
        Claude Code is asked to end and goes on with the same conversation in the same folder: in this session, or in a new one beside your
        shell if it was started there. Options that it was started with are not kept. While it works, nothing is ended.
      </p>
      {give.fault !== null && <Notice tone="danger">{give.fault}</Notice>}
    </Confirm>
  )
}

export function ForkDialog({ session, onClose }: DialogProps) {
  const { http } = useServices()
  const { sessions } = useFleet()
  const taken = new Set(sessions.filter(({ status }) => status === 'active').map(({ name }) => name))
  const [name, setName] = useState(() => nameFor(`${session.name}-fork`, taken))
  const [branch, setBranch] = useState<string | null>(null)
  const [prompt, setPrompt] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const fork = useAttempt(
    (accepted: Unseen | null) => {
      const request: StartRequest = { name, ...paneSize() }
      if (prompt.trim() !== '') request.prompt = prompt
      if (accepted !== null) request.accept_settings = accepted.digest
      if (accepted !== null && movedTo(accepted, session.project, branch)) request.project = accepted.folder
      else if (branch !== null) request.worktree = { branch: branch.trim() }
      return forkSession(http, session.id, request)
    },
    (now) => {
      onClose()
      openSession(now)
    },
  )
  if (fork.unseen !== null) {
    return <ReviewDialog unseen={fork.unseen} busy={fork.busy} verb="Accept and fork" onAccept={fork.accept} onBack={fork.back} onClose={onClose} />
  }
  const submit = () => {
    if (!kNamePattern.test(name)) return setFault(kNameRule)
    if (taken.has(name)) return setFault('A running session has this name already.')
    if (branch?.trim() === '') return setFault('Name the branch that the working tree is for.')
    setFault(null)
    fork.start()
  }
  return (
    <Dialog
      title={`Fork ${session.name}`}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={fork.busy} icon={<GitFork size={16} aria-hidden />}>
            Fork
          </Button>
        </>
      }
    >
      <p>A second agent begins with a copy of this conversation. This one goes on untouched.</p>
      <Field
        label="Name"
        value={name}
        fault={null}
        hint={kNameRule}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        data-autofocus
        onChange={(event) => setName(event.target.value)}
      />
      <CheckField
        label="In a new working tree"
        checked={branch !== null}
        hint="So that both can change files without disturbing each other."
        onChange={(on) => setBranch(on ? '' : null)}
      />
      {branch !== null && (
        <Field
          label="Branch"
          value={branch}
          fault={null}
          placeholder="try/other-way"
          hint="A new name makes the branch; an existing one is taken."
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          onChange={(event) => setBranch(event.target.value)}
        />
      )}
      <PromptField prompt={prompt} fault={null} onChange={setPrompt} />
      {(fault ?? fork.fault) !== null && <Notice tone="danger">{fault ?? fork.fault}</Notice>}
    </Dialog>
  )
}

export function EndDialog({ session, onClose }: DialogProps) {
  const { http } = useServices()
  const { tell } = useTelling()
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const [wish, setWish] = useState(kKeepTree)
  const tree = treeOf(session.project)
  const end = async () => {
    setBusy(true)
    try {
      await endSession(http, session.id)
    } catch (error) {
      setBusy(false)
      return setFault(error instanceof Error ? error.message : String(error))
    }
    tell(`${session.name} was ended.`)
    onClose()
    if (tree === null || !wish.remove) return
    try {
      await removeWhenLeft(http, tree, wish.ignored)
      tell('The working tree was removed; its branch stays.', 'good')
    } catch (error) {
      tell(`The working tree stays. ${error instanceof Error ? error.message : String(error)}`, 'danger')
    }
  }
  return (
    <Confirm title={`End ${session.name}?`} confirm="End session" kind="danger" busy={busy} onConfirm={() => void end()} onClose={onClose}>
      <p>
        <code>{commandText(session)}</code> and everything it started in this terminal are stopped. What they have not
        saved is lost.
      </p>
      <p>
        {tree === null || !wish.remove ? `Files in ${session.project || 'the project'} stay` : 'The branch and what is committed stay'},
        and so does the record of what was printed.
        {isAgent(session) && ' The conversation can be resumed.'}
      </p>
      {tree !== null && <TreeChoice session={session} tree={tree} wish={wish} onChange={setWish} />}
      {fault !== null && <Notice tone="danger">{fault}</Notice>}
    </Confirm>
  )
}

export const kRestartIcon = <RotateCw size={16} aria-hidden />
export const kHooksIcon = <Radio size={16} aria-hidden />
export const kForkIcon = <GitFork size={16} aria-hidden />
