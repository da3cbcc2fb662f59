// Usage, cost and budgets: the routes and their values, as docs/openapi.yaml gives them.
import type { Http } from './http.ts'
import type { Micros } from './types.ts'

export type GroupBy = 'day' | 'session' | 'project' | 'model'

export interface Amounts {
  // Tokens.
  input: number
  output: number
  cache_read: number
  cache_write: number
  messages: number
  cost_usd: number
  lines_added: number
  lines_removed: number
  working_seconds: number
  waiting_seconds: number
}

export interface UsageRow extends Amounts {
  key: string
  // Of a session: its name, empty when it is not known any more.
  name: string
  // The second key, where one was asked for.
  then: string
}

export interface Usage {
  from: string
  to: string
  rows: readonly UsageRow[]
  total: Amounts
}

export interface UsageQuery {
  // "2026-11-28", both included.
  from: string
  to: string
  by: GroupBy
  then?: GroupBy
}

export type BudgetScope = 'all' | 'project' | 'session'
export type BudgetPeriod = 'day' | 'week' | 'month' | 'ever'
export type BudgetUnit = 'usd' | 'tokens'
export type BudgetAction = 'warn' | 'pause'

export interface NewBudget {
  scope: BudgetScope
  target: string
  period: BudgetPeriod
  unit: BudgetUnit
  // US dollars or tokens.
  bound: number
  action: BudgetAction
}

export interface Budget extends NewBudget {
  id: string
  used: number
  // near: four fifths of it.
  state: 'ok' | 'near' | 'over'
  words: string
  created_by: string
  created_at: Micros
}

export function usageAddress(query: UsageQuery, kind: 'json' | 'csv' = 'json'): string {
  const search = new URLSearchParams({ from: query.from, to: query.to, by: query.by })
  if (query.then !== undefined) search.set('then', query.then)
  return `/api/usage${kind === 'csv' ? '.csv' : ''}?${search.toString()}`
}

export function readUsage(http: Http, query: UsageQuery): Promise<Usage> {
  return http.json('GET', usageAddress(query))
}

export async function readBudgets(http: Http): Promise<readonly Budget[]> {
  const { budgets } = await http.json<{ budgets: readonly Budget[] }>('GET', '/api/budgets')
  return budgets
}

export async function addBudget(http: Http, budget: NewBudget): Promise<void> {
  await http.json('POST', '/api/budgets', { body: budget })
}

export async function removeBudget(http: Http, id: string): Promise<void> {
  await http.json('DELETE', `/api/budgets/${encodeURIComponent(id)}`)
}
