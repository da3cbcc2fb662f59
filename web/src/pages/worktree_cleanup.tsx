// Removing a session's working tree: what keeps it, named before anything is done; never with work in it.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useServices } from '../services.tsx'
import { CheckField } from '../ui/choice.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm, Dialog } from '../ui/dialog.tsx'
import { Notice, useTelling, Waiting } from '../ui/feedback.tsx'
import { removeWhenLeft, worktreeObstacles, type Obstacle } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'
import { obstacleText, standingOf, treeOf } from './worktree_words.ts'
import './worktree_cleanup.css'

export interface TreeWish {
  remove: boolean
  ignored: boolean
}
export const kKeepTree: TreeWish = { remove: false, ignored: false }

function useStanding(tree: string, own: string | null) {
  const { http } = useServices()
  const read = useQuery({
    queryKey: ['obstacles', tree],
    queryFn: () => worktreeObstacles(http, tree),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  })
  return { read, standing: read.data === undefined ? null : standingOf(read.data, own) }
}

function Kept({ blocking }: { blocking: readonly Obstacle[] }) {
  return (
    <Notice tone="warning">
      <p>The working tree stays, because this would be lost:</p>
      <ul className="obstacles">
        {blocking.map((obstacle) => (
          <li key={obstacle.kind}>{obstacleText(obstacle)}</li>
        ))}
      </ul>
    </Notice>
  )
}

function IgnoredChoice({ obstacle, checked, onChange }: { obstacle: Obstacle; checked: boolean; onChange: (on: boolean) => void }) {
  return <CheckField label="Files that git ignores go with it" checked={checked} hint={obstacleText(obstacle)} onChange={onChange} />
}

interface TreeChoiceProps {
  session: Session
  tree: string
  wish: TreeWish
  onChange: (wish: TreeWish) => void
}

// In the dialog that ends a session.
export function TreeChoice({ session, tree, wish, onChange }: TreeChoiceProps) {
  const { read, standing } = useStanding(tree, session.name)
  if (read.isError) return <Notice>The working tree stays: what is in it could not be found out. {read.error.message}</Notice>
  if (standing === null) return <Waiting what="what is in the working tree" />
  if (standing.blocking.length > 0) return <Kept blocking={standing.blocking} />
  return (
    <>
      <CheckField
        label="Remove its working tree"
        checked={wish.remove}
        hint="Everything in it is committed. The branch stays."
        onChange={(remove) => onChange({ ...wish, remove })}
      />
      {wish.remove && standing.ignored !== null && (
        <IgnoredChoice obstacle={standing.ignored} checked={wish.ignored} onChange={(ignored) => onChange({ ...wish, ignored })} />
      )}
    </>
  )
}

// Of a session that has ended.
export function RemoveTreeDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const tree = treeOf(session.project) ?? session.project
  const { read, standing } = useStanding(tree, null)
  const [ignored, setIgnored] = useState(false)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const remove = async () => {
    setBusy(true)
    try {
      await removeWhenLeft(http, tree, ignored)
      tell('The working tree was removed; its branch stays.', 'good')
      onClose()
    } catch (error) {
      setBusy(false)
      setFault(error instanceof Error ? error.message : String(error))
    }
  }
  const title = `Remove the working tree of ${session.name}?`
  if (standing === null || standing.blocking.length > 0) {
    return (
      <Dialog title={title} onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
        {read.isError && <Notice tone="danger">What is in it could not be found out. {read.error.message}</Notice>}
        {read.isPending && <Waiting what="what is in the working tree" />}
        {standing !== null && <Kept blocking={standing.blocking} />}
      </Dialog>
    )
  }
  return (
    <Confirm title={title} confirm="Remove working tree" kind="danger" busy={busy} onConfirm={() => void remove()} onClose={onClose}>
      <p>
        <code>{tree}</code> is deleted. Everything in it is committed, and the branch stays; the session cannot go on there.
      </p>
      {standing.ignored !== null && <IgnoredChoice obstacle={standing.ignored} checked={ignored} onChange={setIgnored} />}
      {fault !== null && <Notice tone="danger">{fault}</Notice>}
    </Confirm>
  )
}
