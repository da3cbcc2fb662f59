// Who is logged in, and the renewal of a login that lasts ten minutes: ahead of time, once at a time over all tabs.
import { ApiError, isUnauthorized, type Http } from './http.ts'
import { Listeners } from './listeners.ts'
import type { AuthState, User } from './types.ts'

// Access lasts ten minutes; at 80 % it is renewed, so nothing that is open notices.
export const kRenewAfterMs = 8 * 60_000
const kCheckEveryMs = 15_000

export type Who =
  | { kind: 'loading' }
  // The server cannot be asked.
  | { kind: 'unreachable'; message: string }
  // Nobody has an account yet.
  | { kind: 'setup' }
  | { kind: 'nobody'; expired: boolean }
  | { kind: 'somebody'; user: User }

export interface AuthEnv {
  now: () => number
  // When the login was last renewed, shared by all tabs of the browser; null when nobody logged in here.
  stamp: { get(): number | null; set(value: number | null): void }
  // Runs one at a time over all tabs, where the browser can do that.
  exclusively: <T>(work: () => Promise<T>) => Promise<T>
}

export class Auth {
  private who: Who = { kind: 'loading' }
  private renewing: Promise<boolean> | null = null
  private timer: ReturnType<typeof setInterval> | null = null
  private readonly listeners = new Listeners()
  private http: Http | null = null

  constructor(private readonly env: AuthEnv) {}

  // Http needs Auth to renew, Auth needs Http to ask: the composition root joins them.
  use(http: Http): void {
    this.http = http
  }

  readonly subscribe = (listener: () => void): (() => void) => this.listeners.add(listener)
  readonly current = (): Who => this.who

  async load(): Promise<void> {
    try {
      let state = await this.state()
      if (!state.authenticated && !state.setup_required && this.env.stamp.get() !== null) {
        if (await this.renew(this.env.now())) state = await this.state()
      }
      if (state.setup_required) this.become({ kind: 'setup' })
      else if (state.authenticated && state.user !== null) {
        // A login made elsewhere than on this page, or before its storage was cleared, is renewed at the next check.
        if (this.env.stamp.get() === null) this.env.stamp.set(0)
        this.become({ kind: 'somebody', user: state.user })
      }
      else this.become({ kind: 'nobody', expired: false })
    } catch (error) {
      this.become({ kind: 'unreachable', message: error instanceof Error ? error.message : String(error) })
    }
  }

  async login(name: string, password: string): Promise<void> {
    await this.client().json('POST', '/api/auth/login', { body: { name, password } })
    this.env.stamp.set(this.env.now())
    await this.load()
  }

  async setup(code: string, name: string, password: string): Promise<void> {
    await this.client().json('POST', '/api/auth/setup', { body: { code, name, password } })
    const state = await this.state()
    if (!state.authenticated) return this.login(name, password)
    this.env.stamp.set(this.env.now())
    await this.load()
  }

  async logout(): Promise<void> {
    await this.client().json('POST', '/api/auth/logout', { body: {} })
    this.env.stamp.set(null)
    this.become({ kind: 'nobody', expired: false })
  }

  // Another tab logged in or out.
  async recheck(): Promise<void> {
    if (this.who.kind === 'loading') return
    if (this.env.stamp.get() === null) this.denied()
    else if (this.who.kind !== 'somebody') await this.load()
  }

  // True when the login is good again; false when somebody must log in (the page then shows that). Throws an ApiError
  // when the server cannot be asked: that says nothing about the login.
  readonly renew = (asked: number): Promise<boolean> => {
    this.renewing ??= this.env.exclusively(() => this.renewOnce(asked)).finally(() => {
      this.renewing = null
    })
    return this.renewing
  }

  // Keeps the login fresh while the page is open.
  keepFresh(): void {
    this.timer ??= setInterval(() => void this.renewWhenDue(), kCheckEveryMs)
    void this.renewWhenDue()
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer)
    this.timer = null
  }

  private async renewWhenDue(): Promise<void> {
    if (this.who.kind !== 'somebody') return
    const now = this.env.now()
    if (now - (this.env.stamp.get() ?? 0) < kRenewAfterMs) return
    try {
      await this.renew(now)
    } catch {
      // The server is away: the next check, or the next request, tries again.
    }
  }

  private async renewOnce(asked: number): Promise<boolean> {
    const last = this.env.stamp.get()
    // Nobody logged in in this browser, or somebody logged out: there is nothing to renew.
    if (last === null) return this.denied()
    if (last > asked) return true
    try {
      await this.client().json('POST', '/api/auth/refresh', { body: {} })
      this.env.stamp.set(this.env.now())
      return true
    } catch (error) {
      if (!isUnauthorized(error) && !(error instanceof ApiError && error.status === 403)) throw error
      this.env.stamp.set(null)
      return this.denied()
    }
  }

  private denied(): false {
    if (this.who.kind === 'somebody') this.become({ kind: 'nobody', expired: true })
    return false
  }

  private state(): Promise<AuthState> {
    return this.client().json<AuthState>('GET', '/api/auth/state')
  }

  private client(): Http {
    if (this.http === null) throw new Error('Auth.use() comes first')
    return this.http
  }

  private become(who: Who): void {
    this.who = who
    this.listeners.notify()
  }
}
