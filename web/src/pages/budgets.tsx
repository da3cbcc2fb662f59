// Budgets: what may be spent in a period, how far it is, and what happens at the bound.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, CircleX, Plus, Trash2, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { useFleet, useServices } from '../services.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { SelectField } from '../ui/choice.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice, useTelling } from '../ui/feedback.tsx'
import { Field } from '../ui/field.tsx'
import { lastPart } from '../ui/text.ts'
import { ApiError } from '../wire/http.ts'
import type { Session } from '../wire/types.ts'
import { addBudget, readBudgets, removeBudget, type Budget, type NewBudget } from '../wire/usage.ts'
import { dollars, short } from './usage_series.ts'

const kAgainMs = 30_000
const kKey = ['budgets']

const kPeriods: Record<Budget['period'], string> = { day: 'a day', week: 'a week', month: 'a month', ever: 'in all' }
const kLooks = {
  ok: { icon: CircleCheck, word: 'within' },
  near: { icon: TriangleAlert, word: 'nearly used up' },
  over: { icon: CircleX, word: 'used up' },
} as const

const amount = (budget: Budget, value: number) => (budget.unit === 'usd' ? dollars(value) : `${short(value)} tokens`)

function scopeWords(budget: Budget, sessions: readonly Session[]): string {
  switch (budget.scope) {
    case 'all':
      return 'All sessions'
    case 'project':
      return lastPart(budget.target)
    case 'session':
      return sessions.find(({ id }) => id === budget.target)?.name ?? 'A session that is gone'
  }
}

function BudgetRow({ budget, sessions, onRemove }: { budget: Budget; sessions: readonly Session[]; onRemove: (() => void) | null }) {
  const { icon: Icon, word } = kLooks[budget.state]
  const name = `${scopeWords(budget, sessions)}, ${amount(budget, budget.bound)} ${kPeriods[budget.period]}`
  return (
    <li className={`budget ${budget.state}`}>
      <span className="budget-state">
        <Icon size={16} aria-hidden />
        {word}
      </span>
      <span className="budget-name clip">{name}</span>
      <meter className="budget-meter" min={0} max={budget.bound} value={Math.min(budget.used, budget.bound)} aria-label={`Used of ${name}`} />
      <span className="budget-used">
        {amount(budget, budget.used)} <span className="faint">used</span>
      </span>
      <span className="faint">{budget.action === 'pause' ? 'pauses sending' : 'warns'}</span>
      {onRemove !== null && (
        <IconButton small label={`Remove the budget: ${name}`} icon={<Trash2 size={16} aria-hidden />} onClick={onRemove} />
      )}
    </li>
  )
}

function AddBudget({ sessions, onClose }: { sessions: readonly Session[]; onClose: () => void }) {
  const { http } = useServices()
  const client = useQueryClient()
  const [draft, setDraft] = useState<NewBudget>({ scope: 'all', target: '', period: 'day', unit: 'usd', bound: 0, action: 'warn' })
  const [bound, setBound] = useState('')
  const change = (part: Partial<NewBudget>) => setDraft((before) => ({ ...before, ...part }))
  const projects = [...new Set(sessions.map(({ project }) => project).filter(Boolean))].sort()
  const add = useMutation({
    mutationFn: () => addBudget(http, { ...draft, bound: Number(bound.replace(',', '.')) }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: kKey })
      onClose()
    },
  })
  const fault = add.error instanceof ApiError ? add.error : null
  const targets =
    draft.scope === 'project'
      ? projects.map((path) => ({ value: path, label: lastPart(path) }))
      : sessions.map(({ id, name }) => ({ value: id, label: name }))
  return (
    <Dialog
      title="New budget"
      onClose={onClose}
      onSubmit={() => add.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={add.isPending}>
            Add
          </Button>
        </>
      }
    >
      <SelectField
        label="For"
        value={draft.scope}
        choices={[{ value: 'all', label: 'All sessions' }, { value: 'project', label: 'One project' }, { value: 'session', label: 'One session' }]}
        onChange={(scope) =>
          change({ scope, target: scope === 'all' ? '' : ((scope === 'project' ? projects[0] : sessions[0]?.id) ?? '') })
        }
      />
      {draft.scope !== 'all' && (
        <SelectField label={draft.scope === 'project' ? 'Project' : 'Session'} value={draft.target} choices={targets} onChange={(target) => change({ target })} />
      )}
      <Field
        label={draft.unit === 'usd' ? 'At most, in US dollars' : 'At most, in tokens'}
        inputMode="decimal"
        required
        data-autofocus
        value={bound}
        onChange={(event) => setBound(event.target.value)}
        fault={fault?.field === 'bound' ? fault.message : null}
      />
      <SelectField label="Counted in" value={draft.unit} choices={[{ value: 'usd', label: 'US dollars' }, { value: 'tokens', label: 'Tokens' }]} onChange={(unit) => change({ unit })} />
      <SelectField
        label="In"
        value={draft.period}
        choices={[{ value: 'day', label: 'A day' }, { value: 'week', label: 'A week, from Monday' }, { value: 'month', label: 'A calendar month' }, { value: 'ever', label: 'All time' }]}
        onChange={(period) => change({ period })}
      />
      <SelectField
        label="At the bound"
        value={draft.action}
        choices={[{ value: 'warn', label: 'Warn' }, { value: 'pause', label: 'Warn, and send no more prompts from the dashboard' }]}
        onChange={(action) => change({ action })}
      />
      {add.error !== null && fault?.field !== 'bound' && <Notice tone="danger">{add.error.message}</Notice>}
    </Dialog>
  )
}

export function Budgets({ mayChange }: { mayChange: boolean }) {
  const { http } = useServices()
  const { sessions } = useFleet()
  const { tell } = useTelling()
  const client = useQueryClient()
  const [adding, setAdding] = useState(false)
  const { data, error } = useQuery({ queryKey: kKey, queryFn: () => readBudgets(http), refetchInterval: kAgainMs })
  const remove = useMutation({
    mutationFn: (budget: Budget) => removeBudget(http, budget.id),
    onSuccess: () => client.invalidateQueries({ queryKey: kKey }),
    onError: (fault) => tell(fault.message, 'danger'),
  })
  return (
    <section aria-label="Budgets">
      <div className="budgets-head">
        <h2>Budgets</h2>
        {mayChange && (
          <Button small icon={<Plus size={16} aria-hidden />} onClick={() => setAdding(true)}>
            New budget
          </Button>
        )}
      </div>
      {error !== null && <Notice tone="danger">Budgets could not be read. {error.message}</Notice>}
      {data?.length === 0 && <p className="hint">No budget. One warns you, or stops the dashboard from sending prompts, when agents have used so much.</p>}
      <ul className="budgets">
        {data?.map((budget) => (
          <BudgetRow key={budget.id} budget={budget} sessions={sessions} onRemove={mayChange ? () => remove.mutate(budget) : null} />
        ))}
      </ul>
      {adding && <AddBudget sessions={sessions} onClose={() => setAdding(false)} />}
    </section>
  )
}

// On the fleet: only what needs to be known.
export function BudgetNotice() {
  const { http } = useServices()
  const { data } = useQuery({ queryKey: kKey, queryFn: () => readBudgets(http), refetchInterval: 2 * kAgainMs })
  const over = data?.filter(({ state }) => state === 'over') ?? []
  if (over.length === 0) return null
  return (
    <Notice tone="warning">
      {over.map(({ id, words, action }) => (
        <p key={id}>
          {words.charAt(0).toUpperCase() + words.slice(1)}.{action === 'pause' && ' The dashboard sends no more prompts in it.'}
        </p>
      ))}
    </Notice>
  )
}
